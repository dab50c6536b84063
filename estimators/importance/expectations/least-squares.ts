/**
 * Least squares by Householder reflections with column pivoting: coefficients of many responses on the columns of a
 * table and a constant. Columns that the earlier ones explain but for `TOLERANCE` of their length get coefficient 0.
 * Source: Golub & Van Loan, Matrix Computations, algorithm 5.4.1; columns are centred and brought to length 1 first.
 */
const TOLERANCE = 1e-10;

/**
 * @param table [n, p]
 * @param responses [n, m]
 * @returns [m, p] coefficients; the one of the constant is left out.
 */
export function leastSquares(
  table: Float64Array,
  p: number,
  responses: Float64Array,
  m: number,
): Float64Array {
  const columns = centredColumns(table, p);
  const right = centredColumns(responses, m);
  const scale = columns.map((column) => length(column, 0));
  columns.forEach((column, c) => {
    const level = Math.sqrt(table.length / p) * Math.abs(meanOf(table, p, c));
    const usable = scale[c]! > TOLERANCE * level;
    for (let i = 0; i < column.length; i++) column[i] = usable ? column[i]! / scale[c]! : 0;
  });
  const order = columns.map((_, c) => c);
  const rank = triangularise(columns, right, order);
  const out = new Float64Array(m * p);
  for (let j = 0; j < m; j++) backSubstitute(columns, right[j]!, order, rank, scale, out.subarray(j * p));
  return out;
}

function meanOf(table: Float64Array, p: number, c: number): number {
  const n = table.length / p;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += table[i * p + c]! / n;
  return mean;
}

function centredColumns(table: Float64Array, p: number): Float64Array[] {
  return Array.from({ length: p }, (_, c) => {
    const mean = meanOf(table, p, c);
    return Float64Array.from({ length: table.length / p }, (_, i) => table[i * p + c]! - mean);
  });
}

/** Reflects columns and right-hand sides until the columns, in `order`, are upper triangular; returns their rank. */
function triangularise(columns: Float64Array[], right: Float64Array[], order: number[]): number {
  const n = columns[0]!.length;
  const most = Math.min(columns.length, n - 1);
  for (let r = 0; r < most; r++) {
    let pivot = r;
    let longest = 0;
    for (let c = r; c < columns.length; c++) {
      const own = length(columns[order[c]!]!, r);
      if (own > longest) [pivot, longest] = [c, own];
    }
    if (!(longest > TOLERANCE)) return r;
    [order[r], order[pivot]] = [order[pivot]!, order[r]!];
    const column = columns[order[r]!]!;
    const head = column[r]! > 0 ? -longest : longest;
    const mirror = column.slice(r);
    mirror[0]! -= head;
    const norm = mirror.reduce((sum, value) => sum + value * value, 0);
    for (let c = r + 1; c < columns.length; c++) reflect(mirror, norm, columns[order[c]!]!, r);
    for (const side of right) reflect(mirror, norm, side, r);
    column[r] = head;
  }
  return most;
}

function length(column: Float64Array, from: number): number {
  let sum = 0;
  for (let i = from; i < column.length; i++) sum += column[i]! * column[i]!;
  return Math.sqrt(sum);
}

/** column <- (I - 2 v v' / |v|^2) column, from row `from` on. */
function reflect(mirror: Float64Array, norm: number, column: Float64Array, from: number): void {
  let dot = 0;
  for (let i = 0; i < mirror.length; i++) dot += mirror[i]! * column[from + i]!;
  const twice = (2 * dot) / norm;
  for (let i = 0; i < mirror.length; i++) column[from + i]! -= twice * mirror[i]!;
}

function backSubstitute(
  columns: readonly Float64Array[],
  right: Float64Array,
  order: readonly number[],
  rank: number,
  scale: readonly number[],
  out: Float64Array,
): void {
  for (let r = rank - 1; r >= 0; r--) {
    let value = right[r]!;
    for (let c = r + 1; c < rank; c++) value -= columns[order[c]!]![r]! * out[order[c]!]!;
    out[order[r]!] = value / columns[order[r]!]![r]!;
  }
  for (let r = 0; r < rank; r++) out[order[r]!]! /= scale[order[r]!]!;
}
