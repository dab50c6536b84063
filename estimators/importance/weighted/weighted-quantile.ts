import { summarise } from '../../../engine/particles/log-weight.ts';
import type { WeightedPoints } from './weighted-means.ts';

/** Values in order with the weight up to each. */
export interface WeightedOrder {
  /** [m] ascending, without those of weight 0. */
  readonly values: Float64Array;
  /** [m] share of the weight below the middle of each point. */
  readonly share: Float64Array;
}

/**
 * Sort weighted values, with the share of the weight before each: of the whole weight; or plain, of n, counted from below or
 * from above, where weights are normalised ratios of densities and only one tail may be well covered.
 */
export function weightedOrder(
  { logWeight }: WeightedPoints,
  values: Float64Array,
  from: 'whole' | 'below' | 'above' = 'whole',
): WeightedOrder {
  const n = logWeight.length;
  const weight = new Float64Array(n);
  const { max, sum: whole } = summarise('weightedOrder', logWeight, weight);
  const total = from === 'whole' ? whole : n / Math.exp(max);
  const order = Uint32Array.from(weight.keys())
    .filter((i) => weight[i]! > 0)
    .sort((a, b) => values[a]! - values[b]!);
  const m = order.length;
  const share = new Float64Array(m);
  let before = 0;
  for (let k = 0; k < m; k++) {
    const j = from === 'above' ? m - 1 - k : k;
    const w = weight[order[j]!]!;
    const part = (before + w / 2) / total;
    share[j] = from === 'above' ? 1 - part : part;
    before += w;
  }
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
