import type { Inputs } from '../../../engine/distribution/inputs.ts';
import type { PointFailure } from '../../../engine/errors.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { ExpectationsOptions, ExpectationsResult } from '../expectations/types.ts';

/** What `importanceSobol` passes on to `expectations`. */
type Passed = Pick<
  ExpectationsOptions,
  | 'outputs'
  | 'points'
  | 'stages'
  | 'proposal'
  | 'floor'
  | 'defensive'
  | 'controls'
  | 'design'
  | 'replicates'
  | 'allocation'
  | 'keep'
  | 'preset'
  | 'level'
  | 'missing'
>;

export interface ImportanceSobolOptions extends Passed {
  readonly model: ModelLike;
  /** { name: law }, independent; the order is the column order. */
  readonly inputs: Inputs;
  /** Treat inputs together: { soil: ['k1', 'k2'] }. Inputs not named are groups of their own. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** The one output looked at. Default: the first. */
  readonly output?: string;
  /**
   * 'difference': half squared differences, to which the mean of the output does not matter. 'product': products of outputs, as in the
   * source; several times as accurate where the mean is at most a few standard deviations and the model smooth. Default
   * 'difference'.
   */
  readonly form?: 'difference' | 'product';
  /** Spend the sample on the indices, by their gradients, or on the expectations they are made of. Default 'indices'. */
  readonly optimize?: 'indices' | 'expectations';
}

export interface ImportanceSobolResult extends Result {
  /** First-order indices, then total ones: 'S1 a', 'ST a'. */
  readonly estimate: IntervalEstimate;
  /** Var(E[Y | X_i]) / Var(Y), of groups where there are any. */
  readonly firstOrder: IntervalEstimate;
  /** E[Var(Y | X_-i)] / Var(Y) */
  readonly totalOrder: IntervalEstimate;
  /** The output looked at. */
  readonly output: string;
  /** [1] Var(Y). */
  readonly variance: IntervalEstimate;
  /** The expectations behind the indices, with their diagnostics; `sample.points` are rows (x, x') of them. */
  readonly expectations: ExpectationsResult;
  /** Model runs a point costs: two and one for each group. */
  readonly runsPerPoint: number;
  /** The first 1000 failed points, and how many there were. */
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
