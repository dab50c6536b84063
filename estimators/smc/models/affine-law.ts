import type { Arena, KernelCall } from '../../../engine/backend/backend.ts';
import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import { product, semidefiniteFactor, solveLowerColumns } from '../../../engine/math/linear-algebra.ts';
import type { SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { channel } from '../../../engine/random/rng.ts';
import { affineRows } from '../../../engine/wasm/twins/affine.ts';
import type { StateFields } from '../state-space.ts';

/*
 * The law of x = b + A parent + L z, z standard normal: what a linear Gaussian model starts from and moves by.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | b, A, L | draw: row 0, rows 1.., rows 1 + p.. | [1 + p + noise, d], a column of a matrix in a row |
 * | W = inverse of the Cholesky factor of L L' | density: W (x - b - A parent), in the same form | [1 + p + d, d] |
 */
export interface AffineLaw {
  /** d */
  readonly dimension: number;
  /** p, numbers of a parent. */
  readonly parents: number;
  /** Normals of a draw, at most d. */
  readonly noise: number;
  readonly draw: Float64Array;
  /** Absent where the covariance is singular. */
  readonly density: AffineDensity | undefined;
}

interface AffineDensity {
  readonly rows: Float64Array;
  /** The largest value of the log density. */
  readonly constant: number;
}

export interface AffineMoments {
  /** [d] */
  readonly shift: Float64Array;
  /** [d, p] */
  readonly matrix: Float64Array;
  /** [d, d], positive semidefinite. */
  readonly covariance: Float64Array;
}

/**
 * The law with mean shift + matrix parent.
 * @returns undefined when the covariance is not positive semidefinite.
 */
export function affineLaw(moments: AffineMoments): AffineLaw | undefined {
  const { shift, matrix, covariance } = moments;
  const d = shift.length;
  const p = matrix.length / d;
  const factor = semidefiniteFactor(covariance, d);
  if (factor === undefined) return undefined;
  const { lower, rank } = factor;
  const draw = stack(d, [shift, 1], [matrix, p], [lower, rank]);
  const own = rank === d ? density(moments, lower, d, p) : undefined;
  return { dimension: d, parents: p, noise: rank, draw, density: own };
}

/** Matrices [d, m] side by side, a column in each row. Adding 0 turns -0 into 0, as the kernel wants its first row. */
function stack(d: number, ...matrices: readonly (readonly [Float64Array, number])[]): Float64Array {
  const rows = matrices.flatMap(([matrix, m]) =>
    Array.from({ length: m }, (_, j) => Array.from({ length: d }, (_, c) => matrix[c * m + j]! + 0)),
  );
  return Float64Array.from(rows.flat());
}

function density(moments: AffineMoments, lower: Float64Array, d: number, p: number): AffineDensity {
  const unit = Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
  const whiten = solveLowerColumns(lower, d, unit, d);
  const minus = (matrix: Float64Array): Float64Array => matrix.map((value) => -value);
  const rows = stack(
    d,
    [minus(product(whiten, moments.shift, d, d, 1)), 1],
    [minus(product(whiten, moments.matrix, d, d, p)), p],
    [whiten, d],
  );
  let constant = -d * HALF_LOG_TWO_PI;
  for (let c = 0; c < d; c++) constant -= Math.log(lower[c * d + c]!);
  return { rows, constant };
}

/** The same law moved by another `shift` [d]. */
export function shifted(law: AffineLaw, shift: Float64Array): AffineLaw {
  const { dimension: d, parents: p, density: own } = law;
  const draw = law.draw.slice();
  for (let c = 0; c < d; c++) draw[c] = shift[c]! + 0;
  if (own === undefined) return { ...law, draw };
  const rows = own.rows.slice();
  for (let c = 0; c < d; c++) {
    let sum = 0;
    for (let j = 0; j <= c; j++) sum -= own.rows[(1 + p + j) * d + c]! * shift[j]!;
    rows[c] = sum;
  }
  return { ...law, draw, density: { rows, constant: own.constant } };
}

/** The same law with `noise` normals, those beyond its own unused. */
export function withNoise(law: AffineLaw, noise: number): AffineLaw {
  const draw = new Float64Array((1 + law.parents + noise) * law.dimension);
  draw.set(law.draw);
  return { ...law, noise, draw };
}

/** x [n, d] from parents [n, p] and z [n, noise]. */
export function drawRows(law: AffineLaw, parent: Float64Array, z: Float64Array, x: Float64Array): void {
  affineRows(parent, law.parents, z, law.noise, law.draw, x, law.dimension);
}

/** x of a whole run from its parents, the normals drawn inside at (purpose, step, particle): the bits of `drawRows`. */
export function drawKernel(
  law: AffineLaw,
  run: SmcRun<StateFields>,
  lent: Arena,
  purpose: number,
  step: number,
): KernelCall {
  const { dimension: d, parents: p, noise, draw } = law;
  const x = run.field('x');
  const parent = p === 0 ? x : run.parent('x');
  const rows = lent.f64(draw.length);
  rows.set(draw);
  const [k0, k1] = run.rng.key;
  const args = [parent, p, x, d, noise, rows, k0, k1, 0, step, channel(purpose)] as const;
  return { kernel: 'affineNormal', args: [...args], over: 'rows' };
}

/** Log density of x [n, d] given parents [n, p] into `out` [n]. */
export function logDensityRows(
  { rows, constant }: AffineDensity,
  p: number,
  parent: Float64Array,
  d: number,
  x: Float64Array,
  out: Float64Array,
): void {
  for (let i = 0; i < out.length; i++) {
    let square = 0;
    for (let c = 0; c < d; c++) {
      let r = rows[c]!;
      for (let j = 0; j < p; j++) r += rows[(1 + j) * d + c]! * parent[i * p + j]!;
      for (let j = 0; j <= c; j++) r += rows[(1 + p + j) * d + c]! * x[i * d + j]!;
      square += r * r;
    }
    out[i] = constant - 0.5 * square;
  }
}
