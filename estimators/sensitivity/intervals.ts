import { studentT } from '../../engine/distribution/student-t.ts';
import { normalCdf } from '../../engine/math/erfc.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import type { BootstrapName } from './types.ts';

/** Numbers with their intervals, one entry a quantity. */
export interface Intervals {
  readonly value: Float64Array;
  readonly standardError: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Values without standard error or interval. */
export function withoutIntervals(value: Float64Array): Intervals {
  const nothing = (): Float64Array => new Float64Array(value.length).fill(Number.NaN);
  return { value, standardError: nothing(), low: nothing(), high: nothing() };
}

/**
 * Student intervals of the mean of R independent estimates, R - 1 degrees of freedom.
 *
 * The value is the mean of the replicates' estimates, not the estimate from pooled sums: only the mean has the
 * replicates' spread as its honest standard error, so value and interval belong together. The two differ by the
 * O(1/N) bias of a ratio, far inside the interval. Two estimates that are equal to the last bit (a constant) give NaN.
 */
export function studentIntervals(replicates: readonly Float64Array[], level: number): Intervals {
  const r = replicates.length;
  const size = replicates[0]!.length;
  const result = withoutIntervals(new Float64Array(size));
  const t = r > 1 ? studentT(r - 1).quantile((1 + level) / 2) : Number.NaN;
  for (let q = 0; q < size; q++) {
    let mean = 0;
    for (const estimates of replicates) mean += estimates[q]!;
    mean /= r;
    let squares = 0;
    for (const estimates of replicates) squares += (estimates[q]! - mean) ** 2;
    const standardError = Math.sqrt(squares / (r - 1) / r);
    set(result, q, mean, standardError, t * standardError);
  }
  return result;
}

/** Normal intervals from standard errors. */
export function normalIntervals(value: Float64Array, standardError: Float64Array, level: number): Intervals {
  const z = normalQuantile((1 + level) / 2);
  const result = withoutIntervals(value);
  for (let q = 0; q < value.length; q++) set(result, q, value[q]!, standardError[q]!, z * standardError[q]!);
  return result;
}

function set(to: Intervals, q: number, value: number, standardError: number, half: number): void {
  to.value[q] = value;
  to.standardError[q] = standardError === 0 ? Number.NaN : standardError;
  to.low[q] = standardError === 0 ? Number.NaN : value - half;
  to.high[q] = standardError === 0 ? Number.NaN : value + half;
}

/**
 * Bootstrap intervals of one quantity each from its resampled values.
 *
 * normal: value -+ z sd. percentile: quantiles of the resamples. basic: 2 value - quantiles. bca: percentile at levels
 * moved by the median bias z0 and the acceleration (Efron 1987), the latter sum e^3 / (6 (sum e^2)^1.5) from the
 * influence values e, which is the jackknife's to first order at O(n) cost.
 * @param resampled [Q, resamples].
 * @param acceleration [Q], read by 'bca' only.
 */
export function bootstrapIntervals(
  kind: BootstrapName,
  value: Float64Array,
  resampled: Float64Array,
  resamples: number,
  level: number,
  acceleration: Float64Array,
): Intervals {
  const result = withoutIntervals(value);
  const tail = (1 - level) / 2;
  for (let q = 0; q < value.length; q++) {
    const sorted = resampled.slice(q * resamples, (q + 1) * resamples).sort();
    const sd = deviation(sorted);
    // NaN sorts last; a resample without variance has no index, and then there is no interval.
    if (!(sd > 0)) continue;
    result.standardError[q] = sd;
    const [low, high] = ends(kind, value[q]!, sorted, sd, tail, acceleration[q]!);
    result.low[q] = low;
    result.high[q] = high;
  }
  return result;
}

function ends(
  kind: BootstrapName,
  value: number,
  sorted: Float64Array,
  sd: number,
  tail: number,
  acceleration: number,
): readonly [number, number] {
  switch (kind) {
    case 'normal': {
      const half = normalQuantile(1 - tail) * sd;
      return [value - half, value + half];
    }
    case 'percentile':
      return [quantile(sorted, tail), quantile(sorted, 1 - tail)];
    case 'basic':
      return [2 * value - quantile(sorted, 1 - tail), 2 * value - quantile(sorted, tail)];
    case 'bca': {
      const below = sorted.filter((x) => x < value).length;
      const equal = sorted.filter((x) => x === value).length;
      const share = (below + equal / 2 + 0.5) / (sorted.length + 1);
      const z0 = normalQuantile(share);
      const moved = (p: number): number => {
        const z = z0 + normalQuantile(p);
        return normalCdf(z0 + z / (1 - acceleration * z));
      };
      return [quantile(sorted, moved(tail)), quantile(sorted, moved(1 - tail))];
    }
    default:
      return kind satisfies never;
  }
}

/** Linear interpolation of order statistics at p (n - 1). */
function quantile(sorted: Float64Array, p: number): number {
  const at = Math.min(Math.max(p, 0), 1) * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

function deviation(x: Float64Array): number {
  let mean = 0;
  for (const v of x) mean += v;
  mean /= x.length;
  let squares = 0;
  for (const v of x) squares += (v - mean) ** 2;
  return Math.sqrt(squares / (x.length - 1));
}
