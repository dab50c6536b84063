import { logMeanExp, normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { weightedMoments } from '../../../engine/particles/moments.ts';
import type { Sample } from '../../../engine/sampler.ts';

/** The weighted points of one run: [n, d], [n]. */
export interface RunSample {
  readonly points: Float64Array;
  readonly logWeight: Float64Array;
  readonly logNormalizer: number;
}

/** Runs as one weighted sample, each counting by its normalizing constant. */
export interface Pooled {
  /** The log-mean-exp of each run's log-weights is its log normalizer. */
  readonly sample: Sample;
  /** [d]; NaN when every particle is dead. */
  readonly mean: Float64Array;
  /** [d] by the jackknife over runs: without run r the mean is off by p_r (m_r - m) / (1 - p_r). NaN for a single run. */
  readonly standardError: Float64Array;
  /** [d, d] */
  readonly covariance: Float64Array;
}

export function pooledMoments(runs: readonly RunSample[], d: number): Pooled {
  const total = runs.reduce((sum, { logWeight }) => sum + logWeight.length, 0);
  const points = new Float64Array(total * d);
  const logWeight = new Float64Array(total);
  let at = 0;
  for (const run of runs) {
    points.set(run.points, at * d);
    const shift = run.logNormalizer > -Infinity ? run.logNormalizer - logMeanExp(run.logWeight) : 0;
    for (let i = 0; i < run.logWeight.length; i++) logWeight[at + i] = run.logWeight[i]! + shift;
    at += run.logWeight.length;
  }
  const sample: Sample = { points, shape: [total, d], logWeight };
  if (runs.every(({ logNormalizer }) => logNormalizer === -Infinity)) {
    const none = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);
    return { sample, mean: none(d), standardError: none(d), covariance: none(d * d) };
  }
  const { mean, covariance } = weightedMoments(points, logWeight);
  return { sample, mean, covariance, standardError: jackknife(runs, sample, mean) };
}

function jackknife(
  runs: readonly RunSample[],
  { points, logWeight }: Sample,
  mean: Float64Array,
): Float64Array {
  const d = mean.length;
  const weight = normalizedWeight(logWeight);
  const squares = new Float64Array(d);
  let lo = 0;
  for (const run of runs) {
    const hi = lo + run.logWeight.length;
    const share = weight.subarray(lo, hi).reduce((sum, w) => sum + w, 0);
    for (let c = 0; c < d; c++) {
      let off = 0;
      for (let i = lo; i < hi; i++) if (weight[i]! > 0) off += weight[i]! * (points[i * d + c]! - mean[c]!);
      squares[c] = squares[c]! + (off / (1 - share)) ** 2;
    }
    lo = hi;
  }
  const factor = (runs.length - 1) / runs.length;
  return squares.map((s) => known(Math.sqrt(s * factor)));
}

/** NaN for what is not a positive number: no error is ever 0. */
export function known(standardError: number): number {
  return standardError > 0 && standardError < Infinity ? standardError : Number.NaN;
}
