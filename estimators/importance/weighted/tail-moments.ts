import { checkNumber, checkOneOf, checkOptionNames } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import { estimateOf } from '../laws/reweight.ts';
import {
  estimateWith,
  functionalOf,
  type Influence,
  meanInfluence,
  weightedQuantileOf,
} from './weighted-functionals.ts';
import type { WeightedMean } from './weighted-means.ts';
import { checkWeightedResult, hasGaps, type WeightedResult, weightedOutput } from './weighted-result.ts';

/*
 * What lies in a tail, from weighted points.
 *
 * | symbol | name here |
 * |---|---|
 * | q, given, or the quantile at p | threshold |
 * | P(Y > q) | probability |
 * | E[(Y - q)+] | excess |
 * | E[Y | Y > q] = q + E[(Y - q)+] / P(Y > q) | mean beyond, the expected shortfall |
 *
 * With the quantile itself estimated, the mean beyond is the least value over q of q + E[(Y - q)+] / (1 - p), so the error of q does
 * not reach it to first order (Rockafellar & Uryasev 2002, J. Banking & Finance 26, 1443-1471).
 */
export interface TailOptions {
  /** The result of `monteCarlo`, of `expectations` with an expectation in that tail, or other weighted points with outputs. */
  readonly result: WeightedResult;
  /** Name of the output. Default: the first. */
  readonly output?: string;
  /** Which tail. Default 'upper'. */
  readonly side?: 'upper' | 'lower';
  /**
   * 'plain' where weights are ratios of normalised densities: the tail may be all that the points cover. 'self-normalised' where they are
   * known up to a factor. Default 'plain', unless points were left out.
   */
  readonly estimator?: 'plain' | 'self-normalised';
  /** Default 0.95. */
  readonly level?: number;
}

export interface TailMomentsOptions extends TailOptions {
  /** Where the tail begins. */
  readonly threshold?: number;
  /** The probability of the tail, below 1/2, instead of where it begins: 0.01 is the worst hundredth. */
  readonly probability?: number;
}

export interface TailMoments {
  /** threshold, probability, mean beyond, excess; no ends where no interval holds. What was given has no error. */
  readonly estimate: IntervalEstimate;
  /** [4] 'heavy': Pareto shape of its summands above 0.7, and no interval. */
  readonly status: readonly WeightedMean['status'][];
  /** Effective points in the tail, weighted by how far out they lie. */
  readonly ess: number;
  /** Pareto shape of w (y - q)+. */
  readonly paretoShape: number;
}

const SHARED = ['result', 'output', 'side', 'estimator', 'level'];

/**
 * Probability, mean excess and mean of an output beyond a threshold, or beyond the quantile that leaves a probability.
 * @throws OptionError for bad options.
 */
export function tailMoments(options: TailMomentsOptions): TailMoments {
  const where = 'tailMoments';
  checkOptionNames(where, options, [...SHARED, 'threshold', 'probability']);
  const { threshold, probability } = options;
  if ((threshold === undefined) === (probability === undefined)) {
    throw new OptionError({
      where,
      option: 'threshold',
      value: threshold,
      found: threshold === undefined ? 'neither `threshold` nor `probability` is given' : 'both are given',
      expected: 'one of them',
    });
  }
  if (threshold !== undefined) checkNumber(where, 'threshold', threshold, Number.isFinite, 'a finite number');
  if (probability !== undefined)
    checkNumber(where, 'probability', probability, (x) => x > 0 && x < 0.5, 'a number between 0 and 1/2');
  const found =
    probability === undefined ? beyond(where, options, threshold!) : worst(where, options, probability);
  const names = ['threshold', 'probability', 'mean beyond', 'excess'];
  const { level, parts, tail } = found;
  return {
    estimate: estimateOf(
      parts.map((part, i) => ({ ...part, name: names[i]! })),
      level,
    ),
    status: parts.map(({ status }) => status),
    ess: tail.ess,
    paretoShape: tail.paretoShape,
  };
}

/**
 * A quantile of an output with its interval.
 * @param options.p its level in (0, 1).
 * @throws OptionError for bad options.
 */
export function weightedQuantile(options: TailOptions & { readonly p: number }): WeightedMean {
  const where = 'weightedQuantile';
  checkOptionNames(where, options, [...SHARED, 'p']);
  checkNumber(where, 'p', options.p, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  const { points, values, estimator, level, sign } = open(where, options);
  const p = sign > 0 ? options.p : 1 - options.p;
  const found = weightedQuantileOf(points, values, p, estimator, level);
  const { influence: _, covered: __, ...rest } = mirrored(found, sign);
  return rest;
}

interface Found {
  readonly level: number;
  readonly parts: readonly WeightedMean[];
  readonly tail: Influence;
}

/** Values with the tail on the upper side. */
function open(
  where: string,
  options: TailOptions,
): ReturnType<typeof weightedOutput> & {
  readonly estimator: 'plain' | 'self-normalised';
  readonly level: number;
  readonly sign: 1 | -1;
} {
  const { result, level = 0.95 } = options;
  checkWeightedResult(where, result);
  checkNumber(where, 'level', level, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  const usual = hasGaps(result) ? 'self-normalised' : 'plain';
  const kinds = ['plain', 'self-normalised'] as const;
  const estimator = checkOneOf(where, 'estimator', options.estimator ?? usual, kinds);
  const sign = checkOneOf(where, 'side', options.side ?? 'upper', ['upper', 'lower']) === 'upper' ? 1 : -1;
  const { points, values } = weightedOutput(where, result, options.output);
  return { points, values: sign > 0 ? values : values.map((y) => -y), estimator, level, sign };
}

/** Beyond a threshold that is given. */
function beyond(where: string, options: TailOptions, threshold: number): Found {
  const { points, values, estimator, level, sign } = open(where, options);
  const q = sign * threshold;
  const hits = meanInfluence(
    points,
    values.map((y) => (y > q ? 1 : 0)),
    estimator,
  );
  const tail = meanInfluence(
    points,
    values.map((y) => Math.max(0, y - q)),
    estimator,
  );
  const P = hits.value;
  const m = tail.value;
  const mean = functionalOf(points, [hits, tail], q + m / P, [-m / (P * P), 1 / P], level);
  const parts = [
    given(threshold),
    estimateWith(points, hits, level),
    mirrored(mean, sign),
    estimateWith(points, tail, level),
  ];
  return { level, parts, tail };
}

/** Beyond the quantile that leaves a probability. */
function worst(where: string, options: TailOptions, probability: number): Found {
  const { points, values, estimator, level, sign } = open(where, options);
  const q = weightedQuantileOf(points, values, 1 - probability, estimator, level);
  const tail = meanInfluence(
    points,
    values.map((y) => (Number.isNaN(q.value) ? 0 : Math.max(0, y - q.value))),
    estimator,
  );
  const value = q.value + tail.value / probability;
  const mean = functionalOf(points, [tail], value, [1 / probability], level);
  const excess = functionalOf(points, [tail, q], tail.value, [1, -probability], level);
  const { influence: _, covered: __, ...threshold } = q;
  return {
    level,
    parts: [mirrored(threshold, sign), given(probability), mirrored(mean, sign), excess],
    tail,
  };
}

function given(value: number): WeightedMean {
  const none = { standardError: Number.NaN, low: Number.NaN, high: Number.NaN };
  return {
    value,
    ...none,
    status: 'estimated',
    ess: Number.NaN,
    paretoShape: Number.NaN,
    largestShare: Number.NaN,
  };
}

/** Back to the sign of the output. */
function mirrored<T extends WeightedMean>(found: T, sign: 1 | -1): T {
  return sign > 0 ? found : { ...found, value: -found.value, low: -found.high, high: -found.low };
}
