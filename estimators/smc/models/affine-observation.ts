import type { Arena, KernelCall } from '../../../engine/backend/backend.ts';
import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import { cholesky, solveLower, solveLowerColumns } from '../../../engine/math/linear-algebra.ts';
import type { SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { affineLogDensity } from '../../../engine/wasm/twins/affine.ts';
import type { StateFields } from '../state-space.ts';

/*
 * The law of y = H x + c + L z. With W the inverse of L, r = W (y - c) - W H x is what was observed less its mean,
 * whitened, and log g = constant - |r|^2 / 2.
 */
export interface AffineObservation {
  /** d */
  readonly dimension: number;
  /** k */
  readonly observed: number;
  /** L [k, k] lower triangular. */
  readonly lower: Float64Array;
  /** c [k] */
  readonly shift: Float64Array;
  /** -W H, a column in each row, [d, k]. */
  readonly slope: Float64Array;
  /** The largest value of the log density. */
  readonly constant: number;
}

/**
 * @param matrix H [k, d]
 * @param shift c [k]
 * @param covariance R [k, k]
 * @returns undefined unless R is positive definite.
 */
export function affineObservation(
  matrix: Float64Array,
  shift: Float64Array,
  covariance: Float64Array,
): AffineObservation | undefined {
  const k = shift.length;
  const d = matrix.length / k;
  const factor = cholesky(covariance, k);
  if (factor.kind !== 'factor') return undefined;
  const { lower } = factor;
  const whitened = solveLowerColumns(lower, k, matrix, d);
  const slope = Float64Array.from(
    { length: d * k },
    (_, at) => -whitened[(at % k) * d + Math.floor(at / k)]!,
  );
  let constant = -k * HALF_LOG_TWO_PI;
  for (let c = 0; c < k; c++) constant -= Math.log(lower[c * k + c]!);
  return { dimension: d, observed: k, lower, shift, slope, constant };
}

/** Rows [1 + d, k] of the kernel `affineLogDensity` for one y [k]. */
function rowsFor(law: AffineObservation, y: Float64Array): Float64Array {
  const { observed: k, slope } = law;
  const rows = new Float64Array(k + slope.length);
  rows.set(whitened(law, y));
  rows.set(slope, k);
  return rows;
}

/** W (y - c), [k]. */
export function whitened({ observed: k, lower, shift }: AffineObservation, y: Float64Array): Float64Array {
  const e = Float64Array.from(shift, (c, j) => y[j]! - c);
  solveLower(lower, k, e);
  return e;
}

/** log g(y | x) of x [n, d] into `out` [n]. */
export function observationDensity(
  law: AffineObservation,
  y: Float64Array,
  x: Float64Array,
  out: Float64Array,
): void {
  affineLogDensity(x, law.dimension, rowsFor(law, y), law.observed, law.constant, out, 0, out.length);
}

/** The same, same bits, for the particles of a whole run. */
export function observationKernel(
  law: AffineObservation,
  y: Float64Array,
  run: SmcRun<StateFields>,
  out: Float64Array,
  lent: Arena,
): KernelCall {
  const { dimension: d, observed: k, constant } = law;
  const rows = lent.f64((1 + d) * k);
  rows.set(rowsFor(law, y));
  return { kernel: 'affineLogDensity', args: [run.field('x'), d, rows, k, constant, out], over: 'rows' };
}
