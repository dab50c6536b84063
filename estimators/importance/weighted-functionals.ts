import { paretoSmooth } from '../../engine/diagnostics/pareto.ts';
import { studentInterval } from '../../engine/diagnostics/standard-error.ts';
import { checkSameLength, essOf, summarise } from '../../engine/particles/log-weight.ts';
import { sum } from '../../engine/wasm/twins/sums.ts';
import { degreesOf, errorOf, HEAVIEST, type WeightedMean, type WeightedPoints } from './weighted-means.ts';
import { quantileAt, weightedOrder } from './weighted-quantile.ts';

/*
 * Means and quantiles over weighted points, and smooth functions of several of them from the same points.
 *
 * Every estimate is, to first order, its truth plus the mean of one number a point, its influence (Hampel 1974, J. Am.
 * Stat. Assoc. 69, 383-393); a function psi has the influence sum_k d psi / d I_k influence_k, whose spread over points or
 * replicates gives its error with all correlations (delta method).
 *
 *   plain mean            w h - I
 *   self-normalised mean  w (h - I) / mean w
 *   quantile q(p)         w (p - 1{y <= q}) / mean w, times dq / dp
 *
 * Whether errors can be trusted is read off the Pareto shape of w |h|, of a quantile that of w: not of the influence, whose
 * two levels inside and outside an event look like a tail.
 */

/** Pareto shape and sizes of the summands of one estimate. */
interface Tail {
  readonly ess: number;
  readonly paretoShape: number;
  readonly largestShare: number;
}

/** An estimate with the share of each point in its deviation: the numbers average to 0. */
export interface Influence extends Tail {
  readonly value: number;
  /** [n] */
  readonly influence: Float64Array;
}

/**
 * Mean of h under the target of the weights; NaN when h was 0 at all points.
 * @param values [n] h; not read where the weight is 0.
 */
export function meanInfluence(
  { logWeight }: WeightedPoints,
  values: Float64Array,
  estimator: 'plain' | 'self-normalised',
): Influence {
  const n = logWeight.length;
  checkSameLength('meanInfluence', 'values', values.length, n);
  const weight = new Float64Array(n);
  const { max, sum: total } = summarise('meanInfluence', logWeight, weight);
  const products = weight.map((w, i) => (w > 0 ? w * values[i]! : 0));
  const tail = tailOf(products);
  if (tail.ess === 0) return { value: Number.NaN, influence: products.fill(Number.NaN), ...tail };
  const unit = estimator === 'plain' ? Math.exp(max) : n / total;
  const value = unit * (sum(products) / n);
  const own = estimator === 'plain' ? 1 : unit;
  const influence = products.map((s, i) => {
    if (estimator === 'plain') return s * unit - value;
    return weight[i]! > 0 ? weight[i]! * own * (values[i]! - value) : 0;
  });
  return { value, influence, ...tail };
}

/** Of summands [n]; all 0: ess 0 and no shape. */
function tailOf(products: Float64Array): Tail {
  const logSize = products.map((s) => Math.log(Math.abs(s)));
  const summary = summarise('tailOf', logSize, new Float64Array(products.length));
  if (summary.sum === 0) return { ess: 0, paretoShape: Number.NaN, largestShare: Number.NaN };
  const paretoShape = paretoSmooth(logSize).shape;
  return { ess: essOf(summary), paretoShape, largestShare: 1 / summary.sum };
}

/** A quantile with its interval. */
export interface WeightedQuantile extends Influence, WeightedMean {}

/** Effective points that must lie beyond a quantile for its interval. */
export const LEAST_BEYOND = 5;

/**
 * The quantile at p under the target of the weights: where the share of the weight is p or, plain, where the mean weight of the
 * points beyond, in the nearer tail, is its probability. Its interval is q(p -+ t se), se the standard error of that share, which asks
 * for no density (Woodruff 1952, J. Am. Stat. Assoc. 47, 635-646). There is none where fewer than `LEAST_BEYOND` effective points
 * lie beyond, or p -+ t se leaves (0, 1), or the weights are heavy.
 * @param values [n]; not read where the weight is 0.
 */
export function weightedQuantileOf(
  points: WeightedPoints,
  values: Float64Array,
  p: number,
  estimator: 'plain' | 'self-normalised',
  level: number,
): WeightedQuantile {
  checkSameLength('weightedQuantileOf', 'values', values.length, points.logWeight.length);
  const upper = p >= 0.5;
  const plain = estimator === 'plain';
  const order = weightedOrder(points, values, plain ? (upper ? 'above' : 'below') : 'whole');
  const value = quantileAt(order, p);
  const beyond = meanInfluence(
    points,
    values.map((y) => ((upper ? y > value : y <= value) ? 1 : 0)),
    estimator,
  );
  const ones = new Float64Array(values.length).fill(1);
  const { ess, paretoShape, largestShare } = plain ? beyond : meanInfluence(points, ones, 'self-normalised');
  const status = ess === 0 ? 'unseen' : paretoShape > HEAVIEST ? 'heavy' : 'estimated';
  const known = { value, status, ess, paretoShape, largestShare } as const;
  const none = values.map(() => Number.NaN);
  const error = status === 'estimated' ? errorOf(points, beyond.influence, 0) : Number.NaN;
  const ends = studentInterval({ value: p, standardError: error, degrees: degreesOf(points) }, level);
  const few = (plain ? ess : ess * Math.min(p, 1 - p)) < LEAST_BEYOND;
  if (few || !(ends.low > 0 && ends.high < 1)) return { ...known, ...NO_INTERVAL, influence: none };
  const low = quantileAt(order, ends.low);
  const high = quantileAt(order, ends.high);
  const slope = (high - low) / (ends.high - ends.low);
  if (!(slope > 0)) return { ...known, ...NO_INTERVAL, influence: none };
  const sign = upper ? slope : -slope;
  return {
    ...known,
    standardError: slope * error,
    low,
    high,
    influence: beyond.influence.map((s) => sign * s),
  };
}

/** What stands in place of an interval that does not hold. */
export const NO_INTERVAL: Pick<WeightedMean, 'standardError' | 'low' | 'high'> = {
  standardError: Number.NaN,
  low: Number.NaN,
  high: Number.NaN,
};

/** Spread below which numbers are equal but for rounding, beside their value. */
const ROUNDING = 2 ** -46;

/**
 * psi of estimates with its interval.
 * @param gradient [parts] d psi / d I at their values.
 */
export function functionalOf(
  points: WeightedPoints,
  parts: readonly Influence[],
  value: number,
  gradient: readonly number[],
  level: number,
): WeightedMean {
  const rows = new Float64Array(points.logWeight.length);
  parts.forEach(({ influence }, k) => {
    for (let i = 0; i < rows.length; i++) rows[i] = rows[i]! + gradient[k]! * influence[i]!;
  });
  const paretoShape = parts.reduce((most, part) => Math.max(most, part.paretoShape), -Infinity);
  const largestShare = parts.reduce((most, part) => Math.max(most, part.largestShare), 0);
  const ess = parts.reduce((least, part) => Math.min(least, part.ess), Infinity);
  const status = ess === 0 ? 'unseen' : paretoShape > HEAVIEST ? 'heavy' : 'estimated';
  const error = status === 'estimated' ? errorOf(points, rows, ROUNDING * Math.abs(value)) : Number.NaN;
  const ends = studentInterval({ value, standardError: error, degrees: degreesOf(points) }, level);
  return { value, standardError: error, ...ends, status, ess, paretoShape, largestShare };
}

/** One estimate with its interval. */
export function estimateWith(points: WeightedPoints, part: Influence, level: number): WeightedMean {
  return functionalOf(points, [part], part.value, [1], level);
}
