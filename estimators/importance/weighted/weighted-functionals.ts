import { studentInterval } from '../../../engine/diagnostics/standard-error.ts';
import { checkSameLength, summarise } from '../../../engine/particles/log-weight.ts';
import { sum } from '../../../engine/wasm/twins/sums.ts';
import {
  coversWhole,
  degreesOf,
  errorOf,
  HEAVIEST,
  type Sizes,
  sizesOf,
  tells,
  tellsMean,
  type WeightedMean,
  type WeightedPoints,
} from './weighted-means.ts';
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
 * Whether errors can be trusted is read off the Pareto shape of w |h|, of a ratio off that of w as well: not of the influence,
 * whose two levels inside and outside an event look like a tail. What rests on next to no weight has no value.
 */

/** An estimate with the share of each point in its deviation: the numbers average to 0. */
export interface Influence extends Sizes {
  readonly value: number;
  /** False where the weights of a ratio are too few for an error. */
  readonly covered: boolean;
  /** [n] */
  readonly influence: Float64Array;
}

/**
 * Mean of h under the target of the weights; NaN when h was 0 at all points, or where they tell nothing of it.
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
  const own = sizesOf(products);
  const whole = estimator === 'plain' ? undefined : sizesOf(weight);
  const covered = whole === undefined || coversWhole(whole, n);
  const paretoShape = Math.max(own.paretoShape, whole?.paretoShape ?? -Infinity);
  const tail = { ...own, paretoShape, covered };
  if (!tellsMean(tail, whole)) return { value: Number.NaN, influence: products.fill(Number.NaN), ...tail };
  const unit = estimator === 'plain' ? Math.exp(max) : n / total;
  const value = unit * (sum(products) / n);
  const influence = products.map((s, i) => {
    if (estimator === 'plain') return s * unit - value;
    return weight[i]! > 0 ? weight[i]! * unit * (values[i]! - value) : 0;
  });
  return { value, influence, ...tail };
}

/** A quantile with its interval. */
export interface WeightedQuantile extends Influence, WeightedMean {}

/** Effective points that must lie beyond a quantile for its interval, */
export const LEAST_BEYOND = 10;
/** and for its value, where their weights differ. */
const FEWEST_BEYOND = 5;

/**
 * The quantile at p under the target of the weights: where the share of the weight is p or, plain, where the mean weight of the
 * points beyond, in the nearer tail, is its probability. Its interval is q(p -+ t se), se the standard error of that share, which asks
 * for no density (Woodruff 1952, J. Am. Stat. Assoc. 47, 635-646). There is none where fewer than `LEAST_BEYOND` effective points
 * lie beyond, or p -+ t se leaves (0, 1), or the weights are heavy; and no value where so few of different weights lie beyond.
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
  const found = quantileAt(order, p);
  const beyond = meanInfluence(
    points,
    values.map((y) => ((upper ? y > found : y <= found) ? 1 : 0)),
    estimator,
  );
  const ones = new Float64Array(values.length).fill(1);
  const sizes = plain ? beyond : meanInfluence(points, ones, 'self-normalised');
  const { ess, paretoShape, largestShare, covered } = sizes;
  const reached = plain || ess * Math.min(p, 1 - p) >= 1;
  const told = reached && tells(sizes, plain ? FEWEST_BEYOND : undefined);
  const value = told ? found : Number.NaN;
  const trusted = told && covered && paretoShape <= HEAVIEST;
  const status = ess === 0 ? 'unseen' : trusted ? 'estimated' : 'heavy';
  const known = { value, status, ess, paretoShape, largestShare, covered } as const;
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
  const trusted = parts.every(({ covered }) => covered) && paretoShape <= HEAVIEST && !Number.isNaN(value);
  const status = ess === 0 ? 'unseen' : trusted ? 'estimated' : 'heavy';
  const error = trusted ? errorOf(points, rows, ROUNDING * Math.abs(value)) : Number.NaN;
  const ends = studentInterval({ value, standardError: error, degrees: degreesOf(points) }, level);
  return { value, standardError: error, ...ends, status, ess, paretoShape, largestShare };
}

/** One estimate with its interval. */
export function estimateWith(points: WeightedPoints, part: Influence, level: number): WeightedMean {
  return functionalOf(points, [part], part.value, [1], level);
}
