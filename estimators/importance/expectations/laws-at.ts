import type { Backend } from '../../../engine/backend/backend.ts';
import type { LawFamily } from '../../../engine/distribution/law-family.ts';
import { formAt, formPoints, type NormalForms } from '../../../engine/distribution/normal-forms.ts';
import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import { exp } from '../../../engine/wasm/twins/elementary.ts';
import { ratioOf } from './ratio.ts';

/**
 * The laws at points of the working space, so scaled that none that is used is above 1: any ratio of them is free of
 * overflow.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | f_l / e^top | law | [n, L] |
 * | log f_0 | logBase | [n] |
 *
 *   space of normals   log f_l(z) = log f_l(x) - log f_0(x) + log N(z)          space of inputs   log f_l(x)
 */
export interface LawsAt {
  /** 0 where the law has no mass, or less than e^-745 of the largest. */
  readonly law: Float64Array;
  /** [n] log of the largest of the laws that expectations are under; -Infinity where none has mass. */
  readonly top: Float64Array;
  readonly logBase: Float64Array;
}

export interface LawPoints {
  /** Points of the working space [n, d] and as inputs [n, d]. */
  readonly z: Float64Array;
  readonly inputs: Float64Array;
  readonly n: number;
  readonly dimension: number;
}

/** @param baseUsed whether some expectation is under law 0; all other laws are used. */
export async function lawsAt(
  backend: Backend,
  family: LawFamily,
  normals: boolean,
  baseUsed: boolean,
  points: LawPoints,
): Promise<LawsAt> {
  const forms = normals ? family.ratioForms : family.densityForms;
  const logNormal = normals ? standardNormal(points) : undefined;
  if (forms !== undefined && forms.constant.length > 1)
    return byForms(backend, forms, logNormal, baseUsed, points);
  const { inputs, n } = points;
  const L = family.laws;
  const logLaw = new Float64Array(n * L);
  if (normals) family.logRatio(inputs, n, logLaw);
  else family.logDensity(inputs, n, logLaw);
  return scaledLaws(logLaw, L, baseUsed, logNormal);
}

/** log N(z; 0, I) [n]. */
function standardNormal({ z, n, dimension: d }: LawPoints): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let square = 0;
    for (let c = 0; c < d; c++) square += z[i * d + c]! * z[i * d + c]!;
    out[i] = -0.5 * square - d * HALF_LOG_TWO_PI;
  }
  return out;
}

/**
 * From logs of laws [n, L], which become what is returned.
 * @param offset [n] what is added to all of a row.
 */
export function scaledLaws(
  logLaw: Float64Array,
  L: number,
  baseUsed: boolean,
  offset?: Float64Array,
): LawsAt {
  const n = logLaw.length / L;
  const top = new Float64Array(n);
  const logBase = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = i * L;
    let largest = -Infinity;
    for (let l = baseUsed ? 0 : 1; l < L; l++) if (logLaw[row + l]! > largest) largest = logLaw[row + l]!;
    const shift = offset === undefined ? 0 : offset[i]!;
    logBase[i] = logLaw[row]! + shift;
    top[i] = largest + shift;
    if (largest === -Infinity) {
      logLaw.fill(0, row, row + L);
      continue;
    }
    logLaw[row] = ratioOf(logLaw[row]! - largest);
    for (let l = 1; l < L; l++) logLaw[row + l] = exp(logLaw[row + l]! - largest);
  }
  return { law: logLaw, top, logBase };
}

/** Laws 1.. as components of the kernel, law 0 as what it takes beside them. */
async function byForms(
  backend: Backend,
  forms: NormalForms,
  logNormal: Float64Array | undefined,
  baseUsed: boolean,
  { inputs, n, dimension: d }: LawPoints,
): Promise<LawsAt> {
  const { columns, logarithmic, constant, mean, whiten } = forms;
  const m = columns.length;
  const L = constant.length;
  const arena = backend.arena();
  try {
    const y = arena.f64(n * m);
    formPoints(forms, inputs, d, y);
    const base = arena.f64(n);
    const extra = arena.f64(n).fill(-Infinity);
    for (let i = 0; i < n; i++) base[i] = formAt(forms, 0, y, i);
    if (baseUsed) extra.set(base);
    const copy = (values: Float64Array): Float64Array => {
      const own = arena.f64(values.length);
      own.set(values);
      return own;
    };
    const others = [
      copy(mean.subarray(m)),
      copy(whiten.subarray(whiten.length / L)),
      copy(constant.subarray(1)),
    ];
    const scaled = arena.f64(n * L);
    const top = arena.f64(n);
    await backend.dispatch(
      'componentDensities',
      [y, m, others[0]!, others[1]!, others[2]!, L - 1, extra, scaled, top],
      n,
    );
    const found = { law: new Float64Array(n * L), top: new Float64Array(n), logBase: new Float64Array(n) };
    for (let i = 0; i < n; i++) {
      const row = i * L;
      const own = base[i]!;
      if (!Number.isFinite(own) || !Number.isFinite(top[i]!)) {
        found.top[i] = found.logBase[i] = -Infinity;
        continue;
      }
      for (let l = 1; l < L; l++) found.law[row + l] = scaled[row + l - 1]!;
      found.law[row] = baseUsed ? scaled[row + L - 1]! : ratioOf(own - top[i]!);
      const shift = logNormal === undefined ? -logSum(y, i, logarithmic) : logNormal[i]! - own;
      found.top[i] = top[i]! + shift;
      found.logBase[i] = own + shift;
    }
    return found;
  } finally {
    arena.release();
  }
}

/** The logarithms among the numbers of row i, which are log |dx / dy|. */
function logSum(y: Float64Array, i: number, logarithmic: readonly boolean[]): number {
  const m = logarithmic.length;
  let sum = 0;
  for (let k = 0; k < m; k++) if (logarithmic[k]) sum += y[i * m + k]!;
  return sum;
}
