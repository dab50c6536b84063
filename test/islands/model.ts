import { type IslandMaker, kalmanFilter, linearGaussian, particleFilter } from '../../estimators/index.ts';

/** A hidden walk seen through noise, 12 steps. */
const walk = linearGaussian({
  transition: 0.9,
  transitionCovariance: 1,
  observation: 1,
  observationCovariance: 1,
  initialCovariance: 1,
});

const OBSERVED = [0.6, 1.9, 0.3, -1.2, -0.4, 1.1, 2.8, 1.7, 0.2, -0.9, -2.6, -1.1];
const observations = OBSERVED.map((y) => [y]);

const { logNormalizer, mean } = kalmanFilter(walk, observations);

/** log p(y) and E[x_T | y]. */
export const truth = { logNormalizer, mean: mean[mean.length - 1]! };

/** An island of n particles. */
export function filterOf(particles: number): IslandMaker {
  return () => particleFilter({ model: walk, observations, particles });
}
