import { anneal, corrector, gaussianDenoiser, linearGaussian, particleFilter, vpLinear } from 'ensample';

// What clusters import: from the built package, as users have it.

const walk = linearGaussian({
  ...{ transition: 0.9, transitionCovariance: 1, initialCovariance: 1 },
  ...{ observation: 1, observationCovariance: 1 },
});
const observations = [0.6, 1.9, 0.3, -1.2, -0.4, 1.1, 2.8, 1.7, 0.2, -0.9, -2.6, -1.1].map((y) => [y]);

/** An island of four particles. */
export function filter() {
  return particleFilter({ model: walk, observations, particles: 4 });
}

/** An island of a corrector: a normal law annealed by two. */
export function corrected() {
  const law = gaussianDenoiser({ mean: [0.3], covariance: [[0.5]] }, vpLinear());
  return corrector({ target: anneal(law, 2), particles: 64, steps: 8 });
}

/** No maker. */
export const truth = { mean: 0 };
