// Log density and score of a mixture of normal laws, two points in the lanes. See ../twins/mixture.ts.
import { exp2, logPair } from './elementary';
import { planeLogDensity, planeScore } from './mixture-plane';

const LOWEST: f64 = -1.7976931348623157e308;

/** Row i of W times (x - mean), of the points at a and b; w = address of that row. */
@inline
function whitened(a: usize, b: usize, mean: usize, w: usize, i: u32): v128 {
  let z = term(a, b, mean, w);
  const end = <usize>i << 3;
  for (let j: usize = 8; j <= end; j += 8) z = f64x2.add(z, term(a + j, b + j, mean + j, w + j));
  return z;
}

@inline
function term(a: usize, b: usize, mean: usize, w: usize): v128 {
  return f64x2.mul(v128.load64_splat(w), f64x2.sub(lanes(a, b), v128.load64_splat(mean)));
}

@inline
function lanes(a: usize, b: usize): v128 {
  return v128.load64_lane(b, v128.load64_zero(a), 1);
}

/** v of one component. */
@inline
function exponent(a: usize, b: usize, d: u32, mean: usize, whiten: usize, constant: usize): v128 {
  let square = f64x2.splat(0.0);
  let w = whiten;
  for (let i: u32 = 0; i < d; i++) {
    const z = whitened(a, b, mean, w, i);
    square = f64x2.add(square, f64x2.mul(z, z));
    w += <usize>(i + 1) << 3;
  }
  return f64x2.sub(v128.load64_splat(constant), f64x2.mul(f64x2.splat(0.5), square));
}

function largest(a: usize, b: usize, d: u32, means: usize, whiten: usize, constants: usize, components: u32): v128 {
  let m = f64x2.splat(LOWEST);
  const triangle = <usize>d * <usize>(d + 1) << 2;
  for (let k: u32 = 0; k < components; k++) {
    m = f64x2.pmax(m, exponent(a, b, d, means + (<usize>(k * d) << 3), whiten + <usize>k * triangle, constants + (<usize>k << 3)));
  }
  return m;
}

/** score -= e W' z of one component, for the points at a and b with their scores at ga and gb. */
@inline
function pull(a: usize, b: usize, ga: usize, gb: usize, d: u32, mean: usize, whiten: usize, e: v128): void {
  let w = whiten;
  for (let i: u32 = 0; i < d; i++) {
    const t = f64x2.mul(e, whitened(a, b, mean, w, i));
    const end = <usize>i << 3;
    for (let j: usize = 0; j <= end; j += 8) {
      const h = f64x2.sub(lanes(ga + j, gb + j), f64x2.mul(v128.load64_splat(w + j), t));
      v128.store64_lane(ga + j, h, 0);
      v128.store64_lane(gb + j, h, 1);
    }
    w += <usize>(i + 1) << 3;
  }
}

/** The points at a and b, which may be one and the same. */
function pairScore(a: usize, b: usize, ga: usize, gb: usize, la: usize, lb: usize, d: u32, means: usize, whiten: usize, constants: usize, components: u32): void {
  const m = largest(a, b, d, means, whiten, constants, components);
  const triangle = <usize>d * <usize>(d + 1) << 2;
  const row = <usize>d << 3;
  let total = f64x2.splat(0.0);
  memory.fill(ga, 0, row);
  memory.fill(gb, 0, row);
  for (let k: u32 = 0; k < components; k++) {
    const mean = means + <usize>k * row;
    const w = whiten + <usize>k * triangle;
    const e = exp2(f64x2.sub(exponent(a, b, d, mean, w, constants + (<usize>k << 3)), m));
    total = f64x2.add(total, e);
    pull(a, b, ga, gb, d, mean, w, e);
  }
  for (let j: usize = 0; j < row; j += 8) {
    const g = f64x2.div(lanes(ga + j, gb + j), total);
    v128.store64_lane(ga + j, g, 0);
    v128.store64_lane(gb + j, g, 1);
  }
  const l = f64x2.add(m, logPair(total));
  v128.store64_lane(la, l, 0);
  v128.store64_lane(lb, l, 1);
}

export function mixtureScore(x: usize, d: u32, means: usize, whiten: usize, constants: usize, components: u32, logDensity: usize, score: usize, lo: u32, hi: u32): void {
  const row = <usize>d << 3;
  let i = lo;
  if (d == 2 && lo < hi) {
    i = hi - ((hi - lo) & 7);
    planeScore(x, means, whiten, constants, components, logDensity, score, lo, i);
  }
  for (; i < hi; i += 2) {
    const j = min<u32>(i + 1, hi - 1);
    pairScore(x + <usize>i * row, x + <usize>j * row, score + <usize>i * row, score + <usize>j * row,
      logDensity + (<usize>i << 3), logDensity + (<usize>j << 3), d, means, whiten, constants, components);
  }
}

export function mixtureLogDensity(x: usize, d: u32, means: usize, whiten: usize, constants: usize, components: u32, logDensity: usize, lo: u32, hi: u32): void {
  const row = <usize>d << 3;
  const triangle = <usize>d * <usize>(d + 1) << 2;
  let i = lo;
  if (d == 2 && lo < hi) {
    i = hi - ((hi - lo) & 7);
    planeLogDensity(x, means, whiten, constants, components, logDensity, lo, i);
  }
  for (; i < hi; i += 2) {
    const j = min<u32>(i + 1, hi - 1);
    const a = x + <usize>i * row;
    const b = x + <usize>j * row;
    const m = largest(a, b, d, means, whiten, constants, components);
    let total = f64x2.splat(0.0);
    for (let k: u32 = 0; k < components; k++) {
      const v = exponent(a, b, d, means + <usize>k * row, whiten + <usize>k * triangle, constants + (<usize>k << 3));
      total = f64x2.add(total, exp2(f64x2.sub(v, m)));
    }
    const l = f64x2.add(m, logPair(total));
    v128.store64_lane(logDensity + (<usize>i << 3), l, 0);
    v128.store64_lane(logDensity + (<usize>j << 3), l, 1);
  }
}
