import type { StateArray } from '../../engine/array/codec.ts';
import type { PointFailure } from '../../engine/errors.ts';
import type { AnalysisPlan, DesignPlan } from './plan.ts';
import type { Quantities } from './quantities.ts';
import type { Store } from './store.ts';
import type { SumStore } from './sum-store.ts';

/** Evaluates base points and keeps what an analysis needs of them: all outputs, or sums alone. */
export interface Keeper {
  readonly kind: 'columns' | 'sums';
  /** Base points of the largest chunk, and the number of which every chunk is a multiple. */
  readonly capacity: number;
  readonly grain: number;
  /** What the analysis reads. */
  readonly store: Store | SumStore;
  /**
   * Base points first .. first + n - 1 of a replicate. What is kept changes only when all of them are evaluated.
   * @throws what the evaluator throws.
   */
  evaluate(replicate: number, first: number, n: number): Promise<Kept>;
  /** Whether `perReplicate` base points a replicate fit into memory. */
  fits(perReplicate: number): boolean;
  /** Room for `perReplicate` base points in each replicate, keeping the first `filled[r]` of each. */
  resize(perReplicate: number, filled: ArrayLike<number>): void;
  /** What is kept, as named arrays for a snapshot, and back into a fresh keeper. */
  write(): Readonly<Record<string, StateArray>>;
  read(arrays: Readonly<Record<string, StateArray>>): void;
  /** Idempotent. */
  release(): void;
}

export interface Kept {
  readonly failures: readonly PointFailure[];
  /** Base points newly dropped, when failed rows are. */
  readonly dropped: number;
}

/** What a keeper reads of a method. */
export interface KeeperPlan {
  readonly design: DesignPlan;
  readonly plan: AnalysisPlan;
  readonly quantities: Quantities;
}
