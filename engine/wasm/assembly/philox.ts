// Philox4x32-10 for four counters at once, and the uniforms made of its words. See ../twins/philox.ts.
const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;

// Words 0..3 of the last `philox4`, one lane a counter.
export let word0: v128 = i32x4.splat(0);
export let word1: v128 = i32x4.splat(0);
export let word2: v128 = i32x4.splat(0);
export let word3: v128 = i32x4.splat(0);

/** Blocks of four counters (c0, c1, c2, c3) under key (k0, k1). */
@inline
export function philox4(c0: v128, c1: v128, c2: v128, c3: v128, k0: u32, k1: u32): void {
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  let x0 = c0;
  let x1 = c1;
  let x2 = c2;
  let x3 = c3;
  let key0 = i32x4.splat(k0);
  let key1 = i32x4.splat(k1);
  for (let round = 0; round < 10; round++) {
    const a0 = i64x2.extmul_low_i32x4_u(x0, m0);
    const a1 = i64x2.extmul_high_i32x4_u(x0, m0);
    const b0 = i64x2.extmul_low_i32x4_u(x2, m1);
    const b1 = i64x2.extmul_high_i32x4_u(x2, m1);
    x0 = v128.xor(v128.xor(v128.shuffle<i32>(b0, b1, 1, 3, 5, 7), x1), key0);
    x1 = v128.shuffle<i32>(b0, b1, 0, 2, 4, 6);
    x2 = v128.xor(v128.xor(v128.shuffle<i32>(a0, a1, 1, 3, 5, 7), x3), key1);
    x3 = v128.shuffle<i32>(a0, a1, 0, 2, 4, 6);
    key0 = i32x4.add(key0, i32x4.splat(W0));
    key1 = i32x4.add(key1, i32x4.splat(W1));
  }
  word0 = x0;
  word1 = x1;
  word2 = x2;
  word3 = x3;
}

// Words of a second block of four, of the last `philoxEight`.
export let next0: v128 = i32x4.splat(0);
export let next1: v128 = i32x4.splat(0);
export let next2: v128 = i32x4.splat(0);
export let next3: v128 = i32x4.splat(0);

/**
 * `philoxRows` of eight particles, the last four into next0..3. Two chains abreast hide the latency of each other's
 * products.
 */
@inline
export function philoxEight(first: u32, step: u32, block: u32, channel: u32, k0: u32, k1: u32): void {
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  let x0 = counters(first);
  let x1 = i32x4.splat(step);
  let x2 = i32x4.splat(block);
  let x3 = i32x4.splat(channel);
  let y0 = counters(first + 4);
  let y1 = x1;
  let y2 = x2;
  let y3 = x3;
  let key0 = i32x4.splat(k0);
  let key1 = i32x4.splat(k1);
  for (let round = 0; round < 10; round++) {
    const a0 = i64x2.extmul_low_i32x4_u(x0, m0);
    const a1 = i64x2.extmul_high_i32x4_u(x0, m0);
    const b0 = i64x2.extmul_low_i32x4_u(x2, m1);
    const b1 = i64x2.extmul_high_i32x4_u(x2, m1);
    const c0 = i64x2.extmul_low_i32x4_u(y0, m0);
    const c1 = i64x2.extmul_high_i32x4_u(y0, m0);
    const d0 = i64x2.extmul_low_i32x4_u(y2, m1);
    const d1 = i64x2.extmul_high_i32x4_u(y2, m1);
    x0 = v128.xor(v128.xor(v128.shuffle<i32>(b0, b1, 1, 3, 5, 7), x1), key0);
    x1 = v128.shuffle<i32>(b0, b1, 0, 2, 4, 6);
    x2 = v128.xor(v128.xor(v128.shuffle<i32>(a0, a1, 1, 3, 5, 7), x3), key1);
    x3 = v128.shuffle<i32>(a0, a1, 0, 2, 4, 6);
    y0 = v128.xor(v128.xor(v128.shuffle<i32>(d0, d1, 1, 3, 5, 7), y1), key0);
    y1 = v128.shuffle<i32>(d0, d1, 0, 2, 4, 6);
    y2 = v128.xor(v128.xor(v128.shuffle<i32>(c0, c1, 1, 3, 5, 7), y3), key1);
    y3 = v128.shuffle<i32>(c0, c1, 0, 2, 4, 6);
    key0 = i32x4.add(key0, i32x4.splat(W0));
    key1 = i32x4.add(key1, i32x4.splat(W1));
  }
  word0 = x0;
  word1 = x1;
  word2 = x2;
  word3 = x3;
  next0 = y0;
  next1 = y1;
  next2 = y2;
  next3 = y3;
}

@inline
function highHalves(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

@inline
function lowHalves(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

/**
 * Words 0 and 1 only, of block 0 of eight particles, as by `philoxEight`: what the particles have in common in rounds 1
 * and 2 is computed once for all, and of rounds 9 and 10 only what those words need.
 */
@inline
export function firstWordsOfEight(first: u32, step: u32, channel: u32, k0: u32, k1: u32): void {
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  // Round 1, x2 being 0: x0 = step ^ k0 for all particles, x1 = 0.
  const common = <u64>(step ^ k0) * <u64>M0;
  const i = counters(first);
  const j = counters(first + 4);
  let a0 = i64x2.extmul_low_i32x4_u(i, m0);
  let a1 = i64x2.extmul_high_i32x4_u(i, m0);
  let c0 = i64x2.extmul_low_i32x4_u(j, m0);
  let c1 = i64x2.extmul_high_i32x4_u(j, m0);
  let x2 = v128.xor(highHalves(a0, a1), i32x4.splat(channel ^ k1));
  let y2 = v128.xor(highHalves(c0, c1), i32x4.splat(channel ^ k1));
  // Round 2: x3 is the same for all.
  let b0 = i64x2.extmul_low_i32x4_u(x2, m1);
  let b1 = i64x2.extmul_high_i32x4_u(x2, m1);
  let d0 = i64x2.extmul_low_i32x4_u(y2, m1);
  let d1 = i64x2.extmul_high_i32x4_u(y2, m1);
  const second = i32x4.splat(<u32>(common >> 32) ^ (k1 + W1));
  x2 = v128.xor(lowHalves(a0, a1), second);
  y2 = v128.xor(lowHalves(c0, c1), second);
  let x0 = v128.xor(highHalves(b0, b1), i32x4.splat(k0 + W0));
  let y0 = v128.xor(highHalves(d0, d1), i32x4.splat(k0 + W0));
  let x1 = lowHalves(b0, b1);
  let y1 = lowHalves(d0, d1);
  let x3 = i32x4.splat(<u32>common);
  let y3 = x3;
  let key0 = i32x4.splat(k0 + 2 * W0);
  let key1 = i32x4.splat(k1 + 2 * W1);
  for (let round = 2; round < 8; round++) {
    a0 = i64x2.extmul_low_i32x4_u(x0, m0);
    a1 = i64x2.extmul_high_i32x4_u(x0, m0);
    b0 = i64x2.extmul_low_i32x4_u(x2, m1);
    b1 = i64x2.extmul_high_i32x4_u(x2, m1);
    c0 = i64x2.extmul_low_i32x4_u(y0, m0);
    c1 = i64x2.extmul_high_i32x4_u(y0, m0);
    d0 = i64x2.extmul_low_i32x4_u(y2, m1);
    d1 = i64x2.extmul_high_i32x4_u(y2, m1);
    x0 = v128.xor(v128.xor(highHalves(b0, b1), x1), key0);
    x1 = lowHalves(b0, b1);
    x2 = v128.xor(v128.xor(highHalves(a0, a1), x3), key1);
    x3 = lowHalves(a0, a1);
    y0 = v128.xor(v128.xor(highHalves(d0, d1), y1), key0);
    y1 = lowHalves(d0, d1);
    y2 = v128.xor(v128.xor(highHalves(c0, c1), y3), key1);
    y3 = lowHalves(c0, c1);
    key0 = i32x4.add(key0, i32x4.splat(W0));
    key1 = i32x4.add(key1, i32x4.splat(W1));
  }
  // Round 9: x1 and x2. Round 10: x0 and x1.
  a0 = i64x2.extmul_low_i32x4_u(x0, m0);
  a1 = i64x2.extmul_high_i32x4_u(x0, m0);
  c0 = i64x2.extmul_low_i32x4_u(y0, m0);
  c1 = i64x2.extmul_high_i32x4_u(y0, m0);
  x1 = i32x4.mul(x2, m1);
  y1 = i32x4.mul(y2, m1);
  x2 = v128.xor(v128.xor(highHalves(a0, a1), x3), key1);
  y2 = v128.xor(v128.xor(highHalves(c0, c1), y3), key1);
  key0 = i32x4.add(key0, i32x4.splat(W0));
  b0 = i64x2.extmul_low_i32x4_u(x2, m1);
  b1 = i64x2.extmul_high_i32x4_u(x2, m1);
  d0 = i64x2.extmul_low_i32x4_u(y2, m1);
  d1 = i64x2.extmul_high_i32x4_u(y2, m1);
  word0 = v128.xor(v128.xor(highHalves(b0, b1), x1), key0);
  word1 = lowHalves(b0, b1);
  next0 = v128.xor(v128.xor(highHalves(d0, d1), y1), key0);
  next1 = lowHalves(d0, d1);
}

/** (k + 1/2) 2^-52 from 52-bit integers: put into the mantissa of [1, 2), then less 1 - 2^-53. Exact. */
@inline
function fromBits(k: v128): v128 {
  const inOneTwo = v128.or(k, i64x2.splat(0x3ff0000000000000));
  return f64x2.sub(inOneTwo, f64x2.splat(0.99999999999999988898));
}

/** Uniforms of the two low counters from words already shifted right by 6. */
@inline
export function uniformLow(high: v128, low: v128): v128 {
  return fromBits(
    v128.or(i64x2.extmul_low_i32x4_u(high, i32x4.splat(67108864)), i64x2.extend_low_i32x4_u(low)),
  );
}

/** Uniforms of the two high counters from words already shifted right by 6. */
@inline
export function uniformHigh(high: v128, low: v128): v128 {
  return fromBits(
    v128.or(i64x2.extmul_high_i32x4_u(high, i32x4.splat(67108864)), i64x2.extend_high_i32x4_u(low)),
  );
}

/** Counters i..i+3 in the lanes. */
@inline
export function counters(i: u32): v128 {
  return i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3));
}

/** Blocks of four particles from `first` on, the rest of the counter in common. */
@inline
export function philoxRows(first: u32, step: u32, block: u32, channel: u32, k0: u32, k1: u32): void {
  philox4(counters(first), i32x4.splat(step), i32x4.splat(block), i32x4.splat(channel), k0, k1);
}

/** Lanes 0..count-1 of rows i..: the values (a, b) of two neighbouring components; b is dropped when `pair` is false. */
@inline
export function storeRows(at: usize, stride: usize, count: u32, pair: bool, a01: v128, a23: v128, b01: v128, b23: v128): void {
  storeCell(at, pair, v128.shuffle<i64>(a01, b01, 0, 2));
  if (count > 1) storeCell(at + stride, pair, v128.shuffle<i64>(a01, b01, 1, 3));
  if (count > 2) storeCell(at + 2 * stride, pair, v128.shuffle<i64>(a23, b23, 0, 2));
  if (count > 3) storeCell(at + 3 * stride, pair, v128.shuffle<i64>(a23, b23, 1, 3));
}

@inline
function storeCell(at: usize, pair: bool, ab: v128): void {
  if (pair) v128.store(at, ab);
  else v128.store64_lane(at, ab, 0);
}

export function philoxWords(out: usize, k0: u32, k1: u32, first: u32, step: u32, blockIndex: u32, channel: u32, lo: u32, hi: u32): void {
  for (let i = lo; i < hi; i += 4) {
    philoxRows(first + i, step, blockIndex, channel, k0, k1);
    const t0 = v128.shuffle<i32>(word0, word1, 0, 4, 1, 5);
    const t1 = v128.shuffle<i32>(word0, word1, 2, 6, 3, 7);
    const t2 = v128.shuffle<i32>(word2, word3, 0, 4, 1, 5);
    const t3 = v128.shuffle<i32>(word2, word3, 2, 6, 3, 7);
    const at = out + ((<usize>i) << 4);
    const count = hi - i;
    v128.store(at, v128.shuffle<i64>(t0, t2, 0, 2));
    if (count > 1) v128.store(at, v128.shuffle<i64>(t0, t2, 1, 3), 16);
    if (count > 2) v128.store(at, v128.shuffle<i64>(t1, t3, 0, 2), 32);
    if (count > 3) v128.store(at, v128.shuffle<i64>(t1, t3, 1, 3), 48);
  }
}

export function uniform(out: usize, d: u32, k0: u32, k1: u32, first: u32, step: u32, channel: u32, lo: u32, hi: u32): void {
  const stride = <usize>d << 3;
  let i = lo;
  for (; i < hi && hi - i >= 8; i += 8) {
    const row = out + <usize>i * stride;
    for (let c: u32 = 0; c < d; c += 2) {
      const at = row + (<usize>c << 3);
      philoxEight(first + i, step, c >>> 1, channel, k0, k1);
      uniformPair(at, stride, 4, c + 1 < d, word0, word1, word2, word3);
      uniformPair(at + 4 * stride, stride, 4, c + 1 < d, next0, next1, next2, next3);
    }
  }
  for (; i < hi; i += 4) {
    const row = out + <usize>i * stride;
    for (let c: u32 = 0; c < d; c += 2) {
      philoxRows(first + i, step, c >>> 1, channel, k0, k1);
      uniformPair(row + (<usize>c << 3), stride, hi - i, c + 1 < d, word0, word1, word2, word3);
    }
  }
}

/** Two components of up to four rows from their words; the second is left out when `pair` is false. */
@inline
function uniformPair(at: usize, stride: usize, count: u32, pair: bool, w0: v128, w1: v128, w2: v128, w3: v128): void {
  const s0 = i32x4.shr_u(w0, 6);
  const s1 = i32x4.shr_u(w1, 6);
  const s2 = i32x4.shr_u(w2, 6);
  const s3 = i32x4.shr_u(w3, 6);
  storeRows(at, stride, count, pair, uniformLow(s0, s1), uniformHigh(s0, s1), uniformLow(s2, s3), uniformHigh(s2, s3));
}
