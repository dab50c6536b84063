import type { PointFailure } from '../../../engine/errors.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { MonteCarloOptions } from '../plain/monte-carlo-types.ts';

export interface StratifiedOptions
  extends Pick<
    MonteCarloOptions,
    'model' | 'inputs' | 'dependence' | 'outputs' | 'points' | 'probabilities' | 'level'
  > {
  /**
   * Inputs that are cut into strata: how many of equal probability, or the probabilities at which one ends and the next
   * begins, ascending between 0 and 1. With several inputs every combination is a stratum.
   */
  readonly strata: Readonly<Record<string, number | readonly number[]>>;
  /** Points of a stratum by its probability, or by probability times standard deviation. Default 'proportional'. */
  readonly allocation?: 'proportional' | 'neyman';
  /** Of the points of 'neyman', those that find the standard deviations and are then left aside. Default an eighth. */
  readonly pilot?: number;
  /** What to do with points at which the model fails. Default 'error'; leaving them out would change the strata. */
  readonly missing?: 'error' | number;
}

export interface StratifiedResult extends Result {
  /** Means of the k outputs, then probabilities. Unbiased. NaN until every stratum has two points. */
  readonly estimate: IntervalEstimate;
  readonly mean: IntervalEstimate;
  readonly probabilities: IntervalEstimate;
  /** [k + probabilities] variance of as many independent points over that of these. */
  readonly varianceReduction: Float64Array;
  /** The K strata, the last of the inputs in `strata` running fastest. */
  readonly strata: {
    readonly probability: Float64Array;
    readonly points: Uint32Array;
    /** [k + probabilities, K] standard deviations inside. */
    readonly sd: Float64Array;
  };
  /** Outputs [n, k] at `sample.points`, without the pilot; `sample.logWeight` are log(p_k n / n_k). */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
