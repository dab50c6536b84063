import { tailShape } from '../../../engine/diagnostics/pareto.ts';
import { studentT } from '../../../engine/distribution/student-t.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import { sum } from '../../../engine/wasm/twins/sums.ts';
import { HEAVIEST } from '../weighted/weighted-means.ts';
import type { AnswerPoints } from './state.ts';

/*
 * Numbers from the summands Z_ij = T_ij - sum_k B_jk R_ik of weighted points.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | Z | columns | [J][n] |
 * | I^ = mean Z + constant | value | [J] |
 * | S = Cov(I^) | covariance | [J, J] |
 *
 *   independent rows   S = sum_i (Z_i - mean)(Z_i - mean)' / (n (n - 1)), n - 1 degrees of freedom; conservative where
 *                      rows are shared among the components in whole numbers
 *   R scrambled nets   the same of the R means of replicates, R - 1 degrees of freedom; NaN with one
 *   R parts of a net   the same; the parts' errors are negatively correlated, where the net as a whole is the better for
 *                      it, so that E[S] is Cov(I^) and their lack of independence on top
 *
 * Any linear combination of the R means is itself a mean of R independent numbers, so that Student's interval holds for
 * it too: functionals by the delta method have the same R - 1 degrees of freedom.
 */

/** How far one expectation can be trusted. */
export interface Trust {
  readonly status: 'estimated' | 'unseen' | 'heavy';
  readonly ess: number;
  readonly paretoShape: number;
  readonly largestShare: number;
}

export interface Estimates {
  /** [J]; NaN where the function was 0 at all points. */
  readonly value: Float64Array;
  /** [J, J]; NaN in rows and columns of what is unseen or heavy, and everywhere with one net. */
  readonly covariance: Float64Array;
  /** [J] variance of one summand. */
  readonly variance: Float64Array;
  readonly degrees: number;
  readonly trust: readonly Trust[];
}

/** Points at which a function must differ from 0 for its spread to be told: as few events as Student's interval bears. */
const FEW_HITS = 10;

/** Spread of summands, as a share of the numbers they are differences of, that is nothing but rounding. */
const ROUNDING = 1e-13;

/**
 * The J estimates with what they can be trusted for.
 * @param scant whether n points are too few for an interval about the value of expectation j, whatever they show.
 */
export function estimatesOf(
  points: AnswerPoints,
  count: number,
  scant: (j: number, value: number, n: number) => boolean = () => false,
): Estimates {
  const { n, perReplicate, independent, constant, hits } = points;
  const whole = Math.floor(n / perReplicate);
  const nets = !independent && whole >= 1;
  const rows = nets ? whole * perReplicate : n;
  const columns = columnsOf(points.summand, count, rows);
  const means = columns.map((column) => sum(column) / rows);
  const variance = Float64Array.from(columns, (column, j) => squaresAbout(column, means[j]!) / (rows - 1));
  const trust = columns.map((column, j): Trust => {
    const size = Math.abs(constant[j]!) + Math.abs(means[j]! + constant[j]!);
    const flat = Math.sqrt(variance[j]!) <= ROUNDING * size;
    const found = trustOf(column, means[j]!, () => columnOf(points.term, count, j, rows), hits[j]!, flat);
    const few = found.status === 'estimated' && scant(j, means[j]! + constant[j]!, rows);
    return few ? { ...found, status: 'heavy' } : found;
  });
  const samples = independent
    ? columns
    : columns.map((column) =>
        Float64Array.from({ length: whole }, (_, r) => netMean(column, r, perReplicate)),
      );
  const covariance = covarianceOfMean(samples, (j) => trust[j]!.status === 'estimated');
  const value = Float64Array.from(means, (mean, j) =>
    trust[j]!.status === 'unseen' ? Number.NaN : mean + constant[j]!,
  );
  return { value, covariance, variance, degrees: samples[0]!.length - 1, trust };
}

function columnOf(summand: Float64Array, count: number, j: number, rows: number): Float64Array {
  const column = new Float64Array(rows);
  for (let i = 0; i < rows; i++) column[i] = summand[i * count + j]!;
  return column;
}

/** All columns, a block of rows at a time. */
function columnsOf(summand: Float64Array, count: number, rows: number): readonly Float64Array[] {
  const columns = Array.from({ length: count }, () => new Float64Array(rows));
  for (let from = 0; from < rows; from += BLOCK) {
    const to = Math.min(rows, from + BLOCK);
    for (let j = 0; j < count; j++) {
      const column = columns[j]!;
      for (let i = from; i < to; i++) column[i] = summand[i * count + j]!;
    }
  }
  return columns;
}

const BLOCK = 64;

function squaresAbout(column: Float64Array, mean: number): number {
  const squares = new Float64Array(column.length);
  for (let i = 0; i < column.length; i++) squares[i] = (column[i]! - mean) * (column[i]! - mean);
  return sum(squares);
}

function netMean(column: Float64Array, replicate: number, size: number): number {
  return sum(column.subarray(replicate * size, (replicate + 1) * size)) / size;
}

/**
 * Diagnostics of |Z_j - mean|, which is what the variance is made of, and what they allow to be said.
 *
 * The Pareto shape is the smaller one of |Z_j - mean| and of |T_j|. The controls that lie between them are bounded, so
 * that a heavy tail is in both; but good controls leave many tiny summands and a few larger ones, and that step in
 * size alone looks like a shape above 1.
 * @param hits points at which the function was not 0.
 * @param flat whether Z_j varies by rounding alone.
 */
function trustOf(
  column: Float64Array,
  mean: number,
  terms: () => Float64Array,
  hits: number,
  flat: boolean,
): Trust {
  if (hits === 0) return { status: 'unseen', ess: 0, paretoShape: Number.NaN, largestShare: Number.NaN };
  const n = column.length;
  if (flat) return { status: 'estimated', ess: n, paretoShape: -Infinity, largestShare: 1 / n };
  const size = sizesAbout(column, mean);
  const total = sum(size);
  const own = tailShape(size);
  const shape = own > HEAVIEST ? Math.min(own, tailShape(sizesAbout(terms(), 0))) : own;
  const paretoShape = hits < FEW_HITS ? Infinity : shape;
  return {
    status: paretoShape > HEAVIEST ? 'heavy' : 'estimated',
    ess: (total * total) / squaresAbout(size, 0),
    paretoShape,
    largestShare: 1 / total,
  };
}

/** |z - mean| in units of the largest, which keeps their squares in range. */
function sizesAbout(column: Float64Array, mean: number): Float64Array {
  const size = new Float64Array(column.length);
  let largest = 0;
  for (let i = 0; i < column.length; i++) {
    size[i] = Math.abs(column[i]! - mean);
    if (size[i]! > largest) largest = size[i]!;
  }
  for (let i = 0; i < size.length; i++) size[i] = size[i]! / largest;
  return size;
}

/** Covariance [J, J] of the means of J columns of m independent numbers; NaN with fewer than two of them. */
function covarianceOfMean(columns: readonly Float64Array[], known: (j: number) => boolean): Float64Array {
  const J = columns.length;
  const m = columns[0]!.length;
  const centred = columns.map((column) => {
    const mean = sum(column) / m;
    return column.map((z) => z - mean);
  });
  const covariance = new Float64Array(J * J).fill(Number.NaN);
  if (m < 2) return covariance;
  for (let j = 0; j < J; j++) {
    if (!known(j)) continue;
    for (let k = 0; k <= j; k++) {
      if (!known(k)) continue;
      const [a, b] = [centred[j]!, centred[k]!];
      let product = 0;
      for (let i = 0; i < m; i++) product += a[i]! * b[i]!;
      covariance[j * J + k] = covariance[k * J + j] = product / (m - 1) / m;
    }
  }
  return covariance;
}

/** Student's intervals; an error of 0 is none, since what never varied shows nothing. */
export function intervalsOf(
  names: readonly string[],
  value: Float64Array,
  error: Float64Array,
  degrees: number,
  level: number,
): IntervalEstimate {
  const standardError = error.map((e) => (e > 0 && e < Infinity ? e : Number.NaN));
  const t = degrees >= 1 ? studentT(degrees).quantile((1 + level) / 2) : Number.NaN;
  return {
    names,
    value,
    standardError,
    low: value.map((x, j) => x - t * standardError[j]!),
    high: value.map((x, j) => x + t * standardError[j]!),
    level,
  };
}
