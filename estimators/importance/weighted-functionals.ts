import { checkSameLength, summarise } from '../../engine/particles/log-weight.ts';
import { sum } from '../../engine/wasm/twins/sums.ts';
import { type WeightedMean, type WeightedPoints, weightedMeanOf } from './weighted-means.ts';
import { weightedQuantileOf } from './weighted-quantile.ts';

/*
 * Smooth functions of several weighted estimates from the same points, by the delta method.
 *
 * Every estimate is, to first order, its truth plus the mean of one number a point, its influence (Hampel 1974, J. Am. Stat.
 * Assoc. 69, 383-393); a function psi has the influence sum_k d psi/d I_k influence_k, whose spread over points or replicates gives
 * its error with all correlations.
 *
 *   plain mean            w h - I
 *   self-normalised mean  w (h - I) / mean w
 *   quantile              (p - 1{y <= q}) w / mean w, times dq / dp
 */

/** An estimate with the share of each point in its deviation: the numbers average to 0. */
export interface Influence {
  readonly value: number;
  /** [n] */
  readonly influence: Float64Array;
}

/** Mean of h under the target of the weights. */
export function meanInfluence(
  { logWeight }: WeightedPoints,
  values: Float64Array,
  estimator: 'plain' | 'self-normalised',
): Influence {
  const n = logWeight.length;
  checkSameLength('meanInfluence', 'values', values.length, n);
  const weight = new Float64Array(n);
  const { max, sum: total } = summarise('meanInfluence', logWeight, weight);
  const unit = estimator === 'plain' ? Math.exp(max) : n / total;
  const products = weight.map((w, i) => (w > 0 ? w * unit * values[i]! : 0));
  const value = sum(products) / n;
  const influence = products.map((s, i) => s - value * (estimator === 'plain' ? 1 : weight[i]! * unit));
  return { value, influence };
}

/** Quantile under the target; influence NaN where it has no interval. */
export function quantileInfluence(
  points: WeightedPoints,
  values: Float64Array,
  p: number,
  level: number,
): Influence {
  const { value, slope } = weightedQuantileOf(points, values, p, level);
  const upTo = meanInfluence(
    points,
    values.map((y) => (y <= value ? 1 : 0)),
    'self-normalised',
  );
  return { value, influence: upTo.influence.map((s) => -s * slope) };
}

/**
 * psi of estimates, with interval and diagnostics of its influence.
 * @param gradient [parts] d psi / d I at their values.
 */
export function functionalOf(
  points: WeightedPoints,
  parts: readonly Influence[],
  value: number,
  gradient: readonly number[],
  level: number,
): WeightedMean {
  const n = points.logWeight.length;
  const rows = new Float64Array(n);
  parts.forEach(({ influence }, k) => {
    for (let i = 0; i < n; i++) rows[i] = rows[i]! + gradient[k]! * influence[i]!;
  });
  const equal = { ...points, logWeight: new Float64Array(n) };
  const none = { standardError: Number.NaN, low: Number.NaN, high: Number.NaN, status: 'estimated' as const };
  if (!Number.isFinite(value) || rows.some(Number.isNaN))
    return { value, ...none, ess: 0, paretoShape: Number.NaN, largestShare: Number.NaN };
  const found = weightedMeanOf(equal, rows, 'self-normalised', level);
  // Rows that are all 0: nothing varies, which is no unseen event.
  if (found.status === 'unseen') return { ...found, value, status: 'estimated' };
  return { ...found, value, low: found.low - found.value + value, high: found.high - found.value + value };
}
