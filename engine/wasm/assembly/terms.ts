// Row terms of Sobol' index estimators, two rows at once. See ../twins/index-sums.ts and engine/math/sobol-terms.ts.
// Functions marked inline are called with a constant operation, so each loop holds one operation only.
import { combine } from './sums';

const TERM_BYTES: usize = 20;

// The first row of the columns i, j, k, l of the current term, and its operation.
let operation: u32 = 0;
let pi: usize = 0;
let pj: usize = 0;
let pk: usize = 0;
let pl: usize = 0;
let center: v128 = f64x2.splat(0.0);

@inline
function column(program: usize, w: usize, y: usize, stride: u32): usize {
  return y + (<usize>load<u32>(program + w) * <usize>stride << 3);
}

/** Make term t of the program the current one; `y` is row 0 of column 0 at the rows wanted. */
export function selectTerm(program: usize, t: u32, y: usize, stride: u32, centre: f64): void {
  const at = program + <usize>t * TERM_BYTES;
  operation = load<u32>(at);
  pi = column(at, 4, y, stride);
  pj = column(at, 8, y, stride);
  pk = column(at, 12, y, stride);
  pl = column(at, 16, y, stride);
  center = f64x2.splat(centre);
}

@inline
function rows(at: usize, wide: bool): v128 {
  return wide ? v128.load(at) : v128.load64_zero(at);
}

/** Two rows of a term, or one and nonsense when not `wide`. */
@inline
function term(op: u32, i: usize, j: usize, k: usize, l: usize, m: v128, wide: bool): v128 {
  const a = rows(i, wide);
  if (op == 0) return f64x2.sub(a, m);
  const b = rows(j, wide);
  if (op == 1) return f64x2.mul(f64x2.sub(a, m), f64x2.sub(b, m));
  if (op == 2) return f64x2.mul(f64x2.sub(a, m), f64x2.sub(b, rows(k, wide)));
  if (op == 9) return f64x2.add(f64x2.sub(a, m), f64x2.sub(b, m));
  if (op == 7) {
    const g = f64x2.sub(a, m);
    const h = f64x2.sub(b, m);
    return f64x2.add(f64x2.mul(g, g), f64x2.mul(h, h));
  }
  const gap = f64x2.sub(a, b);
  if (op == 3) return f64x2.mul(gap, gap);
  const c = rows(k, wide);
  const d = rows(l, wide);
  if (op == 6) {
    const left = f64x2.mul(f64x2.sub(a, m), f64x2.sub(b, m));
    return f64x2.add(left, f64x2.mul(f64x2.sub(c, m), f64x2.sub(d, m)));
  }
  const other = f64x2.sub(c, d);
  if (op == 4) return f64x2.mul(gap, other);
  if (op == 5) return f64x2.add(f64x2.mul(gap, gap), f64x2.mul(other, other));
  const corner = f64x2.sub(gap, other);
  return f64x2.mul(corner, corner);
}

/** Row `offset` bytes down of the current term in the low lane, 0 in the other; for the ends of loops. */
function oneRow(offset: usize): v128 {
  const value = rowOf(pi + offset, pj + offset, pk + offset, pl + offset);
  return f64x2.replace_lane(value, 1, 0.0);
}

function rowOf(i: usize, j: usize, k: usize, l: usize): v128 {
  const m = center;
  switch (operation) {
    case 0: return term(0, i, j, k, l, m, false);
    case 1: return term(1, i, j, k, l, m, false);
    case 2: return term(2, i, j, k, l, m, false);
    case 3: return term(3, i, j, k, l, m, false);
    case 4: return term(4, i, j, k, l, m, false);
    case 5: return term(5, i, j, k, l, m, false);
    case 6: return term(6, i, j, k, l, m, false);
    case 7: return term(7, i, j, k, l, m, false);
    case 8: return term(8, i, j, k, l, m, false);
    default: return term(9, i, j, k, l, m, false);
  }
}

// The eight strided accumulators of `sumRows`.
let a01: v128 = f64x2.splat(0.0);
let a23: v128 = f64x2.splat(0.0);
let a45: v128 = f64x2.splat(0.0);
let a67: v128 = f64x2.splat(0.0);

/** Rows 0 .. 8 * floor(count / 8) - 1 of the current term into the accumulators. */
@inline
function sumRows(op: u32, count: u32): void {
  let s01 = f64x2.splat(0.0);
  let s23 = s01;
  let s45 = s01;
  let s67 = s01;
  let i = pi;
  let j = pj;
  let k = pk;
  let l = pl;
  const m = center;
  for (let left = count; left >= 8; left -= 8) {
    s01 = f64x2.add(s01, term(op, i, j, k, l, m, true));
    s23 = f64x2.add(s23, term(op, i + 16, j + 16, k + 16, l + 16, m, true));
    s45 = f64x2.add(s45, term(op, i + 32, j + 32, k + 32, l + 32, m, true));
    s67 = f64x2.add(s67, term(op, i + 48, j + 48, k + 48, l + 48, m, true));
    i += 64;
    j += 64;
    k += 64;
    l += 64;
  }
  a01 = s01;
  a23 = s23;
  a45 = s45;
  a67 = s67;
}

/** Rows j and j + 1 of those left over at the end of a block, 0 where there is none. */
function restRows(offset: usize, j: u32, rest: u32): v128 {
  if (rest <= j) return f64x2.splat(0.0);
  const at = offset + (<usize>j << 3);
  const first = oneRow(at);
  return rest > j + 1 ? v128.shuffle<i64>(first, oneRow(at + 8), 0, 2) : first;
}

/** Sum of the first `count` rows of the current term by the accumulators of a block. */
export function sumTerm(count: u32): f64 {
  switch (operation) {
    case 0: sumRows(0, count); break;
    case 1: sumRows(1, count); break;
    case 2: sumRows(2, count); break;
    case 3: sumRows(3, count); break;
    case 4: sumRows(4, count); break;
    case 5: sumRows(5, count); break;
    case 6: sumRows(6, count); break;
    case 7: sumRows(7, count); break;
    case 8: sumRows(8, count); break;
    default: sumRows(9, count);
  }
  const rest = count & 7;
  if (rest > 0) {
    const offset = <usize>(count & ~7) << 3;
    a01 = f64x2.add(a01, restRows(offset, 0, rest));
    a23 = f64x2.add(a23, restRows(offset, 2, rest));
    a45 = f64x2.add(a45, restRows(offset, 4, rest));
    a67 = f64x2.add(a67, restRows(offset, 6, rest));
  }
  return combine(a01, a23, a45, a67);
}

@inline
function fillRows(op: u32, count: u32, out: usize): void {
  const i = pi;
  const j = pj;
  const k = pk;
  const l = pl;
  const m = center;
  const end = <usize>(count & ~1) << 3;
  for (let o: usize = 0; o < end; o += 16) v128.store(out + o, term(op, i + o, j + o, k + o, l + o, m, true));
}

/** The first `count` rows of the current term into `out`. */
export function fillTerm(count: u32, out: usize): void {
  switch (operation) {
    case 0: fillRows(0, count, out); break;
    case 1: fillRows(1, count, out); break;
    case 2: fillRows(2, count, out); break;
    case 3: fillRows(3, count, out); break;
    case 4: fillRows(4, count, out); break;
    case 5: fillRows(5, count, out); break;
    case 6: fillRows(6, count, out); break;
    case 7: fillRows(7, count, out); break;
    case 8: fillRows(8, count, out); break;
    default: fillRows(9, count, out);
  }
  if (count & 1) {
    const last = <usize>(count - 1) << 3;
    v128.store64_lane(out + last, oneRow(last), 0);
  }
}
