import { normalizedWeight } from '../log-weight.ts';
import { weightedMean, weightedMoments } from '../moments.ts';

/** What a sample of several runs tells of a mean, each run counting by its normalizing constant. */
export interface Pooled {
  /** [d]; NaN when every particle is dead. */
  readonly mean: Float64Array;
  /** [d] by the jackknife over runs: without run r the mean is off by p_r (m_r - m) / (1 - p_r). NaN for a single run. */
  readonly standardError: Float64Array;
  /** [d, d]; empty where it is not wanted. */
  readonly covariance: Float64Array;
}

/** Points [n, d] of all runs with their log-weights [n], as `pooledLogWeight` gives them. */
export interface PooledSample {
  readonly points: Float64Array;
  readonly shape: readonly [n: number, d: number];
  readonly logWeight: Float64Array;
}

/**
 * @param ends [R] row after the last one of each run.
 * @param wanted whether the covariance is. Default true.
 */
export function pooledMoments(
  { points, shape, logWeight }: PooledSample,
  ends: readonly number[],
  wanted = true,
): Pooled {
  const [, d] = shape;
  if (logWeight.every((l) => l === -Infinity)) {
    const none = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);
    return { mean: none(d), standardError: none(d), covariance: none(wanted ? d * d : 0) };
  }
  const { mean, covariance } = wanted
    ? weightedMoments(points, logWeight)
    : { mean: weightedMean(points, logWeight), covariance: new Float64Array(0) };
  return { mean, covariance, standardError: jackknife(points, normalizedWeight(logWeight), mean, ends) };
}

function jackknife(
  points: Float64Array,
  weight: Float64Array,
  mean: Float64Array,
  ends: readonly number[],
): Float64Array {
  const d = mean.length;
  const [squares, off] = [new Float64Array(d), new Float64Array(d)];
  let lo = 0;
  for (const hi of ends) {
    const share = weight.subarray(lo, hi).reduce((sum, w) => sum + w, 0);
    off.fill(0);
    for (let i = lo; i < hi; i++) {
      const w = weight[i]!;
      if (w > 0) for (let c = 0; c < d; c++) off[c] = off[c]! + w * (points[i * d + c]! - mean[c]!);
    }
    for (let c = 0; c < d; c++) squares[c] = squares[c]! + (off[c]! / (1 - share)) ** 2;
    lo = hi;
  }
  const factor = (ends.length - 1) / ends.length;
  return squares.map((s) => known(Math.sqrt(s * factor)));
}

/** NaN for what is not a positive number: no error is ever 0. */
export function known(standardError: number): number {
  return standardError > 0 && standardError < Infinity ? standardError : Number.NaN;
}
