// Steps of state-space models with their noise, a tile at a time, and their observations. See ../twins/affine.ts.
import { loadColumns, storeColumns } from './columns';
import { exp2 } from './elementary';
import { normalRows } from './normal';

// Numbers of a tile that stays in the first cache between noise and update.
const TILE: u32 = 1024;

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
    else for (let row: u32 = 0; row < count; row += 2) {
      const other = <usize>min<u32>(row + 1, count - 1);
      affineTwo(parents + <usize>row * from, parents + other * from, p, rows + <usize>row * stride, rows + other * stride, d, noise, coefficients);
    }
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

/** Rows at a and b, which may be one and the same, from parents at pa and pb. */
@inline
function affineTwo(pa: usize, pb: usize, p: u32, a: usize, b: usize, d: u32, noise: u32, coefficients: usize): void {
  const stride = <usize>d << 3;
  for (let c: i32 = <i32>((d - 1) & ~1); c >= 0; c -= 2) {
    const pair = <u32>c + 1 < d;
    const column = <usize>c << 3;
    let at = coefficients + column;
    let left = loadColumns(at, pair);
    let right = left;
    for (let j: usize = 0; j < <usize>p << 3; j += 8) {
      at += stride;
      const coefficient = loadColumns(at, pair);
      left = addTerm(left, coefficient, pa + j);
      right = addTerm(right, coefficient, pb + j);
    }
    const end = <usize>min<u32>(noise, <u32>c + 2) << 3;
    for (let k: usize = 0; k < end; k += 8) {
      at += stride;
      const coefficient = loadColumns(at, pair);
      left = addTerm(left, coefficient, a + k);
      right = addTerm(right, coefficient, b + k);
    }
    storeColumns(a + column, pair, left);
    storeColumns(b + column, pair, right);
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
function precision(x: v128): v128 {
  return exp2(f64x2.pmin(f64x2.neg(x), f64x2.splat(709.0)));
}

@inline
function volatility(x: v128, square: v128, e: v128): v128 {
  const sum = f64x2.add(f64x2.add(f64x2.splat(LOG_TWO_PI), x), f64x2.mul(square, e));
  return f64x2.mul(f64x2.splat(-0.5), sum);
}

export function volatilityLogDensity(x: usize, y: f64, out: usize, lo: u32, hi: u32): void {
  const square = f64x2.splat(y * y);
  let i = lo;
  for (; i < hi && hi - i >= 8; i += 8) {
    const at = <usize>i << 3;
    const x0 = v128.load(x + at);
    const x1 = v128.load(x + at, 16);
    const x2 = v128.load(x + at, 32);
    const x3 = v128.load(x + at, 48);
    const e0 = precision(x0);
    const e1 = precision(x1);
    const e2 = precision(x2);
    const e3 = precision(x3);
    v128.store(out + at, volatility(x0, square, e0));
    v128.store(out + at, volatility(x1, square, e1), 16);
    v128.store(out + at, volatility(x2, square, e2), 32);
    v128.store(out + at, volatility(x3, square, e3), 48);
  }
  for (; i < hi; i++) {
    const at = <usize>i << 3;
    const one = v128.load64_zero(x + at);
    v128.store64_lane(out + at, volatility(one, square, precision(one)), 0);
  }
}
