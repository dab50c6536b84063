import { studentT } from '../../engine/distribution/student-t.ts';
import { checkSameLength, essOf, summarise } from '../../engine/particles/log-weight.ts';
import { type WeightedMean, type WeightedPoints, weightedMeanOf } from './weighted-means.ts';

/*
 * Quantiles over weighted points.
 *
 * | symbol | name here |
 * |---|---|
 * | F(y) = sum w 1{Y <= y} / sum w | cdf |
 * | q(p) = F^-1(p) | quantile |
 *
 * The interval is q(p -+ t se), se the standard error of the weighted share of points up to q(p): the test interval of
 * Woodruff (1952, J. Am. Stat. Assoc. 47, 635-646), which asks for no density. There is none where fewer than
 * `LEAST_BEYOND` effective points lie beyond, or p -+ t se leaves (0, 1), or the weights are heavy.
 */

/** A quantile and what is known of it; see `WeightedMean`. */
export interface WeightedQuantile extends WeightedMean {
  /** dq / dp by the interval of one standard error of p; NaN without one. */
  readonly slope: number;
}

/** Effective points that must lie beyond a quantile for its interval. */
export const LEAST_BEYOND = 5;

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

/**
 * The quantile at p under the target of the weights.
 * @param values [n]; not read where the weight is 0.
 * @throws ValueError at NaN or +Infinity in the log-weights; ShapeError when lengths differ.
 */
export function weightedQuantileOf(
  points: WeightedPoints,
  values: Float64Array,
  p: number,
  level: number,
  order: WeightedOrder = weightedOrder(points, values),
): WeightedQuantile {
  checkSameLength('weightedQuantileOf', 'values', values.length, points.logWeight.length);
  const value = quantileAt(order, p);
  const upTo = weightedMeanOf(
    points,
    values.map((y) => (y <= value ? 1 : 0)),
    'self-normalised',
    level,
  );
  const { paretoShape, largestShare, status } = upTo;
  const ess = essOf(summarise('weightedQuantileOf', points.logWeight, new Float64Array(values.length)));
  const none = { standardError: Number.NaN, low: Number.NaN, high: Number.NaN, slope: Number.NaN };
  const known = { value, status, ess, paretoShape, largestShare };
  const error = upTo.standardError;
  const degrees = (points.replicates < 2 ? values.length : points.replicates) - 1;
  const t = error > 0 ? studentT(degrees).quantile((1 + level) / 2) : Number.NaN;
  const few = ess * Math.min(p, 1 - p) < LEAST_BEYOND;
  if (few || !(p - t * error > 0 && p + t * error < 1)) return { ...known, ...none };
  const low = quantileAt(order, p - t * error);
  const high = quantileAt(order, p + t * error);
  const slope = (high - low) / (2 * t * error);
  return slope > 0 ? { ...known, standardError: slope * error, low, high, slope } : { ...known, ...none };
}
