import type { Dependence, Inputs } from '../../../engine/distribution/inputs.ts';
import type { PointFailure } from '../../../engine/errors.ts';
import type { Event } from '../../../engine/model/event.ts';
import type { MissingPolicy } from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { PointSetName } from '../../../engine/random/point-set.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { PointDesign } from '../weighted/weighted-result.ts';

export interface MonteCarloOptions {
  readonly model: ModelLike;
  /** { name: law }; the order is the column order. */
  readonly inputs: Inputs;
  readonly dependence?: Dependence;
  /** Names of the outputs. Default ['y'], or found from the model. */
  readonly outputs?: readonly string[];
  /** Points in total over all replicates. Default 16384. */
  readonly points?: number;
  /** Independent randomisations that share the points. Default 8; 1 for 'iid' and 'antithetic'. */
  readonly replicates?: number;
  /** Default 'sobol': Owen-scrambled Sobol' points. 'antithetic' are independent pairs u, 1 - u: for monotone models. */
  readonly design?: PointSetName;
  /** Levels of the quantiles wanted of every output, e.g. [0.05, 0.5, 0.95]. */
  readonly quantiles?: readonly number[];
  /** Events by name, e.g. { flooded: { output: 'overflow', above: 0 } }. */
  readonly probabilities?: Readonly<Record<string, Event>>;
  /** Default 0.95. */
  readonly level?: number;
  /** What to do with points at which the model fails. Default 'error'. */
  readonly missing?: MissingPolicy;
}

export interface MonteCarloResult extends Result {
  /** Means of the k outputs, then variances, quantiles and probabilities: all statistics in one list. */
  readonly estimate: IntervalEstimate;
  readonly mean: IntervalEstimate;
  readonly variance: IntervalEstimate;
  /** names: 'y 5 %'. Empty when none were asked for. */
  readonly quantiles: IntervalEstimate;
  readonly probabilities: IntervalEstimate;
  /** Outputs [n, k] in the order of `sample.points`; NaN where a failed point was left out. */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  /** How the points are randomised, which `reweight` needs for its intervals. */
  readonly design: PointDesign;
  /** The first 1000 failed points, and how many there were. */
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
