import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import type { Result } from '../../engine/sampler.ts';
import type { BatchFn } from '../../engine/types.ts';

export interface DenoisingMcmcOptions {
  /** Under any schedule. `mixtureDenoiser`, `empiricalDenoiser`, ... know the law of the level; for others see `levelLaw`. */
  readonly denoiser: Denoiser;
  /**
   * What draws the noise level of a point. A function x [n, d], in units of the data -> out [n, G], the logarithms of the
   * probabilities of the levels given x when all are equally likely: a classifier that was trained on x_0 + sigma_g e with
   * equal shares of the levels, as log softmax. `prior` is put on top. 'heat-equation': by scores alone, with a noisy
   * estimate of their divergence unless the denoiser has it; `levelWindow` evaluations a cycle, three times as many without
   * `tangent` and `divergence`. Default: the law of the mixture or points of the denoiser, or its `logDensity` at all levels,
   * G evaluations a cycle.
   */
  readonly levelLaw?: BatchFn | 'heat-equation';
  /** Neighbouring levels among which 'heat-equation' draws. Default 4. */
  readonly levelWindow?: number;
  /**
   * [G] noise levels sigma / alpha, rising, in units of the data. Default: 64 max(1, sqrt(d / 2)) of them, even in their
   * logarithm, up to twice the spread of the data and down to a two-hundredth of that.
   */
  readonly levels?: ArrayLike<number>;
  /** [G] probabilities of the levels, up to a factor. Default: equal. The points do not depend on them, mixing does. */
  readonly prior?: ArrayLike<number>;
  /**
   * 'exact': accepted Langevin moves (MALA) and a random level; needs densities. 'unadjusted': the same, but all moves are
   * taken: biased, for models with a score alone. 'published': as that, with one step size for all levels and the most
   * probable level; more biased, for comparison. Default 'exact' where densities are known, 'unadjusted' elsewhere.
   */
  readonly mode?: 'exact' | 'unadjusted' | 'published';
  /** Langevin moves of a cycle, before its level is drawn. Default 1. */
  readonly moves?: number;
  /**
   * Which state of a window of `skip` cycles is denoised: its last (default), or that of the smallest level, as in the
   * paper's program. The latter is no draw from the chain's law: biased.
   */
  readonly pick?: 'last' | 'min-sigma';
  /** n, run side by side. Default 64. */
  readonly chains?: number;
  /** States of each chain that are denoised. Default 128. */
  readonly kept?: number;
  /** Cycles of each chain that are thrown away. Default 300. */
  readonly warmup?: number;
  /** Cycles from one kept state to the next. Default: half the autocorrelation time of log sigma in the second half of warm-up. */
  readonly skip?: number;
  /**
   * 'exact': c of eta = c (s^2 + sigma^2), s^2 the smallest variance of a component, where the warm-up begins to adapt it;
   * default 1.2 (2 / d)^(1/3). 'unadjusted': the same c, not adapted; default 0.4 d^(-1/2). 'published': eta itself; default 0.5.
   */
  readonly stepSize?: number;
  /** s^2 above, where the denoiser does not tell. Default 0. */
  readonly leastVariance?: number;
  /**
   * Where the chains begin: [n, d] points in units of the data, 'noise' (default), the noisiest level around the mean of the
   * data, or 'denoised', such noise after the integrator; with 'published', and 0.5 times a normal vector on top.
   */
  readonly start?: ArrayLike<number> | 'noise' | 'denoised';
  /** Denoises the kept states, each from its own level. Default `heun()`. */
  readonly integrator?: Integrator;
  /** Steps from the largest level to the data; from smaller ones in proportion to the logarithm, at least 4. Default 40. */
  readonly denoiseSteps?: number;
  /** Last level above 0 on the way to the data. Default a twenty-fifth of the smallest level. */
  readonly floor?: number;
  /** A last step y + e^2 grad log p_e(y) after the integrator, at this level e. Default none: the integrator ends at noise 0. */
  readonly tweedie?: number;
  /** The two ends that coordinates of the points are cut at. Default none. */
  readonly clip?: readonly [number, number];
  /**
   * For `run(method, { cluster })`: `moduleModel(import.meta.url, name)` of the module whose export `name` makes this method,
   * () => denoisingMcmc({ ... }). Workers import it. One of them does the warm-up, all the chains after it, all the denoising.
   * A deadline leaves whole sweeps of all chains. Default: none, and no cluster.
   */
  readonly module?: ModuleModel;
}

/** How the chain over points and noise levels went, after warm-up. */
export interface DenoisingChain {
  /** [G] */
  readonly levels: Float64Array;
  /** [G] normalised. */
  readonly prior: Float64Array;
  /** [G] shares of the states. In 'exact' mode they tend to the prior. */
  readonly histogram: Float64Array;
  /** Total variation between the two, 0 to 1; noise alone is above 0. */
  readonly levelDistance: number;
  /** Chi-square of the two over blocks of levels. */
  readonly levelTest: LevelTest;
  /** [G] accepted shares of the moves at each level; NaN where there was none. */
  readonly acceptance: Float64Array;
  /** Autocorrelation of log sigma at lags 0, 1, ... cycles; empty as long as there are fewer than 4 cycles. */
  readonly autocorrelation: Float64Array;
  /** Integrated autocorrelation time of log sigma, in cycles; NaN as long as there are fewer than 4. */
  readonly memory: number;
  /** The longest of that and those of the coordinates of the points, in cycles. */
  readonly longestMemory: number;
  /** Split R-hat: of log sigma, and the worst of log sigma and the coordinates of the points. */
  readonly rHat: number;
  readonly worstRHat: number;
  /** [n] times that a chain went from the lowest tenth of the prior to the highest and back. */
  readonly roundTrips: Uint32Array;
  /** Mean slope of log sigma in the cycle number over the chains; 0 but for noise in a stationary chain. */
  readonly drift: { readonly slope: number; readonly standardError: number };
  /** Where the denoiser is of a mixture of two or more laws. */
  readonly modes?: ModeSwitches;
  /** c or eta, as used after warm-up. */
  readonly stepSize: number;
  readonly skip: number;
  /** Cycles of each chain after warm-up. */
  readonly cycles: number;
  /** Model evaluations; those of the law of the levels are not among them, unless they are evaluations of the denoiser. */
  readonly evaluations: {
    readonly start: number;
    readonly warmup: number;
    readonly chain: number;
    /** The integrator and `tweedie`. */
    readonly denoise: number;
  };
  /** Effective size of the sample, its least over coordinates, over all evaluations. */
  readonly essPerEvaluation: number;
}

/** Chi-square of levels against their prior, counts divided by the autocorrelation time of log sigma. */
export interface LevelTest {
  readonly statistic: number;
  readonly degrees: number;
  /** Chance of as much or more in a chain that has the prior; NaN where counts are too few. */
  readonly probability: number;
}

/** Components of a mixture among the points. */
export interface ModeSwitches {
  /** [K] weights of the mixture, shares of the points (means of their posterior weights), and errors by chains. */
  readonly weight: Float64Array;
  readonly share: Float64Array;
  readonly standardError: Float64Array;
  /** [n, K] shares of each chain. */
  readonly occupancy: Float64Array;
  /** [n] changes of the most likely component from one point of a chain to its next. */
  readonly switches: Uint32Array;
  /** Integrated autocorrelation time of a share, the longest over components, in cycles. */
  readonly memory: number;
}

/** The points are [kept n, d], sweep by sweep: row s n + i is kept state s of chain i. They are denoised some sweeps at a time. */
export interface DenoisingMcmcResult extends Result {
  readonly chain: DenoisingChain;
}
