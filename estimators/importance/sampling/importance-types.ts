import type { PointFailure } from '../../../engine/errors.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { WeightedEstimator, WeightedMean } from '../weighted/weighted-means.ts';
import type { PointDesign } from '../weighted/weighted-result.ts';

/** What stands behind one expectation over weighted points. */
export type WeightedMeanDiagnostics = Pick<
  WeightedMean,
  'status' | 'ess' | 'paretoShape' | 'largestShare'
> & { readonly name: string };

/** What `importanceSampling` and `adaptiveMultiple` answer. */
export interface ImportanceResult extends Result {
  /** NaN where nothing is known (a function that was 0 everywhere); no ends where no interval holds. */
  readonly estimate: IntervalEstimate;
  readonly estimator: WeightedEstimator;
  /**
   * Whether the estimates have the right mean at any number of points: plain weights of points drawn afresh from a proposal that is
   * not known to leave out what they need.
   */
  readonly unbiased: boolean;
  /**
   * log of the mean weight: of a log density up to a constant, the log of its integral. exp of it has the right mean
   * when the points were drawn afresh. Near 0 for a normalised target, which is a check of the proposal.
   */
  readonly logNormalizer: {
    readonly value: number;
    readonly standardError: number;
    readonly low: number;
    readonly high: number;
    readonly level: number;
  };
  readonly diagnosticsOf: readonly WeightedMeanDiagnostics[];
  /** Of the weights themselves: effective sample size of Kish, Pareto shape, largest share. */
  readonly weights: { readonly ess: number; readonly paretoShape: number; readonly largestShare: number };
  /** How the points are randomised, which `reweight` needs for its intervals. */
  readonly design: PointDesign;
  /** Outputs [n, k] at `sample.points`; NaN where the target has no mass. */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  /** The first 1000 failed points, and how many there were. */
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
