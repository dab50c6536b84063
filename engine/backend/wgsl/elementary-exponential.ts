/**
 * Exponentials and logarithms in WGSL, see elementary.ts.
 *
 * exp: x = k log 2 + r, |r| <= log(2) / 2, and 2^k is added to the bits of the exponent. log: x = 2^k m with m in
 * [sqrt(1/2), sqrt 2), and log m = f - f^2 / 2 + f^3 P(f), f = m - 1. log 2 is 355 / 512, whose product with k is exact,
 * and a rest. Polynomials are minimax (Remez), relative error below 2e-8.
 */
export const EXPONENTIAL = {
  /** A number from its bits: NaN, infinities. An argument is never a constant expression, where they are refused. */
  e_bits: { needs: [], code: 'fn e_bits(b: u32) -> f32 { return bitcast<f32>(b); }' },

  /** (e^r - 1 - r) / r^2 for |r| <= 0.5. */
  e_exp_rest: {
    needs: [],
    code: `fn e_exp_rest(r: f32) -> f32 {
  return ((((1.9849927e-4 * r + 0.0013996256) * r + 0.008333579) * r + 0.041665357) * r + 0.16666664) * r + 0.5;
}`,
  },

  /** 0 below -87.33654, where e^x < 2^-126; infinity above 88.7228. */
  e_exp: {
    needs: ['e_bits', 'e_exp_rest'],
    code: `fn e_exp(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  let size = b & 0x7fffffffu;
  if (size > 0x42aeac4fu) {
    if (size > 0x7f800000u) { return e_bits(0x7fc00000u); }
    if (b != size) { return 0.0; }
    if (size > 0x42b17217u) { return e_bits(0x7f800000u); }
  }
  let k = round(1.442695 * x);
  let r = (x - 0.693359375 * k) + 2.1219444e-4 * k;
  let y = 1.0 + (r + r * r * e_exp_rest(r));
  return bitcast<f32>(bitcast<u32>(y) + (bitcast<u32>(i32(k)) << 23u));
}`,
  },

  e_expm1: {
    needs: ['e_exp', 'e_exp_rest'],
    code: `fn e_expm1(x: f32) -> f32 {
  if (abs(x) <= 0.5) { return x + x * x * e_exp_rest(x); }
  return e_exp(x) - 1.0;
}`,
  },

  /** f^3 P(f) = log(1 + f) - f + f^2 / 2 for f in [sqrt(1/2) - 1, sqrt(2) - 1]. */
  e_log_cubic: {
    needs: [],
    code: `fn e_log_cubic(f: f32) -> f32 {
  var s = 0.06915544 * f - 0.11789867;
  s = s * f + 0.118729256;
  s = s * f - 0.12384335;
  s = s * f + 0.14218664;
  s = s * f - 0.16669253;
  s = s * f + 0.20002227;
  s = s * f - 0.24999987;
  s = s * f + 0.3333331;
  return s * f * (f * f);
}`,
  },

  /** -infinity at 0, NaN below. */
  e_log: {
    needs: ['e_bits', 'e_log_cubic'],
    code: `fn e_log(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  if (b - 0x00800000u >= 0x7f000000u) {
    if ((b & 0x7fffffffu) < 0x00800000u) { return e_bits(0xff800000u); }
    return e_bits(select(0x7fc00000u, b, b == 0x7f800000u));
  }
  let e = bitcast<i32>(b - 0x3f3504f3u) >> 23u;
  let k = f32(e);
  let f = bitcast<f32>(b - (bitcast<u32>(e) << 23u)) - 1.0;
  return (f + ((e_log_cubic(f) - 0.5 * f * f) - 2.1219444e-4 * k)) + 0.693359375 * k;
}`,
  },

  /** 1 + x is rounded only where the logarithm is away from 0, so no compensation is needed. */
  e_log1p: {
    needs: ['e_log', 'e_log_cubic'],
    code: `fn e_log1p(x: f32) -> f32 {
  if (x > -0.29 && x < 0.41) { return x + (e_log_cubic(x) - 0.5 * x * x); }
  return e_log(1.0 + x);
}`,
  },

  /** Exact at powers of two. */
  e_log2: {
    needs: ['e_log'],
    code: `fn e_log2(x: f32) -> f32 {
  let b = bitcast<u32>(x);
  if (b - 0x00800000u >= 0x7f000000u) { return e_log(x); }
  let e = bitcast<i32>(b - 0x3f3504f3u) >> 23u;
  return 1.442695 * e_log(bitcast<f32>(b - (bitcast<u32>(e) << 23u))) + f32(e);
}`,
  },

  e_log10: {
    needs: ['e_log'],
    code: 'fn e_log10(x: f32) -> f32 { return 0.4342945 * e_log(x); }',
  },
} as const;
