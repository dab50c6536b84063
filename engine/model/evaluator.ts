import type { Backend } from '../backend/backend.ts';
import type { PointFailure } from '../errors.ts';
import type { ModelLike } from './model.ts';

export interface EvaluatorOptions {
  /** Name used in messages: 'sobolIndices'. */
  readonly where: string;
  readonly model: ModelLike;
  /** Names of the columns of x. */
  readonly names: readonly string[];
  /** Names of the outputs. When absent, a pointwise or named model tells by its first answer; a batch has one. */
  readonly outputs?: readonly string[];
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

export interface Batch {
  /** Outputs [n, k] row-major, NaN where a point failed. Valid until the next call. */
  readonly y: Float64Array;
  readonly failures: readonly PointFailure[];
}

/** The one place where a model meets points: counts them, yields to the event loop, and collects failures. */
export interface Evaluator {
  /** Names of the k outputs; known after the first batch when the options did not give them. */
  readonly outputs: readonly string[];
  readonly evaluations: number;
  /** Why the model runs where it runs, for provenance: undefined when it runs in all workers. */
  readonly note: string | undefined;
  /**
   * Evaluate n points of `x` [n, d].
   * A point that throws, rejects, or returns NaN, an infinity or the wrong number of values is a failure of
   * that point, not of the batch. A failure's index counts points over the evaluator's whole life.
   * @throws ModelError when the model cannot be loaded or called at all; the signal's reason when aborted.
   */
  evaluate(x: Float64Array, n: number): Promise<Batch>;
}
