import {
  denoisingMcmc,
  edmStochastic,
  mixtureDenoiser,
  moduleModel,
  noisedDensityMcmc,
  veLinear,
} from 'ensample';

// What clusters import: from the built package, as users have it.

const mixture = {
  weights: [0.4, 0.6],
  means: [
    [-1, 0.5],
    [1.5, 0],
  ],
  covariances: [
    [
      [0.04, 0],
      [0, 0.09],
    ],
    [
      [0.09, 0.02],
      [0.02, 0.05],
    ],
  ],
};
const denoiser = mixtureDenoiser(mixture, veLinear());
/** What a network would be: a score and nothing else. */
const network = {
  dimension: 2,
  schedule: veLinear(),
  prediction: 'score',
  name: 'network',
  predict: (x, time, out) => denoiser.predict(x, time, out),
};
const levels = Array.from({ length: 12 }, (_, g) => 0.05 * 40 ** (g / 11));
const chains = (name, options) =>
  denoisingMcmc({
    ...{ denoiser, levels, chains: 6, kept: 9, warmup: 16, denoiseSteps: 6 },
    ...options,
    module: moduleModel(import.meta.url, name),
  });

export const exact = () => chains('exact');
export const published = () =>
  chains('published', { mode: 'published', pick: 'min-sigma', start: 'denoised' });
/** Levels by scores, kept states of the smallest level, noise on the way to the data. */
export const unadjusted = () =>
  chains('unadjusted', {
    ...{ denoiser: network, levelLaw: 'heat-equation', mode: 'unadjusted', skip: 2, moves: 2 },
    ...{ pick: 'min-sigma', integrator: edmStochastic(), tweedie: 0.01, chains: 40, kept: 20, warmup: 4 },
  });
/** Nothing is adapted: chains are independent from the start. */
export const cold = () => chains('cold', { warmup: 0, skip: 1 });

const bell = {
  logDensity(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = -(x[2 * i] ** 2 + x[2 * i + 1] ** 4) / 2;
  },
  gradient(x, out, gradient) {
    this.logDensity(x, out);
    for (let i = 0; i < out.length; i++) {
      gradient[2 * i] = -x[2 * i];
      gradient[2 * i + 1] = -2 * x[2 * i + 1] ** 3;
    }
  },
};
export const noised = () =>
  noisedDensityMcmc({
    ...{ logDensity: bell, dimension: 2, noise: [0.2, 4], chains: 7, kept: 8, skip: 2, warmup: 12 },
    start: Float64Array.from({ length: 14 }, (_, at) => (at - 7) / 10),
    module: moduleModel(import.meta.url, 'noised'),
  });
/** Says that it is another one. */
export const other = () => chains('exact', { kept: 10 });
export const nothing = 7;
