// Standard normal quantiles by AS 241 (PPND16), two at once, and normals from addressed uniforms.
// See ../twins/normal.ts; the coefficients are those of the paper, ascending powers.
import { log, log2 } from './elementary';
import {
  counters, firstWordsOfEight, next0, next1, next2, next3, philox4, philoxEight, philoxRows, storeRows, uniformHigh, uniformLow, word0, word1, word2, word3,
} from './philox';

@inline
function horner(r: v128, c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: f64, c7: f64): v128 {
  let p = f64x2.add(f64x2.mul(f64x2.splat(c7), r), f64x2.splat(c6));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(c5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(c4));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(c3));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(c2));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(c1));
  return f64x2.add(f64x2.mul(p, r), f64x2.splat(c0));
}

@inline
function polyA(r: v128): v128 {
  return horner(
    r, 3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
  );
}
@inline
function polyB(r: v128): v128 {
  return horner(
    r, 1.0, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  );
}
@inline
function polyC(r: v128): v128 {
  return horner(
    r, 1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  );
}
@inline
function polyD(r: v128): v128 {
  return horner(
    r, 1.0, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  );
}
@inline
function polyE(r: v128): v128 {
  return horner(
    r, 6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  );
}
@inline
function polyF(r: v128): v128 {
  return horner(
    r, 1.0, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133,
    1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
  );
}

/** |z| in the far and near tail from r = sqrt(-log tail). */
function tailSize(r: v128): v128 {
  const near = f64x2.sub(r, f64x2.splat(1.6));
  const z = f64x2.div(polyC(near), polyD(near));
  const isNear = f64x2.le(r, f64x2.splat(5.0));
  if (i64x2.all_true(isNear)) return z;
  const far = f64x2.sub(r, f64x2.splat(5.0));
  return v128.bitselect(z, f64x2.div(polyE(far), polyF(far)), isNear);
}

@inline
function centerOf(q: v128): v128 {
  const r = f64x2.sub(f64x2.splat(0.180625), f64x2.mul(q, q));
  return f64x2.div(f64x2.mul(q, polyA(r)), polyB(r));
}

// The tails, 15 % of all, would cost a mispredicted branch each. So a first pass writes the quantile of every
// center, and for a tail p itself with bit 62 set, which makes it at least 2 where centers are below 1.5; a second
// pass collects the tails of 64 numbers in a mask and computes them two by two.
const MARK: i64 = 1 << 62;

/** Quantiles of two p in [2^-1022, 1) that are in the center, marks of those in a tail. */
@inline
function centerOrMark(p: v128): v128 {
  const q = f64x2.sub(p, f64x2.splat(0.5));
  const isCenter = f64x2.le(f64x2.abs(q), f64x2.splat(0.425));
  return v128.bitselect(centerOf(q), v128.or(p, i64x2.splat(MARK)), isCenter);
}

/** A bit for each of two numbers that is a mark. */
@inline
function marks(x: v128): u64 {
  return <u64>i64x2.bitmask(f64x2.ge(x, f64x2.splat(2.0)));
}

/** Quantiles of two p in the tails. */
@inline
function tail2(p: v128): v128 {
  const below = f64x2.lt(p, f64x2.splat(0.5));
  const tail = v128.bitselect(p, f64x2.sub(f64x2.splat(1.0), p), below);
  const size = tailSize(f64x2.sqrt(f64x2.neg(log2(tail))));
  return v128.xor(size, v128.and(below, f64x2.splat(-0.0)));
}

/** Replace the marks among 64 numbers, a bit each. */
function resolve(at: usize, mask: u64): void {
  while (mask != 0) {
    const first = at + <usize>(ctz<u64>(mask) << 3);
    mask &= mask - 1;
    const second = mask == 0 ? first : at + <usize>(ctz<u64>(mask) << 3);
    mask &= mask - 1;
    const pair = v128.load64_lane(second, v128.load64_zero(first), 1);
    const z = tail2(v128.and(pair, i64x2.splat(~MARK)));
    v128.store64_lane(first, z, 0);
    v128.store64_lane(second, z, 1);
  }
}

/** Replace the marks among `count` numbers. */
function resolveAll(at: usize, count: u32): void {
  let left = count;
  for (; left >= 64; left -= 64) {
    let mask: u64 = 0;
    for (let i: usize = 0; i < 64; i += 4) {
      const low = marks(v128.load(at + (i << 3)));
      const high = marks(v128.load(at + (i << 3), 16));
      mask |= (low | (high << 2)) << i;
    }
    resolve(at, mask);
    at += 512;
  }
  let mask: u64 = 0;
  for (let i: u32 = 0; i < left; i++) mask |= marks(v128.load64_zero(at + (<usize>i << 3))) << i;
  resolve(at, mask);
}

/** Quantile of any number, -Infinity at 0, Infinity at 1, NaN outside. */
function quantile(p: f64): f64 {
  const q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) return f64x2.extract_lane(centerOf(f64x2.splat(q)), 0);
  const tail = q < 0.0 ? p : 1.0 - p;
  if (!(tail > 0.0)) return tail == 0.0 ? (q < 0.0 ? -Infinity : Infinity) : NaN;
  const z = f64x2.extract_lane(tailSize(f64x2.splat(sqrt<f64>(-log(tail)))), 0);
  return q < 0.0 ? -z : z;
}

// Numbers of a tile that stays in the first cache between the passes.
const TILE: u32 = 1024;

export function normal(out: usize, d: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32, lo: u32, hi: u32): void {
  const tile = max<u32>(4, (TILE / d) & ~3);
  for (let from = lo; from < hi; from += tile) {
    normalRows(out + (<usize>from * d << 3), d, d, k0, k1, first + from, step, channel, min<u32>(tile, hi - from));
  }
}

/** Normals into the first `noise` of the `d` numbers of each of `count` rows; the others must be below 2. */
export function normalRows(rows: usize, d: u32, noise: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32, count: u32): void {
  const stride = <usize>d << 3;
  let i: u32 = 0;
  if (noise == 1) for (; i + 8 <= count; i += 8) markEightFirst(rows + <usize>i * stride, stride, k0, k1, first + i, step, channel);
  for (; i + 8 <= count; i += 8) markEight(rows + <usize>i * stride, stride, noise, k0, k1, first + i, step, channel);
  if (i + 1 == count) markOne(rows + <usize>i * stride, noise, k0, k1, first + i++, step, channel);
  for (; i < count; i += 4) markRows(rows + <usize>i * stride, stride, noise, count - i, k0, k1, first + i, step, channel);
  resolveAll(rows, count * d);
}

/** The first pass over eight rows. */
@inline
function markEight(row: usize, stride: usize, d: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32): void {
  for (let c: u32 = 0; c < d; c += 2) {
    const at = row + (<usize>c << 3);
    philoxEight(first, step, c >>> 1, channel, k0, k1);
    markPair(at, stride, 4, c + 1 < d, word0, word1, word2, word3);
    markPair(at + 4 * stride, stride, 4, c + 1 < d, next0, next1, next2, next3);
  }
}

/** The first pass over the first component of eight rows. */
@inline
function markEightFirst(row: usize, stride: usize, k0: u32, k1: u32, first: u32, step: u32, channel: u32): void {
  firstWordsOfEight(first, step, channel, k0, k1);
  markPair(row, stride, 4, false, word0, word1, word0, word1);
  markPair(row + 4 * stride, stride, 4, false, next0, next1, next0, next1);
}

/** The first pass over up to four rows. */
@inline
function markRows(row: usize, stride: usize, d: u32, count: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32): void {
  for (let c: u32 = 0; c < d; c += 2) {
    philoxRows(first, step, c >>> 1, channel, k0, k1);
    markPair(row + (<usize>c << 3), stride, count, c + 1 < d, word0, word1, word2, word3);
  }
}

/** The first pass over one row: four blocks of two components at once, as if they were rows. */
function markOne(row: usize, d: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32): void {
  for (let c: u32 = 0; c + 1 < d; c += 8) {
    philox4(i32x4.splat(first), i32x4.splat(step), counters(c >>> 1), i32x4.splat(channel), k0, k1);
    markPair(row + (<usize>c << 3), 16, min<u32>(4, (d - c) >>> 1), true, word0, word1, word2, word3);
  }
  if ((d & 1) == 0) return;
  philoxRows(first, step, d >>> 1, channel, k0, k1);
  markPair(row + (<usize>(d - 1) << 3), 0, 1, false, word0, word1, word2, word3);
}

/** Two components of up to four rows from their words; the second is left out when `pair` is false. */
@inline
function markPair(at: usize, stride: usize, count: u32, pair: bool, w0: v128, w1: v128, w2: v128, w3: v128): void {
  const s0 = i32x4.shr_u(w0, 6);
  const s1 = i32x4.shr_u(w1, 6);
  const a01 = centerOrMark(uniformLow(s0, s1));
  const a23 = centerOrMark(uniformHigh(s0, s1));
  if (pair) {
    const s2 = i32x4.shr_u(w2, 6);
    const s3 = i32x4.shr_u(w3, 6);
    const b01 = centerOrMark(uniformLow(s2, s3));
    const b23 = centerOrMark(uniformHigh(s2, s3));
    storeRows(at, stride, count, true, a01, a23, b01, b23);
  } else {
    storeRows(at, stride, count, false, a01, a23, a01, a23);
  }
}

export function normalQuantiles(p: usize, out: usize, lo: u32, hi: u32): void {
  let i = lo;
  for (; i + 4 <= hi; i += 64) {
    const end = min<u32>(64, (hi - i) & ~3);
    let mask: u64 = 0;
    for (let j: u32 = 0; j < end; j += 4) mask |= markFour(p + (<usize>(i + j) << 3), out + (<usize>(i + j) << 3)) << j;
    resolve(out + (<usize>i << 3), mask);
  }
  for (i = hi - ((hi - lo) & 3); i < hi; i++) store<f64>(out + (<usize>i << 3), quantile(load<f64>(p + (<usize>i << 3))));
}

/** The first pass over four numbers of any kind: their marks, or 0 when one was special and all are done. */
@inline
function markFour(p: usize, out: usize): u64 {
  const least = f64x2.splat(2.2250738585072014e-308);
  const one = f64x2.splat(1.0);
  const x = v128.load(p);
  const y = v128.load(p, 16);
  const inside = v128.and(
    v128.and(f64x2.ge(x, least), f64x2.lt(x, one)),
    v128.and(f64x2.ge(y, least), f64x2.lt(y, one)),
  );
  if (i64x2.all_true(inside)) {
    const low = centerOrMark(x);
    const high = centerOrMark(y);
    v128.store(out, low);
    v128.store(out, high, 16);
    return marks(low) | (marks(high) << 2);
  }
  store<f64>(out, quantile(f64x2.extract_lane(x, 0)));
  store<f64>(out, quantile(f64x2.extract_lane(x, 1)), 8);
  store<f64>(out, quantile(f64x2.extract_lane(y, 0)), 16);
  store<f64>(out, quantile(f64x2.extract_lane(y, 1)), 24);
  return 0;
}
