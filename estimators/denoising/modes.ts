import { chainMemory } from '../../engine/diagnostics/autocorrelation.ts';
import { noisedMixture } from '../../engine/diffusion/analytic/noised-mixture.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import type { ModeSwitches } from './types.ts';

/*
 * How chains share the components of a mixture: r_k(x) = w_k N(x; m_k, C_k) / sum, whose mean under the mixture is w_k whether
 * or not components overlap.
 */

/**
 * @param points [sweeps, n, d], denoised.
 * @param skip cycles from one sweep to the next.
 * @returns undefined where there are no components, or a component has no density.
 */
export function modesOf(
  { mixture }: Denoiser,
  points: Float64Array,
  n: number,
  skip: number,
): ModeSwitches | undefined {
  if (mixture === undefined) return undefined;
  const laws = noisedMixture(mixture);
  const { components: K, dimension: d, logWeight } = laws;
  if (K < 2 || !laws.spread.every((e) => e > 0)) return undefined;
  const rows = points.length / d;
  const sweeps = rows / n;
  const shares = componentShares(laws, points);
  const occupancy = new Float64Array(n * K);
  const switches = new Uint32Array(n);
  const last = new Int32Array(n).fill(-1);
  for (let row = 0; row < rows; row++) {
    const i = row % n;
    let best = 0;
    for (let k = 0; k < K; k++) {
      occupancy[i * K + k]! += shares[row * K + k]! / sweeps;
      if (shares[row * K + k]! > shares[row * K + best]!) best = k;
    }
    if (last[i]! >= 0 && last[i] !== best) switches[i]!++;
    last[i] = best;
  }
  const share = new Float64Array(K);
  const standardError = new Float64Array(K);
  for (let k = 0; k < K; k++) {
    const own = Float64Array.from({ length: n }, (_, i) => (rows === 0 ? Number.NaN : occupancy[i * K + k]!));
    share[k] = own.reduce((sum, s) => sum + s, 0) / n;
    const square = own.reduce((sum, s) => sum + (s - share[k]!) ** 2, 0);
    standardError[k] = n < 2 ? Number.NaN : Math.sqrt(square / (n - 1) / n);
  }
  const memory = longestMemory(shares, K, n, sweeps) * skip;
  return { weight: logWeight.map(exp), share, standardError, occupancy, switches, memory };
}

/** r_k of points [rows, d], [rows, K]. */
function componentShares(laws: ReturnType<typeof noisedMixture>, points: Float64Array): Float64Array {
  const { components: K, dimension: d, logWeight, means, axes, spread } = laws;
  const rows = points.length / d;
  const shares = new Float64Array(rows * K);
  const constant = logWeight.map((w, k) => {
    return w - 0.5 * spread.subarray(k * d, (k + 1) * d).reduce((sum, e) => sum + log(e), 0);
  });
  for (let row = 0; row < rows; row++) {
    let most = -Infinity;
    for (let k = 0; k < K; k++) {
      let sum = constant[k]!;
      for (let j = k * d; j < (k + 1) * d; j++) {
        let z = 0;
        for (let i = 0; i < d; i++) z += axes[j * d + i]! * (points[row * d + i]! - means[k * d + i]!);
        sum -= (0.5 * z * z) / spread[j]!;
      }
      shares[row * K + k] = sum;
      most = Math.max(most, sum);
    }
    let total = 0;
    for (let at = row * K; at < (row + 1) * K; at++) total += shares[at] = exp(shares[at]! - most);
    for (let at = row * K; at < (row + 1) * K; at++) shares[at]! /= total;
  }
  return shares;
}

function longestMemory(shares: Float64Array, K: number, n: number, sweeps: number): number {
  if (sweeps < 4) return Number.NaN;
  let longest = Number.NaN;
  for (let k = 0; k < K; k++) {
    const chains = Array.from({ length: n }, (_, i) =>
      Float64Array.from({ length: sweeps }, (_, s) => shares[(s * n + i) * K + k]!),
    );
    const { time } = chainMemory(chains);
    if (time > 0 && !(time <= longest)) longest = time;
  }
  return longest;
}
