// Scrambled points of a Sobol' sequence, four points of a coordinate at once. See ../twins/sobol.ts.
import { storeRows } from './philox';

// Rows whose outputs stay in the cache while the coordinates pass over them.
const TILE: u32 = 512;

/** The bits of each byte reversed by two table look-ups, the bytes of each word by one permutation. */
@inline
function reverseBits(x: v128): v128 {
  const table = i8x16(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
  const low = v128.and(x, i8x16.splat(15));
  const high = v128.and(i16x8.shr_u(x, 4), i8x16.splat(15));
  const bytes = v128.or(i16x8.shl(i8x16.swizzle(table, low), 4), i8x16.swizzle(table, high));
  return v128.shuffle<i8>(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

@inline
function round(r: v128, w: u32, next: u32): v128 {
  r = v128.xor(r, i32x4.mul(r, i32x4.splat(w & -2)));
  return i32x4.add(i32x4.mul(r, i32x4.splat((w >>> 7) | 1)), i32x4.splat(next));
}

@inline
function hashOwen(x: v128, words: usize): v128 {
  const w0 = load<u32>(words);
  const w1 = load<u32>(words, 4);
  const w2 = load<u32>(words, 8);
  const w3 = load<u32>(words, 12);
  let r = v128.xor(reverseBits(x), i32x4.splat(w0));
  r = round(r, w1, w2);
  r = round(r, w2, w3);
  r = round(r, w3, w0);
  return reverseBits(r);
}

@inline
function scrambled(x: v128, words: usize, mode: u32): v128 {
  if (mode == 1) return hashOwen(x, words);
  return mode == 2 ? v128.xor(x, v128.load32_splat(words)) : x;
}

/** Unscrambled point n of the coordinate with directions at v. */
function pointAt(v: usize, n: u32): u32 {
  let x: u32 = 0;
  for (let gray = n ^ (n >>> 1); gray != 0; gray &= gray - 1) x ^= load<u32>(v + (<usize>ctz<u32>(gray) << 2));
  return x;
}

/** What the Gray code adds to point n, n a multiple of 4, to reach n, n + 1, n + 2, n + 3. */
@inline
function offsets(v: usize): v128 {
  const v0 = load<u32>(v);
  const v1 = load<u32>(v, 4);
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, v0), 2, v0 ^ v1), 3, v1);
}

/** From point n to point n + 4 of a coordinate, n a multiple of 4. */
@inline
function advance(x: u32, v: usize, n: u32): u32 {
  return x ^ load<u32>(v, 4) ^ load<u32>(v + (<usize>ctz<u32>(n + 4) << 2));
}

@inline
function uniformOf(x: v128): v128 {
  return f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_u(x), f64x2.splat(0.5)), f64x2.splat(2.3283064365386963e-10));
}

@inline
function highHalf(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1);
}

@inline
function storeWords(at: usize, stride: usize, skip: u32, end: u32, x: v128): void {
  if (skip == 0) v128.store32_lane(at, x, 0);
  if (skip <= 1 && end > 1) v128.store32_lane(at + stride, x, 1);
  if (skip <= 2 && end > 2) v128.store32_lane(at + 2 * stride, x, 2);
  if (end > 3) v128.store32_lane(at + 3 * stride, x, 3);
}

export function sobolWords(directions: usize, scramble: usize, mode: u32, d: u32, out: usize, first: u32, lo: u32, hi: u32): void {
  const stride = <usize>d << 2;
  for (let from = lo; from < hi; from += TILE) {
    const to = min<u32>(hi, from + TILE);
    for (let c: u32 = 0; c < d; c++) {
      const v = directions + (<usize>c << 7);
      const words = scramble + (<usize>c << 4);
      const steps = offsets(v);
      let skip = (first + from) & 3; // lanes of the first group that come before the range
      let n = first + from - skip;
      let x = pointAt(v, n);
      let at = out + <usize>from * stride + (<usize>c << 2) - <usize>skip * stride;
      for (let left = to - from + skip; ; left -= 4) {
        storeWords(at, stride, skip, left, scrambled(v128.xor(i32x4.splat(x), steps), words, mode));
        if (left <= 4) break;
        skip = 0;
        x = advance(x, v, n);
        n += 4;
        at += 4 * stride;
      }
    }
  }
}

/** Rows skip..end-1 of a group of four, one component or two. */
@inline
function storePoints(at: usize, stride: usize, skip: u32, end: u32, pair: bool, a: v128, b: v128): void {
  const a01 = uniformOf(a);
  const a23 = uniformOf(highHalf(a));
  const b01 = uniformOf(b);
  const b23 = uniformOf(highHalf(b));
  if (skip == 0) {
    storeRows(at, stride, end, pair, a01, a23, b01, b23);
    return;
  }
  if (skip == 1 && end > 1) storeRows(at + stride, stride, min<u32>(end, 2) - 1, pair, highHalf(a01), a01, highHalf(b01), b01);
  if (skip <= 2 && end > 2) storeRows(at + 2 * stride, stride, min<u32>(end, 4) - 2, pair, a23, a23, b23, b23);
  if (skip == 3 && end > 3) storeRows(at + 3 * stride, stride, 1, pair, highHalf(a23), a23, highHalf(b23), b23);
}

export function sobolPoints(directions: usize, scramble: usize, mode: u32, d: u32, out: usize, first: u32, lo: u32, hi: u32): void {
  for (let from = lo; from < hi; from += TILE) {
    const to = min<u32>(hi, from + TILE);
    for (let c: u32 = 0; c < d; c += 2) pointColumns(directions, scramble, mode, d, out, first, from, to, c);
  }
}

/** Components c and, if there is one, c + 1 of rows lo..hi-1. */
function pointColumns(directions: usize, scramble: usize, mode: u32, d: u32, out: usize, first: u32, lo: u32, hi: u32, c: u32): void {
  const pair = c + 1 < d;
  const stride = <usize>d << 3;
  const va = directions + (<usize>c << 7);
  const vb = pair ? va + 128 : va;
  const wordsA = scramble + (<usize>c << 4);
  const wordsB = pair ? wordsA + 16 : wordsA;
  const stepsA = offsets(va);
  const stepsB = offsets(vb);
  let skip = (first + lo) & 3;
  let n = first + lo - skip;
  let xa = pointAt(va, n);
  let xb = pointAt(vb, n);
  let at = out + <usize>lo * stride + (<usize>c << 3) - <usize>skip * stride;
  for (let left = hi - lo + skip; ; left -= 4) {
    const a = scrambled(v128.xor(i32x4.splat(xa), stepsA), wordsA, mode);
    const b = pair ? scrambled(v128.xor(i32x4.splat(xb), stepsB), wordsB, mode) : a;
    storePoints(at, stride, skip, left, pair, a, b);
    if (left <= 4) break;
    skip = 0;
    xa = advance(xa, va, n);
    xb = advance(xb, vb, n);
    n += 4;
    at += 4 * stride;
  }
}
