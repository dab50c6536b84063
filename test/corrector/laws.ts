import {
  type Denoiser,
  gaussianDenoiser,
  mixtureDenoiser,
  type NoiseSchedule,
  vpLinear,
} from '../../estimators/index.ts';

export const vp: NoiseSchedule = vpLinear();
export const mixture: Denoiser = mixtureDenoiser(
  {
    weights: [0.6, 0.4],
    means: [
      [-1, 0],
      [1, 0.5],
    ],
    covariances: [
      [
        [0.5, 0.1],
        [0.1, 0.4],
      ],
      [
        [0.3, 0],
        [0, 0.6],
      ],
    ],
  },
  vp,
);
/** Normal laws of one number. */
export const narrow: Denoiser = gaussianDenoiser({ mean: [0.5], covariance: [[0.25]] }, vp);
export const broad: Denoiser = gaussianDenoiser({ mean: [0], covariance: [[1]] }, vp);

/** A denoiser as a network would be: scores and nothing else. */
export function network(expert: Denoiser): Denoiser {
  const { dimension, schedule, prediction } = expert;
  return {
    name: 'net',
    dimension,
    schedule,
    prediction,
    predict: (x, time, out) => expert.predict(x, time, out),
  };
}
