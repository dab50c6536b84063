import { checkCount } from '../check.ts';
import { studentT } from '../distribution/student-t.ts';
import { OptionError } from '../errors.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { sum } from '../wasm/twins/sums.ts';
import { sampleVariance } from './autocorrelation.ts';

/** A mean and its Monte Carlo standard error, same unit. */
export interface MeanAndError {
  readonly value: number;
  /** NaN where one number cannot tell. */
  readonly standardError: number;
  /** Degrees of freedom of the standard error. */
  readonly degrees: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Mean of independent replicates [r] of one estimate: standard error sd / sqrt r with r - 1 degrees of freedom. */
export function replicateMean(values: Float64Array): MeanAndError {
  const r = values.length;
  const standardError = r < 2 ? Number.NaN : Math.sqrt(sampleVariance(values) / r);
  return { value: sum(values) / r, standardError, degrees: r - 1 };
}

/**
 * Mean of a correlated sequence [n] with the standard error of its batch means: n / batches neighbours a batch, the
 * first n mod batches draws left out of the error. Honest when a batch is much longer than the chain's memory.
 *
 * @param batches default floor(sqrt n).
 * @throws OptionError unless 2 <= batches <= n.
 */
export function batchMean(
  values: Float64Array,
  batches: number = Math.floor(Math.sqrt(values.length)),
): MeanAndError {
  const n = values.length;
  checkCount('batchMean', 'batches', batches, { min: 2, max: Math.max(2, n) });
  const size = Math.floor(n / batches);
  const from = n - size * batches;
  const means = Float64Array.from({ length: batches }, (_, b) => {
    return sum(values.subarray(from + b * size, from + (b + 1) * size)) / size;
  });
  return { ...replicateMean(means), value: sum(values) / n };
}

/** value +- t standardError, t the Student quantile at `level` (0.95 means 95 %); NaN ends without an error. */
export function studentInterval(estimate: MeanAndError, level = 0.95): Interval {
  checkLevel('studentInterval', level);
  const { value, standardError, degrees } = estimate;
  const t = degrees >= 1 ? studentT(degrees).quantile((1 + level) / 2) : Number.NaN;
  return { low: value - t * standardError, high: value + t * standardError };
}

/** value +- z standardError, z the normal quantile at `level`. */
export function normalInterval(value: number, standardError: number, level = 0.95): Interval {
  checkLevel('normalInterval', level);
  const z = normalQuantile((1 + level) / 2);
  return { low: value - z * standardError, high: value + z * standardError };
}

/** How often intervals held the truth. */
export interface Coverage {
  readonly hits: number;
  readonly runs: number;
  /** hits / runs. */
  readonly rate: number;
  /** Binomial, sqrt(rate (1 - rate) / runs). */
  readonly standardError: number;
}

/** Count the intervals that hold `truth`, ends included; an interval with NaN ends holds nothing. */
export function coverage(intervals: readonly Interval[], truth: number): Coverage {
  const runs = intervals.length;
  const hits = intervals.filter(({ low, high }) => low <= truth && truth <= high).length;
  const rate = hits / runs;
  return { hits, runs, rate, standardError: Math.sqrt((rate * (1 - rate)) / runs) };
}

function checkLevel(where: string, level: number): void {
  if (level > 0 && level < 1) return;
  throw new OptionError({
    where,
    option: 'level',
    value: level,
    found: `option \`level\` is ${level}`,
    expected: 'a number strictly between 0 and 1',
    fix: 'Try level: 0.95.',
  });
}
