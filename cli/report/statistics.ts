/** Sorted copy without NaN and infinities. */
export function sorted(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).filter(Number.isFinite).sort();
}

/** Quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan, 1996); NaN of none. */
export function quantile(ordered: Float64Array, p: number): number {
  if (ordered.length === 0) return Number.NaN;
  const at = (ordered.length - 1) * p;
  const below = Math.floor(at);
  const above = Math.min(ordered.length - 1, below + 1);
  return ordered[below]! + (at - below) * (ordered[above]! - ordered[below]!);
}

/** Bars over neighbouring intervals of one width. */
export interface Histogram {
  readonly low: number;
  readonly width: number;
  readonly counts: readonly number[];
}

/**
 * Histogram with bins by the rule of Freedman and Diaconis (1981), 2 IQR n^(-1/3) wide, at least `fewest` and at
 * most `most` of them over the whole range; undefined when the values do not differ.
 */
export function histogram(ordered: Float64Array, fewest: number, most: number): Histogram | undefined {
  const n = ordered.length;
  const low = ordered[0];
  const range = n === 0 ? 0 : ordered[n - 1]! - low!;
  if (low === undefined || !(range > 0) || !Number.isFinite(range)) return undefined;
  const ideal = (2 * (quantile(ordered, 0.75) - quantile(ordered, 0.25))) / Math.cbrt(n);
  const bins = Math.min(most, Math.max(fewest, ideal > 0 ? Math.ceil(range / ideal) : most));
  const counts = new Array<number>(bins).fill(0);
  for (const value of ordered) counts[Math.min(bins - 1, Math.floor(((value - low) / range) * bins))]!++;
  return { low, width: range / bins, counts };
}

/** The output given that an input lies in one bin: mean and 10 and 90 % quantiles. */
export interface ConditionalBin {
  /** Middle of the bin: mean of the input in it. */
  readonly x: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Output against one input in `bins` bins of equally many points; x and y in step. */
export function conditional(x: Float64Array, y: Float64Array, bins: number): ConditionalBin[] {
  const order = Array.from(x.keys()).filter((i) => Number.isFinite(x[i]!) && Number.isFinite(y[i]!));
  order.sort((a, b) => x[a]! - x[b]!);
  const out: ConditionalBin[] = [];
  for (let b = 0; b < bins; b++) {
    const rows = order.slice(
      Math.floor((b * order.length) / bins),
      Math.floor(((b + 1) * order.length) / bins),
    );
    if (rows.length === 0) continue;
    const inside = sorted(rows.map((i) => y[i]!));
    out.push({
      x: average(rows.map((i) => x[i]!)),
      mean: average(inside),
      low: quantile(inside, 0.1),
      high: quantile(inside, 0.9),
    });
  }
  return out;
}

/** Column `c` of a row-major [n, d] array. */
export function columnOf(values: Float64Array, n: number, d: number, c: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => values[i * d + c]!);
}

/** Arithmetic mean; NaN of none. */
export function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
