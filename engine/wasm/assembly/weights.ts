// Weights from log-weights, a block of 1024 at a time. See ../twins/weights.ts.
import { loadColumns, storeColumns } from './columns';
import { expShift } from './elementary';
import { BLOCK, blockAt, blockLength, combine, squareBlock, sumBlock } from './sums';

const QUANTA: f64 = 4503599627370496.0;

/** Two log-weights and what is added to them; the dead stay dead. */
@inline
function sumOfLive(increment: v128, logWeight: v128): v128 {
  const alive = f64x2.ne(logWeight, f64x2.splat(-Infinity));
  return v128.bitselect(f64x2.add(logWeight, increment), logWeight, alive);
}

/** Eight numbers at `logWeight`, or zeros when `fresh`, plus those at `increment`, which become NaN. The largest two. */
@inline
function reweighEight(increment: usize, logWeight: usize, fresh: bool, largest: v128): v128 {
  const zero = f64x2.splat(0.0);
  const none = f64x2.splat(NaN);
  const a = sumOfLive(v128.load(increment), fresh ? zero : v128.load(logWeight));
  const b = sumOfLive(v128.load(increment, 16), fresh ? zero : v128.load(logWeight, 16));
  const c = sumOfLive(v128.load(increment, 32), fresh ? zero : v128.load(logWeight, 32));
  const d = sumOfLive(v128.load(increment, 48), fresh ? zero : v128.load(logWeight, 48));
  v128.store(logWeight, a);
  v128.store(logWeight, b, 16);
  v128.store(logWeight, c, 32);
  v128.store(logWeight, d, 48);
  v128.store(increment, none);
  v128.store(increment, none, 16);
  v128.store(increment, none, 32);
  v128.store(increment, none, 48);
  return f64x2.max(largest, f64x2.max(f64x2.max(a, b), f64x2.max(c, d)));
}

@inline
function reweighBlock(increment: usize, logWeight: usize, fresh: bool, count: u32): f64 {
  let largest = f64x2.splat(-Infinity);
  let at: usize = 0;
  const full = <usize>(count & ~7) << 3;
  for (; at < full; at += 64) largest = reweighEight(increment + at, logWeight + at, fresh, largest);
  const end = <usize>count << 3;
  for (; at < end; at += 8) {
    const one = sumOfLive(v128.load64_zero(increment + at), fresh ? f64x2.splat(0.0) : v128.load64_zero(logWeight + at));
    v128.store64_lane(logWeight + at, one, 0);
    store<f64>(increment + at, NaN);
    largest = f64x2.max(largest, v128.shuffle<i64>(one, one, 0, 0));
  }
  return max<f64>(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
}

export function reweighBlocks(increment: usize, logWeight: usize, n: u32, fresh: u32, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) {
    const from = blockAt(increment, b);
    const to = blockAt(logWeight, b);
    const count = blockLength(n, b);
    store<f64>(partial + (<usize>b << 3), fresh == 1 ? reweighBlock(from, to, true, count) : reweighBlock(from, to, false, count));
  }
}

export function maxBlocks(x: usize, n: u32, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) store<f64>(partial + (<usize>b << 3), maxBlock(blockAt(x, b), blockLength(n, b)));
}

function maxBlock(x: usize, count: u32): f64 {
  let a = f64x2.splat(-Infinity);
  let b = a;
  let c = a;
  let d = a;
  let at = x;
  const full = x + (<usize>(count & ~7) << 3);
  for (; at < full; at += 64) {
    a = f64x2.max(a, v128.load(at));
    b = f64x2.max(b, v128.load(at, 16));
    c = f64x2.max(c, v128.load(at, 32));
    d = f64x2.max(d, v128.load(at, 48));
  }
  a = f64x2.max(f64x2.max(a, b), f64x2.max(c, d));
  let largest = max<f64>(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1));
  const end = x + (<usize>count << 3);
  for (; at < end; at += 8) largest = max<f64>(largest, load<f64>(at));
  return largest;
}

export function expShiftBlocks(logWeight: usize, n: u32, shift: f64, weight: usize, sums: usize, squares: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) {
    const count = blockLength(n, b);
    const out = blockAt(weight, b);
    expShift(blockAt(logWeight, b), shift, out, count);
    store<f64>(sums + (<usize>b << 3), sumBlock(out, count));
    store<f64>(squares + (<usize>b << 3), squareBlock(out, count));
  }
}

export function quantiseBlocks(weight: usize, n: u32, total: f64, q: usize, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) {
    store<f64>(partial + (<usize>b << 3), quantiseBlock(blockAt(weight, b), total, blockAt(q, b), blockLength(n, b)));
  }
}

@inline
function quantised(w: v128, total: v128): v128 {
  return f64x2.floor(f64x2.mul(f64x2.div(w, total), f64x2.splat(QUANTA)));
}

/** The sum is one of integers, so its order is free. */
function quantiseBlock(weight: usize, total: f64, q: usize, count: u32): f64 {
  const s = f64x2.splat(total);
  let a = f64x2.splat(0.0);
  let b = a;
  let at: usize = 0;
  const full = <usize>(count & ~3) << 3;
  for (; at < full; at += 32) {
    const q0 = quantised(v128.load(weight + at), s);
    const q1 = quantised(v128.load(weight + at, 16), s);
    v128.store(q + at, q0);
    v128.store(q + at, q1, 16);
    a = f64x2.add(a, q0);
    b = f64x2.add(b, q1);
  }
  a = f64x2.add(a, b);
  let quanta = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  const end = <usize>count << 3;
  for (; at < end; at += 8) {
    const one = floor<f64>((load<f64>(weight + at) / total) * QUANTA);
    store<f64>(q + at, one);
    quanta += one;
  }
  return quanta;
}

/** Sums of integers, so pairs may be added first: the carry waits for one addition a pair. */
export function scanBlocks(q: usize, n: u32, offset: usize, cumulative: usize, lo: u32, hi: u32): void {
  const zero = f64x2.splat(0.0);
  for (let b = lo; b < hi; b++) {
    const from = blockAt(q, b);
    const to = blockAt(cumulative, b);
    const count = blockLength(n, b);
    let carry = v128.load64_splat(offset + (<usize>b << 3));
    let at: usize = 0;
    const full = <usize>(count & ~1) << 3;
    for (; at < full; at += 16) {
      const pair = v128.load(from + at);
      const before = v128.shuffle<i64>(zero, pair, 0, 2);
      const both = f64x2.add(pair, v128.shuffle<i64>(pair, pair, 1, 0));
      v128.store(to + at, f64x2.add(carry, f64x2.add(pair, before)));
      carry = f64x2.add(carry, both);
    }
    if (count & 1) store<f64>(to + at, f64x2.extract_lane(carry, 0) + load<f64>(from + at));
  }
}

/** The eight accumulators of two columns, joined. */
@inline
function joined(a0: v128, a1: v128, a2: v128, a3: v128, a4: v128, a5: v128, a6: v128, a7: v128): v128 {
  return f64x2.add(
    f64x2.add(f64x2.add(a0, a4), f64x2.add(a2, a6)),
    f64x2.add(f64x2.add(a1, a5), f64x2.add(a3, a7)),
  );
}

/** weight * x, or 0 for a row of weight 0 whatever it holds. */
@inline
function weighted(weight: usize, x: v128): v128 {
  const w = v128.load64_splat(weight);
  return v128.and(f64x2.mul(w, x), f64x2.ne(w, f64x2.splat(0.0)));
}

@inline
function row(weight: usize, x: usize, stride: usize, j: usize, pair: bool): v128 {
  return weighted(weight + (j << 3), loadColumns(x + j * stride, pair));
}

function weightedColumns(x: usize, stride: usize, weight: usize, count: u32, pair: bool): v128 {
  let a0 = f64x2.splat(0.0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  let left = count;
  for (; left >= 8; left -= 8) {
    a0 = f64x2.add(a0, row(weight, x, stride, 0, pair));
    a1 = f64x2.add(a1, row(weight, x, stride, 1, pair));
    a2 = f64x2.add(a2, row(weight, x, stride, 2, pair));
    a3 = f64x2.add(a3, row(weight, x, stride, 3, pair));
    a4 = f64x2.add(a4, row(weight, x, stride, 4, pair));
    a5 = f64x2.add(a5, row(weight, x, stride, 5, pair));
    a6 = f64x2.add(a6, row(weight, x, stride, 6, pair));
    a7 = f64x2.add(a7, row(weight, x, stride, 7, pair));
    x += 8 * stride;
    weight += 64;
  }
  if (left > 0) a0 = f64x2.add(a0, row(weight, x, stride, 0, pair));
  if (left > 1) a1 = f64x2.add(a1, row(weight, x, stride, 1, pair));
  if (left > 2) a2 = f64x2.add(a2, row(weight, x, stride, 2, pair));
  if (left > 3) a3 = f64x2.add(a3, row(weight, x, stride, 3, pair));
  if (left > 4) a4 = f64x2.add(a4, row(weight, x, stride, 4, pair));
  if (left > 5) a5 = f64x2.add(a5, row(weight, x, stride, 5, pair));
  if (left > 6) a6 = f64x2.add(a6, row(weight, x, stride, 6, pair));
  return joined(a0, a1, a2, a3, a4, a5, a6, a7);
}

/** Elements j and j + 1 of a single column. */
@inline
function weightedPair(weight: usize, x: usize): v128 {
  const w = v128.load(weight);
  return v128.and(f64x2.mul(w, v128.load(x)), f64x2.ne(w, f64x2.splat(0.0)));
}

/** As `weightedColumns` for a single column, whose neighbours share a register. */
function weightedColumn(x: usize, weight: usize, count: u32): f64 {
  let a01 = f64x2.splat(0.0);
  let a23 = a01;
  let a45 = a01;
  let a67 = a01;
  let at: usize = 0;
  const full = <usize>(count & ~7) << 3;
  for (; at < full; at += 64) {
    a01 = f64x2.add(a01, weightedPair(weight + at, x + at));
    a23 = f64x2.add(a23, weightedPair(weight + at + 16, x + at + 16));
    a45 = f64x2.add(a45, weightedPair(weight + at + 32, x + at + 32));
    a67 = f64x2.add(a67, weightedPair(weight + at + 48, x + at + 48));
  }
  const rest = count & 7;
  if (rest > 0) {
    a01 = f64x2.add(a01, weightedRest(weight + at, x + at, 0, rest));
    a23 = f64x2.add(a23, weightedRest(weight + at, x + at, 2, rest));
    a45 = f64x2.add(a45, weightedRest(weight + at, x + at, 4, rest));
    a67 = f64x2.add(a67, weightedRest(weight + at, x + at, 6, rest));
  }
  return combine(a01, a23, a45, a67);
}

/** Elements j and j + 1 of the `rest` that are left, 0 where there is none. */
@inline
function weightedRest(weight: usize, x: usize, j: u32, rest: u32): v128 {
  const at = <usize>j << 3;
  if (rest > j + 1) return weightedPair(weight + at, x + at);
  return rest > j ? weighted(weight + at, v128.load64_zero(x + at)) : f64x2.splat(0.0);
}

export function weightedSumBlocks(x: usize, d: u32, n: u32, weight: usize, partial: usize, lo: u32, hi: u32): void {
  if (d == 1) {
    for (let b = lo; b < hi; b++)
      store<f64>(partial + (<usize>b << 3), weightedColumn(blockAt(x, b), blockAt(weight, b), blockLength(n, b)));
    return;
  }
  const stride = <usize>d << 3;
  for (let b = lo; b < hi; b++) {
    for (let c: u32 = 0; c < d; c += 2) {
      const pair = c + 1 < d;
      const column = <usize>c << 3;
      const sum = weightedColumns(x + <usize>(b * BLOCK) * stride + column, stride, blockAt(weight, b), blockLength(n, b), pair);
      storeColumns(partial + <usize>b * stride + column, pair, sum);
    }
  }
}

/** (weight (x_c - mean_c)) (x_e - mean_e) of row j for one c and two e. */
@inline
function crossRow(weight: usize, xc: usize, xe: usize, stride: usize, j: usize, mc: v128, me: v128, pair: bool): v128 {
  const w = v128.load64_splat(weight + (j << 3));
  const left = f64x2.mul(w, f64x2.sub(v128.load64_splat(xc + j * stride), mc));
  const term = f64x2.mul(left, f64x2.sub(loadColumns(xe + j * stride, pair), me));
  return v128.and(term, f64x2.ne(w, f64x2.splat(0.0)));
}

function crossColumns(xc: usize, xe: usize, stride: usize, weight: usize, count: u32, mc: v128, me: v128, pair: bool): v128 {
  let a0 = f64x2.splat(0.0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  let left = count;
  for (; left >= 8; left -= 8) {
    a0 = f64x2.add(a0, crossRow(weight, xc, xe, stride, 0, mc, me, pair));
    a1 = f64x2.add(a1, crossRow(weight, xc, xe, stride, 1, mc, me, pair));
    a2 = f64x2.add(a2, crossRow(weight, xc, xe, stride, 2, mc, me, pair));
    a3 = f64x2.add(a3, crossRow(weight, xc, xe, stride, 3, mc, me, pair));
    a4 = f64x2.add(a4, crossRow(weight, xc, xe, stride, 4, mc, me, pair));
    a5 = f64x2.add(a5, crossRow(weight, xc, xe, stride, 5, mc, me, pair));
    a6 = f64x2.add(a6, crossRow(weight, xc, xe, stride, 6, mc, me, pair));
    a7 = f64x2.add(a7, crossRow(weight, xc, xe, stride, 7, mc, me, pair));
    xc += 8 * stride;
    xe += 8 * stride;
    weight += 64;
  }
  if (left > 0) a0 = f64x2.add(a0, crossRow(weight, xc, xe, stride, 0, mc, me, pair));
  if (left > 1) a1 = f64x2.add(a1, crossRow(weight, xc, xe, stride, 1, mc, me, pair));
  if (left > 2) a2 = f64x2.add(a2, crossRow(weight, xc, xe, stride, 2, mc, me, pair));
  if (left > 3) a3 = f64x2.add(a3, crossRow(weight, xc, xe, stride, 3, mc, me, pair));
  if (left > 4) a4 = f64x2.add(a4, crossRow(weight, xc, xe, stride, 4, mc, me, pair));
  if (left > 5) a5 = f64x2.add(a5, crossRow(weight, xc, xe, stride, 5, mc, me, pair));
  if (left > 6) a6 = f64x2.add(a6, crossRow(weight, xc, xe, stride, 6, mc, me, pair));
  return joined(a0, a1, a2, a3, a4, a5, a6, a7);
}

export function weightedCrossBlocks(x: usize, d: u32, n: u32, weight: usize, mean: usize, partial: usize, lo: u32, hi: u32): void {
  const stride = <usize>d << 3;
  let at = partial + <usize>lo * <usize>d * <usize>(d + 1) * 4;
  for (let b = lo; b < hi; b++) {
    const rows = x + <usize>(b * BLOCK) * stride;
    for (let c: u32 = 0; c < d; c++) {
      const mc = v128.load64_splat(mean + (<usize>c << 3));
      for (let e = c; e < d; e += 2) {
        const pair = e + 1 < d;
        const me = loadColumns(mean + (<usize>e << 3), pair);
        const sum = crossColumns(
          rows + (<usize>c << 3), rows + (<usize>e << 3), stride, blockAt(weight, b), blockLength(n, b), mc, me, pair,
        );
        storeColumns(at, pair, sum);
        at += pair ? 16 : 8;
      }
    }
  }
}

export function riseBlocks(x: usize, n: u32, partial: usize, lo: u32, hi: u32): void {
  for (let b = lo; b < hi; b++) {
    const from = x + (<usize>b * (BLOCK << 2));
    store<f64>(partial + (<usize>b << 3), risesOf(from, blockLength(n, b), b == 0));
  }
}

/** Rises to the numbers at `x`, each from the one before it; the very first has none. -1 where one falls. */
@inline
function risesOf(x: usize, count: u32, first: bool): f64 {
  let at: usize = first ? 4 : 0;
  const end = <usize>count << 2;
  let rises = i32x4.splat(0);
  let falls = rises;
  for (; at + 16 <= end; at += 16) {
    const before = v128.load(x + at - 4);
    const now = v128.load(x + at);
    rises = i32x4.sub(rises, i32x4.gt_u(now, before));
    falls = v128.or(falls, i32x4.lt_u(now, before));
  }
  let sum = i32x4.extract_lane(rises, 0) + i32x4.extract_lane(rises, 1) + i32x4.extract_lane(rises, 2) + i32x4.extract_lane(rises, 3);
  let fell = v128.any_true(falls);
  for (; at < end; at += 4) {
    const before = load<u32>(x + at - 4);
    const now = load<u32>(x + at);
    if (now > before) sum++;
    if (now < before) fell = true;
  }
  return fell ? -1.0 : <f64>sum;
}
