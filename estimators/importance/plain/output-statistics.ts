import { type Event, happens } from '../../../engine/model/event.ts';
import { sum } from '../../../engine/wasm/twins/sums.ts';

/** One number wanted of the outputs. */
export interface Statistic {
  readonly name: string;
  /** Column of the outputs it reads. */
  readonly output: number;
  readonly what:
    | { readonly kind: 'mean' }
    | { readonly kind: 'variance' }
    | { readonly kind: 'quantile'; readonly p: number }
    | { readonly kind: 'probability'; readonly event: Event };
}

/** Values of one output at n points, in the order of the points and ascending. */
export interface Column {
  readonly values: Float64Array;
  readonly sorted: Float64Array;
}

/** The column of one output [n, k] in rows lo..hi-1, without the rows that failed (NaN). */
export function column(y: Float64Array, k: number, output: number, lo: number, hi: number): Column {
  const kept = new Float64Array(hi - lo);
  let n = 0;
  for (let i = lo; i < hi; i++) {
    const value = y[i * k + output]!;
    if (!Number.isNaN(value)) kept[n++] = value;
  }
  const values = kept.slice(0, n);
  return { values, sorted: values.slice().sort() };
}

/** Share of the values in the event. */
export function share(event: Event, values: Float64Array): number {
  let hits = 0;
  for (const y of values) if (happens(event, y)) hits++;
  return hits / values.length;
}

/** Mean, and central moments 2 and 4 (divisor n), in two passes by the fixed tree. */
export function moments(values: Float64Array): {
  readonly mean: number;
  readonly m2: number;
  readonly m4: number;
} {
  const n = values.length;
  const mean = sum(values) / n;
  const squares = values.map((y) => (y - mean) ** 2);
  return { mean, m2: sum(squares) / n, m4: sum(squares.map((s) => s * s)) / n };
}

/**
 * Quantile at p by linear interpolation between order statistics at n p - 1/2 (Hazen; definition 5 of Hyndman & Fan
 * 1996): the i-th of n values stands for the middle of its stratum, which on stratified points is exact. Definitions that
 * begin and end at the extremes are off by (1/2 - p) / n there, more than the spread of replicates. NaN when empty.
 */
export function sampleQuantile(sorted: Float64Array, p: number): number {
  const n = sorted.length;
  if (n === 0) return Number.NaN;
  const at = Math.min(Math.max(n * p - 0.5, 0), n - 1);
  const below = Math.floor(at);
  const weight = at - below;
  return sorted[below]! * (1 - weight) + sorted[Math.min(n - 1, below + 1)]! * weight;
}

/** Whether a sample reaches out to a quantile: at least one of its n values is expected beyond. Other statistics always. */
export function reaches({ what }: Statistic, n: number): boolean {
  return what.kind !== 'quantile' || n * Math.min(what.p, 1 - what.p) >= 1;
}

/** The plain estimate of a statistic from one set of points; NaN when it has too few. */
export function estimateOf({ what }: Statistic, { values, sorted }: Column): number {
  const n = values.length;
  switch (what.kind) {
    case 'mean':
      return n < 1 ? Number.NaN : sum(values) / n;
    case 'variance':
      return n < 2 ? Number.NaN : (moments(values).m2 * n) / (n - 1);
    case 'quantile':
      return sampleQuantile(sorted, what.p);
    case 'probability':
      return n < 1 ? Number.NaN : share(what.event, values);
    default:
      return what satisfies never;
  }
}

/**
 * Estimates of a statistic from R >= 2 independent replicates of a design, one number each; their mean is the estimate.
 *
 * A variance is m2_r + R/(R-1) (mean_r - mean)^2: the first term lacks Var(mean_r), whatever the design, and the second
 * adds it on average. The usual n/(n-1) would be right for independent points only: on a net Var(mean_r) is far
 * below V/n.
 */
export function replicateEstimates(statistic: Statistic, replicates: readonly Column[]): readonly number[] {
  if (statistic.what.kind !== 'variance') return replicates.map((data) => estimateOf(statistic, data));
  const each = replicates.map(({ values }) => moments(values));
  const mean = each.reduce((total, replicate) => total + replicate.mean, 0) / each.length;
  const factor = each.length / (each.length - 1);
  return each.map((replicate) => replicate.m2 + factor * (replicate.mean - mean) ** 2);
}
