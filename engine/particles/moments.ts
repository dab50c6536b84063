import { DegeneracyError, ShapeError } from '../errors.ts';
import { blockCount, treeSum } from '../wasm/twins/sums.ts';
import { weightedCrossBlocks, weightedSumBlocks } from '../wasm/twins/weights.ts';
import { summarise } from './log-weight.ts';

/** Weighted mean [d] and covariance [d, d] row-major of particles, with weights normalised to sum 1. */
export interface WeightedMoments {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/**
 * Mean sum W x and covariance sum W (x - mean)(x - mean)' (divisor 1, not n - 1), in two passes by the fixed tree.
 *
 * @param x [n, d] row-major. Rows of weight 0 are never read into a sum and may hold NaN.
 * @param logWeight [n] natural log, unnormalised.
 * @throws ShapeError when x is not whole rows; ValueError at NaN or +Infinity in logWeight; DegeneracyError when
 * every particle is dead.
 */
export function weightedMoments(x: Float64Array, logWeight: Float64Array): WeightedMoments {
  const n = logWeight.length;
  const d = rowLength('weightedMoments', x.length, n);
  const { weight, sum } = liveWeights('weightedMoments', logWeight);
  const mean = meanOf(x, d, n, weight, sum);
  const blocks = blockCount(n);
  const pairs = (d * (d + 1)) / 2;
  const partial = new Float64Array(blocks * pairs);
  weightedCrossBlocks(x, d, n, weight, mean, partial, 0, blocks);
  const covariance = new Float64Array(d * d);
  for (let c = 0, pair = 0; c < d; c++) {
    for (let e = c; e < d; e++, pair++) {
      const value = treeSum(partial, blocks, pair, pairs) / sum;
      covariance[c * d + e] = value;
      covariance[e * d + c] = value;
    }
  }
  return { mean, covariance };
}

/** Weighted mean of the rows of x [n, d], [d]; otherwise as `weightedMoments`. */
export function weightedMean(x: Float64Array, logWeight: Float64Array): Float64Array {
  const n = logWeight.length;
  const { weight, sum } = liveWeights('weightedMean', logWeight);
  return meanOf(x, rowLength('weightedMean', x.length, n), n, weight, sum);
}

function meanOf(x: Float64Array, d: number, n: number, weight: Float64Array, sum: number): Float64Array {
  const blocks = blockCount(n);
  const partial = new Float64Array(blocks * d);
  weightedSumBlocks(x, d, n, weight, partial, 0, blocks);
  return Float64Array.from({ length: d }, (_, c) => treeSum(partial, blocks, c, d) / sum);
}

function liveWeights(where: string, logWeight: Float64Array): { weight: Float64Array; sum: number } {
  const weight = new Float64Array(logWeight.length);
  const { sum } = summarise(where, logWeight, weight);
  if (sum > 0) return { weight, sum };
  throw new DegeneracyError({
    where,
    found: `all ${logWeight.length} log-weights are -Infinity`,
    expected: 'at least one live particle',
  });
}

function rowLength(where: string, length: number, n: number): number {
  const d = length / n;
  if (Number.isInteger(d) && d > 0) return d;
  throw new ShapeError({
    where,
    found: `x has length ${length}`,
    expected: `a multiple of ${n}, one row for each log-weight`,
  });
}
