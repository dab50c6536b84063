import { OptionError } from '../errors.ts';
import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { cholesky, solveLower, symmetricEigen } from '../math/linear-algebra.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { checkParameter } from './law.ts';
import { checkSymmetric, type MultivariateLaw, type Rows } from './multivariate.ts';

/**
 * Normal law of d numbers. The transport is x = mean + L z with z the normal quantiles of u and L the Cholesky factor.
 * @param mean [d]
 * @param covariance [d, d] as rows, symmetric and positive definite.
 * @throws OptionError when an entry is not finite, or the matrix is not square, symmetric and positive definite.
 */
export function multivariateNormal(mean: readonly number[], covariance: Rows): MultivariateLaw {
  const where = 'multivariateNormal';
  mean.forEach((m, i) => void checkParameter(where, `mean[${i}]`, m));
  const d = mean.length;
  const matrix = checkSymmetric(where, 'covariance', covariance, d);
  const lower = factor(where, 'covariance', matrix, d);
  const centre = Float64Array.from(mean);
  let constant = -d * HALF_LOG_TWO_PI;
  for (let i = 0; i < d; i++) constant -= Math.log(lower[i * d + i]!);
  return {
    name: where,
    dimension: d,
    mean: centre,
    covariance: matrix,
    logDensity: (x, out) => {
      const z = new Float64Array(d);
      for (let i = 0; i * d < x.length; i++) {
        for (let c = 0; c < d; c++) z[c] = x[i * d + c]! - centre[c]!;
        solveLower(lower, d, z);
        let square = 0;
        for (let c = 0; c < d; c++) square += z[c]! * z[c]!;
        out[i] = constant - 0.5 * square;
      }
    },
    transport: (u, x) => {
      for (let i = 0; i < u.length; i++) x[i] = normalQuantile(u[i]!);
      correlate(lower, d, x);
      for (let i = 0; i < u.length; i++) x[i] = centre[i % d]! + x[i]!;
    },
    describe: () => `normal in ${d} dimensions`,
  };
}

/** z := L z for every row of `z` [n, d], in place; L [d, d] lower triangular. */
export function correlate(lower: Float64Array, d: number, z: Float64Array): void {
  for (let at = 0; at < z.length; at += d) {
    for (let i = d - 1; i >= 0; i--) {
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += lower[i * d + j]! * z[at + j]!;
      z[at + i] = sum;
    }
  }
}

/**
 * Cholesky factor [d, d] of a symmetric matrix.
 * @throws OptionError with the smallest eigenvalue when the matrix is not positive definite.
 */
export function factor(where: string, option: string, matrix: Float64Array, d: number): Float64Array {
  const result = cholesky(matrix, d);
  if (result.kind === 'factor') return result.lower;
  const least = symmetricEigen(matrix, d).values[0]!;
  throw new OptionError({
    where,
    option,
    value: matrix,
    found: `\`${option}\` has smallest eigenvalue ${least.toPrecision(3)} (its first ${result.pivot + 1} rows already fail)`,
    expected: 'a positive definite matrix',
    fix: 'Entries chosen pair by pair may contradict each other; bring the largest ones nearer to 0.',
  });
}
