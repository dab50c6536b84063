import { summarise } from '../particles/log-weight.ts';
import type { WeightedMoments } from '../particles/moments.ts';
import type { MovePopulation } from './kernel.ts';

/** Rows of one partial sum. */
const BLOCK = 1024;

/**
 * Weighted mean [d] and covariance [d, d] (divisor 1) of rows of `x` [n, d], by one sweep for each, rows in order, on this
 * thread: for all d (d + 1) / 2 entries at once this takes less time than sums by the fixed tree, one entry at a time.
 * Rows of weight 0 are not read and may hold NaN.
 * @param weight [n] >= 0, of sum `sum` > 0.
 */
export function sweptMoments(x: Float64Array, weight: Float64Array, sum: number): WeightedMoments {
  const d = x.length / weight.length;
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  sweep(weight, mean, (partial, i, w) => {
    for (let c = 0; c < d; c++) partial[c] = partial[c]! + w * x[i * d + c]!;
  });
  for (let c = 0; c < d; c++) mean[c] = mean[c]! / sum;
  const off = new Float64Array(d);
  sweep(weight, covariance, (partial, i, w) => {
    for (let c = 0; c < d; c++) off[c] = x[i * d + c]! - mean[c]!;
    for (let r = 0; r < d; r++) {
      const scaled = w * off[r]!;
      for (let c = 0; c <= r; c++) partial[r * d + c] = partial[r * d + c]! + scaled * off[c]!;
    }
  });
  for (let r = 0; r < d; r++) {
    for (let c = 0; c <= r; c++) {
      covariance[r * d + c] = covariance[r * d + c]! / sum;
      covariance[c * d + r] = covariance[r * d + c]!;
    }
  }
  return { mean, covariance };
}

/** Add the rows of positive weight into `total`, block by block, so that errors grow with the blocks and not the rows. */
function sweep(
  weight: Float64Array,
  total: Float64Array,
  add: (partial: Float64Array, row: number, weight: number) => void,
): void {
  const n = weight.length;
  const partial = new Float64Array(total.length);
  for (let from = 0; from < n; from += BLOCK) {
    const to = Math.min(n, from + BLOCK);
    partial.fill(0);
    for (let i = from; i < to; i++) if (weight[i]! > 0) add(partial, i, weight[i]!);
    for (let c = 0; c < total.length; c++) total[c] = total[c]! + partial[c]!;
  }
}

/**
 * The same of a population; undefined when every particle is dead.
 * @throws ValueError at NaN or +Infinity in a log-weight.
 */
export function populationMoments({ x, logWeight }: MovePopulation): WeightedMoments | undefined {
  const weight = new Float64Array(logWeight.length);
  const { sum } = summarise('tune', logWeight, weight);
  return sum > 0 ? sweptMoments(x, weight, sum) : undefined;
}
