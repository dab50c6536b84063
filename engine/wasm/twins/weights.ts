import { exp } from './elementary.ts';
import { BLOCK, sumBlocks } from './sums.ts';

/**
 * Weights from log-weights, one block of 1024 at a time (range = blocks), so that workers own whole blocks and
 * sums follow the fixed tree of `sums.ts`. Passes over n log-weights l:
 *
 *   maxBlocks        mx = max l                                     -Infinity: all dead
 *   reweighBlocks    l += increment first
 *   expShiftBlocks   w = exp(l - mx), block sums of w and of w^2    S = sum w, ESS = S^2 / sum w^2
 *   quantiseBlocks   q = floor(w / S * 2^52), block totals of q     integers: any order of adding is exact
 *   scanBlocks       C = inclusive prefix sums of q from the exclusive block offsets
 */

/** 2^52, the total that integer weights stay at or below. */
export const QUANTA = 4503599627370496;

/**
 * logWeight += increment [n] for those that are alive, from 0 where `fresh` is 1 whatever `logWeight` holds; the dead
 * stay dead, whatever their increment. The increments become NaN. The largest log-weight of block b goes into `partial`
 * [blocks], as by `maxBlocks`.
 */
export function reweighBlocks(
  increment: Float64Array,
  logWeight: Float64Array,
  n: number,
  fresh: number,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let b = lo; b < hi; b++) {
    const to = Math.min(n, (b + 1) * BLOCK);
    let largest = -Infinity;
    for (let i = b * BLOCK; i < to; i++) {
      const before = fresh === 1 ? 0 : logWeight[i]!;
      const l = before === -Infinity ? before : before + increment[i]!;
      logWeight[i] = l;
      increment[i] = Number.NaN;
      largest = Math.max(largest, l);
    }
    partial[b] = largest;
  }
}

/** Largest element of block b of `x` for b = lo..hi-1 into `partial` [blocks]; NaN where the block holds one. */
export function maxBlocks(x: Float64Array, n: number, partial: Float64Array, lo: number, hi: number): void {
  for (let b = lo; b < hi; b++) {
    const to = Math.min(n, (b + 1) * BLOCK);
    let largest = -Infinity;
    for (let i = b * BLOCK; i < to; i++) largest = Math.max(largest, x[i]!);
    partial[b] = largest;
  }
}

/**
 * w = exp(logWeight - shift) into `weight` [n] (may be `logWeight`), with the sums of w and of w^2 of block b
 * into `sums` and `squares` [blocks]. With shift = max, every w is in [0, 1] and the largest is exactly 1.
 */
export function expShiftBlocks(
  logWeight: Float64Array,
  n: number,
  shift: number,
  weight: Float64Array,
  sums: Float64Array,
  squares: Float64Array,
  lo: number,
  hi: number,
): void {
  const from = lo * BLOCK;
  const to = Math.min(n, hi * BLOCK);
  for (let i = from; i < to; i++) weight[i] = exp(logWeight[i]! - shift);
  sumBlocks(weight, n, sums, lo, hi);
  squareBlocks(weight, n, squares, lo, hi);
}

/** Sum of squares of block b of `x` for b = lo..hi-1 into `partial` [blocks], by the accumulators of `sumBlocks`. */
export function squareBlocks(
  x: Float64Array,
  n: number,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let b = lo; b < hi; b++) {
    const from = b * BLOCK;
    const to = Math.min(n, from + BLOCK);
    a.fill(0);
    for (let i = from; i < to; i++) a[(i - from) & 7] = a[(i - from) & 7]! + x[i]! * x[i]!;
    partial[b] = joined();
  }
}

/** The eight strided accumulators of a block: element j of a block goes to accumulator j mod 8. */
const a = new Float64Array(8);
function joined(): number {
  return a[0]! + a[4]! + (a[2]! + a[6]!) + (a[1]! + a[5]! + (a[3]! + a[7]!));
}

/**
 * Integer weights q = floor(weight / total * 2^52) into `q` [n] (may be `weight`), block totals into `partial`
 * [blocks]. With total = sum of `weight` the sum of q never passes 2^53, so sums of q are exact.
 */
export function quantiseBlocks(
  weight: Float64Array,
  n: number,
  total: number,
  q: Float64Array,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let b = lo; b < hi; b++) {
    const to = Math.min(n, (b + 1) * BLOCK);
    let quanta = 0;
    for (let i = b * BLOCK; i < to; i++) {
      q[i] = Math.floor((weight[i]! / total) * QUANTA);
      quanta += q[i]!;
    }
    partial[b] = quanta;
  }
}

/** Turn block totals into exclusive offsets, in place; returns the total of all. Exact on integers. */
export function exclusiveOffsets(partial: Float64Array, blocks: number): number {
  let total = 0;
  for (let b = 0; b < blocks; b++) {
    const own = partial[b]!;
    partial[b] = total;
    total += own;
  }
  return total;
}

/** Inclusive prefix sums of `q` [n] into `cumulative` [n] (may be `q`); block b starts from offset[b]. */
export function scanBlocks(
  q: Float64Array,
  n: number,
  offset: Float64Array,
  cumulative: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let b = lo; b < hi; b++) {
    const to = Math.min(n, (b + 1) * BLOCK);
    let total = offset[b]!;
    for (let i = b * BLOCK; i < to; i++) {
      total += q[i]!;
      cumulative[i] = total;
    }
  }
}

/**
 * Sums of weight_i x_ic over the rows of block b into `partial` [blocks, d]; x is [n, d]. A row of weight 0 is
 * skipped, not multiplied: a dead particle may hold NaN.
 */
export function weightedSumBlocks(
  x: Float64Array,
  d: number,
  n: number,
  weight: Float64Array,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let b = lo; b < hi; b++) {
    const from = b * BLOCK;
    const to = Math.min(n, from + BLOCK);
    for (let c = 0; c < d; c++) {
      a.fill(0);
      for (let i = from; i < to; i++) {
        const j = (i - from) & 7;
        if (weight[i]! !== 0) a[j] = a[j]! + weight[i]! * x[i * d + c]!;
      }
      partial[b * d + c] = joined();
    }
  }
}

/**
 * Sums of weight_i (x_ic - mean_c)(x_ie - mean_e), c <= e, over the rows of block b into `partial`
 * [blocks, d (d + 1) / 2], pairs in the order (0,0), (0,1), .., (0,d-1), (1,1), ..; rows of weight 0 are skipped.
 * Each term is (weight * (x_c - mean_c)) * (x_e - mean_e).
 */
export function weightedCrossBlocks(
  x: Float64Array,
  d: number,
  n: number,
  weight: Float64Array,
  mean: Float64Array,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  const pairs = (d * (d + 1)) / 2;
  for (let b = lo; b < hi; b++) {
    const from = b * BLOCK;
    const to = Math.min(n, from + BLOCK);
    let at = b * pairs;
    for (let c = 0; c < d; c++) {
      for (let e = c; e < d; e++) {
        a.fill(0);
        for (let i = from; i < to; i++) {
          const j = (i - from) & 7;
          const left = weight[i]! * (x[i * d + c]! - mean[c]!);
          if (weight[i]! !== 0) a[j] = a[j]! + left * (x[i * d + e]! - mean[e]!);
        }
        partial[at++] = joined();
      }
    }
  }
}

/**
 * Among elements 1.. of `x` [n] that are in block b, how many are larger than the one before into `partial` [blocks];
 * -1 where one is smaller. One more than the sum of all is the number of distinct elements of an x that never falls.
 */
export function riseBlocks(x: Uint32Array, n: number, partial: Float64Array, lo: number, hi: number): void {
  for (let b = lo; b < hi; b++) {
    const to = Math.min(n, (b + 1) * BLOCK);
    let rises = 0;
    let fell = false;
    for (let i = Math.max(1, b * BLOCK); i < to; i++) {
      if (x[i]! > x[i - 1]!) rises++;
      else if (x[i]! < x[i - 1]!) fell = true;
    }
    partial[b] = fell ? -1 : rises;
  }
}
