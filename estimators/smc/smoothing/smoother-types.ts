import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { Estimate } from '../../../engine/types.ts';
import type { Lookahead, Observation, Proposal, StateSpaceModel } from '../state-space.ts';
import type { AdditiveFunctional } from './additive-functional.ts';

/**
 * How the past is drawn again in the light of the future:
 * 'mcmc' a few Metropolis steps from the filter's own genealogy, O(1) a path and step; 'exact' from the whole backward
 * law, O(N); 'rejection' the same law by rejection, needs `logTransitionBound`; 'genealogy' the filter's own paths, few
 * of which are left in the distant past; 'fixed-lag' x_t given only the next `lag` observations, without paths.
 */
export type SmootherMethod = 'mcmc' | 'exact' | 'rejection' | 'genealogy' | 'fixed-lag';

/** What all smoothers take. */
export interface SmoothedFilterOptions extends TriggerOptions {
  /** 'genealogy' and 'fixed-lag' need no more than a filter; all others need `logTransition`. */
  readonly model: StateSpaceModel;
  /** y_0..y_{T-1}; null where one is missing. */
  readonly observations: readonly Observation[];
  /** N. Default 1024. */
  readonly particles?: number;
  /** Independent filters, from whose spread standard errors are taken. Default 1: no standard errors. */
  readonly runs?: number;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
  /** A law to move by that has seen the observation (guided filter). The model needs logTransition and logInitial. */
  readonly proposal?: Proposal;
  /** A guess of how well a particle will explain the next observation (auxiliary filter). */
  readonly lookahead?: Lookahead;
}

export interface SmootherOptions extends SmoothedFilterOptions {
  /** Default 'mcmc'. */
  readonly method?: SmootherMethod;
  /** P, paths drawn from each filter. Default N. 'genealogy' has the N paths of its particles, weighted. */
  readonly paths?: number;
  /** Metropolis steps for each ancestor of 'mcmc', at least 1. Default 1. */
  readonly moves?: number;
  /** Proposals of 'rejection' before the exact draw. Default N, at most 2^20. */
  readonly maxTrials?: number;
  /** Observations ahead that 'fixed-lag' heeds, at least 1. Default 10. */
  readonly lag?: number;
  /** Sums along the path to be estimated with it. */
  readonly functional?: AdditiveFunctional;
}

/** What the single runs say. */
export interface SmoothedRuns {
  /** [R] log of the estimate of p(y_0..y_{T-1}). */
  readonly logNormalizer: Float64Array;
  /** [R, k] sums of the functional; NaN until they are complete. */
  readonly functional: Float64Array;
}

/** [T, d] numbers with standard errors from independent runs; NaN where there are none. */
export interface SmoothedCurve {
  readonly value: Float64Array;
  readonly standardError: Float64Array;
}

/**
 * `estimate` is logNormalizer, then the sums of `functional`. `sample` holds the paths, [R P, T d]: a row is a path
 * [T, d]; the paths of a run share its normalizing constant as weight. Until all paths are complete, and for
 * 'fixed-lag', it holds the particles of the filter instead.
 *
 * Runs are weighted by their normalizing constants, which leaves a bias of order 1 / (R N); one run has O(1/N), and
 * O(T/N) in sums over T steps. Standard errors are the jackknife over runs, NaN for a single one.
 */
export interface SmootherResult extends Result {
  /** E[x_t | y_0..y_{T-1}]; NaN at steps that the backward pass has not reached. */
  readonly mean: SmoothedCurve;
  /** Var[x_t | y_0..y_{T-1}], number by number. */
  readonly variance: SmoothedCurve;
  /** Expectations of the sums of `functional`; empty without it. */
  readonly functional: Estimate;
  readonly runs: SmoothedRuns & {
    /** Smoothed means of each run, [R, T, d]. */
    readonly mean: Float64Array;
  };
  /** Smallest effective number of distinct particles that the paths of a run pass through at a step. */
  readonly pathEss: number;
  /** Share of proposals accepted ('mcmc', 'rejection'); NaN without proposals. */
  readonly acceptance: number;
  /** Share of ancestors that ran out of trials and were drawn exactly ('rejection'). */
  readonly fallbackShare: number;
}
