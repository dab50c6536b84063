import { checkOptionNames, show } from '../../check.ts';
import { checkSymmetric, type Rows } from '../../distribution/multivariate.ts';
import { OptionError } from '../../errors.ts';
import { symmetricEigen } from '../../math/linear-algebra.ts';
import type { Source } from '../../types.ts';
import type { OpenDenoiser } from '../denoiser.ts';
import { type Grid, type GridPoint, gridPointAt } from '../grid.ts';

/*
 * At much noise every law is nearly the normal law of its mean and covariance, whose flow is known. In v = x / alpha and
 * s = sigma / alpha:
 *
 *   v(s') = mu + sum_k sqrt((l_k + s'^2) / (l_k + s^2)) u_k u_k'(v - mu) + (s' / s) (I - U U')(v - mu)
 *
 * | symbol | name here |
 * |---|---|
 * | mu | mean |
 * | l_k, u_k | variances, directions: eigenvalues and eigenvectors of the covariance, all or the largest |
 *
 * The error of the jump, to first order: with delta(s) the model's E[x_0] minus that of the normal law along the jump, and
 * Phi its linear part, e(s') = integral of Phi(s', s) delta(s) d log s over [s', s_start], by trapezoids. It falls as s'^-3.
 */

export const TELEPORT: Source = {
  authors: 'Wang, B. & Vastola, J. J.',
  year: 2024,
  title:
    'The Unreasonable Effectiveness of Gaussian Score Approximation for Diffusion Models and its Applications',
  reference: 'TMLR, arXiv:2412.09726',
};

/** Mean and covariance of the data, the latter whole or by its largest eigenvalues and eigenvectors. */
export type DataMoments =
  | { readonly mean: readonly number[]; readonly covariance: Rows }
  | {
      readonly mean: readonly number[];
      /** [r] variances along `directions` [r, d], rows of length 1, at right angles. */
      readonly variances: readonly number[];
      readonly directions: Rows;
    };

/** The flow of the normal law with the moments of the data. */
export interface Teleport {
  readonly dimension: number;
  /** Rows 0..n-1 of `x` [n, d] from one time to another -> out, which may be `x`. */
  jump(x: Float64Array, n: number, from: GridPoint, to: GridPoint, out: Float64Array): void;
  /** The linear part of the jump on v = x / alpha: differences of particles -> out, which may be the same. */
  carry(v: Float64Array, n: number, from: GridPoint, to: GridPoint, out: Float64Array): void;
  /** E[x_0 given x] of the normal law -> out. */
  clean(x: Float64Array, n: number, at: GridPoint, out: Float64Array): void;
}

/**
 * Analytical teleportation: the noisiest part of the way in one jump, exact for normal data. Wang & Vastola (2024),
 * equation 8.
 * @throws OptionError for moments that do not fit together, or a covariance that is no covariance.
 */
export function teleport(moments: DataMoments): Teleport {
  const where = 'teleport';
  checkOptionNames(where, moments, ['mean', 'covariance', 'variances', 'directions']);
  const mean = checkMean(where, moments.mean);
  const d = mean.length;
  const axes = 'covariance' in moments ? axesOf(where, moments.covariance, d) : given(where, moments, d);
  const carry: Teleport['carry'] = (v, n, from, to, out) => {
    const [s, t] = [Math.exp(-from.logSnr), Math.exp(-to.logSnr)];
    const rest = t / s;
    const factors = axes.variances.map((l) => Math.sqrt((l + t * t) / (l + s * s)));
    stretch(axes, v, n, d, rest, factors, out);
  };
  return {
    dimension: d,
    carry,
    jump(x, n, from, to, out) {
      shift(x, n, 1 / from.signal, mean, -1, out);
      carry(out, n, from, to, out);
      for (let i = 0; i < n; i++)
        for (let c = 0; c < d; c++) out[i * d + c] = to.signal * (out[i * d + c]! + mean[c]!);
    },
    clean(x, n, at, out) {
      const square = Math.exp(-2 * at.logSnr);
      shift(x, n, 1 / at.signal, mean, -1, out);
      stretch(
        axes,
        out,
        n,
        d,
        0,
        axes.variances.map((l) => l / (l + square)),
        out,
      );
      shift(out, n, 1, mean, 1, out);
    },
  };
}

interface Axes {
  readonly variances: readonly number[];
  readonly directions: readonly Float64Array[];
}

/** out <- rest v + sum_k (factor_k - rest) u_k (u_k'v), row by row. */
function stretch(
  { directions }: Axes,
  v: Float64Array,
  n: number,
  d: number,
  rest: number,
  factors: readonly number[],
  out: Float64Array,
): void {
  const row = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < d; c++) row[c] = v[i * d + c]!;
    for (let c = 0; c < d; c++) out[i * d + c] = rest * row[c]!;
    for (let k = 0; k < directions.length; k++) {
      const u = directions[k]!;
      let along = 0;
      for (let c = 0; c < d; c++) along += u[c]! * row[c]!;
      along *= factors[k]! - rest;
      for (let c = 0; c < d; c++) out[i * d + c] = out[i * d + c]! + along * u[c]!;
    }
  }
}

/** out <- scale x + sign mean */
function shift(
  x: Float64Array,
  n: number,
  scale: number,
  mean: readonly number[],
  sign: number,
  out: Float64Array,
): void {
  const d = mean.length;
  for (let i = 0; i < n; i++)
    for (let c = 0; c < d; c++) out[i * d + c] = scale * x[i * d + c]! + sign * mean[c]!;
}

/** The levels between which delta is taken for linear are at most this factor apart. */
const FINE = 1.25;

/**
 * The estimated error of jumps from the first point of a grid to each of its points: the root mean square of v over probes and
 * coordinates, relative to that of v. NaN beyond `most` and where there is no noise.
 * @param probes [n, d] at the first point. Costs n evaluations at about 10 levels for each factor 10 of noise.
 * @returns [N + 1]
 */
export async function teleportErrors(
  jump: Teleport,
  denoiser: OpenDenoiser,
  grid: Grid,
  probes: Float64Array,
  most: number = Infinity,
): Promise<Float64Array> {
  const { points, schedule } = grid;
  const [d, start] = [jump.dimension, points[0]!];
  const n = probes.length / d;
  const [x, error, clean, normal] = [0, 1, 2, 3].map(() => new Float64Array(n * d)) as Four;
  const errors = new Float64Array(points.length).fill(Number.NaN);
  let at = start;
  const discrepancy = async (point: GridPoint, width: number): Promise<void> => {
    jump.jump(probes, n, start, point, x);
    await denoiser.evaluate(x, point.time, n, { clean });
    jump.clean(x, n, point, normal);
    for (let i = 0; i < n * d; i++) error[i] = error[i]! + 0.5 * width * (clean[i]! - normal[i]!);
  };
  errors[0] = 0;
  for (let index = 1; index < points.length && points[index]!.noise > 0; index++) {
    const [from, to] = [at.logSnr, points[index]!.logSnr];
    const pieces = Math.ceil((to - from) / Math.log(FINE));
    for (let k = 1; k <= pieces; k++) {
      const next = k === pieces ? points[index]! : gridPointAt(schedule, from + (k / pieces) * (to - from));
      const width = next.logSnr - at.logSnr;
      await discrepancy(at, width);
      jump.carry(error, n, at, next, error);
      await discrepancy(next, width);
      at = next;
    }
    errors[index] = size(error) / (size(x) / at.signal);
    if (errors[index]! > most) break;
  }
  return errors;
}

type Four = [Float64Array, Float64Array, Float64Array, Float64Array];

/** Root mean square. */
function size(v: Float64Array): number {
  let squares = 0;
  for (const each of v) squares += each * each;
  return Math.sqrt(squares / v.length);
}

/** The last point to which jumps are within the tolerance, short of the end of the grid. */
export function teleportPoint(errors: Float64Array, tolerance: number): number {
  let index = 0;
  while (index + 2 < errors.length && errors[index + 1]! <= tolerance) index++;
  return index;
}

function checkMean(where: string, mean: unknown): readonly number[] {
  if (Array.isArray(mean) && mean.length > 0 && mean.every((m) => Number.isFinite(m))) return mean;
  throw new OptionError({
    where,
    option: 'mean',
    value: mean,
    found: `option \`mean\` is ${show(mean)}`,
    expected: 'the mean of the data, [d]',
  });
}

function axesOf(where: string, covariance: Rows, d: number): Axes {
  const matrix = checkSymmetric(where, 'covariance', covariance, d);
  const { values, vectors } = symmetricEigen(matrix, d);
  const largest = values[d - 1]!;
  if (!(values[0]! >= -1e-12 * largest)) throw negative(where, values[0]!);
  const directions = Array.from(values, (_, k) =>
    Float64Array.from({ length: d }, (_, i) => vectors[i * d + k]!),
  );
  return { variances: Array.from(values, (l) => Math.max(0, l)), directions };
}

function given(
  where: string,
  { variances, directions }: { readonly variances: readonly number[]; readonly directions: Rows },
  d: number,
): Axes {
  const fits =
    Array.isArray(variances) &&
    Array.isArray(directions) &&
    variances.length === directions.length &&
    variances.every((l) => l >= 0 && l < Infinity) &&
    directions.every((row) => row.length === d && row.every(Number.isFinite));
  if (!fits) throw misfit(where, `${show(variances)} and ${show(directions)}`, `r variances and [r, ${d}]`);
  for (let j = 0; j < directions.length; j++)
    for (let k = 0; k <= j; k++) {
      const other: readonly number[] = directions[k]!;
      const product = directions[j]!.reduce((sum: number, u: number, c: number) => sum + u * other[c]!, 0);
      if (Math.abs(product - (j === k ? 1 : 0)) > 1e-8)
        throw misfit(
          where,
          `directions ${k} and ${j} with product ${product}`,
          'unit vectors at right angles',
        );
    }
  return { variances, directions: directions.map((row) => Float64Array.from(row)) };
}

function misfit(where: string, found: string, expected: string): OptionError {
  return new OptionError({
    where,
    option: 'directions',
    value: found,
    found: `options \`variances\` and \`directions\` are ${found}`,
    expected,
  });
}

function negative(where: string, value: number): OptionError {
  return new OptionError({
    where,
    option: 'covariance',
    value,
    found: `option \`covariance\` has the eigenvalue ${value}`,
    expected: 'none below 0',
  });
}
