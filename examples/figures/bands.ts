import { normalizedWeight } from 'ensample';

/** A line with a band about it, [n] each: part of what `bandChart` draws. */
export interface Curve {
  readonly value: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

const NORMAL_95 = 1.959964;

/**
 * Number `c` of a state of `d` numbers over steps, with 95 % of a normal law about it.
 * @param mean [T, d]
 * @param covariance [T, d, d]
 */
export function normalCurve(mean: Float64Array, covariance: Float64Array, d = 1, c = 0): Curve {
  const steps = Array.from({ length: mean.length / d }, (_, t) => ({
    value: mean[t * d + c]!,
    half: NORMAL_95 * Math.sqrt(covariance[(t * d + c) * d + c]!),
  }));
  return {
    value: steps.map(({ value }) => value),
    low: steps.map(({ value, half }) => value - half),
    high: steps.map(({ value, half }) => value + half),
  };
}

/**
 * A function of particles along an axis: its weighted mean and the middle 95 % of its values.
 * @param of what each particle [n] says at x.
 */
export function sampleCurve(
  x: readonly number[],
  logWeight: Float64Array,
  of: (x: number) => Float64Array,
): Curve {
  const weight = normalizedWeight(logWeight);
  const bands = x.map((at) => band(of(at), weight));
  return {
    value: bands.map(({ mean }) => mean),
    low: bands.map(({ low }) => low),
    high: bands.map(({ high }) => high),
  };
}

/** Weighted mean of values [n], and their 2.5 % and 97.5 % quantiles: the smallest values with that share at or below. */
export function band(
  values: Float64Array,
  weight: Float64Array,
): { mean: number; low: number; high: number } {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  let [mean, sum] = [0, 0];
  const ends: number[] = [];
  for (const i of order) {
    mean += weight[i]! * values[i]!;
    sum += weight[i]!;
    if (ends.length === 0 && sum >= 0.025) ends.push(values[i]!);
    if (ends.length === 1 && sum >= 0.975) ends.push(values[i]!);
  }
  return { mean, low: ends[0]!, high: ends[1]! };
}
