// exp and log by + - * / only, one number or two at once. See ../twins/elementary.ts.
const ROUND: f64 = 6755399441055744.0;
const LOG2E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;
const SQRT_HALF_HIGH: i32 = 0x3fe6a09e;

@inline
function power2(k: f64): f64 {
  return reinterpret<f64>((<i64>k + 1023) << 52);
}

function exp(x: f64): f64 {
  if (!(x >= -708.0)) return x < -708.0 ? 0.0 : NaN;
  if (x > 709.782712893384) return x == Infinity ? Infinity : NaN;
  const k = x * LOG2E + ROUND - ROUND;
  let r = x - k * LN2_HIGH;
  r = r - k * LN2_LOW;
  let p: f64 = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return k > 1023.0 ? p * power2(1023.0) * 2.0 : p * power2(k);
}

@inline
function step2(p: v128, r: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(p, r), f64x2.splat(c));
}

/** Two exponentials of x <= 709 or NaN; 0 below -708. */
@inline
export function exp2(x: v128): v128 {
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2E)), f64x2.splat(ROUND));
  const k = f64x2.sub(shifted, f64x2.splat(ROUND));
  let r = f64x2.sub(x, f64x2.mul(k, f64x2.splat(LN2_HIGH)));
  r = f64x2.sub(r, f64x2.mul(k, f64x2.splat(LN2_LOW)));
  let p = f64x2.splat(1.0 / 6227020800.0);
  p = step2(p, r, 1.0 / 479001600.0);
  p = step2(p, r, 1.0 / 39916800.0);
  p = step2(p, r, 1.0 / 3628800.0);
  p = step2(p, r, 1.0 / 362880.0);
  p = step2(p, r, 1.0 / 40320.0);
  p = step2(p, r, 1.0 / 5040.0);
  p = step2(p, r, 1.0 / 720.0);
  p = step2(p, r, 1.0 / 120.0);
  p = step2(p, r, 1.0 / 24.0);
  p = step2(p, r, 1.0 / 6.0);
  p = step2(p, r, 0.5);
  p = step2(p, r, 1.0);
  p = step2(p, r, 1.0);
  // The low bits of `shifted` hold k, so this is 2^k.
  const power = i64x2.shl(i64x2.add(shifted, i64x2.splat(1023)), 52);
  return v128.andnot(f64x2.mul(p, power), f64x2.lt(x, f64x2.splat(-708.0)));
}

/** Exponentials of two numbers of any kind. */
function expSlow(x: v128): v128 {
  return f64x2.replace_lane(f64x2.splat(exp(f64x2.extract_lane(x, 0))), 1, exp(f64x2.extract_lane(x, 1)));
}

/** e^(x - shift) of `count` numbers into `out`; eight at a time share the constants of the polynomial. */
export function expShift(x: usize, shift: f64, out: usize, count: u32): void {
  const s = f64x2.splat(shift);
  const large = f64x2.splat(709.0);
  let at: usize = 0;
  const full = <usize>(count & ~7) << 3;
  for (; at < full; at += 64) {
    const x0 = f64x2.sub(v128.load(x + at), s);
    const x1 = f64x2.sub(v128.load(x + at, 16), s);
    const x2 = f64x2.sub(v128.load(x + at, 32), s);
    const x3 = f64x2.sub(v128.load(x + at, 48), s);
    const large01 = v128.or(f64x2.gt(x0, large), f64x2.gt(x1, large));
    const large23 = v128.or(f64x2.gt(x2, large), f64x2.gt(x3, large));
    if (v128.any_true(v128.or(large01, large23))) {
      v128.store(out + at, expSlow(x0));
      v128.store(out + at, expSlow(x1), 16);
      v128.store(out + at, expSlow(x2), 32);
      v128.store(out + at, expSlow(x3), 48);
    } else {
      v128.store(out + at, exp2(x0));
      v128.store(out + at, exp2(x1), 16);
      v128.store(out + at, exp2(x2), 32);
      v128.store(out + at, exp2(x3), 48);
    }
  }
  const end = <usize>count << 3;
  for (; at < end; at += 8) store<f64>(out + at, exp(load<f64>(x + at) - shift));
}

export function log(x: f64): f64 {
  if (!(x > 0.0) || x == Infinity) return x == 0.0 ? -Infinity : x > 0.0 ? x : NaN;
  if (x < 2.2250738585072014e-308) return log(x * 4503599627370496.0) - 36.04365338911715;
  return f64x2.extract_lane(log2(f64x2.splat(x)), 0);
}

/** Two logarithms of normal, finite numbers > 0. */
@inline
export function log2(x: v128): v128 {
  const high = i32x4(0, -1, 0, -1);
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(SQRT_HALF_HIGH)), 20); // in the high lanes
  const m = i32x4.sub(x, v128.and(i32x4.shl(e, 20), high));
  const k = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(e, e, 1, 3, 1, 3));
  const s = f64x2.div(f64x2.sub(m, f64x2.splat(1.0)), f64x2.add(m, f64x2.splat(1.0)));
  const z = f64x2.mul(s, s);
  let p = f64x2.splat(2.0 / 21.0);
  p = step2(p, z, 2.0 / 19.0);
  p = step2(p, z, 2.0 / 17.0);
  p = step2(p, z, 2.0 / 15.0);
  p = step2(p, z, 2.0 / 13.0);
  p = step2(p, z, 2.0 / 11.0);
  p = step2(p, z, 2.0 / 9.0);
  p = step2(p, z, 2.0 / 7.0);
  p = step2(p, z, 2.0 / 5.0);
  p = step2(p, z, 2.0 / 3.0);
  p = f64x2.mul(f64x2.mul(p, z), s);
  const low = f64x2.add(f64x2.mul(k, f64x2.splat(LN2_LOW)), f64x2.add(p, f64x2.add(s, s)));
  return f64x2.add(f64x2.mul(k, f64x2.splat(LN2_HIGH)), low);
}

/** Logarithms of two numbers of any kind. */
function logSlow(x: v128): v128 {
  return f64x2.replace_lane(f64x2.splat(log(f64x2.extract_lane(x, 0))), 1, log(f64x2.extract_lane(x, 1)));
}

@inline
function isUsual(x: v128): v128 {
  return v128.and(f64x2.ge(x, f64x2.splat(2.2250738585072014e-308)), f64x2.lt(x, f64x2.splat(Infinity)));
}

/** Logarithms of two numbers of any kind, fast for usual ones. */
export function logPair(x: v128): v128 {
  return i64x2.all_true(isUsual(x)) ? log2(x) : logSlow(x);
}

/** log x of `count` numbers into `out`, its sign changed where `flip` has the sign bit. */
export function logRun(x: usize, out: usize, count: u32, flip: f64): void {
  const sign = f64x2.splat(flip);
  let at: usize = 0;
  const full = <usize>(count & ~7) << 3;
  for (; at < full; at += 64) {
    const x0 = v128.load(x + at);
    const x1 = v128.load(x + at, 16);
    const x2 = v128.load(x + at, 32);
    const x3 = v128.load(x + at, 48);
    const usual = v128.and(v128.and(isUsual(x0), isUsual(x1)), v128.and(isUsual(x2), isUsual(x3)));
    if (i64x2.all_true(usual)) {
      v128.store(out + at, v128.xor(sign, log2(x0)));
      v128.store(out + at, v128.xor(sign, log2(x1)), 16);
      v128.store(out + at, v128.xor(sign, log2(x2)), 32);
      v128.store(out + at, v128.xor(sign, log2(x3)), 48);
    } else {
      v128.store(out + at, v128.xor(sign, logSlow(x0)));
      v128.store(out + at, v128.xor(sign, logSlow(x1)), 16);
      v128.store(out + at, v128.xor(sign, logSlow(x2)), 32);
      v128.store(out + at, v128.xor(sign, logSlow(x3)), 48);
    }
  }
  const end = <usize>count << 3;
  for (; at < end; at += 8) {
    const value = f64x2.splat(log(load<f64>(x + at)));
    v128.store64_lane(out + at, v128.xor(sign, value), 0);
  }
}

export function expInto(x: usize, out: usize, lo: u32, hi: u32): void {
  if (lo < hi) expShift(x + (<usize>lo << 3), 0.0, out + (<usize>lo << 3), hi - lo);
}

export function logInto(x: usize, out: usize, lo: u32, hi: u32): void {
  if (lo < hi) logRun(x + (<usize>lo << 3), out + (<usize>lo << 3), hi - lo, 0.0);
}
