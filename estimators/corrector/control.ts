import { cholesky, solveCholesky } from '../../engine/math/linear-algebra.ts';

/*
 * A drift theta_x x + theta_e that costs theta . h in the weight rate, h = (S, d + x . S), with the coefficients that make the
 * weighted variance of g + theta . h least:
 *
 *   A = Cov_W(h, h),   c = -Cov_W(h, g),   (A + 1e-10 tr(A) I) theta = c
 *
 * | symbol | name here |
 * |---|---|
 * | h, g | the columns of the features, g the last one |
 * | theta, with 1 for g | `theta` |
 */

/** Of the trace, added to the diagonal. */
const RIDGE = 1e-10;

/** Coefficients into `theta` [width], whose last number is 1: all others 0 where the h do not vary. */
export function fitControl(covariance: Float64Array, width: number, theta: Float64Array): void {
  const m = width - 1;
  theta.fill(0);
  theta[m] = 1;
  let trace = 0;
  for (let j = 0; j < m; j++) trace += covariance[j * width + j]!;
  if (!(trace > 0)) return;
  const a = new Float64Array(m * m);
  const c = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) a[i * m + j] = covariance[i * width + j]!;
    a[i * m + i] = a[i * m + i]! + RIDGE * trace;
    c[i] = -covariance[i * width + m]!;
  }
  const factor = cholesky(a, m);
  if (factor.kind === 'factor') theta.set(solveCholesky(factor.lower, m, c, 1));
}

/** Variance of theta . features. */
export function controlledVariance(covariance: Float64Array, width: number, theta: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < width; i++)
    for (let j = 0; j < width; j++) sum += theta[i]! * covariance[i * width + j]! * theta[j]!;
  // Rounding may leave less than nothing.
  return Math.max(0, sum);
}
