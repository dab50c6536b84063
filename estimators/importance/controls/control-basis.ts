import { sum } from '../../../engine/wasm/twins/sums.ts';

/** A control or a residual below this share of its size is rounding: it is constant, or a sum of others. */
const RANK_TOLERANCE = 2 ** -26;

/** p controls at n points as r <= p orthonormal columns, r their rank. */
export interface ControlBasis {
  readonly points: number;
  readonly rank: number;
  /** [n, r] row-major; columns have mean 0 and length 1, and no column is a sum of others. */
  readonly q: Float64Array;
  /** [r] mean(c) - mu in the same coordinates. */
  readonly shift: Float64Array;
  /** [p] (mean(c) - mu) / sd(c): 0 for a constant at its mean, infinite for one elsewhere. */
  readonly offset: Float64Array;
  /** beta [p] of the controls from the coefficients [r] of the columns; 0 for those that add nothing. */
  coefficients(inner: Float64Array): Float64Array;
}

interface Scaled {
  readonly unit: Float64Array;
  readonly length: number;
  readonly shift: number;
}

/**
 * Rank-revealing basis of controls c_j [n] with known means mu_j, by modified Gram-Schmidt, the longest residual first and
 * every column made orthogonal twice. Source: Golub & Van Loan, Matrix Computations, sections 5.2.8 and 5.4.2.
 */
export function controlBasis(
  controls: readonly Float64Array[],
  means: ArrayLike<number>,
  n: number,
): ControlBasis {
  const p = controls.length;
  const scaled = controls.map((c, j) => center(c, means[j]!, n));
  const columns: Float64Array[] = [];
  const pivots: number[] = [];
  // upper[i][j] = q_i . c_j, so that pivot column j is sum_i upper[i][j] q_i.
  const upper: Float64Array[] = [];
  const left = new Set(scaled.flatMap(({ length }, j) => (length > 0 ? [j] : [])));
  while (left.size > 0) {
    let pivot = -1;
    let longest = RANK_TOLERANCE;
    for (const j of left) {
      const length = Math.sqrt(dot(scaled[j]!.unit, scaled[j]!.unit));
      if (length > longest) [pivot, longest] = [j, length];
    }
    if (pivot < 0) break;
    left.delete(pivot);
    const column = scaled[pivot]!.unit;
    columns.forEach((earlier, i) => {
      upper[i]![pivot]! += removed(column, earlier);
    });
    const length = Math.sqrt(dot(column, column));
    for (let i = 0; i < n; i++) column[i]! /= length;
    const row = new Float64Array(p);
    row[pivot] = length;
    for (const j of left) row[j] = removed(scaled[j]!.unit, column);
    columns.push(column);
    pivots.push(pivot);
    upper.push(row);
  }
  return assembled(scaled, columns, pivots, upper, n);
}

function assembled(
  scaled: readonly Scaled[],
  columns: readonly Float64Array[],
  pivots: readonly number[],
  upper: readonly Float64Array[],
  n: number,
): ControlBasis {
  const rank = columns.length;
  const q = new Float64Array(n * rank);
  columns.forEach((column, j) => {
    for (let i = 0; i < n; i++) q[i * rank + j] = column[i]!;
  });
  const shift = new Float64Array(rank);
  for (let j = 0; j < rank; j++) {
    const { shift: own, length } = scaled[pivots[j]!]!;
    let rest = own / length;
    for (let i = 0; i < j; i++) rest -= upper[i]![pivots[j]!]! * shift[i]!;
    shift[j] = rest / upper[j]![pivots[j]!]!;
  }
  const offset = Float64Array.from(scaled, ({ shift: own, length }) =>
    own === 0 ? 0 : (own * Math.sqrt(n - 1)) / length,
  );
  const coefficients = (inner: Float64Array): Float64Array => {
    const beta = new Float64Array(scaled.length);
    for (let i = rank - 1; i >= 0; i--) {
      let rest = inner[i]!;
      for (let j = i + 1; j < rank; j++) {
        const { length } = scaled[pivots[j]!]!;
        rest -= upper[i]![pivots[j]!]! * beta[pivots[j]!]! * length;
      }
      beta[pivots[i]!] = rest / upper[i]![pivots[i]!]! / scaled[pivots[i]!]!.length;
    }
    return beta;
  };
  return { points: n, rank, q, shift, offset, coefficients };
}

/** c - mean(c) scaled to length 1; length 0 when c is constant up to rounding. */
function center(c: Float64Array, mean: number, n: number): Scaled {
  const average = sum(c.subarray(0, n)) / n;
  const unit = new Float64Array(n);
  for (let i = 0; i < n; i++) unit[i] = c[i]! - average;
  const length = Math.sqrt(dot(unit, unit));
  const rounding = 2 ** -44 * Math.sqrt(n) * Math.abs(average);
  const off = average - mean;
  if (!(length > rounding)) return { unit, length: 0, shift: Math.abs(off) <= rounding ? 0 : off };
  for (let i = 0; i < n; i++) unit[i]! /= length;
  return { unit, length, shift: off };
}

/** Take the part along the unit column q out of c, in place; returns how much it was. */
function removed(c: Float64Array, q: Float64Array): number {
  const along = dot(c, q);
  for (let i = 0; i < c.length; i++) c[i]! -= along * q[i]!;
  return along;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}
