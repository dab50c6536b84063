import type { Backend } from '../backend/backend.ts';
import type { BatchFn } from '../types.ts';
import type { ModelLike } from './model.ts';
import type { Place } from './place.ts';

/** A log density with its gradient, over batches of rows. */
export interface DensityWithGradient {
  /** x [n, d] -> out [n]. */
  readonly logDensity: BatchFn;
  /** x [n, d] -> out [n] and gradient [n, d], together. */
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array): void | Promise<void>;
}

/**
 * Any form of a log density: a function of a batch, any model (`pointwise`, `moduleModel`, `gpuKernel`, ...) with one
 * output, one with its gradient, or a gpuKernel of d + 1 outputs: its score and then the log density.
 */
export type LogDensitySource = ModelLike | DensityWithGradient;

export interface LogDensityOptions {
  /** Name used in messages: 'smcSampler'. */
  readonly where: string;
  /** The option it came from, for messages: 'logLikelihood'. Default 'logDensity'. */
  readonly option?: string;
  readonly source: LogDensitySource;
  /** d */
  readonly dimension: number;
  /** [d] names of the coordinates, for models that take { name: value }. Default x1..xd. */
  readonly names?: readonly string[];
  /** Evaluations planned in all, by which the backend decides whether a graphics card pays. */
  readonly planned: number;
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** A log density that can be evaluated. -Infinity is a value; NaN, +Infinity and a throw are ValueErrors with the point. */
export interface LogDensity {
  readonly dimension: number;
  /** Whether `evaluate` fills gradients. */
  readonly gradient: boolean;
  /** Rows evaluated so far, with or without gradient. */
  readonly evaluations: number;
  /** Where it runs and why, for provenance. */
  readonly place: Place;
  /**
   * Log density of rows 0..n-1 of `x` [n, d] into `out` [n], and its gradient into `gradient` [n, d]. `x` is from an
   * arena of the backend. A gradient where the density is -Infinity may be anything.
   * @throws ValueError naming the first bad point, its index and coordinates; OptionError when a gradient is asked for and
   * there is none.
   */
  evaluate(x: Float64Array, n: number, out: Float64Array, gradient?: Float64Array): Promise<void>;
  /** Give memory back. */
  dispose(): void;
}
