import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import type { RewardLike } from '../../engine/diffusion/reward.ts';
import type { SchemeName } from '../../engine/particles/resampling/scheme.ts';
import type { NoiseSource } from '../../engine/particles/smc/feynman-kac.ts';
import type { Result } from '../../engine/sampler.ts';
import type { Estimate } from '../../engine/types.ts';

/*
 * | symbol | name here | shape |
 * |---|---|---|
 * | q_i,t, s_i | experts, their scores | |
 * | b_i, B = sum b_i | exponents | [M] |
 * | rho(t, x) | tilts, added up | |
 * | gamma_t = prod q_i,t^b_i exp(rho_t) | the target, unnormalised | |
 * | a^2 / g^2 | noiseRatio | |
 * | K | particles | |
 */

type Done = void | Promise<void>;

/** A factor exp(rho(t, x)) of the target that is not diffused; functions fill `out` for all rows of x [n, d]. */
export interface Tilt {
  /** rho -> out [n]. */
  value(x: Float64Array, time: number, out: Float64Array): Done;
  /** grad rho -> out [n, d]. */
  gradient(x: Float64Array, time: number, out: Float64Array): Done;
  /** d rho / dt at fixed x, t the diffusion time (which falls while sampling) -> out [n]. */
  rate(x: Float64Array, time: number, out: Float64Array): Done;
  /** Largest size of an eigenvalue of the Hessian of rho, where known: for the stability number. */
  curvature?(time: number): number;
}

/** How a reward is faded in: lambda(t), 0 at the noisiest time and 1 at time 0. */
export interface Ramp {
  at(time: number): number;
  /** d lambda / dt, negative where it rises towards the data. */
  rate(time: number): number;
}

/** The tilt rho = lambda(t) r(x). */
export interface RewardTilt {
  readonly reward: RewardLike;
  readonly ramp: Ramp;
}

/**
 * What is to be sampled: prod q_i^b_i exp(rho), of noised laws q_i. `anneal`, `guide`, `product` and `reward` make the
 * usual ones.
 */
export interface CorrectorTarget {
  readonly experts: readonly Denoiser[];
  /** b_i, of any sign, with a positive sum; as a function of the diffusion time they need log densities. */
  readonly exponents: readonly number[] | ((time: number) => readonly number[]);
  /** Their logarithms add up. */
  readonly tilts?: readonly (Tilt | RewardTilt)[];
}

/** Terms added to the drift so that weights vary less; paid for in the weights, so that the target stays. */
export type CorrectorControl = 'none' | 'linear' | 'affine' | 'analytic' | 'transport';

export interface CorrectorOptions {
  readonly target: CorrectorTarget;
  /** K of each run. Default 4096. */
  readonly particles?: number;
  /** Independent runs side by side. Default 1. */
  readonly runs?: number;
  /**
   * Steps of a grid uniform in time from `end` of the first expert's schedule to 0, and from 8 steps below it where the schedule
   * is steep there (rectified flow, cosine); of `edmGrid` where time is the noise itself (veLinear). Default 400.
   */
  readonly steps?: number;
  /** In place of `steps`; its times are those of the first expert's schedule. */
  readonly grid?: Grid;
  /**
   * a^2 / g^2 >= 0, g that of the first expert: 1 is the reverse SDE, 0 the flow without noise, which cannot be resampled.
   * Default 1.
   */
  readonly noiseRatio?: number | ((time: number) => number);
  /**
   * 'linear' and 'affine' are fitted to the particles at each step, 'analytic' knows the moments of the data, 'transport' needs
   * divergences. Default 'affine' when there are particles enough (10 (d + 1)), else 'linear'; 'none' without weights.
   */
  readonly control?: CorrectorControl;
  /** Weigh the start by the exact law of the noisiest time, or take that for a normal law. Default 'exact' with log densities. */
  readonly prior?: 'exact' | 'gaussian';
  /**
   * Weights by the rate at the left end of a step; or exact for any step (needs log densities and noise); or none, which is
   * guidance alone and misses the target. Default 'left'.
   */
  readonly weights?: 'left' | 'exact' | 'none';
  /** When to resample. Default { ess: 0.5 }. Nothing is resampled by `weights: 'none'`, which does not take it. */
  readonly resample?: ResampleRule;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
  /**
   * Replace the particles at the end by what the experts make of them, sum b_i E_i[x_0 given x] / B, without weight: for
   * networks, on grids that end above noise 0. Default false.
   */
  readonly denoise?: boolean;
  /** Standard normals [K, d] of the start (step 0) and of each move from another source than addressed draws. */
  readonly noise?: NoiseSource;
}

export type ResampleRule =
  /** When fewer than this share of the particles count; 0 is never. */
  | { readonly ess: number; readonly window?: TimeWindow }
  | { readonly every: number; readonly window?: TimeWindow }
  /** Birth and death by clocks of exponential length; log Z is approximate. */
  | { readonly clocks: true; readonly window?: TimeWindow };

/** Resample between these diffusion times only; weights count everywhere, so the target stays. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** log of the integral of the target at time 0. */
export interface CorrectorNormalizer {
  readonly value: number;
  /**
   * Of runs, or of one run by its families; NaN where there is none. The error of the steps is not in it: where that is estimated
   * to be more than twice as large, log Z is not trusted.
   */
  readonly standardError: number;
  readonly method: 'replicates' | 'lee-whiteley' | 'heuristic' | 'none';
  readonly trusted: boolean;
  /** Why not, or what limits it: 'weights by the left point: bias of the order of one step'. */
  readonly reason: string;
}

/** What happened at each step of the first run; [N] each. */
export interface CorrectorTrace {
  /** Where the step began. */
  readonly time: Float64Array;
  /** After the step, in particles. */
  readonly ess: Float64Array;
  /** 1 where the step began with a resampling. */
  readonly resampled: Uint8Array;
  /** Weighted variance of the rate g where the step began, control included. */
  readonly rateVariance: Float64Array;
  /** What the step added to log Z. */
  readonly increment: Float64Array;
  /** Largest weight after the step, a share. */
  readonly largestWeight: Float64Array;
  /** Of the Euler step; below about 0.3 is stable. NaN where the data are not known. */
  readonly stability: Float64Array;
  /** log of the integral of the target at the first time, as the run began: with the increments it makes log Z. */
  readonly start: number;
}

export interface CorrectorResult extends Result {
  readonly logNormalizer: CorrectorNormalizer;
  /** Of the weighted particles. */
  readonly mean: Estimate;
  /** [d, d]; empty beyond 256 dimensions. */
  readonly covariance: Float64Array;
  readonly trace: CorrectorTrace;
  /** Share of the first particles that have descendants at the end. */
  readonly uniqueAncestors: number;
  /** Of all runs together. */
  readonly resamplings: number;
  /** Integral of the variance of g over time, of the first run. */
  readonly rateVariance: number;
  /** Rows of all experts evaluated. */
  readonly scoreEvaluations: number;
  readonly runs: { readonly logNormalizer: Float64Array; readonly ess: Float64Array };
}
