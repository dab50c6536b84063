import type { ComponentDensities } from './component-densities.ts';
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
  densities: Ratios,
  count: number,
): Float64Array {
  if (kind === 'all') return leastSquares(ratiosOf(densities), count + 1, terms, count);
  return diagonalControl(
    kind === 'none' ? new Float64Array(count) : ownCoefficients(terms, densities, count),
  );
}

/** R_ik = scaled_ik / mixed_i. */
export type Ratios = Pick<ComponentDensities, 'scaled' | 'mixed'>;

/** R [n, J + 1] as numbers. */
export function ratiosOf({ scaled, mixed }: Ratios): Float64Array {
  const width = scaled.length / mixed.length;
  return scaled.map((value, at) => value / mixed[Math.floor(at / width)]!);
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

/** [J] */
function ownCoefficients(terms: Float64Array, { scaled, mixed }: Ratios, count: number): Float64Array {
  const n = mixed.length;
  const width = count + 1;
  const meanT = new Float64Array(count);
  const meanR = new Float64Array(count);
  for (let i = 0; i < n; i++) {
    const scale = 1 / mixed[i]!;
    for (let j = 0; j < count; j++) {
      meanT[j] = meanT[j]! + terms[i * count + j]! / n;
      meanR[j] = meanR[j]! + (scale * scaled[i * width + j]!) / n;
    }
  }
  const joint = new Float64Array(count);
  const spread = new Float64Array(count);
  for (let i = 0; i < n; i++) {
    const scale = 1 / mixed[i]!;
    for (let j = 0; j < count; j++) {
      const off = scale * scaled[i * width + j]! - meanR[j]!;
      joint[j] = joint[j]! + off * (terms[i * count + j]! - meanT[j]!);
      spread[j] = spread[j]! + off * off;
    }
  }
  return joint.map((own, j) => (spread[j]! > CONSTANT * n * meanR[j]! * meanR[j]! ? own / spread[j]! : 0));
}

/** T_ij - sum_k B_jk R_ik into out [n, J], `out` may be `terms`. */
export function controlled(
  terms: Float64Array,
  { scaled, mixed }: Ratios,
  control: Float64Array,
  count: number,
  out: Float64Array,
): void {
  const width = count + 1;
  const n = mixed.length;
  const own = ownOnly(control, count);
  for (let i = 0; i < n; i++) {
    const scale = 1 / mixed[i]!;
    const [to, from] = [i * count, i * width];
    if (own !== undefined) {
      for (let j = 0; j < count; j++) out[to + j] = terms[to + j]! - own[j]! * (scale * scaled[from + j]!);
      continue;
    }
    for (let j = 0; j < count; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += control[j * width + k]! * scaled[from + k]!;
      out[to + j] = terms[to + j]! - scale * sum;
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

/** [J] the diagonal of B where it is all there is. */
export function ownOnly(control: Float64Array, count: number): Float64Array | undefined {
  if (!control.every((value, at) => value === 0 || at % (count + 2) === 0)) return undefined;
  return Float64Array.from({ length: count }, (_, j) => control[j * (count + 2)]!);
}
