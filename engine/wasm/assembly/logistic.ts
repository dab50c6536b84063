// Logistic regression, a tile of eight coefficient vectors in the lanes of four registers. See ../twins/logistic.ts.
import { logPair } from './elementary';

const FACTORS: u32 = 1000;
const LOG2E: f64 = 1.4426950408889634;
const LN2: f64 = 0.6931471805599453;
const ROUND: f64 = 6755399441055744.0;

@inline
function line(r: v128, a: f64, b: f64): v128 {
  return f64x2.add(f64x2.splat(a), f64x2.mul(f64x2.splat(b), r));
}

/** e^x of x <= 0, e^-700 below. */
@inline
function decay(below: v128): v128 {
  const x = f64x2.pmax(below, f64x2.splat(-700.0));
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2E)), f64x2.splat(ROUND));
  const n = f64x2.sub(shifted, f64x2.splat(ROUND));
  const r = f64x2.sub(x, f64x2.mul(n, f64x2.splat(LN2)));
  const s = f64x2.mul(r, r);
  const q = f64x2.mul(s, s);
  const high = f64x2.add(line(r, 2.4801917819867798e-5, 2.763978468182758e-6), f64x2.mul(s, f64x2.splat(2.748842976426718e-7)));
  const middle = line(r, 0.001388888849890477, 0.00019841171345023935);
  const p = f64x2.add(f64x2.add(line(r, 0.04166666666842742, 0.008333333384696422), f64x2.mul(s, middle)), f64x2.mul(q, high));
  const low = f64x2.add(line(r, 1.0, 1.0000000000000064), f64x2.mul(s, line(r, 0.49999999999997286, 0.16666666666557656)));
  // The low bits of `shifted` hold n, so this is 2^n.
  const power = i64x2.shl(i64x2.add(shifted, i64x2.splat(1023)), 52);
  return f64x2.mul(f64x2.add(low, f64x2.mul(q, p)), power);
}

@inline
function negative(z: v128): v128 {
  return v128.or(z, f64x2.splat(-0.0));
}

@inline
function factor(e: v128): v128 {
  return f64x2.add(f64x2.splat(1.0), e);
}

@inline
function term(x: v128, theta: usize): v128 {
  return f64x2.mul(x, v128.load(theta));
}

@inline
function settle(out: usize, sum: v128, twice: v128): void {
  v128.store(out, f64x2.add(sum, f64x2.mul(f64x2.splat(0.5), twice)));
}

/** 1 / (1 + e^z) */
@inline
function slope(z: v128, e: v128): v128 {
  const below = f64x2.lt(z, f64x2.splat(0.0));
  return f64x2.div(v128.bitselect(f64x2.splat(1.0), e, below), factor(e));
}

@inline
function pull(gradient: usize, x: v128, slope: v128): void {
  v128.store(gradient, f64x2.add(v128.load(gradient), f64x2.mul(slope, x)));
}

/** Of `count` data that start at `data`, in columns `stride` bytes apart; the gradient too unless its address is 0. */
@inline
function tile(theta: usize, d: u32, data: usize, stride: usize, count: u32, out: usize, gradient: usize): void {
  const zero = f64x2.splat(0.0);
  const one = f64x2.splat(1.0);
  const end = theta + (<usize>d << 6);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  let t0 = zero, t1 = zero, t2 = zero, t3 = zero;
  let at = data;
  for (let k: u32 = 0; k < count; k += FACTORS) {
    const stop = at + (<usize>min<u32>(FACTORS, count - k) << 3);
    let p0 = one, p1 = one, p2 = one, p3 = one;
    for (; at < stop; at += 8) {
      let z0 = zero, z1 = zero, z2 = zero, z3 = zero;
      let x = at;
      for (let column = theta; column < end; column += 64) {
        const value = v128.load64_splat(x);
        z0 = f64x2.add(z0, term(value, column));
        z1 = f64x2.add(z1, term(value, column + 16));
        z2 = f64x2.add(z2, term(value, column + 32));
        z3 = f64x2.add(z3, term(value, column + 48));
        x += stride;
      }
      const b0 = negative(z0), b1 = negative(z1), b2 = negative(z2), b3 = negative(z3);
      t0 = f64x2.add(t0, f64x2.add(z0, b0));
      t1 = f64x2.add(t1, f64x2.add(z1, b1));
      t2 = f64x2.add(t2, f64x2.add(z2, b2));
      t3 = f64x2.add(t3, f64x2.add(z3, b3));
      const e0 = decay(b0), e1 = decay(b1), e2 = decay(b2), e3 = decay(b3);
      p0 = f64x2.mul(p0, factor(e0));
      p1 = f64x2.mul(p1, factor(e1));
      p2 = f64x2.mul(p2, factor(e2));
      p3 = f64x2.mul(p3, factor(e3));
      if (gradient == 0) continue;
      const g0 = slope(z0, e0), g1 = slope(z1, e1), g2 = slope(z2, e2), g3 = slope(z3, e3);
      x = at;
      for (let to = gradient; to < gradient + (<usize>d << 6); to += 64) {
        const value = v128.load64_splat(x);
        pull(to, value, g0);
        pull(to + 16, value, g1);
        pull(to + 32, value, g2);
        pull(to + 48, value, g3);
        x += stride;
      }
    }
    s0 = f64x2.sub(s0, logPair(p0));
    s1 = f64x2.sub(s1, logPair(p1));
    s2 = f64x2.sub(s2, logPair(p2));
    s3 = f64x2.sub(s3, logPair(p3));
  }
  settle(out, s0, t0);
  settle(out + 16, s1, t1);
  settle(out + 32, s2, t2);
  settle(out + 48, s3, t3);
}

export function logisticLogDensity(theta: usize, d: u32, data: usize, terms: u32, first: u32, last: u32, out: usize, lo: u32, hi: u32): void {
  for (let i = <usize>lo; i < <usize>hi; i++)
    tile(theta + (i * d << 6), d, data + (<usize>first << 3), <usize>terms << 3, last - first, out + (i << 6), 0);
}

export function logisticGradient(theta: usize, d: u32, data: usize, terms: u32, first: u32, last: u32, out: usize, gradient: usize, lo: u32, hi: u32): void {
  memory.fill(gradient + (<usize>lo * d << 6), 0, <usize>(hi - lo) * d << 6);
  for (let i = <usize>lo; i < <usize>hi; i++)
    tile(theta + (i * d << 6), d, data + (<usize>first << 3), <usize>terms << 3, last - first, out + (i << 6), gradient + (i * d << 6));
}
