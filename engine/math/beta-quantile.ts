import { betaConstant, betaLower, logBeta, logBetaKernel } from './incomplete-beta.ts';
import { roughNormalQuantile, type Tail, tailRoot } from './tail-root.ts';

/**
 * log(x / (1 - x)) at the quantile of a beta law, from both tail probabilities, p + q = 1; the smaller one decides.
 * `start` is a first guess of the result.
 */
export type BetaLogOdds = (p: number, q: number, start?: number) => number;

/** A start: the normal approximation for shapes of 1 or more, the leading terms of both ends otherwise. */
function guess(a: number, b: number, p: number, q: number): number {
  if (a >= 1 && b >= 1) {
    // Abramowitz & Stegun 26.5.22
    const z = -roughNormalQuantile(p, q);
    const lambda = (z * z - 3) / 6;
    const h = 2 / (1 / (2 * a - 1) + 1 / (2 * b - 1));
    const skew = (1 / (2 * b - 1) - 1 / (2 * a - 1)) * (lambda + 5 / 6 - 2 / (3 * h));
    return Math.log(a / b) - 2 * ((z * Math.sqrt(h + lambda)) / h - skew);
  }
  const logB = logBeta(a, b);
  const lower = (Math.log(p * a) + logB) / a;
  if (lower < Math.log(a / (a + b))) return lower - Math.log1p(-Math.exp(lower));
  const upper = (Math.log(q * b) + logB) / b;
  if (upper < Math.log(b / (a + b))) return Math.log1p(-Math.exp(upper)) - upper;
  return Math.log(a / b);
}

/**
 * Inverse of the regularised incomplete beta function for shapes a, b > 0, in the coordinate u = log(x / (1 - x)),
 * in which the density is log-concave and both x and 1 - x keep all their digits.
 */
export function betaLogOdds(a: number, b: number): BetaLogOdds {
  const constant = betaConstant(a, b);
  const tail = (sign: 1 | -1): Tail => ({
    sign,
    at: (u) => {
      const x = 1 / (1 + Math.exp(-u));
      const y = 1 / (1 + Math.exp(u));
      const kernel = logBetaKernel(a, b, x, y, constant);
      const probability = sign > 0 ? betaLower(a, b, x, y, kernel) : betaLower(b, a, y, x, kernel);
      return { probability, density: Math.exp(kernel), slope: a * y - b * x };
    },
  });
  const [lower, upper] = [tail(1), tail(-1)];
  return (p, q, first = guess(a, b, p, q)) => {
    if (Math.abs(first) > 700) return first; // the leading term is exact there
    return p <= q ? tailRoot(lower, p, first) : tailRoot(upper, q, first);
  };
}
