import type { Arena, Backend, KernelCall } from '../backend/backend.ts';
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
  const partial = new Float64Array(blocks * pairCount(d));
  weightedCrossBlocks(x, d, n, weight, mean, partial, 0, blocks);
  return { mean, covariance: joinPairs(partial, blocks, d, sum) };
}

/** Weighted mean of the rows of x [n, d], [d]; otherwise as `weightedMoments`. */
export function weightedMean(x: Float64Array, logWeight: Float64Array): Float64Array {
  const n = logWeight.length;
  const { weight, sum } = liveWeights('weightedMean', logWeight);
  return meanOf(x, rowLength('weightedMean', x.length, n), n, weight, sum);
}

export interface MomentsOptions {
  readonly backend: Backend;
  /** Where its arrays live. */
  readonly arena: Arena;
  /** n */
  readonly particles: number;
  /** d */
  readonly components: number;
  /** false: means only, and an empty covariance. Default true. */
  readonly covariance?: boolean;
}

/** Moments of x [n, d] with weights [n] whose sum is given, as `Resampler.weigh` leaves them; all from one backend. */
export interface Moments {
  /** The first kernel of them, for who runs it along with others. */
  first(x: Float64Array, weight: Float64Array): KernelCall;
  /** @param begun whether `first` of these very arrays was run. */
  take(x: Float64Array, weight: Float64Array, sum: number, begun?: boolean): Promise<WeightedMoments>;
}

/** `weightedMoments` again and again on a backend, same bits. */
export function makeMoments(options: MomentsOptions): Moments {
  const { backend, arena, particles: n, components: d, covariance = true } = options;
  const blocks = blockCount(n);
  const lent = arena.f64(d);
  const sums = arena.f64(blocks * d);
  const crosses = arena.f64(covariance ? blocks * pairCount(d) : 0);
  return {
    first: (x, weight) => ({ kernel: 'weightedSumBlocks', args: [x, d, n, weight, sums], over: 'blocks' }),
    async take(x, weight, sum, begun = false) {
      if (!begun) await backend.dispatch('weightedSumBlocks', [x, d, n, weight, sums], blocks);
      const mean = joinColumns(sums, blocks, d, sum);
      if (!covariance) return { mean, covariance: new Float64Array(0) };
      lent.set(mean);
      await backend.dispatch('weightedCrossBlocks', [x, d, n, weight, lent, crosses], blocks);
      return { mean, covariance: joinPairs(crosses, blocks, d, sum) };
    },
  };
}

function meanOf(x: Float64Array, d: number, n: number, weight: Float64Array, sum: number): Float64Array {
  const blocks = blockCount(n);
  const partial = new Float64Array(blocks * d);
  weightedSumBlocks(x, d, n, weight, partial, 0, blocks);
  return joinColumns(partial, blocks, d, sum);
}

/** Pairs (c, e) with c <= e < d. */
function pairCount(d: number): number {
  return (d * (d + 1)) / 2;
}

function joinColumns(partial: Float64Array, blocks: number, d: number, sum: number): Float64Array {
  return Float64Array.from({ length: d }, (_, c) => treeSum(partial, blocks, c, d) / sum);
}

function joinPairs(partial: Float64Array, blocks: number, d: number, sum: number): Float64Array {
  const covariance = new Float64Array(d * d);
  for (let c = 0, pair = 0; c < d; c++) {
    for (let e = c; e < d; e++, pair++) {
      const value = treeSum(partial, blocks, pair, pairCount(d)) / sum;
      covariance[c * d + e] = value;
      covariance[e * d + c] = value;
    }
  }
  return covariance;
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
