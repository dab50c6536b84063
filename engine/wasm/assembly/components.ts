// Densities of all components of a mixture, and the loss of shares. See ../twins/components.ts.
import { exp2 } from './elementary';
import { BLOCK } from './sums';

const LOWEST: f64 = -1.7976931348623157e308;

@inline
function lanes(a: usize, b: usize): v128 {
  return v128.load64_lane(b, v128.load64_zero(a), 1);
}

@inline
function term(x: v128, mean: v128, w: v128): v128 {
  return f64x2.mul(w, f64x2.sub(x, mean));
}

@inline
function exponent(square: v128, constant: v128): v128 {
  return f64x2.sub(constant, f64x2.mul(f64x2.splat(0.5), square));
}

@inline
function storeLanes(a: usize, b: usize, value: v128): void {
  v128.store64_lane(a, value, 0);
  v128.store64_lane(b, value, 1);
}

/** v_k of the points at a, b, c, e into the rows at sa, sb, sc, se; their largest into ta, tb, tc, te. */
function four(a: usize, b: usize, c: usize, e: usize, d: u32, means: usize, whiten: usize, constants: usize, components: u32,
  sa: usize, sb: usize, sc: usize, se: usize, extra: v128, extra2: v128, ta: usize, tb: usize, tc: usize, te: usize): void {
  let m = f64x2.splat(LOWEST);
  let m2 = m;
  let w = whiten;
  let mean = means;
  const last = <usize>components << 3;
  for (let k: usize = 0; k < last; k += 8) {
    let square = f64x2.splat(0.0);
    let square2 = square;
    for (let i: usize = 0; i < <usize>d; i++) {
      const w0 = v128.load64_splat(w);
      const mean0 = v128.load64_splat(mean);
      let z = term(lanes(a, b), mean0, w0);
      let z2 = term(lanes(c, e), mean0, w0);
      const end = i << 3;
      for (let j: usize = 8; j <= end; j += 8) {
        const wj = v128.load64_splat(w + j);
        const meanj = v128.load64_splat(mean + j);
        z = f64x2.add(z, term(lanes(a + j, b + j), meanj, wj));
        z2 = f64x2.add(z2, term(lanes(c + j, e + j), meanj, wj));
      }
      square = f64x2.add(square, f64x2.mul(z, z));
      square2 = f64x2.add(square2, f64x2.mul(z2, z2));
      w += end + 8;
    }
    mean += <usize>d << 3;
    const constant = v128.load64_splat(constants + k);
    const v = exponent(square, constant);
    const v2 = exponent(square2, constant);
    storeLanes(sa + k, sb + k, v);
    storeLanes(sc + k, se + k, v2);
    m = f64x2.pmax(m, v);
    m2 = f64x2.pmax(m2, v2);
  }
  storeLanes(sa + last, sb + last, extra);
  storeLanes(sc + last, se + last, extra2);
  storeLanes(ta, tb, f64x2.pmax(m, extra));
  storeLanes(tc, te, f64x2.pmax(m2, extra2));
}

/** exp(v - top) over a row of `count` numbers. */
@inline
function scaleRow(row: usize, count: u32, top: f64): void {
  const shift = f64x2.splat(top);
  let at: usize = 0;
  const pairs = <usize>(count & ~1) << 3;
  for (; at < pairs; at += 16) v128.store(row + at, exp2(f64x2.sub(v128.load(row + at), shift)));
  if ((count & 1) == 1) v128.store64_lane(row + at, exp2(f64x2.sub(v128.load64_zero(row + at), shift)), 0);
}

export function componentDensities(x: usize, d: u32, means: usize, whiten: usize, constants: usize, components: u32, extra: usize, scaled: usize, top: usize, lo: u32, hi: u32): void {
  const point = <usize>d << 3;
  const row = <usize>(components + 1) << 3;
  for (let i = lo; i < hi; i += 4) {
    const p = <usize>i;
    const q = <usize>min<u32>(i + 1, hi - 1);
    const r = <usize>min<u32>(i + 2, hi - 1);
    const s = <usize>min<u32>(i + 3, hi - 1);
    four(x + p * point, x + q * point, x + r * point, x + s * point, d, means, whiten, constants, components,
      scaled + p * row, scaled + q * row, scaled + r * row, scaled + s * row,
      lanes(extra + (p << 3), extra + (q << 3)), lanes(extra + (r << 3), extra + (s << 3)),
      top + (p << 3), top + (q << 3), top + (r << 3), top + (s << 3));
    for (let at = p; at <= s; at++) scaleRow(scaled + at * row, components + 1, load<f64>(top + (at << 3)));
  }
}

/** tiny + sum_k share_k ratio_k. */
@inline
function mixed(ratio: usize, share: usize, width: u32, tiny: f64): f64 {
  let a = f64x2.splat(0.0);
  let b = a;
  let c = a;
  let d = a;
  let at: usize = 0;
  const eights = <usize>(width & ~7) << 3;
  for (; at < eights; at += 64) {
    a = f64x2.add(a, f64x2.mul(v128.load(share + at), v128.load(ratio + at)));
    b = f64x2.add(b, f64x2.mul(v128.load(share + at, 16), v128.load(ratio + at, 16)));
    c = f64x2.add(c, f64x2.mul(v128.load(share + at, 32), v128.load(ratio + at, 32)));
    d = f64x2.add(d, f64x2.mul(v128.load(share + at, 48), v128.load(ratio + at, 48)));
  }
  const s = f64x2.add(f64x2.add(a, c), f64x2.add(b, d));
  let m = tiny + (f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1));
  const end = <usize>width << 3;
  for (; at < end; at += 8) m += load<f64>(share + at) * load<f64>(ratio + at);
  return m;
}

/** slope_k += pull ratio_k. */
@inline
function pullRow(slope: usize, ratio: usize, width: u32, pull: f64): void {
  const p = f64x2.splat(pull);
  let at: usize = 0;
  const pairs = <usize>(width & ~1) << 3;
  for (; at < pairs; at += 16) v128.store(slope + at, f64x2.add(v128.load(slope + at), f64x2.mul(p, v128.load(ratio + at))));
  if ((width & 1) == 1) store<f64>(slope + at, load<f64>(slope + at) + pull * load<f64>(ratio + at));
}

export function shareBlocks(ratio: usize, width: u32, n: u32, roughness: usize, share: usize, tiny: f64, partial: usize, lo: u32, hi: u32): void {
  const row = <usize>width << 3;
  for (let b = lo; b < hi; b++) {
    const own = partial + <usize>b * (row + 8);
    memory.fill(own, 0, row + 8);
    let loss = 0.0;
    const to = min<u32>(n, (b + 1) * BLOCK);
    for (let i = b * BLOCK; i < to; i++) {
      const q = load<f64>(roughness + (<usize>i << 3));
      if (q == 0.0) continue;
      const at = ratio + <usize>i * row;
      const m = mixed(at, share, width, tiny);
      loss += q / m;
      pullRow(own, at, width, q / m / m);
    }
    store<f64>(own + row, loss);
  }
}
