import { noisedMixture } from '../../engine/diffusion/analytic/noised-mixture.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { HALF_LOG_TWO_PI } from '../../engine/math/gamma.ts';
import type { BatchFn } from '../../engine/types.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';

export const WHERE = 'denoisingMcmc';

/*
 * log p_sigma(x) at all noise levels of a point: what does not depend on the level is done once.
 *
 *   mixture   z_k = U_k' (x - m_k);  log sum_k exp(log w_k - sum_j (log(2 pi (e_kj + sigma^2)) + z_kj^2 / (e_kj + sigma^2)) / 2)
 *   points    r_i = |x - y_i|^2;     log sum_i exp(-r_i / (2 sigma^2)) - log m - (d / 2) log(2 pi sigma^2)
 *
 * Cost of a point: K d (d + G), or m (d + G).
 */

/** The law of noised data at G levels, x in units of the data. */
export interface LevelLaw {
  /** Smallest variance inside a component; 0 for points. */
  readonly leastVariance: number;
  /** log p_sigma, normalised, of the point x[at..at+d-1] at every level, into out[to..to+G-1]. */
  logDensities(x: Float64Array, at: number, out: Float64Array, to: number): void;
  /** The same at level `g` alone. */
  logDensity(x: Float64Array, at: number, g: number): number;
}

/** What the levels are drawn by. */
export type LevelSource =
  | { readonly kind: 'known'; readonly law: LevelLaw }
  | { readonly kind: 'classifier'; readonly logProbability: BatchFn }
  | { readonly kind: 'densities' }
  | { readonly kind: 'heat'; readonly window: number };

/** @returns undefined when the denoiser does not say what its data law is. */
export function levelLaw(denoiser: Denoiser, levels: Float64Array): LevelLaw | undefined {
  const { mixture, points, dimension } = denoiser;
  if (mixture !== undefined) return mixtureLevels(mixture, levels);
  return points === undefined ? undefined : pointLevels(points, dimension, levels);
}

function mixtureLevels(mixture: NonNullable<Denoiser['mixture']>, levels: Float64Array): LevelLaw {
  const { dimension: d, components, logWeight, means, spread, axes } = noisedMixture(mixture);
  const width = components * d;
  const precision = new Float64Array(levels.length * width);
  const constant = new Float64Array(levels.length * components);
  for (let g = 0; g < levels.length; g++) {
    for (let k = 0; k < components; k++) {
      constant[g * components + k] = logWeight[k]! - d * HALF_LOG_TWO_PI;
      for (let j = k * d; j < (k + 1) * d; j++) {
        const variance = spread[j]! + levels[g]! ** 2;
        precision[g * width + j] = 1 / variance;
        constant[g * components + k]! -= 0.5 * log(variance);
      }
    }
  }
  const square = new Float64Array(width);
  const share = new Float64Array(components);
  const ofLevel = (g: number): number => {
    for (let k = 0; k < components; k++) {
      let sum = 0;
      for (let j = k * d; j < (k + 1) * d; j++) sum += square[j]! * precision[g * width + j]!;
      share[k] = constant[g * components + k]! - 0.5 * sum;
    }
    return logSumExp(share);
  };
  return {
    leastVariance: spread.reduce((least, e) => Math.min(least, e), Infinity),
    logDensities(x, at, out, to) {
      project(x, at, d, means, axes, square);
      for (let g = 0; g < levels.length; g++) out[to + g] = ofLevel(g);
    },
    logDensity(x, at, g) {
      project(x, at, d, means, axes, square);
      return ofLevel(g);
    },
  };
}

/** Terms that are smaller than the largest by more than this factor, e^-50, are below its last digit. */
const NEGLIGIBLE = -50;

function logSumExp(v: Float64Array): number {
  let most = -Infinity;
  for (let k = 0; k < v.length; k++) if (v[k]! > most) most = v[k]!;
  let sum = 0;
  for (let k = 0; k < v.length; k++) if (v[k]! - most > NEGLIGIBLE) sum += exp(v[k]! - most);
  return most + log(sum);
}

/** z_kj^2, [K, d]. */
function project(
  x: Float64Array,
  at: number,
  d: number,
  means: Float64Array,
  axes: Float64Array,
  square: Float64Array,
): void {
  for (let kj = 0; kj < square.length; kj++) {
    const mean = kj - (kj % d);
    let z = 0;
    for (let i = 0; i < d; i++) z += axes[kj * d + i]! * (x[at + i]! - means[mean + i]!);
    square[kj] = z * z;
  }
}

function pointLevels(points: Float64Array, d: number, levels: Float64Array): LevelLaw {
  const m = points.length / d;
  const square = new Float64Array(m);
  const factor = levels.map((level) => -0.5 / (level * level));
  const constant = levels.map((level) => -log(m) - d * (HALF_LOG_TWO_PI + log(level)));
  const ofLevel = (g: number, least: number): number => {
    let sum = 0;
    for (let i = 0; i < m; i++) {
      const term = factor[g]! * (square[i]! - least);
      if (term > NEGLIGIBLE) sum += exp(term);
    }
    return factor[g]! * least + log(sum) + constant[g]!;
  };
  return {
    leastVariance: 0,
    logDensities(x, at, out, to) {
      const least = distances(x, at, d, points, square);
      for (let g = 0; g < levels.length; g++) out[to + g] = ofLevel(g, least);
    },
    logDensity: (x, at, g) => ofLevel(g, distances(x, at, d, points, square)),
  };
}

/** r_i, [m]; returns the least. */
function distances(
  x: Float64Array,
  at: number,
  d: number,
  points: Float64Array,
  square: Float64Array,
): number {
  let least = Infinity;
  for (let i = 0; i < square.length; i++) {
    let sum = 0;
    for (let c = 0; c < d; c++) sum += (x[at + c]! - points[i * d + c]!) ** 2;
    square[i] = sum;
    if (sum < least) least = sum;
  }
  return least;
}
