import { normal } from './normal.ts';
import { BLOCK } from './sums.ts';

/**
 * Weighted diffusions whose target is a product of powers of noised laws and a tilt, gamma = prod_i q_i^b_i exp(rho): drift
 * and weight rate of many particles from the scores of the factors, and the step that follows.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | s_i | `scores`, expert after expert, `stride` rows apart | [M, stride, d] |
 * | b_i, v_i = b_i g_i^2 / 2, w_i = b_i (f_i - f) | `coefficients` | [M, 3] |
 * | f | `drift` | |
 * | a^2 / 2 | `spread` | |
 * | k, a transport along the score | `transport` | |
 * | R = grad rho | `tilt`, read where `tilted` is 1 | [n, d] |
 * | what else the rate holds | `rest`, read where `rested` is 1 | [n] |
 *
 *   Sb = sum b_i s_i     V = sum v_i s_i     L = sum w_i s_i     Q = sum v_i s_i^2     S = Sb + R
 *   u = -f x + V + (a^2 / 2) S + k Sb
 *   g = constant + rest + sum_c x (L - f R) - Q + V S + k Sb S
 *   h = d + x . S
 *
 * Sums over the coordinates take the even and the odd ones apart.
 */

/** Columns of a row of features: g; h and g; or S, h and g. */
export function featureWidth(columns: 'rate' | 'linear' | 'affine', d: number): number {
  return columns === 'affine' ? d + 2 : columns === 'linear' ? 2 : 1;
}

/** Drift u [n, d] and features [n, width] of rows lo..hi-1; `width` is 1, 2 or d + 2. */
export function correctorRates(
  x: Float64Array,
  d: number,
  stride: number,
  scores: Float64Array,
  experts: number,
  coefficients: Float64Array,
  drift: number,
  spread: number,
  transport: number,
  constant: number,
  tilt: Float64Array,
  tilted: number,
  rest: Float64Array,
  rested: number,
  u: Float64Array,
  features: Float64Array,
  width: number,
  lo: number,
  hi: number,
): void {
  const all = width > 2;
  for (let i = lo; i < hi; i++) {
    let [g0, g1, h0, h1] = [0, 0, 0, 0];
    for (let c = 0; c < d; c++) {
      const at = i * d + c;
      let [sb, v, l, q] = [0, 0, 0, 0];
      for (let e = 0; e < experts; e++) {
        const s = scores[e * stride * d + at]!;
        const vs = coefficients[3 * e + 1]! * s;
        sb += coefficients[3 * e]! * s;
        v += vs;
        l += coefficients[3 * e + 2]! * s;
        q += vs * s;
      }
      const r = tilted === 1 ? tilt[at]! : 0;
      const s = sb + r;
      const k = transport * sb;
      u[at] = v - drift * x[at]! + spread * s + k;
      const g = x[at]! * (l - drift * r) - q + (v + k) * s;
      const h = x[at]! * s;
      if (c & 1) {
        g1 += g;
        h1 += h;
      } else {
        g0 += g;
        h0 += h;
      }
      if (all) features[i * width + c] = s;
    }
    const end = i * width + width - 1;
    features[end] = constant + (rested === 1 ? rest[i]! : 0) + (g0 + g1);
    if (width > 1) features[end - 1] = d + (h0 + h1);
  }
}

/**
 * next = scale x + h u + shift + noise z for rows lo..hi-1, `shift` [d], with the normals z that `normal` would write at the
 * same address; none are drawn where `noise` is 0.
 */
export function correctorMove(
  x: Float64Array,
  u: Float64Array,
  next: Float64Array,
  d: number,
  scale: number,
  h: number,
  shift: Float64Array,
  noise: number,
  k0: number,
  k1: number,
  first: number,
  step: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  if (noise === 0) next.fill(0, lo * d, hi * d);
  else normal(next, d, k0, k1, first, step, channel, lo, hi);
  correctorRows(x, u, next, next, d, scale, h, shift, noise, lo, hi);
}

/** The same with normals `z` [n, d] that are given, which may be `next`. Not a kernel. */
export function correctorRows(
  x: Float64Array,
  u: Float64Array,
  z: Float64Array,
  next: Float64Array,
  d: number,
  scale: number,
  h: number,
  shift: Float64Array,
  noise: number,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    for (let c = 0, at = i * d; c < d; c++, at++)
      next[at] = scale * x[at]! + h * u[at]! + shift[c]! + noise * z[at]!;
  }
}

/**
 * h theta . f into `out` for rows lo..hi-1 of `features` [n, width], `theta` [width]; products of even and of odd columns are
 * summed apart.
 */
export function correctorPotential(
  features: Float64Array,
  width: number,
  theta: Float64Array,
  h: number,
  out: Float64Array,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    let [even, odd] = [0, 0];
    for (let c = 0, at = i * width; c < width; c++, at++) {
      if (c & 1) odd += theta[c]! * features[at]!;
      else even += theta[c]! * features[at]!;
    }
    out[i] = h * (even + odd);
  }
}

/** Sums of a block of `correctorMoments`: `width` first ones and the products of all pairs. */
export function momentSums(width: number): number {
  return width + (width * (width + 1)) / 2;
}

/**
 * Sums over the rows of block b of `features` [n, width], in order, of weight_i o_ic and, for pairs c <= e in the order (0, 0), (0, 1),
 * .., (1, 1), .., of (weight_i o_ic) o_ie, with o = feature - shift, into `partial` [blocks, momentSums(width)]. Rows of weight 0
 * are skipped, not multiplied: a dead particle may hold NaN.
 */
export function correctorMoments(
  features: Float64Array,
  width: number,
  n: number,
  weight: Float64Array,
  shift: Float64Array,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  const size = momentSums(width);
  for (let b = lo; b < hi; b++) {
    const own = partial.subarray(b * size, (b + 1) * size).fill(0);
    const to = Math.min(n, (b + 1) * BLOCK);
    for (let i = b * BLOCK; i < to; i++) {
      const w = weight[i]!;
      if (w === 0) continue;
      let at = width;
      for (let c = 0; c < width; c++) {
        const left = w * (features[i * width + c]! - shift[c]!);
        own[c] = own[c]! + left;
        for (let e = c; e < width; e++, at++)
          own[at] = own[at]! + left * (features[i * width + e]! - shift[e]!);
      }
    }
  }
}
