import type { HistoryOptions, HistoryRecord } from '../../../engine/particles/history.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { BatchFn, Estimate } from '../../../engine/types.ts';
import type { Lookahead, Observation, Proposal, StateSpaceModel } from '../state-space.ts';

/** What every particle filter can be told besides its model and its data. */
export interface FilterSettings extends TriggerOptions {
  /** N. Default 1024. */
  readonly particles?: number;
  /** Default 'systematic'. The single-run error of log Z is only sure under 'multinomial'. */
  readonly scheme?: SchemeName;
  /** A law to move by that has seen the observation (guided filter). The model needs logTransition and logInitial. */
  readonly proposal?: Proposal;
  /** A guess of how well a particle will explain the next observation (auxiliary filter). */
  readonly lookahead?: Lookahead;
  /** What is computed of the state at every step. Default 'mean'. */
  readonly moments?: 'none' | 'mean' | 'covariance';
  /** Further expectations E[f(x_t) | y_0..y_t] at every step: each f maps rows [n, d] to [n]. */
  readonly expectations?: Readonly<Record<string, BatchFn>>;
  /**
   * Standard errors of means and expectations from a single run, by its genealogy: costs several passes over the
   * particles at every step. Replicates give them for nothing. Default false.
   */
  readonly standardErrors?: boolean;
  /**
   * Sequential quasi-Monte Carlo: scrambled Sobol' points and the Hilbert order of the particles in place of random
   * numbers and a resampling scheme. Every step is resampled; errors fall faster than 1 / sqrt N in few dimensions (62
   * at most), best with N a power of two. Standard errors come from `runs` only. Default false.
   */
  readonly quasiRandom?: boolean;
  /** Default { kind: 'none' }. */
  readonly history?: HistoryOptions;
  /** 'dead': a NaN log density kills its particle and is counted. Default 'error'. */
  readonly nan?: 'error' | 'dead';
  /**
   * Log likelihood that an observation counts for when no particle explains it; the filter then goes on with equal
   * weights, and its evidence is biased. Default: it ends there with log Z = -Infinity.
   */
  readonly floor?: number;
}

export interface FilterOptions extends FilterSettings {
  readonly model: StateSpaceModel;
  /** y_0..y_{T-1}; null where one is missing. */
  readonly observations: readonly Observation[];
  /** R, independent filters side by side, averaged by their normalizing constants. Default 1. */
  readonly runs?: number;
}

export interface FilterBatchOptions
  extends Omit<FilterSettings, 'expectations' | 'standardErrors' | 'moments'> {
  /** One model a run (a value of the parameters each), all of one dimension. */
  readonly models: readonly StateSpaceModel[];
  /** y_0..y_{T-1}; null where one is missing. */
  readonly observations: readonly Observation[];
  /** Whether means of the state are computed. Default 'mean'. */
  readonly moments?: 'none' | 'mean';
  /** Give all runs the same random numbers, for differences between models. Default false. */
  readonly sharedNoise?: boolean;
}

/** log p(y_0..y_t) as a filter estimates it. */
export interface LogNormalizer {
  /** Natural log; -Infinity when no particle was left. */
  readonly value: number;
  /** Of `value`; NaN where there is none. */
  readonly standardError: number;
  /**
   * 'replicates': from the spread of the runs. 'lee-whiteley': from the genealogy of one run, consistent. 'heuristic':
   * from one run under a scheme for which there is no theory; it happens to fit.
   */
  readonly method: 'replicates' | 'lee-whiteley' | 'heuristic' | 'none';
  /** Whether exp(value) is unbiased for p(y_0..y_t). `value` itself never is: it is low by half its variance. */
  readonly unbiased: boolean;
}

/** Where the single runs stand. */
export interface FilterRuns {
  /** [R] */
  readonly logNormalizer: Float64Array;
  /** [R] from the genealogy of each run; NaN where there is none. */
  readonly standardError: Float64Array;
  /** [R] effective sample size within each run. */
  readonly ess: Float64Array;
  /** [R] step at which no particle of a run was left; -1 for none. */
  readonly collapsedAt: Int32Array;
}

/** What a filter knows of the state at one step. */
export interface FilterStep {
  /** t */
  readonly step: number;
  /** log p(y_0..y_t) */
  readonly logNormalizer: number;
  /** log p(y_t | y_0..y_{t-1}) */
  readonly increment: number;
  /** Effective sample size, in particles, of all runs together. */
  readonly ess: number;
  /** Runs that resampled on the way into this step. */
  readonly resampled: number;
  /** Particles of step 0 that still have descendants. */
  readonly families: number;
  /** E[x_t | y_0..y_t], [d]; empty where `moments` is 'none'. */
  readonly mean: Float64Array;
  /** [d]; NaN where there is none. */
  readonly meanError: Float64Array;
  /** [d, d]; empty unless `moments` is 'covariance'. */
  readonly covariance: Float64Array;
  /** The expectations asked for. */
  readonly expectations: Estimate;
}

/** The steps of a filter so far, one row each; T steps. */
export interface FilterSteps {
  /** [T] log p(y_t | y_0..y_{t-1}); 0 where y_t is missing. */
  readonly increments: Float64Array;
  /** [T] effective sample size, in particles, of all runs together. */
  readonly ess: Float64Array;
  /** [T] runs that resampled on the way into a step. */
  readonly resampled: Uint32Array;
  /** [T] particles of step 0 that still have descendants. */
  readonly families: Uint32Array;
  /** Filtered means E[x_t | y_0..y_t], [T, d]; runs weighted by their normalizing constants. Empty where not asked. */
  readonly mean: Float64Array;
  /** Standard errors of the means, [T, d]: from the runs, or by `standardErrors`; NaN where there are none. */
  readonly meanError: Float64Array;
  /** Filtered covariances, [T, d, d]; empty unless `moments` is 'covariance'. */
  readonly covariance: Float64Array;
  readonly expectations: {
    readonly names: readonly string[];
    /** [T, k] */
    readonly value: Float64Array;
    /** [T, k]; NaN where there is none. */
    readonly standardError: Float64Array;
  };
}

/**
 * The answer of a filter. `sample` is the weighted population of the last step, all runs together: [R N, d], run r in
 * rows r N to (r + 1) N - 1; the log-mean-exp of its log-weights is log Z.
 */
export interface FilterResult extends Result, FilterSteps {
  readonly logNormalizer: LogNormalizer;
  readonly runs: FilterRuns;
  /** Step at which the last run lost all its particles; undefined while one lives. */
  readonly collapsedAt: number | undefined;
  /** What `history` remembers; paths are those of the rows of `sample`. */
  readonly history: HistoryRecord;
}

/**
 * Filters of several models side by side. `estimate` holds one log Z a model; `sample` mixes the models by their
 * normalizing constants, as equal prior chances would.
 */
export interface FilterBatchResult extends Result {
  readonly runs: FilterRuns & {
    readonly method: LogNormalizer['method'];
    readonly unbiased: boolean;
  };
  /** [T, R] log p(y_t | y_0..y_{t-1}) of every model. */
  readonly increments: Float64Array;
  /** [T, R, d] filtered means; empty where `moments` is 'none'. */
  readonly mean: Float64Array;
}
