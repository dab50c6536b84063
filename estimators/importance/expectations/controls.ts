import { leastSquares } from './least-squares.ts';

/**
 * Coefficients of the control variates R_k - 1, whose means are 0 because components are densities.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | T_ij = phi_j f_j / g_alpha | terms | [n, J] |
 * | R_ik = g_k / g_alpha | ratios | [n, J + 1] |
 * | B_jk | control | [J, J + 1] |
 *
 *   own   B_jj = Cov(R_.j, T_.j) / Var(R_.j)        all   least squares of T_.j on [1, R]
 *
 * Departures from the source: one convention for variance and covariance; rank-revealing least squares, because
 * sum_k alpha_k R_ik = 1 makes R and the constant collinear and equal components are; a column without spread is no control.
 * Source: multiple-expectations, sections 2 and 3.
 */
export type ControlKind = 'own' | 'all' | 'none';

/** Variance, relative to the mean square, below which a ratio is constant but for rounding. */
const CONSTANT = 1e-20;

export function controlCoefficients(
  kind: ControlKind,
  terms: Float64Array,
  ratios: Float64Array,
  count: number,
): Float64Array {
  if (kind === 'all') return leastSquares(ratios, count + 1, terms, count);
  const control = new Float64Array(count * (count + 1));
  if (kind === 'own')
    for (let j = 0; j < count; j++) control[j * (count + 1) + j] = ownCoefficient(terms, ratios, count, j);
  return control;
}

/** Coefficients on the diagonal alone, [J] to [J, J + 1]. */
export function diagonalControl(own: Float64Array): Float64Array {
  const count = own.length;
  const control = new Float64Array(count * (count + 1));
  own.forEach((beta, j) => {
    control[j * (count + 1) + j] = beta;
  });
  return control;
}

function ownCoefficient(terms: Float64Array, ratios: Float64Array, count: number, j: number): number {
  const n = terms.length / count;
  let meanT = 0;
  let meanR = 0;
  for (let i = 0; i < n; i++) {
    meanT += terms[i * count + j]! / n;
    meanR += ratios[i * (count + 1) + j]! / n;
  }
  let joint = 0;
  let spread = 0;
  for (let i = 0; i < n; i++) {
    const off = ratios[i * (count + 1) + j]! - meanR;
    joint += off * (terms[i * count + j]! - meanT);
    spread += off * off;
  }
  return spread > CONSTANT * n * meanR * meanR ? joint / spread : 0;
}

/** T_ij - sum_k B_jk R_ik into out [n, J], `out` may be `terms`. */
export function controlled(
  terms: Float64Array,
  ratios: Float64Array,
  control: Float64Array,
  count: number,
  out: Float64Array,
): void {
  const width = count + 1;
  const n = ratios.length / width;
  if (isDiagonal(control, count)) {
    const own = Float64Array.from({ length: count }, (_, j) => control[j * width + j]!);
    for (let i = 0; i < n; i++) {
      const at = i * count;
      for (let j = 0; j < count; j++) out[at + j] = terms[at + j]! - own[j]! * ratios[i * width + j]!;
    }
    return;
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < count; j++) {
      let value = terms[i * count + j]!;
      for (let k = 0; k < width; k++) value -= control[j * width + k]! * ratios[i * width + k]!;
      out[i * count + j] = value;
    }
  }
}

/** [J] sum_k B_jk, which is what the means of the controls add back. */
export function controlSums(control: Float64Array, count: number): Float64Array {
  const width = count + 1;
  return Float64Array.from({ length: count }, (_, j) =>
    control.subarray(j * width, (j + 1) * width).reduce((sum, value) => sum + value, 0),
  );
}

function isDiagonal(control: Float64Array, count: number): boolean {
  return control.every((value, at) => value === 0 || at % (count + 2) === 0);
}
