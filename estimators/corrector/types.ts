import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import type { SchemeName } from '../../engine/particles/resampling/scheme.ts';
import type { Result } from '../../engine/sampler.ts';
import type { Estimate } from '../../engine/types.ts';

/*
 * | symbol | name here | shape |
 * |---|---|---|
 * | q_i,t, s_i | experts, their scores | |
 * | b_i, B = sum b_i | exponents | [M] |
 * | rho(t, x) | tilt | |
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
}

/**
 * What is to be sampled: prod q_i^b_i exp(rho), of noised laws q_i. `anneal`, `guide`, `product` and `reward` make the
 * usual ones.
 */
export interface CorrectorTarget {
  /** 'q^2', for messages. */
  readonly name?: string;
  readonly experts: readonly Denoiser[];
  /** b_i, of any sign, with a positive sum; as a function of the diffusion time they need log densities. */
  readonly exponents: readonly number[] | ((time: number) => readonly number[]);
  readonly tilt?: Tilt;
}

/** Terms added to the drift so that weights vary less; paid for in the weights, so that the target stays. */
export type Control = 'none' | 'linear' | 'affine' | 'analytic' | 'transport';

export interface CorrectorOptions {
  readonly target: CorrectorTarget;
  /** K of each run. Default 4096. */
  readonly particles?: number;
  /** Independent runs side by side. Default 1. */
  readonly runs?: number;
  /** Steps of a grid uniform in time from `end` of the first expert's schedule to 0. Default 400. */
  readonly steps?: number;
  /** In place of `steps`. */
  readonly grid?: Grid;
  /** a^2 / g^2 >= 0: 1 is the reverse SDE, 0 the flow without noise. Default 1. */
  readonly noiseRatio?: number | ((time: number) => number);
  /** Default 'affine' when there are particles enough (10 (d + 1)), else 'linear'. */
  readonly control?: Control;
  /** Weigh the start by the exact law of the noisiest time, or take that for a normal law. Default 'exact' with log densities. */
  readonly prior?: 'exact' | 'gaussian';
  /** Weights by the rate at the left end of a step, or exact for any step (needs log densities and noise). Default 'left'. */
  readonly weights?: 'left' | 'exact' | 'none';
  /** When to resample. Default { ess: 0.5 }. */
  readonly resample?: ResampleRule;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
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
  /** Of runs, or of one run by its families; NaN where there is none. */
  readonly standardError: number;
  readonly method: 'replicates' | 'lee-whiteley' | 'heuristic' | 'none';
  readonly trusted: boolean;
  /** Why not, or what limits it: 'weights by the left point: bias of the order of one step'. */
  readonly reason: string;
}

/** What happened at each step of the first run; [N] each. */
export interface CorrectorTrace {
  readonly time: Float64Array;
  readonly ess: Float64Array;
  /** 1 where the step began with a resampling. */
  readonly resampled: Uint8Array;
  /** Weighted variance of the rate g, control included. */
  readonly rateVariance: Float64Array;
  /** What the step added to log Z. */
  readonly increment: Float64Array;
  readonly largestWeight: Float64Array;
  /** Of the Euler step; below about 0.3 is stable. */
  readonly stability: Float64Array;
}

export interface CorrectorResult extends Result {
  readonly logNormalizer: CorrectorNormalizer;
  /** Of the weighted particles. */
  readonly mean: Estimate;
  /** [d, d] */
  readonly covariance: Float64Array;
  readonly trace: CorrectorTrace;
  /** Share of the first particles that have descendants at the end. */
  readonly uniqueAncestors: number;
  readonly resamplings: number;
  /** Integral of the variance of g over time. */
  readonly rateVariance: number;
  readonly runs: { readonly logNormalizer: Float64Array; readonly ess: Float64Array };
}
