import { affineDensityProgram, affineProgram } from '../../../engine/backend/wgsl/program.ts';
import { checkOptionNames } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { StateSpaceCard, StateSpaceKernels, StateSpaceModel } from '../state-space.ts';
import { type AffineLaw, affineLaw, drawKernel, drawRows, logDensityRows, withNoise } from './affine-law.ts';
import { affineObservation, observationDensity, observationKernel, whitened } from './affine-observation.ts';
import {
  type MatrixLike,
  readMatrix,
  readSymmetric,
  readVector,
  rowCount,
  type VectorLike,
} from './matrices.ts';

/*
 * x_0 ~ N(m0, P0),  x_t = A x_{t-1} + b + N(0, Q),  y_t = H x_t + c + N(0, R).
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | A, b, Q | transition, transitionShift, transitionCovariance | [d, d], [d], [d, d] |
 * | H, c, R | observation, observationShift, observationCovariance | [k, d], [k], [k, k] |
 * | m0, P0 | initialMean, initialCovariance | [d], [d, d] |
 */

/** Matrices are rows of numbers; a number stands for one row of one. */
export interface LinearGaussianOptions {
  readonly transition: MatrixLike;
  /** Default 0. */
  readonly transitionShift?: VectorLike;
  /** Positive semidefinite. A singular one leaves the model without a transition density. */
  readonly transitionCovariance: MatrixLike;
  /** Default the identity: every number of the state is observed. */
  readonly observation?: MatrixLike;
  /** Default 0. */
  readonly observationShift?: VectorLike;
  /** Positive definite. */
  readonly observationCovariance: MatrixLike;
  /** Default 0. */
  readonly initialMean?: VectorLike;
  /** Positive semidefinite. */
  readonly initialCovariance: MatrixLike;
}

/** The numbers of a linear Gaussian model, row-major. */
export interface LinearGaussianMatrices {
  /** d */
  readonly dimension: number;
  /** k */
  readonly observed: number;
  /** A [d, d] */
  readonly transition: Float64Array;
  /** b [d] */
  readonly transitionShift: Float64Array;
  /** Q [d, d] */
  readonly transitionCovariance: Float64Array;
  /** H [k, d] */
  readonly observation: Float64Array;
  /** c [k] */
  readonly observationShift: Float64Array;
  /** R [k, k] */
  readonly observationCovariance: Float64Array;
  /** m0 [d] */
  readonly initialMean: Float64Array;
  /** P0 [d, d] */
  readonly initialCovariance: Float64Array;
}

export interface LinearGaussian extends StateSpaceModel {
  readonly observed: number;
  readonly noise: number;
  readonly linear: LinearGaussianMatrices;
  readonly kernels: StateSpaceKernels;
  readonly card: StateSpaceCard;
}

const OPTIONS = [
  'transition',
  'transitionShift',
  'transitionCovariance',
  'observation',
  'observationShift',
  'observationCovariance',
  'initialMean',
  'initialCovariance',
] as const;

const WHERE = 'linearGaussian';

/**
 * A linear Gaussian state-space model, whose exact answers `kalmanFilter` and `kalmanSmoother` give.
 *
 * `logTransition` is absent where Q is singular, `logInitial` where P0 is: there is no such density, and filters and
 * smoothers that need one refuse the model.
 * @throws OptionError for shapes that do not fit, numbers that are not finite, a Q or P0 that is not positive semidefinite,
 * an R that is not positive definite.
 */
export function linearGaussian(options: LinearGaussianOptions): LinearGaussian {
  checkOptionNames(WHERE, options, OPTIONS);
  const linear = readMatrices(options);
  const { dimension: d, observed, transition: matrix, observation, observationShift } = linear;
  const law = (option: string, shift: Float64Array, a: Float64Array, covariance: Float64Array): AffineLaw =>
    affineLaw({ shift, matrix: a, covariance }) ?? indefinite(option, covariance, 'positive semidefinite');
  const none = new Float64Array(0);
  const start = law('initialCovariance', linear.initialMean, none, linear.initialCovariance);
  const move = law('transitionCovariance', linear.transitionShift, matrix, linear.transitionCovariance);
  const noise = Math.max(1, start.noise, move.noise);
  const [initial, transition] = [withNoise(start, noise), withNoise(move, noise)];
  const seen =
    affineObservation(observation, observationShift, linear.observationCovariance) ??
    indefinite('observationCovariance', linear.observationCovariance, 'positive definite');
  const { density: initialDensity } = initial;
  const { density: moveDensity } = transition;
  return {
    linear,
    dimension: d,
    observed,
    noise,
    initial: (z, x) => drawRows(initial, x, z, x),
    transition: (_, parent, z, x) => drawRows(transition, parent, z, x),
    logObservation: (_, y, x, out) => observationDensity(seen, y, x, out),
    ...(initialDensity !== undefined && {
      logInitial: (x: Float64Array, out: Float64Array) => logDensityRows(initialDensity, 0, x, d, x, out),
    }),
    ...(moveDensity !== undefined && {
      logTransition: (_: number, parent: Float64Array, x: Float64Array, out: Float64Array) =>
        logDensityRows(moveDensity, d, parent, d, x, out),
      logTransitionBound: () => moveDensity.constant,
    }),
    kernels: {
      initial: (run, lent) => [drawKernel(initial, run, lent, PURPOSE.init, 0)],
      transition: (step, run, lent) => [drawKernel(transition, run, lent, PURPOSE.mutation, step)],
      logObservation: (_, y, run, out, lent) => [observationKernel(seen, y, run, out, lent)],
    },
    card: {
      initial: affineProgram(initial.draw, d),
      transition: affineProgram(transition.draw, d),
      logObservation: affineDensityProgram(seen.slope, observed),
      observe: (y) => ({ inputs: whitened(seen, y), offset: seen.constant }),
    },
  };
}

function readMatrices(options: LinearGaussianOptions): LinearGaussianMatrices {
  const d = rowCount(WHERE, 'transition', options.transition);
  const { observation = identityRows(d), transitionShift, observationShift, initialMean } = options;
  const k = rowCount(WHERE, 'observation', observation);
  const matrix = (name: 'transitionCovariance' | 'observationCovariance' | 'initialCovariance', m: number) =>
    readSymmetric(WHERE, name, options[name], m);
  const vector = (name: string, value: VectorLike | undefined, m: number): Float64Array =>
    value === undefined ? new Float64Array(m) : readVector(WHERE, name, value, m);
  return {
    dimension: d,
    observed: k,
    transition: readMatrix(WHERE, 'transition', options.transition, d, d),
    transitionShift: vector('transitionShift', transitionShift, d),
    transitionCovariance: matrix('transitionCovariance', d),
    observation: readMatrix(WHERE, 'observation', observation, k, d),
    observationShift: vector('observationShift', observationShift, k),
    observationCovariance: matrix('observationCovariance', k),
    initialMean: vector('initialMean', initialMean, d),
    initialCovariance: matrix('initialCovariance', d),
  };
}

function identityRows(d: number): number[][] {
  return Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => (i === j ? 1 : 0)));
}

function indefinite(option: string, value: unknown, expected: string): never {
  throw new OptionError({
    where: WHERE,
    option,
    value,
    found: `option \`${option}\` is not ${expected}`,
    expected: `a ${expected} matrix`,
    fix: 'Entries chosen pair by pair may contradict each other; bring those off the diagonal nearer to 0.',
  });
}
