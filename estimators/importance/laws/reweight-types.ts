import type { Dependence, Inputs } from '../../../engine/distribution/inputs.ts';
import type { Event } from '../../../engine/model/event.ts';
import type { IntervalEstimate, Warning } from '../../../engine/types.ts';
import type { OtherLaw } from '../expectations/types.ts';
import type { WeightedMean } from '../weighted/weighted-means.ts';
import type { WeightedResult } from '../weighted/weighted-result.ts';

export interface ReweightOptions {
  /** What was run: the result of `monteCarlo`, of `expectations`, or other weighted points with outputs. */
  readonly result: WeightedResult;
  /** The law of the inputs it was run with: what `sample.logWeight` is for. */
  readonly inputs: Inputs;
  readonly dependence?: Dependence;
  /** Laws the inputs may have instead, by name; an input that is not named keeps its law. */
  readonly laws: Readonly<Record<string, OtherLaw>>;
  /** Outputs whose mean is wanted. Default: all. */
  readonly means?: readonly string[];
  /** Events by name. */
  readonly probabilities?: Readonly<Record<string, Event>>;
  /** Levels of the quantiles wanted of every output. */
  readonly quantiles?: readonly number[];
  /**
   * 'plain': weights are ratios of normalised densities, as those of `monteCarlo` and `expectations` are; the means have the
   * right mean at any number of points. 'self-normalised': weights are known up to a factor, as after `missing: 'drop-row'`.
   * Default 'plain', unless points were left out.
   */
  readonly estimator?: 'plain' | 'self-normalised';
  /** Default 0.95. */
  readonly level?: number;
}

/** What would have been found under another law of the inputs. */
export interface WhatIf {
  readonly name: string;
  /** Means, then probabilities, then quantiles; no ends where no interval holds. */
  readonly estimate: IntervalEstimate;
  readonly mean: IntervalEstimate;
  readonly probabilities: IntervalEstimate;
  readonly quantiles: IntervalEstimate;
  /** [estimates] whether each was estimated, has summands that are too heavy, or was never seen. */
  readonly status: readonly WeightedMean['status'][];
  /** False when the law is too far from the points: Pareto shape above 0.7 or fewer than 50 effective points; no intervals. */
  readonly near: boolean;
  /** False when they tell nothing of the law (shape from 1 and fewer than 20 effective points, fewer than 10, or a mean weight that is not 1): values are NaN. */
  readonly told: boolean;
  /** Of the weights f_delta / h: Kish's effective points, Pareto shape, and the largest as a share of all. */
  readonly ess: number;
  readonly paretoShape: number;
  readonly largestShare: number;
  /**
   * Mean weight: 1 but for chance where the densities are normalised. Far below: the law has mass where there are no points.
   */
  readonly mass: number;
}

export interface ReweightResult {
  /** In the order of `laws`. */
  readonly laws: readonly WhatIf[];
  readonly warnings: readonly Warning[];
}
