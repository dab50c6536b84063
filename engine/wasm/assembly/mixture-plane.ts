// The mixture of ./mixture in two dimensions, eight points at once: they share the constants of the components and of
// the exponential, and their chains of operations overlap. The operations on a point are those of the general form.
import { exp2, logPair } from './elementary';

const LOWEST: f64 = -1.7976931348623157e308;

/** First or second coordinates of the two points at `at`. */
@inline
function first(at: usize): v128 {
  return v128.load64_lane(at + 16, v128.load64_zero(at), 1);
}

@inline
function second(at: usize): v128 {
  return v128.load64_lane(at + 24, v128.load64_zero(at + 8), 1);
}

/** Constants of one component, in every lane. */
@inline
function constant(at: usize, k: usize): v128 {
  return v128.load64_splat(at + (k << 3));
}

@inline
function z0(x: v128, mean0: v128, w00: v128): v128 {
  return f64x2.mul(w00, f64x2.sub(x, mean0));
}

@inline
function z1(x: v128, y: v128, mean0: v128, mean1: v128, w10: v128, w11: v128): v128 {
  return f64x2.add(f64x2.mul(w10, f64x2.sub(x, mean0)), f64x2.mul(w11, f64x2.sub(y, mean1)));
}

@inline
function exponent(z0: v128, z1: v128, c: v128): v128 {
  const square = f64x2.add(f64x2.mul(z0, z0), f64x2.mul(z1, z1));
  return f64x2.sub(c, f64x2.mul(f64x2.splat(0.5), square));
}

/** Scores of two points from what was pulled and the sum of the exponentials, a row each. */
@inline
function storeScores(at: usize, h0: v128, h1: v128, total: v128): void {
  const g0 = f64x2.div(h0, total);
  const g1 = f64x2.div(h1, total);
  v128.store(at, v128.shuffle<i64>(g0, g1, 0, 2));
  v128.store(at, v128.shuffle<i64>(g0, g1, 1, 3), 16);
}

/** Log densities of the eight points at `x` and, when asked for, their scores. */
@inline
function eight(x: usize, means: usize, whiten: usize, constants: usize, components: u32, logDensity: usize, score: usize, scored: bool): void {
  const xa = first(x);
  const ya = second(x);
  const xb = first(x + 32);
  const yb = second(x + 32);
  const xc = first(x + 64);
  const yc = second(x + 64);
  const xd = first(x + 96);
  const yd = second(x + 96);
  let ma = f64x2.splat(LOWEST);
  let mb = ma;
  let mc = ma;
  let md = ma;
  for (let k: usize = 0; k < <usize>components; k++) {
    const mean0 = constant(means, 2 * k);
    const mean1 = constant(means, 2 * k + 1);
    const w00 = constant(whiten, 3 * k);
    const w10 = constant(whiten, 3 * k + 1);
    const w11 = constant(whiten, 3 * k + 2);
    const c = constant(constants, k);
    ma = f64x2.pmax(ma, exponent(z0(xa, mean0, w00), z1(xa, ya, mean0, mean1, w10, w11), c));
    mb = f64x2.pmax(mb, exponent(z0(xb, mean0, w00), z1(xb, yb, mean0, mean1, w10, w11), c));
    mc = f64x2.pmax(mc, exponent(z0(xc, mean0, w00), z1(xc, yc, mean0, mean1, w10, w11), c));
    md = f64x2.pmax(md, exponent(z0(xd, mean0, w00), z1(xd, yd, mean0, mean1, w10, w11), c));
  }
  let sa = f64x2.splat(0.0);
  let sb = sa;
  let sc = sa;
  let sd = sa;
  let ga0 = sa;
  let ga1 = sa;
  let gb0 = sa;
  let gb1 = sa;
  let gc0 = sa;
  let gc1 = sa;
  let gd0 = sa;
  let gd1 = sa;
  for (let k: usize = 0; k < <usize>components; k++) {
    const mean0 = constant(means, 2 * k);
    const mean1 = constant(means, 2 * k + 1);
    const w00 = constant(whiten, 3 * k);
    const w10 = constant(whiten, 3 * k + 1);
    const w11 = constant(whiten, 3 * k + 2);
    const c = constant(constants, k);
    const a0 = z0(xa, mean0, w00);
    const a1 = z1(xa, ya, mean0, mean1, w10, w11);
    const b0 = z0(xb, mean0, w00);
    const b1 = z1(xb, yb, mean0, mean1, w10, w11);
    const c0 = z0(xc, mean0, w00);
    const c1 = z1(xc, yc, mean0, mean1, w10, w11);
    const d0 = z0(xd, mean0, w00);
    const d1 = z1(xd, yd, mean0, mean1, w10, w11);
    const ea = exp2(f64x2.sub(exponent(a0, a1, c), ma));
    const eb = exp2(f64x2.sub(exponent(b0, b1, c), mb));
    const ec = exp2(f64x2.sub(exponent(c0, c1, c), mc));
    const ed = exp2(f64x2.sub(exponent(d0, d1, c), md));
    sa = f64x2.add(sa, ea);
    sb = f64x2.add(sb, eb);
    sc = f64x2.add(sc, ec);
    sd = f64x2.add(sd, ed);
    if (scored) {
      ga0 = pull0(ga0, ea, a0, a1, w00, w10);
      ga1 = pull1(ga1, ea, a1, w11);
      gb0 = pull0(gb0, eb, b0, b1, w00, w10);
      gb1 = pull1(gb1, eb, b1, w11);
      gc0 = pull0(gc0, ec, c0, c1, w00, w10);
      gc1 = pull1(gc1, ec, c1, w11);
      gd0 = pull0(gd0, ed, d0, d1, w00, w10);
      gd1 = pull1(gd1, ed, d1, w11);
    }
  }
  v128.store(logDensity, f64x2.add(ma, logPair(sa)));
  v128.store(logDensity, f64x2.add(mb, logPair(sb)), 16);
  v128.store(logDensity, f64x2.add(mc, logPair(sc)), 32);
  v128.store(logDensity, f64x2.add(md, logPair(sd)), 48);
  if (scored) {
    storeScores(score, ga0, ga1, sa);
    storeScores(score + 32, gb0, gb1, sb);
    storeScores(score + 64, gc0, gc1, sc);
    storeScores(score + 96, gd0, gd1, sd);
  }
}

/** First column of g - e W' z. */
@inline
function pull0(g: v128, e: v128, z0: v128, z1: v128, w00: v128, w10: v128): v128 {
  return f64x2.sub(f64x2.sub(g, f64x2.mul(w00, f64x2.mul(e, z0))), f64x2.mul(w10, f64x2.mul(e, z1)));
}

/** Second column of g - e W' z. */
@inline
function pull1(g: v128, e: v128, z1: v128, w11: v128): v128 {
  return f64x2.sub(g, f64x2.mul(w11, f64x2.mul(e, z1)));
}

/** Log densities and scores of rows lo..hi-1, a multiple of eight of them. */
export function planeScore(x: usize, means: usize, whiten: usize, constants: usize, components: u32, logDensity: usize, score: usize, lo: u32, hi: u32): void {
  for (let i = <usize>lo; i < <usize>hi; i += 8) {
    eight(x + (i << 4), means, whiten, constants, components, logDensity + (i << 3), score + (i << 4), true);
  }
}

/** Log densities of rows lo..hi-1, a multiple of eight of them. */
export function planeLogDensity(x: usize, means: usize, whiten: usize, constants: usize, components: u32, logDensity: usize, lo: u32, hi: u32): void {
  for (let i = <usize>lo; i < <usize>hi; i += 8) {
    eight(x + (i << 4), means, whiten, constants, components, logDensity + (i << 3), 0, false);
  }
}
