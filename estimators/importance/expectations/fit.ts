import type { Backend } from '../../../engine/backend/backend.ts';
import { LANES, momentRows } from '../../../engine/wasm/twins/moments.ts';
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

/** Parts of g_j for each j, by weights |terms| [n, J]; undefined where they are all 0 or too few to tell a law. */
export async function fitComponents(
  backend: Backend,
  x: Float64Array,
  d: number,
  terms: Float64Array,
  count: number,
  options: FitOptions,
): Promise<readonly (readonly NormalPart[] | undefined)[]> {
  const n = x.length / d;
  const moments = await momentsOf(backend, x, d, terms, count);
  return Array.from({ length: count }, (_, j) => {
    const own = normalOf(moments, j, d, options);
    if (own === undefined || options.kind !== 'mixture') return own && [own];
    const column = Float64Array.from({ length: n }, (_, i) => Math.abs(terms[i * count + j]!));
    return fitPair(x, d, column, own, options.start(j)) ?? [own];
  });
}

interface Moments {
  /** [J] sum_i v_ij and effective number of points. */
  readonly sum: Float64Array;
  readonly effective: Float64Array;
  readonly mean: Float64Array;
  /** Lower triangles of [J, d, d]. */
  readonly covariance: Float64Array;
}

async function momentsOf(
  backend: Backend,
  x: Float64Array,
  d: number,
  terms: Float64Array,
  count: number,
): Promise<Moments> {
  const n = x.length / d;
  const blocks = Math.ceil(count / LANES);
  const stride = LANES * blocks;
  const size = LANES * momentRows(d);
  const arena = backend.arena();
  try {
    const points = arena.f64(n * d);
    points.set(x);
    const weight = arena.f64(n * stride);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < count; j++) weight[i * stride + j] = Math.abs(terms[i * count + j]!);
    const found = arena.f64(blocks * size);
    await backend.dispatch('weightedMoments', [points, d, n, weight, stride, found], blocks);
    return readMoments(found, d, count);
  } finally {
    arena.release();
  }
}

function readMoments(found: Float64Array, d: number, count: number): Moments {
  const size = LANES * momentRows(d);
  const moments = {
    sum: new Float64Array(count),
    effective: new Float64Array(count),
    mean: new Float64Array(count * d),
    covariance: new Float64Array(count * d * d),
  };
  for (let j = 0; j < count; j++) {
    let at = Math.floor(j / LANES) * size + (j % LANES);
    const next = (): number => {
      const value = found[at]!;
      at += LANES;
      return value;
    };
    const sum = next();
    moments.sum[j] = sum;
    const squares = next();
    moments.effective[j] = sum > 0 ? (sum / squares) * sum : 0;
    for (let c = 0; c < d; c++) moments.mean[j * d + c] = next();
    for (let r = 0; r < d; r++)
      for (let c = 0; c <= r; c++) moments.covariance[(j * d + r) * d + c] = next() / sum;
  }
  return moments;
}

function normalOf(moments: Moments, j: number, d: number, options: FitOptions): NormalPart | undefined {
  const effective = moments.effective[j]!;
  if (!(moments.sum[j]! > 0) || (effective < 2 && !options.absoluteRidge)) return undefined;
  const covariance = moments.covariance.slice(j * d * d, (j + 1) * d * d);
  const few = effective < d + 2 && !options.absoluteRidge;
  const factor = ridged(covariance, d, options.kind === 'diagonal' || few, options.absoluteRidge);
  return factor && { share: 1, mean: moments.mean.slice(j * d, (j + 1) * d), factor };
}
