import type { Dependence, Inputs } from '../../../engine/distribution/inputs.ts';
import type { PointFailure } from '../../../engine/errors.ts';
import type { Event } from '../../../engine/model/event.ts';
import type { MissingPolicy } from '../../../engine/model/missing.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import type { PointDesign } from '../weighted/weighted-result.ts';

/** Another law of the same inputs: what is named here replaces what `inputs` and `dependence` say. */
export interface OtherLaw {
  readonly inputs?: Inputs;
  readonly dependence?: Dependence;
}

/** One expectation I_j = E[phi_j(X)], X ~ f_j. */
export interface Expectation {
  /** phi_j: an output by name, or a function of the outputs [k] and the inputs [d]. Default: the first output. */
  readonly of?: string | ((outputs: Float64Array, inputs: Float64Array) => number);
  /** phi_j = 1 inside the event, 0 outside: a probability. Instead of `of`. */
  readonly event?: Event;
  /** f_j: a name of `laws`. Default: the law of `inputs` and `dependence`. */
  readonly under?: string;
}

/** A smooth function of the J expectations, with an interval by the delta method. */
export interface Functional {
  /** psi(I), I [J] in the order of `expectations`. */
  readonly value: (expectations: Float64Array) => number;
  /** d psi / d I into `out` [J]. Default: central differences. */
  readonly gradient?: (expectations: Float64Array, out: Float64Array) => void;
}

/** Options of `expectations`. Defaults are what measured best; `preset: 'published'` is the paper's algorithm. */
export interface ExpectationsOptions {
  /** All phi_j are made of its outputs: one evaluation a point, whatever J. */
  readonly model: ModelLike;
  /** { name: law }; the order is the column order. */
  readonly inputs: Inputs;
  readonly dependence?: Dependence;
  /** Names of the outputs. Default ['y'], or found from the model. */
  readonly outputs?: readonly string[];
  /** Further laws of the inputs by name. */
  readonly laws?: Readonly<Record<string, OtherLaw>>;
  /** { name: expectation }. Default: the mean of each output under each law. */
  readonly expectations?: Readonly<Record<string, Expectation>>;
  /**
   * w_j of the loss sum_j w_j Var(I^_j): relative accuracy, 1 / E[|phi_j|]^2 by the current estimate; equal; or [J]
   * numbers > 0. Default 'relative'.
   */
  readonly weights?: 'relative' | 'equal' | readonly number[];
  /** Smooth functions of the expectations, by name. */
  readonly functionals?: Readonly<Record<string, Functional>>;
  /** Spend the sample on the functionals, by their gradients, or on the weighted expectations. Default 'expectations'. */
  readonly optimize?: 'expectations' | 'functionals';
  /** N_max, points in total. At most half adapt the proposal and are then left aside. Default 16384. */
  readonly points?: number;
  /**
   * Most adapting stages, the first included; each N_max / (2 stages) points. Default 5; 10 with an `event` among the
   * expectations, as long as a stage has ten points for each of d + 2: what is rare is climbed to, a rung a stage, and
   * stages that do not pay are not drawn.
   */
  readonly stages?: number;
  /** g_j: a normal law with full or diagonal covariance, or a mixture of two. Default 'normal'. */
  readonly proposal?: 'normal' | 'diagonal' | 'mixture';
  /** Where proposals live: inputs as independent standard normals, or the inputs themselves. Default 'normals'. */
  readonly space?: 'normals' | 'inputs';
  /** Share of the mixture spread evenly over the g_j, so that none is left without. Default 0.05. */
  readonly floor?: number;
  /** Least share of the mixture of the f_j themselves, which keeps all weights bounded. Default 0.1. */
  readonly defensive?: number;
  /** Control variates g_k / g_alpha - 1: own one, all, or none. Default 'own'. */
  readonly controls?: 'own' | 'all' | 'none';
  /** Points of the final stage. Default 'sobol': Owen-scrambled Sobol' points. */
  readonly design?: 'sobol' | 'iid';
  /** Independent randomisations of the final points that share them. Default 8; 1 for 'iid'. */
  readonly replicates?: number;
  /**
   * Of 'sobol': every replicate a net of its own, or all of them the consecutive parts of one net, which is as accurate
   * as a single replicate. Parts of a net avoid each other's errors, so that their spread overstates that of their mean:
   * intervals are wide, and hold more often than they say, for smooth functions and for jumps. They can hold less often
   * for a function that repeats itself at the spacing of the points. Default 'independent'.
   */
  readonly scrambles?: 'independent' | 'shared';
  /** Of 'iid' points to the components: whole numbers nearest to the shares, or drawn. Default 'shares'. */
  readonly allocation?: 'shares' | 'drawn';
  /** The state that goes into the final stage when a stage did not pay. Default 'best'. */
  readonly keep?: 'best' | 'newest';
  /** Everything as in the released code of the paper; single options given beside it still win. */
  readonly preset?: 'published';
  /** Default 0.95. */
  readonly level?: number;
  /** What to do with points at which the model fails. Default 'error'; 'drop-row' is refused: it would bias. */
  readonly missing?: Exclude<MissingPolicy, 'drop-row'>;
}

/** What stands behind one expectation. */
export interface ExpectationDiagnostics {
  readonly name: string;
  /**
   * - 'estimated': value and, where the points allow one, interval.
   * - 'unseen': phi_j was 0 at all points so far; value NaN, never 0 with an error of 0.
   * - 'heavy': Pareto shape of the summands above 0.7, or a rare event from fewer than 4096 final points; value without
   *   interval.
   */
  readonly status: 'estimated' | 'unseen' | 'heavy';
  /** beta_j, the coefficient of its own control variate. */
  readonly control: number;
  /** Effective sample size of the summands T - beta R about their mean, in points of the final stage. */
  readonly ess: number;
  /**
   * Pareto shape of the summands: the smaller one of |T| and of |T - beta R| about its mean, of which a heavy tail has
   * both. Infinity: seen at too few points to tell.
   */
  readonly paretoShape: number;
  /** Largest of them as a share of their sum. */
  readonly largestShare: number;
  /** Variance of one point's summand divided by that of plain Monte Carlo at the first stage: below 1 is a gain. */
  readonly varianceRatio: number;
}

/** One stage of the adaptation. */
export interface AdaptationStage {
  readonly points: number;
  /** sum_j w_j Var of one point's summand, as it was measured in this stage. */
  readonly loss: number;
  /** [components] shares of the mixture the stage was drawn from; the last is the defensive one. */
  readonly share: Float64Array;
  /** max_k s_k - F of the shares that were fitted from it: how far from the optimum they can be. */
  readonly certificate: number;
}

export interface ExpectationsResult extends Result {
  /** The J expectations. NaN where nothing is known; no ends where no interval holds. */
  readonly estimate: IntervalEstimate;
  /** [J, J] covariance of `estimate.value`, row-major; NaN where there is none. */
  readonly covariance: Float64Array;
  /** The functionals, by the delta method. */
  readonly functionals: IntervalEstimate;
  /** Whether the estimates have the right mean at any number of points. */
  readonly unbiased: boolean;
  readonly diagnosticsOf: readonly ExpectationDiagnostics[];
  readonly stages: readonly AdaptationStage[];
  /**
   * Outputs [n, k] at `sample.points` [n, d], the points of the final stage as inputs; `sample.logWeight` are their log
   * weights for the law of `inputs`, so that anything else under it, or under a law near it, can be had from them.
   */
  readonly outputs: { readonly names: readonly string[]; readonly values: Float64Array };
  /** How the points are randomised, which `reweight` needs for its intervals. */
  readonly design: PointDesign;
  /** The first 1000 failed points, and how many there were. */
  readonly failures: readonly PointFailure[];
  readonly failed: number;
}
