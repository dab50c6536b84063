import { summarise } from '../../engine/particles/log-weight.ts';
import type { WeightedPoints } from './weighted-means.ts';

/** Values in order with the weight up to each. */
export interface WeightedOrder {
  /** [m] ascending, without those of weight 0. */
  readonly values: Float64Array;
  /** [m] share of the weight below the middle of each point. */
  readonly share: Float64Array;
}

/** Sort weighted values; weights are only known up to a factor. */
export function weightedOrder({ logWeight }: WeightedPoints, values: Float64Array): WeightedOrder {
  const weight = new Float64Array(logWeight.length);
  const { sum: total } = summarise('weightedOrder', logWeight, weight);
  const order = Uint32Array.from(weight.keys())
    .filter((i) => weight[i]! > 0)
    .sort((a, b) => values[a]! - values[b]!);
  const share = new Float64Array(order.length);
  let before = 0;
  order.forEach((i, j) => {
    share[j] = (before + weight[i]! / 2) / total;
    before += weight[i]!;
  });
  return { values: Float64Array.from(order, (i) => values[i]!), share };
}

/**
 * The value at share p, between neighbours in proportion: each point stands for the middle of its weight, so equal
 * weights give Hazen's quantile as of plain points. NaN when there are no points.
 */
export function quantileAt({ values, share }: WeightedOrder, p: number): number {
  let [low, high] = [-1, share.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (share[middle]! <= p) low = middle;
    else high = middle;
  }
  if (values.length === 0) return Number.NaN;
  if (low < 0) return values[0]!;
  if (high === share.length) return values[low]!;
  const within = (p - share[low]!) / (share[high]! - share[low]!);
  return values[low]! * (1 - within) + values[high]! * within;
}
