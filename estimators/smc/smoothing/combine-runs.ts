import { logMeanExp, normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { sum } from '../../../engine/wasm/twins/sums.ts';

/*
 * R independent runs as one estimate. Run r has the normalizing constant Z_r, W_r = Z_r / sum of Z. Because Z_r times
 * the estimate of a run is unbiased for Z times the truth, the W-weighted mean has a bias of order 1 / (R N). Its standard
 * error is the jackknife: with theta_(r) the estimate without run r,
 *
 *   se^2 = (R - 1) / R sum over r of (theta_(r) - theta)^2
 *
 * which for equal weights is sd / sqrt R, and does not shrink when one run outweighs the others.
 */

/** k numbers with standard errors; NaN where there are none. */
export interface Combined {
  readonly value: Float64Array;
  readonly standardError: Float64Array;
}

/** Means [R, k] of the runs, weighted by exp(logWeight [R]). */
export function combineMeans(values: Float64Array, logWeight: Float64Array): Combined {
  return jackknife(logWeight, (weight) => weightedColumns(values, weight));
}

/** Means and variances [R, k] of the runs: variance within and between. */
export function combineMoments(
  mean: Float64Array,
  variance: Float64Array,
  logWeight: Float64Array,
): { readonly mean: Combined; readonly variance: Combined } {
  const k = mean.length / logWeight.length;
  const pooled = (weight: Float64Array): Float64Array => {
    const center = weightedColumns(mean, weight);
    return weightedColumns(
      variance.map((v, at) => v + (mean[at]! - center[at % k]!) ** 2),
      weight,
    );
  };
  return { mean: combineMeans(mean, logWeight), variance: jackknife(logWeight, pooled) };
}

/** log of the mean of Z_r = exp(logNormalizer), with its error by the delta method: sd(Z_r) / (mean sqrt R). */
export function combineNormalizers(logNormalizer: Float64Array): {
  readonly value: number;
  readonly standardError: number;
} {
  const runs = logNormalizer.length;
  const value = logMeanExp(logNormalizer);
  if (runs < 2 || value === -Infinity) return { value, standardError: Number.NaN };
  const share = normalizedWeight(logNormalizer);
  const squares = share.map((w) => (runs * w - 1) ** 2);
  // Equal to the last bit: nothing is known of their spread.
  return { value, standardError: Math.sqrt(sum(squares) / (runs - 1) / runs) || Number.NaN };
}

function jackknife(logWeight: Float64Array, estimate: (weight: Float64Array) => Float64Array): Combined {
  const runs = logWeight.length;
  const weight = normalizedWeight(logWeight);
  const value = estimate(weight);
  const squares = new Float64Array(value.length);
  for (let r = 0; r < runs; r++) {
    const without = estimate(weight.map((w, s) => (s === r ? 0 : w)));
    for (let c = 0; c < value.length; c++) squares[c] = squares[c]! + (without[c]! - value[c]!) ** 2;
  }
  // Without a second run that counts, the estimate without the first is NaN, and so is the error.
  return {
    value,
    standardError: squares.map((square) => Math.sqrt((square * (runs - 1)) / runs) || Number.NaN),
  };
}

/** Columns of `values` [R, k] averaged by `weight` [R]; NaN when no run counts. */
function weightedColumns(values: Float64Array, weight: Float64Array): Float64Array {
  const k = values.length / weight.length;
  const mean = new Float64Array(k);
  const total = sum(weight);
  for (let r = 0; r < weight.length; r++) {
    // A run that counts for nothing may hold NaN.
    if (weight[r] === 0) continue;
    for (let c = 0; c < k; c++) mean[c] = mean[c]! + (weight[r]! / total) * values[r * k + c]!;
  }
  return total > 0 ? mean : mean.fill(Number.NaN);
}
