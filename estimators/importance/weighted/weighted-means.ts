import { paretoSmooth } from '../../../engine/diagnostics/pareto.ts';
import { replicateMean, studentInterval } from '../../../engine/diagnostics/standard-error.ts';
import {
  checkSameLength,
  essOf,
  summarise,
  type WeightSummary,
} from '../../../engine/particles/log-weight.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';
import { sum } from '../../../engine/wasm/twins/sums.ts';

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
 *   smoothed          the same, w smoothed     s of the weights themselves  biased, with less variance: no interval
 *
 * The standard error is sd(s) / sqrt n for independent points (delta method for a ratio: Owen 2013, 9.2), or the spread
 * of the replicates' means of s. There is none, and no interval, where the Pareto shape of |s| is above 0.7: a mean of
 * such summands varies by points that were not drawn. The s of a ratio have mean 0, so that their tails are read off each
 * side by itself: the two levels of an event are no tail.
 *
 * A ratio, and a plain mean of what is 0 nowhere, need all of the target: no interval where fewer than 50 weights count
 * in effect (of fewer than 100 points: half of them). From a shape of 1 with fewer than 20 in effect, below 10 such
 * weights or 3 effective summands, there is no value.
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
   * - 'heavy': Pareto shape of the summands above 0.7, or too few effective points; value without interval, and without
   *   value where it would rest on next to no weight.
   */
  readonly status: 'estimated' | 'unseen' | 'heavy';
  /** Effective number of points: (sum |s|)^2 / sum s^2 of plain summands, of a ratio (sum w)^2 var(h) / sum w^2 (h - m)^2. */
  readonly ess: number;
  /** Of |s|, and where all of the target is needed at least that of the weights. -Infinity: its largest are all equal; Infinity: too few to tell. */
  readonly paretoShape: number;
  /** The largest |s| as a share of all. */
  readonly largestShare: number;
}

/** Pareto shape above which no interval is given. */
export const HEAVIEST = 0.7;

/** From this Pareto shape on a mean need not exist. */
const NO_MEAN = 1;
/** Effective sizes from which the mean seen is taken to exist: by chance a shape of 1 is fitted to good ones too. */
const MANY = 20;
/** Effective weights below which nothing is told of a mean over all of the target, */
const FEWEST_WEIGHTS = 10;
/** and effective summands of any mean. More would choose among samples: only those that met an event often have many. */
const FEWEST = 3;
/** Effective weights that a mean over all of the target must have for an interval. */
const LEAST_WHOLE = 50;

/** Sizes of summands, or of weights. */
export type Sizes = Pick<WeightedMean, 'ess' | 'paretoShape' | 'largestShare'>;

/**
 * Whether a sum of such sizes tells anything at all. Of sizes in two clusters, as a defensive share makes them, the fit may see
 * any shape: it decides among few effective ones only. A count of equal sizes, of which there are at least two, always does; a shape
 * of Infinity only says that there are too few to tell a tail.
 */
export function tells({ ess, paretoShape, largestShare }: Sizes, fewest: number = FEWEST_WEIGHTS): boolean {
  const count = ess > 1.5 && ess * largestShare < 1.01;
  const lost = paretoShape >= NO_MEAN && paretoShape < Infinity && ess < MANY;
  return (ess >= fewest || count) && !lost;
}

/** Whether summands tell anything of their mean, and the weights of all of the target where it is needed. */
export function tellsMean(summands: Sizes | undefined, whole: Sizes | undefined): boolean {
  return (summands === undefined || tells(summands, FEWEST)) && (whole === undefined || tells(whole));
}

/** Whether weights of n points cover their target well enough for the error of a mean over all of it. */
export function coversWhole({ ess }: Pick<Sizes, 'ess'>, n: number): boolean {
  return ess >= Math.min(LEAST_WHOLE, n / 2);
}

/** Share of the sum of squares below which a largest summand tells that the squares have a mean. */
const SMALL_SQUARE = 0.02;
/** Shape below which they do. */
const FINITE_VARIANCE = 0.5;

/**
 * Pareto shape of sizes. Where many share the largest, as weights under a bound do, the fit may see a tail between their
 * clusters; if the largest of all is a small share of the sum of squares there is none that matters.
 */
function shapeOf(logSize: Float64Array, { squares }: WeightSummary): number {
  const { shape } = paretoSmooth(logSize);
  return squares > 1 / SMALL_SQUARE ? Math.min(shape, FINITE_VARIANCE) : shape;
}

/** How the sizes of summands [n] are spread; all 0: ess 0 and no shape. */
export function sizesOf(summands: Float64Array): Sizes {
  const logSize = summands.map((s) => log(Math.abs(s)));
  const summary = summarise('sizesOf', logSize, new Float64Array(summands.length));
  if (summary.sum === 0) return { ess: 0, paretoShape: Number.NaN, largestShare: Number.NaN };
  return {
    ess: essOf(summary),
    paretoShape: shapeOf(logSize, summary),
    largestShare: 1 / summary.sum,
  };
}

/**
 * The mean of a function under the target.
 * @param part whether it is of a part of the target by itself, as the probability of an event is: its plain mean asks
 * for no weights elsewhere.
 * @param values [n] h at each point; where the weight is 0 they are not read.
 * @throws ValueError at NaN or +Infinity in logWeight; ShapeError when lengths differ.
 */
export function weightedMeanOf(
  points: WeightedPoints,
  values: Float64Array,
  estimator: WeightedEstimator,
  level: number,
  part = false,
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
    const local = part || products.some((s, i) => s === 0 && weight[i]! > 0);
    const whole = local ? undefined : sizesOf(weight);
    const value = unit * (sum(products) / n);
    return finish(points, { value, summands: products, unit, largest, whole }, level);
  }
  const used = estimator === 'smoothed' ? paretoSmooth(logWeight).weight : weight;
  const total = sum(used);
  const value = sum(used.map((w, i) => (w > 0 ? w * values[i]! : 0))) / total;
  const scale = n / summary.sum;
  const summands = weight.map((w, i) => (w > 0 ? w * scale * (values[i]! - value) : 0));
  const spread = sum(weight.map((w, i) => (w > 0 ? w * (values[i]! - value) ** 2 : 0)));
  const ess = (summary.sum * spread * scale * scale) / sum(summands.map((s) => s * s));
  const largest = scale * largestOf(products);
  const ratio = finish(points, { value, summands, unit: 1, largest, ess, whole: sizesOf(weight) }, level);
  // Smoothing pulls the value to where the points are, by more than they vary.
  const { NaN: none } = Number;
  return estimator === 'smoothed' ? { ...ratio, standardError: none, low: none, high: none } : ratio;
}

/** Level of the interval of the mean weight that decides whether mass is missing: a false alarm in a million. */
const MASS_LEVEL = 1 - 1e-6;

/** Whether the mean of normalised weights is not 1: the points miss some of the target. */
export function lacksMass(points: WeightedPoints): boolean {
  const { low, high } = logNormalizerOf(points, MASS_LEVEL);
  return low > 0 || high < 0;
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
    { value, summands: weight.map((w) => w * scale), unit: 1, largest: scale, whole: sizesOf(weight) },
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
  /** Of a ratio. */
  readonly ess?: number;
  /** The weights, where all of the target is needed. */
  readonly whole?: Sizes | undefined;
}

function finish(points: WeightedPoints, found: Found, level: number): WeightedMean {
  const { summands, unit, largest, whole } = found;
  const own = sizesOf(summands);
  const varies = largestOf(summands) > ROUNDING * largest;
  const shape = !varies ? -Infinity : found.ess === undefined ? own.paretoShape : sidesShape(summands);
  const sizes = { ...own, paretoShape: whole === undefined ? shape : Math.max(shape, whole.paretoShape) };
  const told = tellsMean(varies ? sizes : undefined, whole);
  const covered = whole === undefined || coversWhole(whole, summands.length);
  const heavy = !(told && covered && sizes.paretoShape <= HEAVIEST);
  const value = told ? found.value : Number.NaN;
  const standardError = heavy ? Number.NaN : unit * errorOf(points, summands, ROUNDING * largest);
  const ends = studentInterval({ value, standardError, degrees: degreesOf(points) }, level);
  const status = heavy ? 'heavy' : 'estimated';
  return { value, standardError, ...ends, status, ...sizes, ess: found.ess ?? own.ess };
}

/** Pareto shape of the heavier side of summands that are of both signs. */
function sidesShape(summands: Float64Array): number {
  const shape = (sign: number): number => {
    const side = summands.map((s) => log(Math.max(0, sign * s)));
    const summary = summarise('sidesShape', side, new Float64Array(side.length));
    return summary.sum === 0 ? -Infinity : shapeOf(side, summary);
  };
  return Math.max(shape(1), shape(-1));
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
