import type { Dependence, Inputs } from '../../../engine/distribution/inputs.ts';
import type { PerturbationSpace } from '../../../engine/distribution/perturbed.ts';
import type { PointFailure } from '../../../engine/errors.ts';
import type { Event } from '../../../engine/model/event.ts';
import type { MissingPolicy } from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { WeightedMean } from '../weighted/weighted-means.ts';
import type { PointDesign } from '../weighted/weighted-result.ts';

/** Laws that one input may have instead of its own; see `perturbed`. */
export interface InputPerturbations {
  /** New means. */
  readonly means?: readonly number[];
  /** New means as shifts in standard deviations of the input: -1 is one below its mean. */
  readonly shifts?: readonly number[];
  /** New variances, at the mean as it is. */
  readonly variances?: readonly number[];
  /** Where laws are changed. Default 'auto'. */
  readonly space?: PerturbationSpace;
}

export interface LawImpactOptions {
  readonly model: ModelLike;
  /** { name: law }; the order is the column order. */
  readonly inputs: Inputs;
  readonly dependence?: Dependence;
  /** Names of the outputs. Default ['y'], or found from the model. */
  readonly outputs?: readonly string[];
  /** { input: perturbations }; inputs that are not named keep their law. */
  readonly perturbations: Readonly<Record<string, InputPerturbations>>;
  /** What is looked at: the mean of an output (the first), the probability of an event, or a quantile of an output. */
  readonly quantity?: ImpactQuantity;
  /**
   * 'balance': points of all laws in equal shares, so that each has some of its own. 'base': points of the law of `inputs` alone, for
   * perturbations that stay near. Default 'balance'.
   */
  readonly sample?: 'balance' | 'base';
  /** Points in total over all replicates. Default 16384. */
  readonly points?: number;
  /** Independent randomisations that share the points. Default 8; 1 for 'iid'. */
  readonly replicates?: number;
  /** Default 'sobol': Owen-scrambled Sobol' points. */
  readonly design?: 'sobol' | 'iid';
  /** Default 0.95. */
  readonly level?: number;
  /** What to do with points at which the model fails. Default 'error'. */
  readonly missing?: MissingPolicy;
}

export type ImpactQuantity =
  | { readonly mean: string }
  | { readonly event: Event }
  | { readonly quantile: number; readonly output?: string };

/** What stands behind one perturbation. */
export interface PerturbationReport {
  /** 'width to mean 2.1' */
  readonly name: string;
  readonly input: string;
  readonly mean: number;
  readonly variance: number;
  /** The law as reports name it. */
  readonly law: string;
  /** Of the quantity under it. */
  readonly status: WeightedMean['status'];
  /** False when the points do not reach this law: Pareto shape of its weights above 0.7; no interval. */
  readonly near: boolean;
  /** Of the weights f_delta / h. */
  readonly ess: number;
  readonly paretoShape: number;
  readonly largestShare: number;
}

export interface LawImpactResult extends Result {
  /**
   * [perturbations] indices. Of a probability P: P_delta / P - 1 where it grew, 1 - P / P_delta where it fell, so that
   * doubling is 1 and halving -1. Of a mean or quantile q: q_delta / q - 1.
   */
  readonly estimate: IntervalEstimate;
  /** [perturbations] the quantity under each law. */
  readonly values: IntervalEstimate;
  /** [1] the quantity under the law of the inputs. */
  readonly base: IntervalEstimate;
  readonly perturbations: readonly PerturbationReport[];
  /** Outputs [n, k] at `sample.points`; `sample.logWeight` is for the law of `inputs`, so that `reweight` can go on from here. */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  readonly design: PointDesign;
  /** The first 1000 failed points, and how many there were. */
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
