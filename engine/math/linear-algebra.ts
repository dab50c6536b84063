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

/** X [d, m] with L X = B for a lower triangular L [d, d]; B [d, m] is not modified. */
export function solveLowerColumns(lower: Float64Array, d: number, b: Float64Array, m: number): Float64Array {
  const x = b.slice();
  for (let i = 0; i < d; i++) {
    for (let c = 0; c < m; c++) {
      let sum = x[i * m + c]!;
      for (let k = 0; k < i; k++) sum -= lower[i * d + k]! * x[k * m + c]!;
      x[i * m + c] = sum / lower[i * d + i]!;
    }
  }
  return x;
}

/** X [d, m] with L L' X = B, for the Cholesky factor L [d, d] of a matrix; B [d, m] is not modified. */
export function solveCholesky(lower: Float64Array, d: number, b: Float64Array, m: number): Float64Array {
  const x = solveLowerColumns(lower, d, b, m);
  for (let i = d - 1; i >= 0; i--) {
    for (let c = 0; c < m; c++) {
      let sum = x[i * m + c]!;
      for (let k = i + 1; k < d; k++) sum -= lower[k * d + i]! * x[k * m + c]!;
      x[i * m + c] = sum / lower[i * d + i]!;
    }
  }
  return x;
}

/** a b [rows, columns] of a [rows, inner] and b [inner, columns]. */
export function product(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const factor = a[i * inner + k]!;
      for (let j = 0; j < columns; j++) out[i * columns + j]! += factor * b[k * columns + j]!;
    }
  }
  return out;
}

/** a' [columns, rows] of a [rows, columns]. */
export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}

/**
 * L [d, rank] with L L' = a for a symmetric positive semidefinite a [d, d], L_ck = 0 for k > c; undefined when a is not
 * semidefinite. The Cholesky factor where there is one; else from the eigenvectors of a, rows scaled to a unit diagonal,
 * whose columns are turned until they are lower trapezoidal. Eigenvalues within 16 d 2^-52 of 0 are rounding.
 */
export function semidefiniteFactor(
  a: Float64Array,
  d: number,
): { readonly lower: Float64Array; readonly rank: number } | undefined {
  const factor = cholesky(a, d);
  if (factor.kind === 'factor') return { lower: factor.lower, rank: d };
  const scale = Float64Array.from({ length: d }, (_, i) => Math.sqrt(a[i * d + i]!) || 1);
  const { values, vectors } = symmetricEigen(
    a.map((value, at) => value / (scale[Math.floor(at / d)]! * scale[at % d]!)),
    d,
  );
  const slack = 16 * d * 2 ** -52;
  if (!(values[0]! >= -slack)) return undefined;
  const kept = Array.from(values.keys()).filter((j) => values[j]! > slack);
  const rank = kept.length;
  const lower = Float64Array.from({ length: d * rank }, (_, at) => {
    const [i, j] = [Math.floor(at / rank), kept[at % rank]!];
    return scale[i]! * Math.sqrt(values[j]!) * vectors[i * d + j]!;
  });
  return { lower: turnLower(lower, d, rank), rank };
}

/** Rotate pairs of columns of `a` [d, m] until a_ck = 0 for k > c, in place; a a' stays. */
function turnLower(a: Float64Array, d: number, m: number): Float64Array {
  for (let i = 0; i < Math.min(d, m); i++) {
    for (let k = i + 1; k < m; k++) {
      const length = Math.hypot(a[i * m + i]!, a[i * m + k]!);
      const [cosine, sine] = length === 0 ? [1, 0] : [a[i * m + i]! / length, a[i * m + k]! / length];
      for (let row = i; row < d; row++) {
        const [left, right] = [a[row * m + i]!, a[row * m + k]!];
        a[row * m + i] = cosine * left + sine * right;
        a[row * m + k] = cosine * right - sine * left;
      }
      a[i * m + k] = 0;
    }
    if (a[i * m + i]! < 0) for (let row = i; row < d; row++) a[row * m + i] = 0 - a[row * m + i]!;
  }
  return a;
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
