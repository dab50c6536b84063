import type { Inputs } from '../../../engine/distribution/inputs.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';

/** One level of accuracy of a quantity P: P_l, coupled with P_{l-1}. */
export interface AccuracyLevel {
  /**
   * One sample: the random inputs [d] to P_l on level 0, and to the pair P_l, P_{l-1} above. Both come from the same inputs,
   * and P_{l-1} must have the law it has as the finer one of level l - 1.
   */
  readonly model: ModelLike;
  /** What a sample draws: that many independent standard normals, or inputs by name. */
  readonly inputs: number | Inputs;
  /** Of one sample, in any unit that is the same on all levels. */
  readonly cost: number;
}

export interface MultilevelOptions {
  /** The levels, from 0, each about twice as fine as the one before. */
  readonly levels: (level: number) => AccuracyLevel;
  /** Root mean square error wanted of E[P], or of E[P_finest] with `finest`. */
  readonly accuracy?: number;
  /** Last level of a fixed hierarchy: what is left of the bias beyond it is not looked for. */
  readonly finest?: number;
  /** Samples of levels 0, 1, ...: nothing is adapted, and the estimate of E[P_l] of the last is unbiased. Instead of `accuracy`. */
  readonly samples?: readonly number[];
  /** First samples of a level. Default 1000. */
  readonly pilot?: number;
  /** Last level there may be. Default 10. */
  readonly deepest?: number;
  /** Known rates: |E[P_l - P_{l-1}]| ~ 2^(-alpha l) and Var ~ 2^(-beta l). Default: by regression, at least 1/2. */
  readonly rates?: { readonly alpha?: number; readonly beta?: number };
  /** Share of the mean square error left to the bias. Default 0.5. */
  readonly biasShare?: number;
  /** Of the interval. Default 0.95. */
  readonly level?: number;
}

/** What the samples of one level tell. */
export interface LevelReport {
  readonly level: number;
  readonly samples: number;
  /** Of one sample. */
  readonly cost: number;
  /** Mean and variance of P_l - P_{l-1}; of P_0 on level 0. */
  readonly mean: number;
  readonly variance: number;
  /** Mean and variance of P_l. */
  readonly fineMean: number;
  readonly fineVariance: number;
  /** Fourth moment of P_l - P_{l-1} over its squared variance, 3 of a normal law; `variance` is rough where it is large. */
  readonly kurtosis: number;
  /** |mean P_{l-1} here - mean P_{l-1} on its own level| over three times what chance explains; NaN on level 0. */
  readonly consistency: number;
}

export interface MultilevelResult extends Result {
  /**
   * 'mean': sum of the means of the levels. Standard error by sampling alone; the interval allows for the bias as well,
   * unless the hierarchy is fixed.
   */
  readonly estimate: IntervalEstimate;
  /** Mean square error: variance + bias^2 = rms^2; bias NaN where it is not looked for. */
  readonly error: { readonly variance: number; readonly bias: number; readonly rms: number };
  /** Cost grows as 2^(gamma l). NaN where levels are too few to tell. */
  readonly rates: { readonly alpha: number; readonly beta: number; readonly gamma: number };
  readonly levels: readonly LevelReport[];
  /** Spent, and what plain Monte Carlo on the last level would have spent for the same variance. */
  readonly cost: number;
  readonly plainCost: number;
  /** Whether E[P_l] of the last level is estimated without bias: where `samples` were given. */
  readonly unbiased: boolean;
}
