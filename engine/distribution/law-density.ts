import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { solveLowerColumns } from '../math/linear-algebra.ts';
import type { GaussianCopula } from './gaussian-copula.ts';
import type { Dependence, InputSpace } from './inputs.ts';
import { dependenceDensity, linkedInputs, normalScore } from './joint-parts.ts';
import type { Law } from './law.ts';

/** Most rows of a block: what they need stays in the cache. */
export const BLOCK = 256;

/** Rows of inputs and what several laws read of them. */
export interface Rows {
  readonly n: number;
  /** [n, d] */
  readonly x: Float64Array;
  /** [d] columns of x [n], their logarithms where some law is log-normal, and log densities under the first law. */
  readonly columns: readonly Float64Array[];
  readonly logs: readonly Float64Array[];
  readonly shared: readonly Float64Array[];
  /** Scratch [n], [n] and [d][n]. */
  readonly log: Float64Array;
  readonly white: Float64Array;
  readonly score: readonly Float64Array[];
}

/** log density of one law at all rows into out[i * stride + offset]. */
export type RowDensity = (rows: Rows, out: Float64Array, offset: number, stride: number) => void;

/** A law whose normal score is linear in x or in log x. */
export interface Linear {
  readonly column: number;
  readonly logarithmic: boolean;
  readonly mean: number;
  readonly inverse: number;
  /** Place among the linked inputs; -1 when it is independent of all others. */
  readonly slot: number;
}

/** Mean and standard deviation of x or log x where that is normal; undefined for other laws. */
export function normalOf(law: Law): { mean: number; sd: number; logarithmic: boolean } | undefined {
  if (law.name === 'normal') return { mean: law.mean, sd: Math.sqrt(law.variance), logarithmic: false };
  const { mu, sigma } = law.parameters ?? {};
  if (law.name !== 'logNormal' || typeof mu !== 'number' || typeof sigma !== 'number') return undefined;
  return { mean: mu, sd: sigma, logarithmic: true };
}

/** Whether a law is part of the quadratic form. */
export function isNormal(law: Law): boolean {
  return normalOf(law) !== undefined;
}

/** Whether a law reads log x. */
export function readsLog(law: Law): boolean {
  return normalOf(law)?.logarithmic === true;
}

/** Whether a dependence joins normals by a factor `lower` of their correlation. */
export function isGaussian(dependence: Dependence | undefined): dependence is GaussianCopula {
  return dependence !== undefined && 'lower' in dependence && dependence.lower instanceof Float64Array;
}

/**
 * The density of the given columns of a law, and of the dependence if `tied`. Normal and log-normal inputs are one
 * quadratic form under a Gaussian copula:
 *
 *   log f(x) = const - sum_log-normal log x_c - |L^-1 s|^2 / 2 + sum_others (log f_c(x_c) + s_c^2 / 2),  s normal scores
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | s of linked inputs | score | [m][n] |
 * | L^-1 of linked inputs | whiten | [m, m] |
 *
 * @param changed [d] 1 where `Rows.shared` is not the density of this law.
 */
export function rowDensity(
  space: InputSpace,
  columns: readonly number[],
  tied: boolean,
  changed: Uint8Array,
): RowDensity {
  const { dimension: d, laws } = space;
  const copula = tied && isGaussian(space.dependence) ? space.dependence : undefined;
  const foreign = tied && copula === undefined ? dependenceDensity(space) : undefined;
  const flags = copula === undefined ? new Uint8Array(d) : linkedInputs(space);
  const linked = columns.filter((c) => flags[c] === 1);
  const m = linked.length;
  const whiten = copula === undefined ? new Float64Array(0) : whitening(copula, linked);
  const linear = columns.flatMap((column) => linearOf(laws[column]!, column, linked.indexOf(column)));
  const curved = columns.filter((c) => !linear.some(({ column }) => column === c));
  let constant = -linear.length * HALF_LOG_TWO_PI;
  for (const { inverse } of linear) constant += Math.log(inverse);
  for (let r = 0; r < m; r++) constant += Math.log(whiten[r * m + r]!);

  const slots = linear.filter(({ slot }) => slot >= 0);
  const free = linear.filter(({ slot }) => slot < 0);
  const logarithmic = linear.filter((part) => part.logarithmic).map(({ column }) => column);
  return (rows, out, offset, stride) => {
    const { n, log, score } = rows;
    if (foreign === undefined) log.fill(0, 0, n);
    else foreign(rows.x, n, log);
    for (const column of logarithmic) subtract(rows.logs[column]!, n, log);
    for (let at = 0; at < free.length; at += 2) {
      const next = free[at + 1];
      if (next === undefined) addSquare(free[at]!, rows, log);
      else addSquares(free[at]!, next, rows, log);
    }
    for (const part of slots) scoreInto(part, rows, score[part.slot]!);
    for (const c of curved) {
      const own = changed[c] === 1 ? undefined : rows.shared[c]!;
      addCurved(laws[c]!, rows, c, own, flags[c] === 1 ? score[linked.indexOf(c)]! : undefined, log);
    }
    for (let r = 0; r < m; r++) addWhite(whiten, r * m, r + 1, rows, log);
    for (let i = 0, to = offset; i < n; i++, to += stride) out[to] = constant + log[i]!;
  };
}

function subtract(y: Float64Array, n: number, log: Float64Array): void {
  for (let i = 0; i < n; i++) log[i] = log[i]! - y[i]!;
}

/** What a linear input reads. */
function read({ column, logarithmic }: Linear, { columns, logs }: Rows): Float64Array {
  return (logarithmic ? logs : columns)[column]!;
}

/** Half the squares of two independent inputs, off `log`. */
function addSquares(a: Linear, b: Linear, rows: Rows, log: Float64Array): void {
  const [x, y] = [read(a, rows), read(b, rows)];
  const { n } = rows;
  const { mean: p, inverse: v } = a;
  const { mean: q, inverse: w } = b;
  for (let i = 0; i < n; i++) {
    const s = (x[i]! - p) * v;
    const t = (y[i]! - q) * w;
    log[i] = log[i]! - 0.5 * (s * s + t * t);
  }
}

function addSquare(part: Linear, rows: Rows, log: Float64Array): void {
  const y = read(part, rows);
  const { n } = rows;
  const { mean, inverse } = part;
  for (let i = 0; i < n; i++) {
    const s = (y[i]! - mean) * inverse;
    log[i] = log[i]! - 0.5 * s * s;
  }
}

function scoreInto(part: Linear, rows: Rows, score: Float64Array): void {
  const y = read(part, rows);
  const { n } = rows;
  const { mean, inverse } = part;
  for (let i = 0; i < n; i++) score[i] = (y[i]! - mean) * inverse;
}

/** Half the square of whitened score sum_j whiten[at + j] s_j, off `log`. */
function addWhite(
  whiten: Float64Array,
  at: number,
  width: number,
  { n, score, white }: Rows,
  log: Float64Array,
): void {
  if (width <= 3) {
    const [a, b, c] = [whiten[at]!, width > 1 ? whiten[at + 1]! : 0, width > 2 ? whiten[at + 2]! : 0];
    const s = score[0]!;
    const t = score[width > 1 ? 1 : 0]!;
    const u = score[width > 2 ? 2 : 0]!;
    for (let i = 0; i < n; i++) {
      const w = a * s[i]! + b * t[i]! + c * u[i]!;
      log[i] = log[i]! - 0.5 * w * w;
    }
    return;
  }
  white.fill(0, 0, n);
  for (let j = 0; j < width; j++) {
    const s = score[j]!;
    const weight = whiten[at + j]!;
    for (let i = 0; i < n; i++) white[i] = white[i]! + weight * s[i]!;
  }
  for (let i = 0; i < n; i++) log[i] = log[i]! - 0.5 * white[i]! * white[i]!;
}

/** The term of any other input, and its score where it is linked: there log c_l holds s^2 / 2 against its square. */
function addCurved(
  law: Law,
  { n, columns }: Rows,
  column: number,
  own: Float64Array | undefined,
  score: Float64Array | undefined,
  log: Float64Array,
): void {
  const x = columns[column]!;
  for (let i = 0; i < n; i++) log[i]! += own === undefined ? law.logDensity(x[i]!) : own[i]!;
  if (score === undefined) return;
  for (let i = 0; i < n; i++) {
    const s = normalScore(law, x[i]!);
    score[i] = s;
    log[i]! += 0.5 * s * s;
  }
}

/** A marginal as part of the quadratic form; none for other laws. */
export function linearOf(law: Law, column: number, slot: number): readonly Linear[] {
  const normal = normalOf(law);
  if (normal === undefined) return [];
  return [{ column, logarithmic: normal.logarithmic, mean: normal.mean, inverse: 1 / normal.sd, slot }];
}

/** L^-1 of the linked inputs [m, m]: rows and columns of the others are those of the identity. */
export function whitening({ lower, dimension: d }: GaussianCopula, linked: readonly number[]): Float64Array {
  const m = linked.length;
  const part = Float64Array.from({ length: m * m }, (_, at) => {
    return lower[linked[Math.floor(at / m)]! * d + linked[at % m]!]!;
  });
  const identity = Float64Array.from({ length: m * m }, (_, at) => (at % (m + 1) === 0 ? 1 : 0));
  return solveLowerColumns(part, m, identity, m);
}
