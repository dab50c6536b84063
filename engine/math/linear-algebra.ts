import { EigenvalueDecomposition, Matrix, solve } from 'ml-matrix';

/** Small dense matrices as row-major Float64Array [d, d]. For d x d only, never for n rows of particles. */

/** The Cholesky factor, or where and why there is none. */
export type Cholesky =
  | { readonly kind: 'factor'; readonly lower: Float64Array }
  /** The leading minor of order `pivot + 1` is not positive; `value` is what was to be rooted. */
  | { readonly kind: 'not-positive-definite'; readonly pivot: number; readonly value: number };

/**
 * Lower triangular L [d, d] with L L' = a, for a symmetric a [d, d] of which only the lower triangle is read.
 * A pivot that is not above d 2^-52 times its diagonal entry counts as zero: it is rounding, not variance.
 * Source: Golub & Van Loan, Matrix Computations, algorithm 4.2.1 (by rows).
 */
export function cholesky(a: Float64Array, d: number): Cholesky {
  const lower = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * d + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * d + k]! * lower[j * d + k]!;
      if (j < i) lower[i * d + j] = sum / lower[j * d + j]!;
      else if (sum > d * 2 ** -52 * a[i * d + i]!) lower[i * d + i] = Math.sqrt(sum);
      else return { kind: 'not-positive-definite', pivot: i, value: sum };
    }
  }
  return { kind: 'factor', lower };
}

/** x [d] with L x = b for a lower triangular L [d, d]; writes over `b` and returns it. */
export function solveLower(lower: Float64Array, d: number, b: Float64Array): Float64Array {
  for (let i = 0; i < d; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * d + k]! * b[k]!;
    b[i] = sum / lower[i * d + i]!;
  }
  return b;
}

/** x [d] with a x = b, for a square a [d, d], by LU with partial pivoting. Throws Error when a is singular. */
export function solveLinear(a: Float64Array, d: number, b: Float64Array): Float64Array {
  const x = solve(fromRows(a, d), Matrix.columnVector(b));
  return Float64Array.from({ length: d }, (_, i) => x.get(i, 0));
}

/** Eigenvalues [d], ascending, of a symmetric a [d, d], and eigenvectors [d, d], column j belonging to value j. */
export function symmetricEigen(
  a: Float64Array,
  d: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const result = new EigenvalueDecomposition(fromRows(a, d), { assumeSymmetric: true });
  const order = Array.from(result.realEigenvalues.keys()).sort(
    (i, j) => result.realEigenvalues[i]! - result.realEigenvalues[j]!,
  );
  const vectors = new Float64Array(d * d);
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) vectors[i * d + j] = result.eigenvectorMatrix.get(i, order[j]!);
  return { values: Float64Array.from(order, (i) => result.realEigenvalues[i]!), vectors };
}

function fromRows(a: Float64Array, d: number): Matrix {
  return new Matrix(Array.from({ length: d }, (_, i) => a.subarray(i * d, (i + 1) * d)));
}
