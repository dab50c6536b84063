import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import type { InputSpace } from './inputs.ts';
import { linkedInputs } from './joint-parts.ts';
import { isGaussian, linearOf, normalOf, whitening } from './law-density.ts';

/**
 * Laws of some inputs that are normal in x or log x, the same of the two for all laws, and joined by normals: each is one
 * normal law of y, which a kernel for normal components takes.
 *
 *   y_c = x_c or log x_c        log f_l(x) = constant_l - |W_l (y - mean_l)|^2 / 2 - sum_logarithmic y_c
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | c | columns | [m] |
 * | W_l | whiten | [L, m (m + 1) / 2], lower triangles by rows |
 * | | mean | [L, m] |
 */
export interface NormalForms {
  readonly columns: readonly number[];
  /** [m] whether y_c = log x_c. */
  readonly logarithmic: readonly boolean[];
  readonly mean: Float64Array;
  readonly whiten: Float64Array;
  /** [L] */
  readonly constant: Float64Array;
}

/**
 * @param tied whether dependences count.
 * @returns undefined when some law of the columns is another one, or a dependence is no Gaussian copula.
 */
export function normalForms(
  spaces: readonly InputSpace[],
  columns: readonly number[],
  tied: boolean,
): NormalForms | undefined {
  const m = columns.length;
  const kind = columns.map((c) => normalOf(spaces[0]!.laws[c]!)?.logarithmic);
  const same = spaces.every(
    ({ laws, dependence }) =>
      columns.every((c, k) => kind[k] !== undefined && normalOf(laws[c]!)?.logarithmic === kind[k]) &&
      (!tied || dependence === undefined || isGaussian(dependence)),
  );
  if (!same || m === 0) return undefined;
  const triangle = (m * (m + 1)) / 2;
  const forms: NormalForms = {
    columns,
    logarithmic: kind as readonly boolean[],
    mean: new Float64Array(spaces.length * m),
    whiten: new Float64Array(spaces.length * triangle),
    constant: new Float64Array(spaces.length),
  };
  spaces.forEach((space, l) => void fillForm(forms, space, l, tied));
  return forms;
}

function fillForm(forms: NormalForms, space: InputSpace, l: number, tied: boolean): void {
  const { columns } = forms;
  const { dependence, laws } = space;
  const m = columns.length;
  const copula = tied && isGaussian(dependence) ? dependence : undefined;
  const flags = copula === undefined ? new Uint8Array(space.dimension) : linkedInputs(space);
  const linked = columns.filter((c) => flags[c] === 1);
  const white = copula === undefined ? new Float64Array(0) : whitening(copula, linked);
  const linear = columns.flatMap((c) => linearOf(laws[c]!, c, linked.indexOf(c)));
  let constant = -m * HALF_LOG_TWO_PI;
  let at = (l * m * (m + 1)) / 2;
  linear.forEach(({ mean, inverse, slot }, r) => {
    forms.mean[l * m + r] = mean;
    for (let c = 0; c <= r; c++) {
      const other = linear[c]!;
      const joint =
        slot >= 0 && other.slot >= 0 ? white[slot * linked.length + other.slot]! : c === r ? 1 : 0;
      forms.whiten[at++] = joint * other.inverse;
    }
    constant += Math.log(inverse * (slot >= 0 ? white[slot * linked.length + slot]! : 1));
  });
  forms.constant[l] = constant;
}

/** y [n, m] of inputs x [n, d]; NaN where an input that must be above 0 is not. */
export function formPoints(forms: NormalForms, x: Float64Array, d: number, y: Float64Array): void {
  const { columns, logarithmic } = forms;
  const m = columns.length;
  for (let k = 0; k < m; k++) {
    const c = columns[k]!;
    if (logarithmic[k]) for (let i = c, to = k; i < x.length; i += d, to += m) y[to] = positive(x[i]!);
    else for (let i = c, to = k; i < x.length; i += d, to += m) y[to] = x[i]!;
  }
}

function positive(x: number): number {
  return x > 0 ? Math.log(x) : Number.NaN;
}

/** constant_l - |W_l (y - mean_l)|^2 / 2 at row i of y [n, m]. */
export function formAt(forms: NormalForms, l: number, y: Float64Array, i: number): number {
  const { mean, whiten, constant, columns } = forms;
  const m = columns.length;
  let w = (l * m * (m + 1)) / 2;
  let square = 0;
  for (let r = 0; r < m; r++) {
    let z = 0;
    for (let c = 0; c <= r; c++) z += whiten[w++]! * (y[i * m + c]! - mean[l * m + c]!);
    square += z * z;
  }
  return constant[l]! - 0.5 * square;
}
