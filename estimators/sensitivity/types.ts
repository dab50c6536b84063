import type { Dependence, Inputs } from '../../engine/distribution/inputs.ts';
import type { PointFailure } from '../../engine/errors.ts';
import type { MissingPolicy } from '../../engine/model/missing.ts';
import type { ModelLike } from '../../engine/model/model.ts';
import type { Result } from '../../engine/sampler.ts';
import type { IntervalEstimate } from '../../engine/types.ts';

/** First-order / total-order estimators by name, sensitivity.md section 3. */
export type EstimatorName =
  | 'homma-saltelli'
  | 'saltelli2002'
  | 'saltelli'
  | 'jansen'
  | 'mauntz'
  | 'janon'
  | 'martinez'
  | 'azzini'
  | 'owen'
  | 'oracle'
  | 'jansen-sym'
  | 'martinez-sym';

export type DesignName = 'sobol' | 'lhs' | 'iid';
export type IntervalName = 'replicates' | 'asymptotic' | 'bootstrap' | 'none';
export type BootstrapName = 'normal' | 'percentile' | 'basic' | 'bca';
export interface DesignOptions {
  /** { name: law }; the order is the column order. */
  readonly inputs: Inputs;
  /** Dependence inside groups; groups must be independent of each other. */
  readonly dependence?: Dependence;
  /** Treat inputs together: { soil: ['k1', 'k2'] }. Inputs not named are groups of their own. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Base points in total over all replicates; a power of two. Default 16384. */
  readonly points?: number;
  /** Independent scrambles that share the points. Default 8 for 'sobol', else 1. */
  readonly replicates?: number;
  readonly design?: DesignName;
  /** Also estimate all pairs; costs (2D + 2) instead of (D + 2) runs a point. Default false. */
  readonly secondOrder?: boolean;
  /** Default: 'azzini' with second order, else first by 'saltelli' and total by 'jansen'. */
  readonly estimator?: EstimatorName;
  /** Extra sets whose closed and total index is wanted, by input or group names. */
  readonly closed?: readonly (readonly string[])[];
  /** Superset (total interaction) importance: true for all pairs, or a list of pairs. One more block of runs each. */
  readonly superset?: boolean | readonly (readonly [string, string])[];
}

export interface AnalysisOptions {
  /** Names of the outputs. Default ['y'], or found from the model. */
  readonly outputs?: readonly string[];
  readonly interval?: IntervalName;
  /** Kind of bootstrap interval. Default 'percentile'. */
  readonly bootstrap?: BootstrapName;
  /** Bootstrap resamples. Default 1000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly level?: number;
  readonly missing?: MissingPolicy;
  /** Known means of the outputs, for the 'oracle' estimator. */
  readonly means?: readonly number[];
}

export interface SobolOptions extends DesignOptions, AnalysisOptions {
  readonly model: ModelLike;
  /** Double the points until the widest half-width of the total indices is at most this. */
  readonly until?: number;
  /** Base points at which doubling gives up. Default 2^22. */
  readonly maxPoints?: number;
}

/** Indices of one output; entries follow the groups (inputs), pairs in the order (0,1), (0,2), ... */
export interface OutputIndices {
  readonly name: string;
  readonly firstOrder: IntervalEstimate;
  readonly totalOrder: IntervalEstimate;
  /** Behind `totalOrder` when at least two replicates make its intervals: differences of inputs are paired by replicate. */
  readonly replicateTotals?: ReplicateValues;
  /** Absent unless asked for. names: 'a x b'. */
  readonly secondOrder: PairEstimate | undefined;
  readonly superset: PairEstimate | undefined;
  /** For each set of `closed`: Var(E[Y|X_u])/V and its total index. names: 'a+b'. */
  readonly closed: IntervalEstimate | undefined;
  readonly closedTotal: IntervalEstimate | undefined;
  /** Sum of the total indices, one number. */
  readonly meanDimension: IntervalEstimate;
  /** 1 minus the sum of the first-order indices (all interactions), one number. */
  readonly interaction: IntervalEstimate;
  readonly mean: number;
  readonly variance: number;
  /** True when the output never changed: all indices are NaN. */
  readonly constant: boolean;
  /** Largest share of the variance carried by one point. */
  readonly largestShare: number;
}

/** Estimates of D indices by each of R replicates; their means are the values of the family. */
export interface ReplicateValues {
  readonly replicates: number;
  /** [R, D], row-major. */
  readonly values: Float64Array;
}

export interface PairEstimate extends IntervalEstimate {
  readonly pairs: readonly (readonly [number, number])[];
}

/** Estimates at n/2^k points, from prefixes of the same scrambles; smallest first, the last is the full run. */
export interface HistoryEntry {
  /** Base points in total. */
  readonly points: number;
  readonly firstOrder: IntervalEstimate;
  readonly totalOrder: IntervalEstimate;
}

/** The shape of the design that was evaluated. */
export interface DesignInfo {
  readonly kind: DesignName;
  readonly points: number;
  readonly replicates: number;
  /** Replicates evaluated whole; below `replicates` when interrupted. */
  readonly completeReplicates: number;
  /** Rows (model runs) a base point costs. */
  readonly rowsPerPoint: number;
  readonly evaluations: number;
  readonly inputs: readonly string[];
  /** Names of the groups, equal to `inputs` when there are none. */
  readonly groups: readonly string[];
  readonly interval: IntervalName;
  readonly estimator: string;
  readonly seed: number;
}

export interface SobolResult extends Result {
  /** Of the only output, or aggregated over all outputs. */
  readonly firstOrder: IntervalEstimate;
  readonly totalOrder: IntervalEstimate;
  readonly secondOrder: PairEstimate | undefined;
  /** One entry an output. */
  readonly outputs: readonly OutputIndices[];
  /** Sum of partial variances over sum of variances; undefined for one output. */
  readonly aggregated: OutputIndices | undefined;
  /** Of the only output, or of the aggregate. */
  readonly history: readonly HistoryEntry[];
  readonly design: DesignInfo;
  /**
   * Inputs of the A rows [n, D] and their outputs [n, k], for pictures: of all base points evaluated, or of the first
   * 65 536 / replicates of each replicate when sums were taken on a graphics card.
   */
  readonly base: { readonly x: Float64Array; readonly y: Float64Array; readonly n: number };
  /** The first 1000 failed points, and how many rows were left out. */
  readonly failures: readonly PointFailure[];
  readonly failed: number;
  readonly dropped: number;
}
