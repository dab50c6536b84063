import { gaussianDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { baseChain } from '../../engine/diffusion/base-chain.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import type { ChainOptions } from '../../estimators/corrector/steering/types.ts';

/*
 * Chains on normal data in one dimension, x_0 ~ N(0.4, 0.5): every x on the way is normal, and so are linear and quadratic
 * tilts of the end.
 */
const [MEAN, VARIANCE] = [0.4, 0.5];

export function normalChain(steps: number): { readonly denoiser: Denoiser; readonly steps: number } {
  return { denoiser: gaussianDenoiser({ mean: [MEAN], covariance: [[VARIANCE]] }, vpLinear()), steps };
}

/** d E[x_0 given x] / dx. */
export function gainAt(signal: number, noise: number): number {
  return (signal * VARIANCE) / (signal * signal * VARIANCE + noise * noise);
}

/** Mean and variance of the end of a chain, its steps included. */
export function chainLaw(options: ChainOptions): { readonly mean: number; readonly variance: number } {
  const { points, moves } = baseChain('test', options);
  let mean = 0;
  let variance = points[0]!.noise ** 2;
  for (const [k, { state, clean, noise }] of moves.entries()) {
    const { signal, noise: sigma } = points[k]!;
    const gain = gainAt(signal, sigma);
    mean = state * mean + clean * (MEAN + gain * (mean - signal * MEAN));
    variance = (state + clean * gain) ** 2 * variance + noise * noise;
  }
  return { mean, variance };
}

/** log E[exp(-a (x - c)^2 / 2)] of a normal law. */
export function quadraticLogZ(
  law: { readonly mean: number; readonly variance: number },
  a: number,
  c: number,
): number {
  const spread = 1 + a * law.variance;
  return -0.5 * Math.log(spread) - (a * (law.mean - c) ** 2) / (2 * spread);
}
