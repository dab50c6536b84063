/** Sorted copy without NaN and infinities. */
export function sorted(values: ArrayLike<number>): Float64Array {
  const out = new Float64Array(values.length);
  let kept = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i]!)) out[kept++] = values[i]!;
  return out.subarray(0, kept).sort();
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

/** Output against one input in at most `bins` bins of about equally many points; x and y in step. */
export function conditional(x: Float64Array, y: Float64Array, bins: number): ConditionalBin[] {
  const ordered = sorted(x);
  const edges = Array.from({ length: bins - 1 }, (_, b) => quantile(ordered, (b + 1) / bins));
  const inputs = Array.from({ length: bins }, (): number[] => []);
  const outputs = Array.from({ length: bins }, (): number[] => []);
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]!) || !Number.isFinite(y[i]!)) continue;
    const b = placeOf(edges, x[i]!);
    inputs[b]!.push(x[i]!);
    outputs[b]!.push(y[i]!);
  }
  return inputs.flatMap((inside, b) => (inside.length === 0 ? [] : [summaryOf(inside, sorted(outputs[b]!))]));
}

/** How many of the increasing `edges` lie at or below `value`. */
function placeOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function summaryOf(x: readonly number[], y: Float64Array): ConditionalBin {
  return { x: average(x), mean: average(y), low: quantile(y, 0.1), high: quantile(y, 0.9) };
}

/** Column `c` of a row-major [n, d] array. */
export function columnOf(values: Float64Array, n: number, d: number, c: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = values[i * d + c]!;
  return out;
}

/** Arithmetic mean; NaN of none. */
export function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
