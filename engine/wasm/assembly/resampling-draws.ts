// Resampling by draws of each slot's own: killing, rejection, Metropolis; four slots at once read the generator.
// See ../twins/resampling.ts.
import { counters, philoxRows, uniformHigh, uniformLow, word0, word1, word2, word3 } from './philox';
import { at4, at8, searchCumulative, searchFour } from './resampling';

// The uniforms of the last `draw` by slot: two lanes a register.
let first01: v128 = f64x2.splat(0.0);
let first23: v128 = f64x2.splat(0.0);
let second01: v128 = f64x2.splat(0.0);
let second23: v128 = f64x2.splat(0.0);

/** Both uniforms of block 0 of (slot, step, channel) for slots i..i+3. */
function draw(i: u32, step: u32, channel: u32, k0: u32, k1: u32): void {
  philoxRows(i, step, 0, channel, k0, k1);
  const s0 = i32x4.shr_u(word0, 6);
  const s1 = i32x4.shr_u(word1, 6);
  const s2 = i32x4.shr_u(word2, 6);
  const s3 = i32x4.shr_u(word3, 6);
  first01 = uniformLow(s0, s1);
  first23 = uniformHigh(s0, s1);
  second01 = uniformLow(s2, s3);
  second23 = uniformHigh(s2, s3);
}

@inline
function lane(low: v128, high: v128, j: u32): f64 {
  const pair = j < 2 ? low : high;
  return (j & 1) == 0 ? f64x2.extract_lane(pair, 0) : f64x2.extract_lane(pair, 1);
}

@inline
function first(j: u32): f64 {
  return lane(first01, first23, j);
}

@inline
function second(j: u32): f64 {
  return lane(second01, second23, j);
}

@inline
function quantaOf(q: usize, i: u32): f64 {
  return load<f64>(at8(q, i));
}

export function killingAncestors(
  q: usize, cumulative: usize, total: f64, n: u32, largest: f64,
  k0: u32, k1: u32, step: u32, channel: u32, ancestor: usize, lo: u32, hi: u32,
): void {
  const most = f64x2.splat(largest);
  for (let i = lo; i < hi; i += 4) {
    draw(i, step, channel, k0, k1);
    const lanes = hi - i;
    const q01 = quantaUpTo2(q, i, lanes);
    const q23 = lanes > 2 ? quantaUpTo2(q, i + 2, lanes - 2) : q01;
    const keep01 = f64x2.lt(f64x2.mul(first01, most), q01);
    const keep23 = f64x2.lt(f64x2.mul(first23, most), q23);
    const keep = v128.shuffle<i32>(keep01, keep23, 0, 2, 4, 6);
    let found = counters(i);
    if (!i32x4.all_true(keep)) {
      found = v128.bitselect(found, searchFour(cumulative, total, n, second01, second23), keep);
    }
    const at = at4(ancestor, i);
    if (lanes > 3) {
      v128.store(at, found);
    } else {
      v128.store32_lane(at, found, 0);
      if (lanes > 1) v128.store32_lane(at, found, 1, 4);
      if (lanes > 2) v128.store32_lane(at, found, 2, 8);
    }
  }
}

@inline
function quantaUpTo2(q: usize, i: u32, lanes: u32): v128 {
  return lanes > 1 ? v128.load(at8(q, i)) : v128.load64_zero(at8(q, i));
}

export function rejectionAncestors(
  q: usize, cumulative: usize, total: f64, n: u32, largest: f64, own: u32, tries: u32,
  k0: u32, k1: u32, step: u32, channel: u32, ancestor: usize, lo: u32, hi: u32,
): void {
  for (let i = lo; i < hi; i += 4) {
    const lanes = min<u32>(4, hi - i);
    let open: u32 = (1 << lanes) - 1; // a bit for each slot still without ancestor
    for (let t: u32 = 0; t < tries && open != 0; t++) {
      draw(i, step, channel + t, k0, k1);
      for (let j: u32 = 0; j < lanes; j++) {
        if (((open >> j) & 1) == 0) continue;
        const index = t == 0 && own == 1 ? (i + j) % n : <u32>(first(j) * <f64>n);
        if (!(second(j) * largest < quantaOf(q, index))) continue;
        store<u32>(at4(ancestor, i + j), index);
        open &= ~(1 << j);
      }
    }
    if (open == 0) continue;
    draw(i, step, channel + tries, k0, k1);
    for (let j: u32 = 0; j < lanes; j++) {
      if ((open >> j) & 1) store<u32>(at4(ancestor, i + j), searchCumulative(cumulative, total, n, first(j)));
    }
  }
}

/** One move of a chain at `at`. */
@inline
function moved(q: usize, n: u32, at: u32, j: u32): u32 {
  const index = <u32>(first(j) * <f64>n);
  return second(j) * quantaOf(q, at) < quantaOf(q, index) ? index : at;
}

/** The end of a chain, or a draw from the weights when it is dead. */
@inline
function settled(q: usize, cumulative: usize, total: f64, n: u32, at: u32, j: u32): u32 {
  return quantaOf(q, at) == 0.0 ? searchCumulative(cumulative, total, n, first(j)) : at;
}

export function metropolisAncestors(
  q: usize, cumulative: usize, total: f64, n: u32, own: u32, moves: u32,
  k0: u32, k1: u32, step: u32, channel: u32, ancestor: usize, lo: u32, hi: u32,
): void {
  for (let i = lo; i < hi; i += 4) {
    let c0 = i % n;
    let c1 = (i + 1) % n;
    let c2 = (i + 2) % n;
    let c3 = (i + 3) % n;
    if (own != 1) {
      draw(i, step, channel, k0, k1);
      c0 = <u32>(first(0) * <f64>n);
      c1 = <u32>(first(1) * <f64>n);
      c2 = <u32>(first(2) * <f64>n);
      c3 = <u32>(first(3) * <f64>n);
    }
    for (let t: u32 = 1; t <= moves; t++) {
      draw(i, step, channel + t, k0, k1);
      c0 = moved(q, n, c0, 0);
      c1 = moved(q, n, c1, 1);
      c2 = moved(q, n, c2, 2);
      c3 = moved(q, n, c3, 3);
    }
    draw(i, step, channel + moves + 1, k0, k1);
    const lanes = hi - i;
    store<u32>(at4(ancestor, i), settled(q, cumulative, total, n, c0, 0));
    if (lanes > 1) store<u32>(at4(ancestor, i + 1), settled(q, cumulative, total, n, c1, 1));
    if (lanes > 2) store<u32>(at4(ancestor, i + 2), settled(q, cumulative, total, n, c2, 2));
    if (lanes > 3) store<u32>(at4(ancestor, i + 3), settled(q, cumulative, total, n, c3, 3));
  }
}
