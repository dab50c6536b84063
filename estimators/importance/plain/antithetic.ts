import { studentT } from '../../../engine/distribution/student-t.ts';
import type { Warning } from '../../../engine/types.ts';
import { type Interval, withoutInterval } from './output-intervals.ts';
import { column, estimateOf, moments, type Statistic } from './output-statistics.ts';

/*
 * Antithetic pairs: points 2 j and 2 j + 1 of the design 'antithetic' come from u_j and 1 - u_j.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | n / 2 | pairs | |
 * | rho | pair correlation of an output | |
 *
 * Var(mean) = (1 + rho) Var(y) / n. A model that is monotone in every input has rho <= 0; another may have any rho, so
 * the measured one is told. Pairs are independent of each other, so errors are those of sums over pairs.
 */

/** Pairs below which a variance has no interval: the spread of so few squares is known to be too small. */
const FEWEST_PAIRS = 10;

/** Values of one output at n rows [n, k], pair after pair; NaN where a point was left out. */
export interface Paired {
  readonly y: Float64Array;
  readonly k: number;
  readonly output: number;
  readonly rows: number;
}

/**
 * Mean and variance with the error of independent pairs; a quantile or a probability has a value only, as pairs have no
 * exact law of ranks: independent replicates give those an interval. The variance is m2 + se(mean)^2, unbiased whatever rho
 * is. A pair that lost a point counts as one: the error of a mean is that of the ratio of sums and counts.
 */
export function pairedInterval(statistic: Statistic, data: Paired, level: number): Interval {
  const { y, k, output, rows } = data;
  const whole = column(y, k, output, 0, rows);
  const { kind } = statistic.what;
  if (kind === 'quantile' || kind === 'probability') return withoutInterval(estimateOf(statistic, whole));
  const { mean, m2 } = moments(whole.values);
  const standardError = ratioError(data, (value) => value - mean);
  // Pairs that cancel leave rounding, which is no error of a mean.
  const rounding = 2 ** -48 * Math.sqrt(mean * mean + m2);
  if (kind === 'mean') {
    const t = studentT(Math.max(1, rows / 2 - 1)).quantile((1 + level) / 2);
    return standardError > rounding ? around(mean, standardError, t) : withoutInterval(mean);
  }
  const value = m2 + standardError ** 2;
  if (rows / 2 < FEWEST_PAIRS) return withoutInterval(value);
  const spread = ratioError(data, (at) => (at - mean) ** 2 - m2);
  const t = studentT(rows / 2 - 1).quantile((1 + level) / 2);
  return spread > 2 ** -48 * m2 ? around(value, spread, t) : withoutInterval(value);
}

function around(value: number, standardError: number, quantile: number): Interval {
  const half = quantile * standardError;
  return { value, standardError, low: value - half, high: value + half };
}

/**
 * Standard error of the mean of `deviation` over n kept points, whose sum is 0: the root of
 * p / (p - 1) sum over p pairs (sum in the pair)^2, over n.
 */
function ratioError({ y, k, output, rows }: Paired, deviation: (value: number) => number): number {
  const pairs = rows / 2;
  let squares = 0;
  let kept = 0;
  for (let j = 0; j < pairs; j++) {
    let inPair = 0;
    for (const row of [2 * j, 2 * j + 1]) {
      const value = y[row * k + output]!;
      if (Number.isNaN(value)) continue;
      inPair += deviation(value);
      kept++;
    }
    squares += inPair * inPair;
  }
  return Math.sqrt((squares * pairs) / (pairs - 1)) / kept;
}

/** rho of one output over whole pairs; NaN when it never changes. */
export function pairCorrelation({ y, k, output, rows }: Paired): number {
  const { mean } = moments(column(y, k, output, 0, rows).values);
  let products = 0;
  let squares = 0;
  for (let row = 0; row < rows; row += 2) {
    const left = y[row * k + output]! - mean;
    const right = y[(row + 1) * k + output]! - mean;
    if (Number.isNaN(left + right)) continue;
    products += left * right;
    squares += (left * left + right * right) / 2;
  }
  return products / squares;
}

/** Outputs whose pairs are positively correlated: independent points would be better. */
export function pairWarnings(outputs: readonly string[], y: Float64Array, rows: number): readonly Warning[] {
  const k = outputs.length;
  const warnings: Warning[] = [];
  outputs.forEach((name, output) => {
    const rho = pairCorrelation({ y, k, output, rows });
    if (!(rho > 0)) return;
    warnings.push({
      code: 'pairs-correlated',
      message: `${name}: the values of antithetic pairs have correlation ${rho.toPrecision(2)}, so the error is that of ${Math.round(rows / (1 + rho))} independent points, not of ${rows}. The model is not monotone: use design: 'iid' or 'sobol'.`,
      value: rho,
      threshold: 0,
    });
  });
  return warnings;
}
