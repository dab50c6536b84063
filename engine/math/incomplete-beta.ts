import { deviance, HALF_LOG_TWO_PI, stirlingError } from './gamma.ts';

const EPSILON = 2 ** -53;

/** log of the beta function B(a, b), a, b > 0, by Stirling errors. DLMF 5.12.1. */
export function logBeta(a: number, b: number): number {
  const s = a + b;
  const logShare = (x: number, rest: number): number => (x < rest ? Math.log(x / s) : Math.log1p(-rest / s));
  const stirling = stirlingError(a) + stirlingError(b) - stirlingError(s) + HALF_LOG_TWO_PI;
  return stirling - 0.5 * Math.log(s) + (a - 0.5) * logShare(a, b) + (b - 0.5) * logShare(b, a);
}

/** The part of `logBetaKernel` that depends on the shapes alone; give it to `logBetaKernel` to save its cost. */
export function betaConstant(a: number, b: number): number {
  const s = a + b;
  return (
    stirlingError(s) - stirlingError(a) - stirlingError(b) - HALF_LOG_TWO_PI + 0.5 * Math.log(a * (b / s))
  );
}

/**
 * log of x^a y^b / B(a, b) for y = 1 - x: the density of the beta law in the coordinate log(x / y).
 *
 * Both x and y are given, so that neither end loses digits. Written with deviances from the mode a / (a + b), so
 * that large shapes do not cancel. Source: C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
 */
export function logBetaKernel(
  a: number,
  b: number,
  x: number,
  y: number,
  constant: number = betaConstant(a, b),
): number {
  const s = a + b;
  const gap = x * b - y * a; // (x - a / s) s
  return constant - a * deviance((x * s) / a, gap / a) - b * deviance((y * s) / b, -gap / b);
}

/**
 * I_x(a, b) / kernel by the even part of the continued fraction DLMF 8.17.22, for x < (a + 1) / (a + b + 2).
 *
 * The leading terms combine to a - (a + b) x, taken as a y - b x, so x near 1 costs no digits.
 * Source: DiDonato & Morris (1992), ACM TOMS 18, 360-373, equation 9; evaluated by Lentz's method.
 */
function fraction(a: number, b: number, x: number, y: number): number {
  const gap = a * y - b * x + 1;
  let denominator = (a * gap) / (a + 1);
  let c = 1e300;
  let d = 1 / denominator;
  let value = d;
  for (let n = 1; n < 100_000; n++) {
    const s = a + 2 * n;
    const q = (n * (b - n) * x) / (s - 1);
    const alpha = (((a + n - 1) * (a + b + n - 1) * x) / (s - 1)) * q;
    denominator = n + q + ((a + n) / (s + 1)) * (gap + n * (1 + y));
    d = 1 / (alpha * d + denominator);
    c = denominator + alpha / c;
    const step = c * d;
    value *= step;
    if (Math.abs(step - 1) <= 2 * EPSILON) break;
  }
  return value;
}

/**
 * Regularised incomplete beta function I_x(a, b) = P(X <= x) for X of the beta law, with y = 1 - x given apart
 * so that x near 1 loses nothing. `betaLower(b, a, y, x)` is 1 - I_x(a, b), accurate where that is small.
 * Relative error below 1e-12 for shapes 0.05 to 1e5 on the grid of the tests.
 * @param logKernel `logBetaKernel(a, b, x, y)`, symmetric in the two pairs, where the caller has it already.
 */
export function betaLower(a: number, b: number, x: number, y: number, logKernel?: number): number {
  if (!(x > 0)) return Number.isNaN(x) ? x : 0;
  if (!(y > 0)) return 1;
  const kernel = Math.exp(logKernel ?? logBetaKernel(a, b, x, y));
  return x < (a + 1) / (a + b + 2) ? kernel * fraction(a, b, x, y) : 1 - kernel * fraction(b, a, y, x);
}
