import { OptionError, ShapeError } from '../errors.ts';
import { normalCdf } from '../math/erfc.ts';
import { gammaUpper } from '../math/incomplete-gamma.ts';
import { sum } from '../wasm/twins/sums.ts';

/** A test of one hypothesis: how far off, and how often chance alone is that far off. */
export interface TestResult {
  readonly statistic: number;
  readonly pValue: number;
}

/**
 * Pearson's chi-square: do counts of independent draws follow the given probabilities? cells - 1 degrees of freedom;
 * cells of probability 0 do not count, unless something fell into one (p-value 0). Good from 5 expected a cell.
 *
 * @param counts [cells]
 * @param probability [cells], sum 1.
 * @throws ShapeError when the lengths differ.
 */
export function chiSquareTest(
  counts: ArrayLike<number>,
  probability: ArrayLike<number>,
): TestResult & { readonly degrees: number } {
  if (counts.length !== probability.length) {
    throw new ShapeError({
      where: 'chiSquareTest',
      found: `${counts.length} counts for ${probability.length} probabilities`,
      expected: 'one count for each cell',
    });
  }
  const draws = sum(Float64Array.from(counts));
  let statistic = 0;
  let degrees = -1;
  for (let c = 0; c < counts.length; c++) {
    const wanted = draws * probability[c]!;
    if (wanted === 0 && counts[c] === 0) continue;
    statistic += (counts[c]! - wanted) ** 2 / wanted;
    degrees++;
  }
  const pValue = degrees < 1 ? (statistic > 0 ? 0 : 1) : gammaUpper(degrees / 2, statistic / 2);
  return { statistic, pValue, degrees };
}

/**
 * Kolmogorov-Smirnov: do independent values follow a continuous law? The statistic is the largest distance between
 * the empirical and the given distribution function; p-value from the limiting law at (sqrt n + 0.12 +
 * 0.11 / sqrt n) D (Stephens 1970), within 4 % of the exact one for n >= 100, down to p-values of 1e-6.
 *
 * @throws OptionError when there are no values.
 */
export function kolmogorovSmirnov(values: ArrayLike<number>, cdf: (x: number) => number): TestResult {
  const n = values.length;
  checkSome('kolmogorovSmirnov', n, 1);
  const sorted = Float64Array.from(values).sort();
  let statistic = 0;
  for (let i = 0; i < n; i++) {
    const p = cdf(sorted[i]!);
    statistic = Math.max(statistic, p - i / n, (i + 1) / n - p);
  }
  const root = Math.sqrt(n);
  return { statistic, pValue: kolmogorovUpper((root + 0.12 + 0.11 / root) * statistic) };
}

/** P(K > x) of the limiting law of sqrt(n) D, by whichever of its two theta series is fast at x. */
function kolmogorovUpper(x: number): number {
  if (!(x > 0)) return 1;
  let total = 0;
  if (x < 1) {
    for (let k = 1; k <= 9; k += 2) total += Math.exp(-((k * Math.PI) ** 2) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * total;
  }
  for (let k = 1; k <= 5; k++) total += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * (k * x) ** 2);
  return total;
}

/**
 * Serial correlation at a lag: are values at a distance uncorrelated? The statistic is the correlation r; its law
 * under independence is nearly normal with mean -1 / n and variance 1 / n. Two-sided.
 *
 * @throws OptionError unless 1 <= lag and there are at least lag + 30 values.
 */
export function serialCorrelation(values: Float64Array, lag = 1): TestResult {
  const n = values.length;
  checkSome('serialCorrelation', n, lag + 30);
  const mean = sum(values) / n;
  const centred = values.map((x) => x - mean);
  const products = centred.subarray(lag).map((x, i) => x * centred[i]!);
  const statistic = sum(products) / sum(centred.map((x) => x * x));
  return { statistic, pValue: 2 * normalCdf(-Math.abs(statistic + 1 / n) * Math.sqrt(n)) };
}

function checkSome(where: string, n: number, least: number): void {
  if (n >= least) return;
  throw new OptionError({
    where,
    option: 'values',
    value: n,
    found: `there are ${n} values`,
    expected: `at least ${least}`,
  });
}
