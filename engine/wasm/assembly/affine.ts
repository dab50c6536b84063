// Steps of state-space models with their noise, a tile at a time, and their observations. See ../twins/affine.ts.
import { exp2 } from './elementary';
import { normalRows } from './normal';

// Numbers of a tile that stays in the first cache between noise and update.
const TILE: u32 = 1024;

@inline
function loadColumns(at: usize, pair: bool): v128 {
  return pair ? v128.load(at) : v128.load64_zero(at);
}

@inline
function storeColumns(at: usize, pair: bool, x: v128): void {
  if (pair) v128.store(at, x);
  else v128.store64_lane(at, x, 0);
}

@inline
function addTerm(sum: v128, coefficient: v128, x: usize): v128 {
  return f64x2.add(sum, f64x2.mul(coefficient, v128.load64_splat(x)));
}

// The normals of a row stand where the row will: component c is written after all that need normal c, from the last
// pair down. What a pair adds beyond its diagonal is a zero.
export function affineNormal(parent: usize, p: u32, next: usize, d: u32, noise: u32, coefficients: usize, k0: u32, k1: u32, first: u32, step: u32, channel: u32, lo: u32, hi: u32): void {
  const stride = <usize>d << 3;
  const from = <usize>p << 3;
  const tile = max<u32>(4, (TILE / d) & ~3);
  for (let i = lo; i < hi; i += tile) {
    const count = min<u32>(tile, hi - i);
    const rows = next + <usize>i * stride;
    if (noise < d) memory.fill(rows, 0, <usize>count * stride);
    normalRows(rows, d, noise, k0, k1, first + i, step, channel, count);
    const parents = parent + <usize>i * from;
    if (d == 1 && p == 1 && noise == 1) affineLine(parents, rows, coefficients, count);
    else for (let row: u32 = 0; row < count; row++) affineRow(parents + <usize>row * from, p, rows + <usize>row * stride, d, noise, coefficients);
  }
}

function affineLine(parent: usize, next: usize, coefficients: usize, count: u32): void {
  const b = v128.load64_splat(coefficients);
  const a = v128.load64_splat(coefficients, 8);
  const l = v128.load64_splat(coefficients, 16);
  const full = <usize>(count & ~1) << 3;
  let at: usize = 0;
  for (; at < full; at += 16) {
    const mean = f64x2.add(b, f64x2.mul(a, v128.load(parent + at)));
    v128.store(next + at, f64x2.add(mean, f64x2.mul(l, v128.load(next + at))));
  }
  if (count & 1) {
    const mean = f64x2.add(b, f64x2.mul(a, v128.load64_zero(parent + at)));
    v128.store64_lane(next + at, f64x2.add(mean, f64x2.mul(l, v128.load64_zero(next + at))), 0);
  }
}

@inline
function affineRow(parent: usize, p: u32, next: usize, d: u32, noise: u32, coefficients: usize): void {
  const stride = <usize>d << 3;
  for (let c: i32 = <i32>((d - 1) & ~1); c >= 0; c -= 2) {
    const pair = <u32>c + 1 < d;
    let at = coefficients + (<usize>c << 3);
    let sum = loadColumns(at, pair);
    for (let j: u32 = 0; j < p; j++) {
      at += stride;
      sum = addTerm(sum, loadColumns(at, pair), parent + (<usize>j << 3));
    }
    const last = min<u32>(noise, <u32>c + 2);
    for (let k: u32 = 0; k < last; k++) {
      at += stride;
      sum = addTerm(sum, loadColumns(at, pair), next + (<usize>k << 3));
    }
    storeColumns(next + (<usize>c << 3), pair, sum);
  }
}

export function affineLogDensity(x: usize, d: u32, coefficients: usize, k: u32, constant: f64, out: usize, lo: u32, hi: u32): void {
  const stride = <usize>d << 3;
  if (k > 1) {
    for (let i = lo; i < hi; i++) {
      const square = squareOfRow(x + <usize>i * stride, d, coefficients, k);
      store<f64>(out + (<usize>i << 3), constant - 0.5 * square);
    }
    return;
  }
  for (let i = lo; i < hi; i += 2) {
    const j = min<u32>(i + 1, hi - 1);
    const square = squaresOfTwo(x + <usize>i * stride, x + <usize>j * stride, d, coefficients);
    const l = f64x2.sub(f64x2.splat(constant), f64x2.mul(f64x2.splat(0.5), square));
    v128.store64_lane(out + (<usize>i << 3), l, 0);
    v128.store64_lane(out + (<usize>j << 3), l, 1);
  }
}

/** |r|^2 of one row, two components at a time. */
@inline
function squareOfRow(x: usize, d: u32, coefficients: usize, k: u32): f64 {
  const stride = <usize>k << 3;
  let squares = f64x2.splat(0.0);
  for (let c: u32 = 0; c < k; c += 2) {
    const pair = c + 1 < k;
    let at = coefficients + (<usize>c << 3);
    let r = loadColumns(at, pair);
    for (let j: u32 = 0; j < d; j++) {
      at += stride;
      r = addTerm(r, loadColumns(at, pair), x + (<usize>j << 3));
    }
    // A lane without a component is 0 times x, NaN where x is infinite.
    if (!pair) r = f64x2.replace_lane(r, 1, 0.0);
    squares = f64x2.add(squares, f64x2.mul(r, r));
  }
  return f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
}

/** r^2 of the rows at a and b, one component each. */
@inline
function squaresOfTwo(a: usize, b: usize, d: u32, coefficients: usize): v128 {
  let r = v128.load64_splat(coefficients);
  for (let j: u32 = 0; j < d; j++) {
    const at = <usize>j << 3;
    const pair = v128.load64_lane(b + at, v128.load64_zero(a + at), 1);
    r = f64x2.add(r, f64x2.mul(v128.load64_splat(coefficients + 8 + at), pair));
  }
  return f64x2.mul(r, r);
}

const LOG_TWO_PI: f64 = 1.8378770664093456;

@inline
function volatility(x: v128, square: v128): v128 {
  const exponent = f64x2.neg(x);
  const precision = exp2(f64x2.pmin(exponent, f64x2.splat(709.0)));
  const sum = f64x2.add(f64x2.add(f64x2.splat(LOG_TWO_PI), x), f64x2.mul(square, precision));
  return f64x2.mul(f64x2.splat(-0.5), sum);
}

export function volatilityLogDensity(x: usize, y: f64, out: usize, lo: u32, hi: u32): void {
  const square = f64x2.splat(y * y);
  let i = lo;
  for (; i + 8 <= hi && i < hi; i += 8) {
    const at = <usize>i << 3;
    v128.store(out + at, volatility(v128.load(x + at), square));
    v128.store(out + at, volatility(v128.load(x + at, 16), square), 16);
    v128.store(out + at, volatility(v128.load(x + at, 32), square), 32);
    v128.store(out + at, volatility(v128.load(x + at, 48), square), 48);
  }
  for (; i < hi; i++) {
    const at = <usize>i << 3;
    v128.store64_lane(out + at, volatility(v128.load64_zero(x + at), square), 0);
  }
}
