import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import type { Result } from '../../engine/sampler.ts';

export interface DenoisingMcmcOptions {
  /** Of a normal mixture or of a set of points, under any schedule: `mixtureDenoiser`, `empiricalDenoiser`, ... */
  readonly denoiser: Denoiser;
  /**
   * [G] noise levels sigma / alpha, rising, in units of the data. Default: 64 max(1, sqrt(d / 2)) of them, even in their
   * logarithm, up to twice the spread of the data and down to a two-hundredth of that.
   */
  readonly levels?: ArrayLike<number>;
  /** [G] probabilities of the levels, up to a factor. Default: equal. The points do not depend on them, mixing does. */
  readonly prior?: ArrayLike<number>;
  /**
   * 'exact' (default): accepted Langevin moves (MALA) and a random level. 'published': moves that are always taken, with one
   * step size for all levels, and the most probable level; biased, for comparison.
   */
  readonly mode?: 'exact' | 'published';
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
   * default 1.2 (2 / d)^(1/3). 'published': eta itself; default 0.5.
   */
  readonly stepSize?: number;
  /** [n, d] where the chains begin, in units of the data. Default: the noisiest level around the mean of the data. */
  readonly start?: ArrayLike<number>;
  /** Denoises the kept states, each from its own level. Default `heun()`. */
  readonly integrator?: Integrator;
  /** Steps from the largest level to the data; from smaller ones in proportion to the logarithm, at least 4. Default 40. */
  readonly denoiseSteps?: number;
  /** Last level above 0 on the way to the data. Default a twenty-fifth of the smallest level. */
  readonly floor?: number;
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
  /** [G] accepted shares of the moves at each level; NaN where there was none. */
  readonly acceptance: Float64Array;
  /** Integrated autocorrelation time of log sigma, in cycles; NaN as long as there are fewer than 4. */
  readonly memory: number;
  /** The longest of that and those of the coordinates of the points, in cycles. */
  readonly longestMemory: number;
  /** Split R-hat: of log sigma, and the worst of log sigma and the coordinates of the points. */
  readonly rHat: number;
  readonly worstRHat: number;
  /** c or eta, as used after warm-up. */
  readonly stepSize: number;
  readonly skip: number;
  /** Cycles of each chain after warm-up. */
  readonly cycles: number;
  /** Model evaluations; those of the law of the levels are not among them. */
  readonly evaluations: { readonly warmup: number; readonly chain: number; readonly denoise: number };
}

/** The points are [kept n, d], sweep by sweep: row s n + i is kept state s of chain i. */
export interface DenoisingMcmcResult extends Result {
  readonly chain: DenoisingChain;
}
