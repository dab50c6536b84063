import type { PointFailure } from '../../../engine/errors.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { MonteCarloOptions } from '../plain/monte-carlo-types.ts';

/** A function of a point: an input or an output by name, or a function of the outputs [k] and the inputs [d]. */
export type PointValueOf = string | ((outputs: Float64Array, inputs: Float64Array) => number);

/** A quantity whose mean is known. */
export interface Control {
  /** Default: the input of the control's own name, or the output where there is none. */
  readonly of?: PointValueOf;
  /** Its mean. Default, for an input only: the mean of its law. */
  readonly mean?: number;
}

/** A ratio of two means, E[numerator] / E[denominator], both by the same controls. */
export interface RatioOfMeans {
  readonly numerator: PointValueOf;
  readonly denominator: PointValueOf;
}

export interface ControlVariatesOptions
  extends Pick<
    MonteCarloOptions,
    'model' | 'inputs' | 'dependence' | 'outputs' | 'points' | 'replicates' | 'level'
  > {
  /** Default 'sobol': Owen-scrambled Sobol' points. */
  readonly design?: 'sobol' | 'lattice' | 'lhs' | 'iid';
  /** Controls by name. Default: every input whose law has a mean and a variance. */
  readonly controls?: Readonly<Record<string, Control>>;
  /** Ratios wanted besides the means of the outputs, by name. */
  readonly ratios?: Readonly<Record<string, RatioOfMeans>>;
  /** Coefficients of each part of the points from the others, which keeps the means unbiased. Default true. */
  readonly crossFit?: boolean;
  /** What to do with points at which the model fails. Default 'error'; leaving them out would move the known means. */
  readonly missing?: 'error' | number;
}

export interface ControlVariatesResult extends Result {
  /** Means of the k outputs, then the ratios. */
  readonly estimate: IntervalEstimate;
  /** The same from the same points without controls. */
  readonly plain: IntervalEstimate;
  /** The p controls: their known means, and how far their own points are off, in standard errors; NaN where not known. */
  readonly controls: {
    readonly names: readonly string[];
    readonly mean: Float64Array;
    readonly score: Float64Array;
  };
  /**
   * beta [k + ratios, p] in units of estimate per control; of a ratio r, those of numerator - r denominator, over
   * E[denominator].
   */
  readonly coefficients: Float64Array;
  /** [k + ratios] share of the variance over points that the controls explain. */
  readonly rSquared: Float64Array;
  /**
   * [k + ratios] variance without controls over that with them: 1 / (1 - R^2) of independent points, that of the replicate
   * means of nets (measured, so as rough as eight replicates are).
   */
  readonly varianceReduction: Float64Array;
  /** Controls that count: constants and sums of others do not. */
  readonly rank: number;
  /** (n - 2) / (n - rank - 2), the cost of estimating the coefficients on independent points. */
  readonly lossFactor: number;
  /** Whether the means (not the ratios) have the right expectation at any number of points. */
  readonly unbiased: boolean;
  /** Outputs [n, k] at `sample.points`. */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
