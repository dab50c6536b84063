import type { Denoiser } from '../../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../../engine/diffusion/grid.ts';
import type { RewardLike } from '../../../engine/diffusion/reward.ts';
import type { Integrator } from '../../../engine/diffusion/solver/program.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { Density, Estimate } from '../../../engine/types.ts';

/*
 * Steering aims at p(x_0) exp(lambda r(x_0)), p the law of x_0 under a chain of finitely many steps from noise to data.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | p(x_s given x_(s-1)), s = 1..N | integrator on grid: normal, around a mean linear in x and E[x_0] | |
 * | r, lambda | reward, inverseTemperature | |
 * | xhat_s = E[x_0 given x_s] | the estimate at step s | [d] |
 * | Z = E_p[exp(lambda r(x_0))] | exp(logNormalizer) | |
 * | K | particles | |
 */

export interface ChainOptions {
  readonly denoiser: Denoiser;
  /** r: of points at the end, and of estimates on the way. */
  readonly reward: RewardLike;
  /** lambda >= 0. Default 1. */
  readonly inverseTemperature?: number;
  /** One that evaluates the denoiser once a step and keeps nothing of earlier steps. Default `ddpm()`. */
  readonly integrator?: Integrator;
  /** N, even in time from the noisiest time to 0, or of `edmGrid` where time is the noise itself. Default 100. */
  readonly steps?: number;
  /** In place of `steps`. */
  readonly grid?: Grid;
  /** Law of x at the first time. Default normal with mean 0 and the noise of that time. */
  readonly start?: Density;
  /** K of each run: points of the answer. Default 1024. */
  readonly particles?: number;
  /** Independent runs side by side. Default 1. */
  readonly runs?: number;
}

export interface WeightedChainOptions extends ChainOptions {
  /** Resample when fewer than this share of the particles count; 0 is never, 1 whenever weights differ. Default { ess: 0.5 }. */
  readonly resample?: { readonly ess: number };
  /** Default 'systematic', of `das` 'ssp'. */
  readonly scheme?: SchemeName;
}

/** log E_p[exp(lambda r(x_0))], p the law of the chain with its steps. */
export interface SteeringNormalizer {
  /** NaN where the method estimates none. */
  readonly value: number;
  /** Of runs, or of one run by its families; NaN where there is none. */
  readonly standardError: number;
  readonly method: 'replicates' | 'lee-whiteley' | 'heuristic' | 'none';
  /** What exp(value) is for Z, whatever the number of particles. */
  readonly claim: 'unbiased' | 'biased' | 'none';
  /** Why. */
  readonly reason: string;
}

/** What the sample becomes as particles grow without bound. */
export interface SteeringLimit {
  /** Whether that is the law of the chain times exp(lambda r). */
  readonly exact: boolean;
  /** 'the chain times exp(reward)', or what it is instead. */
  readonly law: string;
}

/** What happened at each step of the first run; [N + 1] each, fewer while the run goes on. */
export interface SteeringTrace {
  /** The time at which the step arrived; the noisiest one first. */
  readonly time: Float64Array;
  /** In particles. */
  readonly ess: Float64Array;
  /** 1 where the step began with a resampling. */
  readonly resampled: Uint8Array;
  /** What the step added to log Z. */
  readonly increment: Float64Array;
  /** Largest weight after the step, a share. */
  readonly largestWeight: Float64Array;
}

/** Until the chain has come to its end there is no answer yet: estimates are NaN. */
export interface SteeringResult extends Result {
  readonly limit: SteeringLimit;
  readonly logNormalizer: SteeringNormalizer;
  /** Of the weighted particles. */
  readonly mean: Estimate;
  /** [d, d]; empty beyond 256 dimensions. */
  readonly covariance: Float64Array;
  readonly trace: SteeringTrace;
  /** Share of the first particles that have descendants of positive weight at the end. */
  readonly uniqueAncestors: number;
  /** Of all runs together. */
  readonly resamplings: number;
  /**
   * Rows of denoiser and reward evaluated, with those that tangents and gradients take; and rows of tangents, which are
   * vector-Jacobian products where the denoiser has them.
   */
  readonly evaluations: { readonly denoiser: number; readonly tangents: number; readonly reward: number };
  readonly runs: { readonly logNormalizer: Float64Array; readonly ess: Float64Array };
}
