import type { Arena, KernelCall } from '../../engine/backend/backend.ts';
import type { PointFunction } from '../../engine/backend/wgsl/program.ts';
import type { SmcRun } from '../../engine/particles/smc/feynman-kac.ts';

/*
 * A state-space model: x_0 ~ p(x_0), x_t ~ f_t(x_t | x_{t-1}), y_t ~ g_t(y_t | x_t), t = 0..T-1; a plain object of
 * functions over batches of rows.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_t, x_{t-1} | x, parent | [n, d] row-major |
 * | y_t | y | [k] |
 * | standard normals (or uniforms) that become x | z | [n, noise] |
 * | f_t, g_t, p | logTransition, logObservation, logInitial | [n] |
 */

/** The field that holds the state of a state-space model. */
export type StateFields = {
  readonly x: { readonly components: number };
};

/**
 * Hidden Markov model on real vectors. Each function handles n rows at once, n = out.length or x.length / d; a state is
 * a deterministic function of its parent and of standard normals, so that quasi-random points and shared noise work too.
 */
export interface StateSpaceModel {
  /** d, numbers in a state. */
  readonly dimension: number;
  /** k, numbers in an observation. Default 1. */
  readonly observed?: number;
  /** Standard normals that one draw of a state takes. Default d. */
  readonly noise?: number;
  /** x_0 from z [n, noise]. */
  initial(z: Float64Array, x: Float64Array): void;
  /** x_t from its parent and z [n, noise], t >= 1. */
  transition(step: number, parent: Float64Array, z: Float64Array, x: Float64Array): void;
  /** log g_t(y | x), with all constants; -Infinity where y is impossible. */
  logObservation(step: number, y: Float64Array, x: Float64Array, out: Float64Array): void;
  /** log p(x_0), for guided filters and smoothers. */
  logInitial?(x: Float64Array, out: Float64Array): void;
  /** log f_t(x | parent) row by row, for guided filters, smoothers and ancestor sampling. */
  logTransition?(step: number, parent: Float64Array, x: Float64Array, out: Float64Array): void;
  /** The largest value of logTransition at a step, for the rejection smoothers. */
  logTransitionBound?(step: number): number;
  /** The same model by kernels of the core, over whole runs whose arrays lie in an arena; same bits. */
  readonly kernels?: StateSpaceKernels;
  /** The same model for a graphics card, in float32: `kernelStateSpace` makes it of kernels. */
  readonly card?: StateSpaceCard;
}

/**
 * `initial`, `transition` and `logObservation` as kernels that draw their own normals at the loop's addresses, from arrays
 * of the run and of the arena `lent`.
 */
export interface StateSpaceKernels {
  initial(run: SmcRun<StateFields>, lent: Arena): readonly KernelCall[];
  transition(step: number, run: SmcRun<StateFields>, lent: Arena): readonly KernelCall[];
  logObservation(
    step: number,
    y: Float64Array,
    run: SmcRun<StateFields>,
    out: Float64Array,
    lent: Arena,
  ): readonly KernelCall[];
}

/**
 * `initial`, `transition` and `logObservation` as functions of one point that a card evaluates. A function whose points have
 * one number more than is said here gets the step as the last.
 */
export interface StateSpaceCard {
  /** x_0 [d] from z [noise]. */
  readonly initial: PointFunction;
  /** x_t [d] from its parent [d] and z [noise]. */
  readonly transition: PointFunction;
  /** log g_t(y | x) less an offset, from x [d] and what `observe` makes of y. */
  readonly logObservation: PointFunction;
  /** What the card is told of y, and what is added in float64 to what it answers. Default: y itself, and 0. */
  observe?(y: Float64Array): { readonly inputs: ArrayLike<number>; readonly offset: number };
}

/** A proposal that looks at the observation: q_0(x_0; y_0) and q_t(x_t; x_{t-1}, y_t). */
export interface Proposal {
  /** Standard normals that one draw takes. Default d. */
  readonly noise?: number;
  initial(y: Float64Array, z: Float64Array, x: Float64Array): void;
  logInitial(y: Float64Array, x: Float64Array, out: Float64Array): void;
  transition(step: number, y: Float64Array, parent: Float64Array, z: Float64Array, x: Float64Array): void;
  logTransition(
    step: number,
    y: Float64Array,
    parent: Float64Array,
    x: Float64Array,
    out: Float64Array,
  ): void;
}

/** log eta_t(x_t), a guess of log p(y_{t+1} | x_t), into `out` [n]; `next` is y_{t+1}. */
export type Lookahead = (step: number, next: Float64Array, x: Float64Array, out: Float64Array) => void;

/** One observation; null when it is missing. A number stands for a vector of one. */
export type Observation = number | ArrayLike<number> | null;
