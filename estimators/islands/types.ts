import type { BlobRef } from '../../engine/cluster/types.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import type { Result, Sampler } from '../../engine/sampler.ts';
import type { Estimate } from '../../engine/types.ts';

/** What an island must answer: any particle filter, SMC sampler or corrector does. */
export interface IslandAnswer extends Result {
  /** Log of its own estimate of the normalizing constant. */
  readonly logNormalizer: { readonly value: number; readonly unbiased?: boolean };
}

/** Makes the method of one island; every island calls it anew. */
export type IslandMaker = () => Sampler<unknown, IslandAnswer>;

export interface IslandsOptions {
  /**
   * The method, of one run: a function that makes it, or `moduleModel(url, name)` of a module that exports such a function,
   * which is what a cluster needs.
   */
  readonly method: IslandMaker | ModuleModel;
  /** R. Size islands so that the variance of their log Z is at most 0.5: below that R small ones are as good as a large one. */
  readonly islands: number;
  /**
   * 'evidence' (default): islands count by their normalizing constants, which is right for many islands of any size.
   * 'uniform': they count the same; less variance where the constants differ much, and a bias of order 1 / N that more
   * islands never remove. Warned about.
   */
  readonly weights?: 'evidence' | 'uniform';
  /**
   * Islands exchange their particles: every `every` steps, where the effective number of islands is below
   * `threshold` R (default 0.5). For methods whose islands take the same steps (filters, fixed schedules). Default: never.
   *
   * 'systematic' (default) draws all islands anew by their constants since the last exchange. 'butterfly' pairs them, R a
   * power of two: both take the mean of their constants, each its own particles or its partner's, in at most `stages` stages
   * (default log2 R, after which all constants are equal), until the effective number is back. An island then depends on
   * few others, for less gain an exchange. Either way all islands wait for each other every `every` steps.
   */
  readonly exchange?: {
    readonly every: number;
    readonly threshold?: number;
    readonly scheme?: 'systematic' | 'butterfly';
    readonly stages?: number;
  };
  /** Draws that `sample` holds, over all islands; at least one of each, unless 0. Default 1024, at most 10 000. */
  readonly draws?: number;
  /**
   * All particles of every island stay where the cluster keeps large contents, and `islands.particles` says where: nobody
   * moves them unless `readParticles` of `ensample/cluster` asks. Needs a cluster. Default false.
   */
  readonly keepParticles?: boolean;
}

export interface IslandsResult extends Result {
  /** The log normalizing constant, then the means. */
  readonly estimate: Estimate;
  /** exp(value) is unbiased where each island's is. standardError is NaN with exchanges, or below 4 effective islands. */
  readonly logNormalizer: {
    readonly value: number;
    readonly standardError: number;
    readonly unbiased: boolean;
  };
  /** Means that the islands estimate, each weighted as `weights` says; NaN where no island has any mass. */
  readonly mean: Estimate;
  readonly islands: {
    /** [R] log Z of each; with exchanges since the last one, or what pairs made of it. */
    readonly logNormalizer: Float64Array;
    /** [R] weights, sum 1. */
    readonly weight: Float64Array;
    /** [R, k] their means. */
    readonly mean: Float64Array;
    /** [R] where the particles of each lie at its end; absent without `keepParticles`. */
    readonly particles?: readonly BlobRef[];
    /** Effective number of islands, 1 .. R. */
    readonly ess: number;
    /** Variance of their log Z; NaN for one, or where one is -Infinity. */
    readonly variance: number;
    /** Exchanges; stages of a butterfly. */
    readonly exchanges: number;
    /** Islands that went on from another's particles, over all checkpoints. */
    readonly moved: number;
  };
}
