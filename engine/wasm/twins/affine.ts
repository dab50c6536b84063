import { HALF_LOG_TWO_PI } from '../../math/gamma.ts';
import { exp } from './elementary.ts';
import { normal } from './normal.ts';

/**
 * Steps of state-space models whose noise is drawn inside, at the addresses of the loop, so that no array of normals is
 * needed; and log densities of what is observed of them.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | b, A, L | `coefficients`: row 0 is b, row 1 + j is column j of A, row 1 + p + k is column k of L | [1 + p + q, d] |
 * | e, G | `coefficients`: row 0 is e, row 1 + j is column j of G | [1 + d, k] |
 * | q | `noise` | |
 *
 * L_ck = 0 for k > c and q <= d, as the columns of a Cholesky factor that are not zero; no b_c is -0. Then an
 * accumulator is never -0, and terms that are zero may be left out without changing a bit.
 */

let z = new Float64Array(8);

/** next = b + A parent + L z for rows lo..hi-1, z [q] the normals that `normal` would write at the same address. */
export function affineNormal(
  parent: Float64Array,
  p: number,
  next: Float64Array,
  d: number,
  noise: number,
  coefficients: Float64Array,
  k0: number,
  k1: number,
  first: number,
  step: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  if (z.length < noise) z = new Float64Array(noise);
  for (let i = lo; i < hi; i++) {
    normal(z, noise, k0, k1, first + i, step, channel, 0, 1);
    affineRow(parent, p * i, p, z, 0, noise, coefficients, next, d * i, d);
  }
}

/** The same from normals that are given: `z` [n, q], `parent` [n, p], `next` [n, d]. Not a kernel. */
export function affineRows(
  parent: Float64Array,
  p: number,
  z: Float64Array,
  noise: number,
  coefficients: Float64Array,
  next: Float64Array,
  d: number,
): void {
  if (d === 1 && p === 1 && noise === 1) {
    affineLine(parent, z, coefficients, next);
    return;
  }
  const n = next.length / d;
  for (let i = 0; i < n; i++) affineRow(parent, p * i, p, z, noise * i, noise, coefficients, next, d * i, d);
}

function affineLine(
  parent: Float64Array,
  z: Float64Array,
  [b, a, l]: Float64Array,
  next: Float64Array,
): void {
  for (let i = 0; i < next.length; i++) next[i] = b! + a! * parent[i]! + l! * z[i]!;
}

function affineRow(
  parent: Float64Array,
  from: number,
  p: number,
  z: Float64Array,
  zFrom: number,
  noise: number,
  coefficients: Float64Array,
  next: Float64Array,
  to: number,
  d: number,
): void {
  for (let c = 0; c < d; c++) {
    let sum = coefficients[c]!;
    for (let j = 0; j < p; j++) sum += coefficients[(1 + j) * d + c]! * parent[from + j]!;
    const last = Math.min(noise, c + 1);
    for (let k = 0; k < last; k++) sum += coefficients[(1 + p + k) * d + c]! * z[zFrom + k]!;
    next[to + c] = sum;
  }
}

/**
 * out = constant - |r|^2 / 2 with r = e + G x [k]: log densities of normal laws whose mean is affine in x, where r is
 * what was observed less its mean, whitened. The squares of even and of odd components are summed apart.
 */
export function affineLogDensity(
  x: Float64Array,
  d: number,
  coefficients: Float64Array,
  k: number,
  constant: number,
  out: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    let even = 0;
    let odd = 0;
    for (let c = 0; c < k; c++) {
      let r = coefficients[c]!;
      for (let j = 0; j < d; j++) r += coefficients[(1 + j) * k + c]! * x[i * d + j]!;
      if (c & 1) odd += r * r;
      else even += r * r;
    }
    out[i] = constant - 0.5 * (even + odd);
  }
}

/** Exponents beyond which exp would overflow; the density is 0 long before. */
const LARGEST = 709;

/** Log density at y of the normal law with mean 0 and variance e^x: -(log 2 pi + x + y^2 e^-x) / 2. */
export function volatilityLogDensity(
  x: Float64Array,
  y: number,
  out: Float64Array,
  lo: number,
  hi: number,
): void {
  const square = y * y;
  for (let i = lo; i < hi; i++) {
    const exponent = -x[i]!;
    const precision = exp(Math.min(LARGEST, exponent));
    out[i] = -0.5 * (2 * HALF_LOG_TWO_PI + x[i]! + square * precision);
  }
}
