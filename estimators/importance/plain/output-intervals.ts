import { beta } from '../../../engine/distribution/beta.ts';
import { binomial } from '../../../engine/distribution/binomial.ts';
import { studentT } from '../../../engine/distribution/student-t.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import { type Column, estimateOf, moments, type Statistic } from './output-statistics.ts';

/** A number with its standard error and the ends of its interval; NaN where there is none. */
export interface Interval {
  readonly value: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Student interval of the mean of R independent replicate estimates, R - 1 degrees of freedom.
 *
 * Unbiased for each replicate's expectation; valid for any design randomised independently in each replicate.
 * Fewer than two replicates, or replicates that all agree exactly, give no standard error: NaN, never 0.
 */
export function replicateInterval(estimates: readonly number[], level: number): Interval {
  const replicates = estimates.length;
  const value = estimates.reduce((a, b) => a + b, 0) / replicates;
  const spread = estimates.reduce((a, b) => a + (b - value) ** 2, 0);
  const standardError = Math.sqrt(spread / (replicates - 1) / replicates);
  if (replicates < 2 || !(standardError > 0)) return withoutInterval(value);
  const half = studentT(replicates - 1).quantile((1 + level) / 2) * standardError;
  return { value, standardError, low: value - half, high: value + half };
}

/** Named intervals as columns. */
export function toEstimate(
  names: readonly string[],
  intervals: readonly Interval[],
  level: number,
): IntervalEstimate {
  return {
    names,
    value: Float64Array.from(intervals, ({ value }) => value),
    standardError: Float64Array.from(intervals, ({ standardError }) => standardError),
    low: Float64Array.from(intervals, ({ low }) => low),
    high: Float64Array.from(intervals, ({ high }) => high),
    level,
  };
}

/** A value with no honest interval. */
export function withoutInterval(value: number): Interval {
  return { value, standardError: Number.NaN, low: Number.NaN, high: Number.NaN };
}

/**
 * Interval of a statistic from independent points.
 *
 * mean: Student. variance: normal with the plug-in variance (m4 - m2^2)/n. probability: Clopper & Pearson
 * (1934), exact. quantile: order statistics whose ranks are binomial quantiles, distribution-free; its standard error is
 * the half-length over the normal quantile.
 */
export function iidInterval(statistic: Statistic, data: Column, level: number): Interval {
  const n = data.values.length;
  const value = estimateOf(statistic, data);
  if (n < 2) return withoutInterval(value);
  const { what } = statistic;
  switch (what.kind) {
    case 'mean': {
      const standardError = Math.sqrt(moments(data.values).m2 / (n - 1));
      return around(value, standardError, studentT(n - 1).quantile((1 + level) / 2));
    }
    case 'variance': {
      const { m2, m4 } = moments(data.values);
      return around(value, Math.sqrt((m4 - m2 * m2) / n), normalQuantile((1 + level) / 2));
    }
    case 'quantile':
      return orderInterval(value, data.sorted, what.p, level);
    case 'probability':
      return clopperPearson(value, n, level);
    default:
      return what satisfies never;
  }
}

function around(value: number, standardError: number, quantile: number): Interval {
  if (!(standardError > 0)) return withoutInterval(value);
  return {
    value,
    standardError,
    low: value - quantile * standardError,
    high: value + quantile * standardError,
  };
}

/** X_(l) and X_(u) with P(B < l) <= alpha/2 and P(B >= u) <= alpha/2, B binomial(n, p); NaN when n is too small. */
function orderInterval(value: number, sorted: Float64Array, p: number, level: number): Interval {
  const n = sorted.length;
  const rank = binomial(n, p);
  const lower = rank.quantile((1 - level) / 2);
  const upper = rank.quantile((1 + level) / 2) + 1;
  if (lower < 1 || upper > n) return withoutInterval(value);
  const low = sorted[lower - 1]!;
  const high = sorted[upper - 1]!;
  const standardError = (high - low) / (2 * normalQuantile((1 + level) / 2));
  return standardError > 0 ? { value, standardError, low, high } : withoutInterval(value);
}

function clopperPearson(value: number, n: number, level: number): Interval {
  const hits = Math.round(value * n);
  const tail = (1 - level) / 2;
  const low = hits === 0 ? 0 : beta(hits, n - hits + 1).quantile(tail);
  const high = hits === n ? 1 : beta(hits + 1, n - hits).quantile(1 - tail);
  const standardError = hits === 0 || hits === n ? Number.NaN : Math.sqrt((value * (1 - value)) / n);
  return { value, standardError, low, high };
}
