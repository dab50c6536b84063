import { fitPair } from './fit-pair.ts';
import { ridged } from './fit-ridge.ts';
import type { NormalPart } from './proposal.ts';

/**
 * Weighted maximum likelihood of one normal law per expectation: the law nearest to |phi_j| f_j / I_j in
 * Kullback-Leibler divergence.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | v_ij = |phi_j f_j / h|(X_i) | weight | [n, J] |
 * | mu_j, C_j | mean, covariance | [J, d], [J, d, d] |
 *
 *   mu_j = sum_i v_ij X_i / sum_i v_ij        C_j = sum_i v_ij (X_i - mu_j)(X_i - mu_j)' / sum_i v_ij + ridge
 *
 * Departures from the source: the ridge is relative to the variance of each coordinate (absolute as released); weights
 * that amount to fewer than d + 2 points give a diagonal covariance, to fewer than two none at all.
 * Source: multiple-expectations, section 3.
 */
export interface FitOptions {
  readonly kind: 'normal' | 'diagonal' | 'mixture';
  /** The released ridge, 1e-6 whatever the units. */
  readonly absoluteRidge: boolean;
  /** Start of the mixture of two: a uniform for expectation j. */
  readonly start: (j: number) => number;
}

/** Parts of g_j for each j; undefined where the weights are all 0 or too few to tell a law. */
export function fitComponents(
  x: Float64Array,
  d: number,
  weight: Float64Array,
  count: number,
  options: FitOptions,
): readonly (readonly NormalPart[] | undefined)[] {
  const moments = weightedMoments(x, d, weight, count);
  return Array.from({ length: count }, (_, j) => {
    const own = normalOf(moments, j, d, options);
    if (own === undefined || options.kind !== 'mixture') return own && [own];
    const n = x.length / d;
    const column = Float64Array.from({ length: n }, (_, i) => weight[i * count + j]!);
    return fitPair(x, d, column, own, options.start(j)) ?? [own];
  });
}

interface Moments {
  /** [J] sum_i v_ij and effective number of points. */
  readonly sum: Float64Array;
  readonly effective: Float64Array;
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/** All moments in two passes over the points: the sums of one pass stay in the cache. */
function weightedMoments(x: Float64Array, d: number, weight: Float64Array, count: number): Moments {
  const n = x.length / d;
  const sum = new Float64Array(count);
  const squares = new Float64Array(count);
  const mean = new Float64Array(count * d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < count; j++) {
      const v = weight[i * count + j]!;
      if (v === 0) continue;
      sum[j] = sum[j]! + v;
      squares[j] = squares[j]! + v * v;
      for (let c = 0; c < d; c++) mean[j * d + c] = mean[j * d + c]! + v * x[i * d + c]!;
    }
  }
  for (let j = 0; j < count; j++) for (let c = 0; c < d; c++) mean[j * d + c] = mean[j * d + c]! / sum[j]!;
  const covariance = secondMoments(x, d, weight, count, mean);
  for (let j = 0; j < count; j++)
    for (let c = 0; c < d * d; c++) covariance[j * d * d + c] = covariance[j * d * d + c]! / sum[j]!;
  const effective = sum.map((s, j) => (s > 0 ? (s / squares[j]!) * s : 0));
  return { sum, effective, mean, covariance };
}

/** sum_i v_ij (X_i - mu_j)(X_i - mu_j)', lower triangles of [J, d, d]. */
function secondMoments(
  x: Float64Array,
  d: number,
  weight: Float64Array,
  count: number,
  mean: Float64Array,
): Float64Array {
  const n = x.length / d;
  const out = new Float64Array(count * d * d);
  const off = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < count; j++) {
      const v = weight[i * count + j]!;
      if (v === 0) continue;
      for (let c = 0; c < d; c++) off[c] = x[i * d + c]! - mean[j * d + c]!;
      let at = j * d * d;
      for (let r = 0; r < d; r++, at += d) {
        const scaled = v * off[r]!;
        for (let c = 0; c <= r; c++) out[at + c] = out[at + c]! + scaled * off[c]!;
      }
    }
  }
  return out;
}

function normalOf(moments: Moments, j: number, d: number, options: FitOptions): NormalPart | undefined {
  const effective = moments.effective[j]!;
  if (!(moments.sum[j]! > 0) || (effective < 2 && !options.absoluteRidge)) return undefined;
  const covariance = moments.covariance.slice(j * d * d, (j + 1) * d * d);
  const few = effective < d + 2 && !options.absoluteRidge;
  const factor = ridged(covariance, d, options.kind === 'diagonal' || few, options.absoluteRidge);
  return factor && { share: 1, mean: moments.mean.slice(j * d, (j + 1) * d), factor };
}
