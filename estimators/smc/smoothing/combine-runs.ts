import { normalizedWeight } from '../../../engine/particles/log-weight.ts';

/*
 * R independent runs as one estimate. Run r has the normalizing constant Z_r, p_r = Z_r / sum of Z. Because Z_r times
 * the estimate of a run is unbiased for Z times the truth, the p-weighted mean has a bias of order 1 / (R N). Its standard
 * error is the jackknife: with theta_(r) the estimate without run r,
 *
 *   se^2 = (R - 1) / R sum over r of (theta_(r) - theta)^2
 *
 * which for equal weights is sd / sqrt R, and does not shrink when one run outweighs the others. For means
 * m_(r) - m = p_r (m - m_r) / (1 - p_r); for variances V = sum p_r (v_r + (m_r - m)^2), likewise about m.
 */

/** k numbers with standard errors; NaN where there are none. */
export interface Combined {
  readonly value: Float64Array;
  readonly standardError: Float64Array;
}

/** Means [R, k] of the runs, weighted by exp(logWeight [R]). */
export function combineMeans(values: Float64Array, logWeight: Float64Array): Combined {
  const share = normalizedWeight(logWeight);
  const value = weightedColumns(values, share);
  return {
    value,
    standardError: jackknife(share, value.length, (r, c) => shift(values, share, value, r, c)),
  };
}

/** Means and variances [R, k] of the runs: variance within and between. */
export function combineMoments(
  mean: Float64Array,
  variance: Float64Array,
  logWeight: Float64Array,
): { readonly mean: Combined; readonly variance: Combined } {
  const share = normalizedWeight(logWeight);
  const means = combineMeans(mean, logWeight);
  const k = means.value.length;
  const squares = variance.map((v, at) => v + (mean[at]! - means.value[at % k]!) ** 2);
  const value = weightedColumns(squares, share);
  const change = (r: number, c: number): number =>
    shift(squares, share, value, r, c) - shift(mean, share, means.value, r, c) ** 2;
  return { mean: means, variance: { value, standardError: jackknife(share, k, change) } };
}

/** theta_(r) - theta for column c of weighted means. */
function shift(values: Float64Array, share: Float64Array, value: Float64Array, r: number, c: number): number {
  return (share[r]! * (value[c]! - values[r * value.length + c]!)) / (1 - share[r]!);
}

function jackknife(
  share: Float64Array,
  k: number,
  change: (run: number, column: number) => number,
): Float64Array {
  const runs = share.length;
  return Float64Array.from({ length: k }, (_, c) => {
    let squares = 0;
    // A run that counts for nothing may hold NaN; one that counts for all leaves no error.
    for (let r = 0; r < runs; r++) if (share[r]! > 0) squares += change(r, c) ** 2;
    const error = Math.sqrt((squares * (runs - 1)) / runs);
    return error > 0 && error < Infinity ? error : Number.NaN;
  });
}

/** Columns of `values` [R, k] averaged by `share` [R]; NaN when no run counts. */
function weightedColumns(values: Float64Array, share: Float64Array): Float64Array {
  const k = values.length / share.length;
  const mean = new Float64Array(k).fill(share.some((p) => p > 0) ? 0 : Number.NaN);
  for (let r = 0; r < share.length; r++)
    if (share[r]! > 0) for (let c = 0; c < k; c++) mean[c] = mean[c]! + share[r]! * values[r * k + c]!;
  return mean;
}
