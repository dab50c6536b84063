// Ancestors from integer weights, and gathering by them. See ../twins/resampling.ts.
//
// Schemes that give each particle a run of slots work in two passes without a branch to mispredict: particle i
// is stored at the first slot of its run, later particles over earlier ones, then a running maximum fills the
// gaps. A particle without slots is stored where the next one begins and is overwritten there; the last ones of
// a range, which nothing would overwrite, are left out.
import { logRun } from './elementary';

@inline
export function at8(x: usize, i: u32): usize {
  return x + (<usize>i << 3);
}

@inline
export function at4(x: usize, i: u32): usize {
  return x + (<usize>i << 2);
}

/** Running maximum over slots from..to-1. */
function fillGaps(ancestor: usize, from: u32, to: u32): void {
  const zero = i32x4.splat(0);
  let largest = zero;
  let at = at4(ancestor, from);
  const end = at4(ancestor, to);
  for (; at + 16 <= end; at += 16) {
    let v = v128.load(at);
    v = i32x4.max_u(v, v128.shuffle<i32>(zero, v, 0, 4, 5, 6));
    v = i32x4.max_u(v, v128.shuffle<i32>(zero, v, 0, 1, 4, 5));
    v = i32x4.max_u(v, largest);
    v128.store(at, v);
    largest = v128.shuffle<i32>(v, v, 3, 3, 3, 3);
  }
  let last = <u32>i32x4.extract_lane(largest, 0);
  for (; at < end; at += 4) {
    last = max<u32>(last, load<u32>(at));
    store<u32>(at, last);
  }
}

export function countUp(out: usize, first: u32, lo: u32, hi: u32): void {
  for (let i = lo; i < hi; i++) store<u32>(at4(out, i), first + i);
}

@inline
function clear(ancestor: usize, from: u32, to: u32): void {
  memory.fill(at4(ancestor, from), 0, <usize>(to - from) << 2);
}

@inline
function systematicEnd(cumulative: usize, i: u32, total: f64, m: u32, u: f64): u32 {
  return min<u32>(m, <u32>(<f64>m * (load<f64>(at8(cumulative, i)) / total) + u));
}

/** Slot where the run of particle i begins. */
@inline
function systematicStart(cumulative: usize, i: u32, total: f64, m: u32, u: f64): u32 {
  return i == 0 ? 0 : systematicEnd(cumulative, i - 1, total, m, u);
}

export function systematicAncestors(cumulative: usize, total: f64, m: u32, u: f64, ancestor: usize, lo: u32, hi: u32): void {
  if (lo >= hi) return;
  const from = systematicStart(cumulative, lo, total, m, u);
  const to = systematicEnd(cumulative, hi - 1, total, m, u);
  if (from >= to) return;
  let last = hi - 1;
  while (systematicStart(cumulative, last, total, m, u) == to) last--;
  clear(ancestor, from, to);
  const totals = f64x2.splat(total);
  const slots = f64x2.splat(<f64>m);
  const shift = f64x2.splat(u);
  const most = i32x4.splat(m);
  let slot = from;
  let i = lo;
  for (; i + 2 <= last; i += 2) {
    const expected = f64x2.mul(slots, f64x2.div(v128.load(at8(cumulative, i)), totals));
    const ends = i32x4.min_u(most, i32x4.trunc_sat_f64x2_s_zero(f64x2.add(expected, shift)));
    store<u32>(at4(ancestor, slot), i);
    store<u32>(at4(ancestor, i32x4.extract_lane(ends, 0)), i + 1);
    slot = i32x4.extract_lane(ends, 1);
  }
  for (; i <= last; i++) {
    store<u32>(at4(ancestor, slot), i);
    slot = systematicEnd(cumulative, i, total, m, u);
  }
  fillGaps(ancestor, from, to);
}

@inline
function stratifiedEnd(cumulative: usize, i: u32, total: f64, m: u32, u: usize): u32 {
  const r = <f64>m * (load<f64>(at8(cumulative, i)) / total);
  const k = min<u32>(m - 1, <u32>r);
  return min<u32>(k + 1, <u32>(r + load<f64>(at8(u, k))));
}

@inline
function stratifiedStart(cumulative: usize, i: u32, total: f64, m: u32, u: usize): u32 {
  return i == 0 ? 0 : stratifiedEnd(cumulative, i - 1, total, m, u);
}

export function stratifiedAncestors(cumulative: usize, total: f64, m: u32, u: usize, ancestor: usize, lo: u32, hi: u32): void {
  if (lo >= hi) return;
  const from = stratifiedStart(cumulative, lo, total, m, u);
  const to = stratifiedEnd(cumulative, hi - 1, total, m, u);
  if (from >= to) return;
  let last = hi - 1;
  while (stratifiedStart(cumulative, last, total, m, u) == to) last--;
  clear(ancestor, from, to);
  let slot = from;
  for (let i = lo; i <= last; i++) {
    store<u32>(at4(ancestor, slot), i);
    slot = stratifiedEnd(cumulative, i, total, m, u);
  }
  fillGaps(ancestor, from, to);
}

export function repeatAncestors(bound: usize, ancestor: usize, lo: u32, hi: u32): void {
  if (lo >= hi) return;
  const from: u32 = lo == 0 ? 0 : load<u32>(at4(bound, lo - 1));
  const to = load<u32>(at4(bound, hi - 1));
  if (from >= to) return;
  let last = hi - 1;
  while (last > lo && load<u32>(at4(bound, last - 1)) == to) last--;
  clear(ancestor, from, to);
  let slot = from;
  for (let i = lo; i <= last; i++) {
    store<u32>(at4(ancestor, slot), i);
    slot = load<u32>(at4(bound, i));
  }
  fillGaps(ancestor, from, to);
}

export function exponentials(u: usize, out: usize, lo: u32, hi: u32): void {
  if (lo < hi) logRun(at8(u, lo), at8(out, lo), hi - lo, -0.0);
}

/** Smallest i with C_i >= v, v in (0, 1]. */
export function searchCumulative(cumulative: usize, total: f64, n: u32, v: f64): u32 {
  let low: u32 = 0;
  let high = n - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<f64>(at8(cumulative, middle)) / total >= v) high = middle;
    else low = middle + 1;
  }
  return low;
}

@inline
function loadTwo(x: usize, i: u32, j: u32): v128 {
  return v128.load64_lane(at8(x, j), v128.load64_zero(at8(x, i)), 1);
}

/** Four searches abreast, so that the wait for one is used by the others. */
export function searchFour(cumulative: usize, total: f64, n: u32, v01: v128, v23: v128): v128 {
  const totals = f64x2.splat(total);
  let low = i32x4.splat(0);
  let high = i32x4.splat(n - 1);
  while (v128.any_true(i32x4.ne(low, high))) {
    const middle = i32x4.shr_u(i32x4.add(low, high), 1);
    const c01 = loadTwo(cumulative, i32x4.extract_lane(middle, 0), i32x4.extract_lane(middle, 1));
    const c23 = loadTwo(cumulative, i32x4.extract_lane(middle, 2), i32x4.extract_lane(middle, 3));
    const reached01 = f64x2.ge(f64x2.div(c01, totals), v01);
    const reached23 = f64x2.ge(f64x2.div(c23, totals), v23);
    const reached = v128.shuffle<i32>(reached01, reached23, 0, 2, 4, 6);
    low = v128.bitselect(low, i32x4.min_u(i32x4.add(middle, i32x4.splat(1)), high), reached);
    high = v128.bitselect(middle, high, reached);
  }
  return low;
}

export function mergeAncestors(cumulative: usize, total: f64, n: u32, sum: usize, scale: f64, ancestor: usize, lo: u32, hi: u32): void {
  if (lo >= hi) return;
  let i = searchCumulative(cumulative, total, n, load<f64>(at8(sum, lo)) / scale);
  let reached = load<f64>(at8(cumulative, i)) / total;
  for (let j = lo; j < hi; j++) {
    const v = load<f64>(at8(sum, j)) / scale;
    while (reached < v) {
      i++;
      reached = load<f64>(at8(cumulative, i)) / total;
    }
    store<u32>(at4(ancestor, j), i);
  }
}

export function searchAncestors(cumulative: usize, total: f64, n: u32, u: usize, ancestor: usize, lo: u32, hi: u32): void {
  let j = lo;
  for (; j + 4 <= hi; j += 4) {
    const at = at8(u, j);
    v128.store(at4(ancestor, j), searchFour(cumulative, total, n, v128.load(at), v128.load(at, 16)));
  }
  for (; j < hi; j++) store<u32>(at4(ancestor, j), searchCumulative(cumulative, total, n, load<f64>(at8(u, j))));
}

export function wholeCopies(q: usize, total: f64, m: u32, copies: usize, rest: usize, lo: u32, hi: u32): void {
  let i = lo;
  const totals = f64x2.splat(total);
  const slots = f64x2.splat(<f64>m);
  for (; i + 2 <= hi; i += 2) {
    const expected = f64x2.mul(slots, f64x2.div(v128.load(at8(q, i)), totals));
    const whole = f64x2.floor(expected);
    v128.store64_lane(at4(copies, i), i32x4.trunc_sat_f64x2_u_zero(whole), 0);
    v128.store(at8(rest, i), f64x2.sub(expected, whole));
  }
  if (i < hi) {
    const expected = <f64>m * (load<f64>(at8(q, i)) / total);
    const whole = floor<f64>(expected);
    store<u32>(at4(copies, i), <u32>whole);
    store<f64>(at8(rest, i), expected - whole);
  }
}

export function gatherRows(src: usize, dst: usize, ancestor: usize, d: u32, lo: u32, hi: u32): void {
  if (d == 1) return gatherNumbers(src, dst, ancestor, lo, hi);
  if (d == 4) return gatherFours(src, dst, ancestor, lo, hi);
  const bytes = <usize>d << 3;
  const pairs = bytes & ~15;
  for (let i = lo; i < hi; i++) {
    const from = src + <usize>load<u32>(at4(ancestor, i)) * bytes;
    const to = dst + <usize>i * bytes;
    let c: usize = 0;
    for (; c < pairs; c += 16) v128.store(to + c, v128.load(from + c));
    if (c < bytes) store<f64>(to + c, load<f64>(from + c));
  }
}

function gatherNumbers(src: usize, dst: usize, ancestor: usize, lo: u32, hi: u32): void {
  for (let i = lo; i < hi; i++) store<f64>(at8(dst, i), load<f64>(at8(src, load<u32>(at4(ancestor, i)))));
}

function gatherFours(src: usize, dst: usize, ancestor: usize, lo: u32, hi: u32): void {
  for (let i = lo; i < hi; i++) {
    const from = src + (<usize>load<u32>(at4(ancestor, i)) << 5);
    const to = dst + (<usize>i << 5);
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

export function gatherWords(src: usize, dst: usize, ancestor: usize, d: u32, lo: u32, hi: u32): void {
  if (d == 1) {
    for (let i = lo; i < hi; i++) store<u32>(at4(dst, i), load<u32>(at4(src, load<u32>(at4(ancestor, i)))));
    return;
  }
  const bytes = <usize>d << 2;
  const fours = bytes & ~15;
  for (let i = lo; i < hi; i++) {
    const from = src + <usize>load<u32>(at4(ancestor, i)) * bytes;
    const to = dst + <usize>i * bytes;
    let c: usize = 0;
    for (; c < fours; c += 16) v128.store(to + c, v128.load(from + c));
    for (; c < bytes; c += 4) store<u32>(to + c, load<u32>(from + c));
  }
}

export function sspRound(rest: usize, u: usize, n: u32, missing: i32, copies: usize, lo: u32, hi: u32): void {
  if (lo >= hi) return;
  let i: u32 = 0;
  let j: u32 = 1;
  let left = missing;
  for (let k: u32 = 0; k + 1 < n; k++) {
    const xi = load<f64>(at8(rest, i));
    const xj = load<f64>(at8(rest, j));
    const gainI = min<f64>(xj, 1.0 - xi);
    const gainJ = min<f64>(xi, 1.0 - xj);
    if (load<f64>(at8(u, k)) * (gainI + gainJ) < gainI) {
      if (1.0 - xj <= xi) {
        oneMore(copies, j);
        left--;
        store<f64>(at8(rest, i), xi - (1.0 - xj));
        j = k + 2;
      } else {
        store<f64>(at8(rest, j), xj + xi);
        i = k + 2;
      }
    } else if (1.0 - xi <= xj) {
      oneMore(copies, i);
      left--;
      store<f64>(at8(rest, j), xj - (1.0 - xi));
      i = k + 2;
    } else {
      store<f64>(at8(rest, i), xi + xj);
      j = k + 2;
    }
  }
  const last = i < n ? i : j;
  if (left > 0 && load<f64>(at8(rest, last)) > 0.5) oneMore(copies, last);
}

@inline
function oneMore(copies: usize, i: u32): void {
  store<u32>(at4(copies, i), load<u32>(at4(copies, i)) + 1);
}
