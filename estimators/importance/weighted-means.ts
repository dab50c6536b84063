import { paretoSmooth } from '../../engine/diagnostics/pareto.ts';
import { replicateMean, studentInterval } from '../../engine/diagnostics/standard-error.ts';
import { checkSameLength, essOf, summarise } from '../../engine/particles/log-weight.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import { sum } from '../../engine/wasm/twins/sums.ts';

/*
 * Means of functions over weighted points x_i ~ q, w_i = f(x_i) / q(x_i).
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | log w_i | logWeight | [n] |
 * | h(x_i) | values | [n] |
 * | s_i, what the error is made of | summands | [n] |
 *
 *   plain             mean(w h)                s = w h                      f normalised; right mean at any n
 *   self-normalised   sum w h / sum w = m      s = w (h - m) / mean(w)      f up to a constant; off by O(1/n)
 *   smoothed          the same, w smoothed     s of the weights themselves  biased, with less variance
 *
 * The standard error is sd(s) / sqrt n for independent points (delta method for a ratio: Owen 2013, 9.2), or the spread
 * of the replicates' means of s. There is none, and no interval, where the Pareto shape of |s| is above 0.7: a mean of
 * such summands varies by points that were not drawn.
 */

/** Weighted points, all independent or in R independent replicates of n / R, one after another. */
export interface WeightedPoints {
  /** [n] natural log of target over proposal density; -Infinity where the target has no mass. */
  readonly logWeight: Float64Array;
  /** R; errors come from the spread of replicates where there are two or more. */
  readonly replicates: number;
  /** Whether the points of a replicate are independent: then one replicate has an error too. */
  readonly independent: boolean;
}

/** How weighted points make a mean. */
export type WeightedEstimator = 'plain' | 'self-normalised' | 'smoothed';

/** A mean over weighted points and what is known of it. */
export interface WeightedMean {
  readonly value: number;
  /** NaN, as the two ends, where no interval holds. */
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  /**
   * - 'estimated': value and, where the points allow one, interval.
   * - 'unseen': the function was 0 at all points; value NaN, never 0 with an error of 0.
   * - 'heavy': Pareto shape of the summands above 0.7; value without interval.
   */
  readonly status: 'estimated' | 'unseen' | 'heavy';
  /** Effective number of points: (sum |s|)^2 / sum s^2 of plain summands, of a ratio (sum w)^2 var(h) / sum w^2 (h - m)^2. */
  readonly ess: number;
  /** Of |s|. -Infinity: its largest are all equal; Infinity: too few to tell. */
  readonly paretoShape: number;
  /** The largest |s| as a share of all. */
  readonly largestShare: number;
}

/** Pareto shape above which no interval is given. */
export const HEAVIEST = 0.7;

/**
 * The mean of a function under the target.
 * @param values [n] h at each point; where the weight is 0 they are not read.
 * @throws ValueError at NaN or +Infinity in logWeight; ShapeError when lengths differ.
 */
export function weightedMeanOf(
  points: WeightedPoints,
  values: Float64Array,
  estimator: WeightedEstimator,
  level: number,
): WeightedMean {
  const { logWeight } = points;
  const n = logWeight.length;
  checkSameLength('weightedMeanOf', 'values', values.length, n);
  const weight = new Float64Array(n);
  const summary = summarise('weightedMeanOf', logWeight, weight);
  const products = weight.map((w, i) => (w > 0 ? w * values[i]! : 0));
  if (products.every((s) => s === 0)) return unseen();
  if (estimator === 'plain') {
    const unit = Math.exp(summary.max);
    const largest = largestOf(products);
    return finish(points, { value: unit * (sum(products) / n), summands: products, unit, largest }, level);
  }
  const used = estimator === 'smoothed' ? paretoSmooth(logWeight).weight : weight;
  const total = sum(used);
  const value = sum(used.map((w, i) => (w > 0 ? w * values[i]! : 0))) / total;
  const scale = n / summary.sum;
  const summands = weight.map((w, i) => (w > 0 ? w * scale * (values[i]! - value) : 0));
  const spread = sum(weight.map((w, i) => (w > 0 ? w * (values[i]! - value) ** 2 : 0)));
  const ess = (summary.sum * spread * scale * scale) / sum(summands.map((s) => s * s));
  return finish(points, { value, summands, unit: 1, largest: scale * largestOf(products), ess }, level);
}

/** log of the mean weight, the log of the target's normalizing constant, with the error of the log. */
export interface LogNormalizer {
  readonly value: number;
  /** NaN, as the two ends, where no interval holds. */
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  /** Of the weights. */
  readonly paretoShape: number;
  /** Effective sample size of Kish of the weights. */
  readonly ess: number;
}

/**
 * log mean(w). exp of it has the right mean; its own error is that of the mean over the mean (delta method).
 * @throws ValueError at NaN or +Infinity in logWeight.
 */
export function logNormalizerOf(points: WeightedPoints, level: number): LogNormalizer {
  const { logWeight } = points;
  const n = logWeight.length;
  const weight = new Float64Array(n);
  const summary = summarise('logNormalizerOf', logWeight, weight);
  const none = { standardError: Number.NaN, low: Number.NaN, high: Number.NaN };
  const ess = essOf(summary);
  if (summary.sum === 0) return { value: -Infinity, ...none, paretoShape: Number.NaN, ess };
  const value = summary.max + log(summary.sum / n);
  const scale = n / summary.sum;
  const { status, paretoShape, standardError, low, high } = finish(
    points,
    { value, summands: weight.map((w) => w * scale), unit: 1, largest: scale },
    level,
  );
  return status === 'heavy'
    ? { value, ...none, paretoShape, ess }
    : { value, standardError, low, high, paretoShape, ess };
}

interface Found {
  readonly value: number;
  /** [n], in units of `unit`. */
  readonly summands: Float64Array;
  readonly unit: number;
  /** Largest |w h| in the same unit, beside which a spread may be rounding. */
  readonly largest: number;
  readonly ess?: number;
}

function finish(points: WeightedPoints, found: Found, level: number): WeightedMean {
  const { value, summands, unit, largest, ess } = found;
  const size = summands.map(Math.abs);
  const total = sum(size);
  const most = largestOf(size);
  const paretoShape = most > ROUNDING * largest ? paretoSmooth(size.map((s) => log(s))).shape : -Infinity;
  const heavy = paretoShape > HEAVIEST;
  const standardError = heavy ? Number.NaN : unit * errorOf(points, summands, ROUNDING * largest);
  const ends = studentInterval({ value, standardError, degrees: degreesOf(points) }, level);
  return {
    value,
    standardError,
    ...ends,
    status: heavy ? 'heavy' : 'estimated',
    ess: ess ?? (total * total) / sum(size.map((s) => s * s)),
    paretoShape,
    largestShare: most / total,
  };
}

/** Spread below which numbers are equal but for rounding, beside the largest of them. */
const ROUNDING = 2 ** -46;

/** Standard error of the mean of summands [n]; NaN, never 0, where nothing varies or one replicate cannot tell. */
export function errorOf(points: WeightedPoints, summands: Float64Array, rounding: number): number {
  const { replicates, independent } = points;
  if (replicates < 2 && !independent) return Number.NaN;
  const groups = replicates < 2 ? summands : blockMeans(summands, replicates);
  const { standardError } = replicateMean(groups);
  return standardError * Math.sqrt(groups.length) > rounding ? standardError : Number.NaN;
}

function largestOf(x: Float64Array): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]!));
  return most;
}

/** Degrees of freedom of that error. */
export function degreesOf({ replicates, logWeight }: WeightedPoints): number {
  return (replicates < 2 ? logWeight.length : replicates) - 1;
}

/** [R] means of replicates, which have one size. */
function blockMeans(summands: Float64Array, replicates: number): Float64Array {
  const size = Math.floor(summands.length / replicates);
  return Float64Array.from(
    { length: replicates },
    (_, r) => sum(summands.subarray(r * size, (r + 1) * size)) / size,
  );
}

function unseen(): WeightedMean {
  const { NaN: none } = Number;
  const ends = { standardError: none, low: none, high: none };
  return { value: none, ...ends, status: 'unseen', ess: 0, paretoShape: none, largestShare: none };
}
