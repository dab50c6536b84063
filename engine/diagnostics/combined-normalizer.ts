import { logMeanExp, normalizedWeight } from '../particles/log-weight.ts';
import { sum } from '../wasm/twins/sums.ts';

/**
 * R independent estimates of one normalizing constant as one: log of the mean of Z_r = exp(logNormalizer[r]), which is
 * unbiased for Z where each Z_r is; the mean of the logarithms is not. Error by the delta method, sd(Z_r) / (mean sqrt R).
 *
 * @param logNormalizer [R] natural log; -Infinity counts as Z_r = 0.
 * @returns standardError of `value`; NaN for R = 1, when all are 0, or when all are equal.
 */
export function combinedLogNormalizer(logNormalizer: Float64Array): {
  readonly value: number;
  readonly standardError: number;
} {
  const runs = logNormalizer.length;
  const value = logMeanExp(logNormalizer);
  if (runs < 2 || value === -Infinity) return { value, standardError: Number.NaN };
  const squares = normalizedWeight(logNormalizer).map((share) => (runs * share - 1) ** 2);
  return { value, standardError: Math.sqrt(sum(squares) / (runs - 1) / runs) || Number.NaN };
}
