import { gpuKernel } from '../../../engine/backend/user-kernel.ts';
import { kernelStateSpace } from '../../../estimators/smc/models/kernel-state-space.ts';
import { linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import { stochasticVolatility } from '../../../estimators/smc/models/stochastic-volatility.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';

/** Two numbers, of which the noise of the second is that of the first twice: a singular Q; one observed, with shifts. */
export const LINEAR = linearGaussian({
  transition: [
    [0.9, 0.1],
    [0, 0.8],
  ],
  transitionShift: [0.1, 0.2],
  transitionCovariance: [
    [0.25, 0.5],
    [0.5, 1],
  ],
  observation: [[1, -0.5]],
  observationShift: 0.3,
  observationCovariance: 0.8,
  initialMean: [1, 2],
  initialCovariance: [
    [2, 0.5],
    [0.5, 1],
  ],
});

export const VOLATILITY = stochasticVolatility({ mean: -1, persistence: 0.95, volatility: 0.4 });

/** A growth model whose force is a function of the step: x' = x / 2 + 25 x / (1 + x^2) + 8 cos(1.2 t) + 3 z, y = x^2 / 20 + e. */
export const GROWTH = kernelStateSpace({
  initial: gpuKernel((z) => 2 * z[0]!, { dims: 1, name: 'initial' }),
  transition: gpuKernel(
    (at) => at[0]! / 2 + (25 * at[0]!) / (1 + at[0]! * at[0]!) + 8 * Math.cos(1.2 * at[2]!) + 3 * at[1]!,
    { dims: 3, name: 'growth' },
  ),
  logObservation: gpuKernel(
    (at) => {
      const e = at[1]! - (at[0]! * at[0]!) / 20;
      return -0.5 * e * e - 0.9189385332046727;
    },
    { dims: 2, name: 'square' },
  ),
});

/**
 * Models and how near a card comes to the host until an ancestor differs, relative above 1. The growth model multiplies an
 * error by up to 25.5 at a step: 6e-8 |x| of float32, |x| about 20, over two steps.
 */
export const MODELS: readonly (readonly [model: StateSpaceModel, tolerance: number])[] = [
  [LINEAR, 1e-5],
  [VOLATILITY, 1e-5],
  [GROWTH, 1e-3],
];

/** A walk of which only x >= 0 can be seen, at y = 0; from step 2 on y = 1 makes the potential NaN below 0, y = 2 nothing possible. */
export const CLIFF = kernelStateSpace({
  initial: gpuKernel((z) => z[0]!, { dims: 1, name: 'start' }),
  transition: gpuKernel((at) => at[0]! + at[1]!, { dims: 2, name: 'walk' }),
  logObservation: gpuKernel(
    (at) => {
      if (at[1]! > 1.5) return -Infinity;
      if (at[1]! > 0.5) return Math.log(at[0]!);
      return at[0]! < 0 ? -Infinity : -at[0]!;
    },
    { dims: 2, name: 'cliff' },
  ),
});
