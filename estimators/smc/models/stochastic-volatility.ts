import { affineProgram, volatilityProgram } from '../../../engine/backend/wgsl/program.ts';
import { checkNumber, checkOptionNames } from '../../../engine/check.ts';
import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { volatilityLogDensity } from '../../../engine/wasm/twins/affine.ts';
import type { StateSpaceCard, StateSpaceKernels, StateSpaceModel } from '../state-space.ts';
import { affineLaw, drawKernel, drawRows, logDensityRows } from './affine-law.ts';

/*
 * x_0 ~ N(mu, sigma^2 / (1 - rho^2)),  x_t = mu + rho (x_{t-1} - mu) + sigma u_t,  y_t ~ N(0, exp x_t).
 *
 * | symbol | name here |
 * |---|---|
 * | mu, the mean of the log variance | mean |
 * | rho | persistence |
 * | sigma | volatility |
 */
export interface StochasticVolatilityOptions {
  /** Mean of the log variance of a return, in log units of y squared. */
  readonly mean: number;
  /** Correlation of neighbouring log variances, in (-1, 1). */
  readonly persistence: number;
  /** Standard deviation of a step of the log variance, above 0. */
  readonly volatility: number;
}

export interface StochasticVolatility extends StateSpaceModel {
  readonly kernels: StateSpaceKernels;
  readonly card: StateSpaceCard;
}

/** 2 log |y| of a return of 0, for float32: e to it is 0. */
const LOG_NOTHING = -1e30;

/**
 * Log variance x_t of a series of returns y_t as a stationary autoregression.
 * @throws OptionError for a parameter outside its range.
 * Source: Kim, Shephard & Chib (1998), equation 1.
 */
export function stochasticVolatility(options: StochasticVolatilityOptions): StochasticVolatility {
  const where = 'stochasticVolatility';
  checkOptionNames(where, options, ['mean', 'persistence', 'volatility']);
  const { mean, persistence: rho, volatility: sigma } = options;
  checkNumber(where, 'mean', mean, Number.isFinite, 'a finite number');
  checkNumber(where, 'persistence', rho, (x) => Math.abs(x) < 1, 'a number between -1 and 1, both excluded');
  checkNumber(where, 'volatility', sigma, (x) => x * x > 0 && x * x < Infinity, 'a finite number above 0');
  const law = (shift: number, matrix: readonly number[], variance: number) =>
    affineLaw({
      shift: Float64Array.of(shift),
      matrix: Float64Array.from(matrix),
      covariance: Float64Array.of(variance),
    })!;
  const initial = law(mean, [], (sigma * sigma) / (1 - rho * rho));
  const transition = law(mean * (1 - rho), [rho], sigma * sigma);
  return {
    dimension: 1,
    observed: 1,
    noise: 1,
    initial: (z, x) => drawRows(initial, x, z, x),
    transition: (_, parent, z, x) => drawRows(transition, parent, z, x),
    logObservation: (_, y, x, out) => volatilityLogDensity(x, y[0]!, out, 0, out.length),
    logInitial: (x, out) => logDensityRows(initial.density!, 0, x, 1, x, out),
    logTransition: (_, parent, x, out) => logDensityRows(transition.density!, 1, parent, 1, x, out),
    logTransitionBound: () => transition.density!.constant,
    kernels: {
      initial: (run, lent) => [drawKernel(initial, run, lent, PURPOSE.init, 0)],
      transition: (step, run, lent) => [drawKernel(transition, run, lent, PURPOSE.mutation, step)],
      logObservation: (_, y, run, out) => [
        { kernel: 'volatilityLogDensity', args: [run.field('x'), y[0]!, out], over: 'rows' },
      ],
    },
    card: {
      initial: affineProgram(initial.draw, 1),
      transition: affineProgram(transition.draw, 1),
      logObservation: volatilityProgram,
      observe: ([y = 0]) => ({
        inputs: [y === 0 ? LOG_NOTHING : 2 * Math.log(Math.abs(y))],
        offset: -HALF_LOG_TWO_PI,
      }),
    },
  };
}
