/** Powers, roots and rounding in WGSL, see elementary.ts. */
export const POWERS = {
  /** The upper 12 bits of a float32: products of two such numbers are exact. */
  e_high: {
    needs: [],
    code: 'fn e_high(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }',
  },

  /**
   * e^(y log x) for x > 0, normal, and finite y. The logarithm is kept in two pieces of 12 and 24 bits, because an error
   * of y log x is a relative error of the power. High pieces are cut by bits, so no compiler can cancel them.
   */
  e_pow_positive: {
    needs: ['e_bits', 'e_exp_rest', 'e_high', 'e_log_cubic'],
    code: `fn e_pow_positive(x: f32, y: f32) -> f32 {
  let b = bitcast<u32>(x);
  let e = bitcast<i32>(b - 0x3f3504f3u) >> 23u;
  let k = f32(e);
  let f = bitcast<f32>(b - (bitcast<u32>(e) << 23u)) - 1.0;
  let fh = e_high(f);
  let square = 0.5 * fh * fh;
  let l = e_high(0.693359375 * k + (f - square));
  let low = (((0.693359375 * k - l) + f) - square) - (((f - fh) * (fh + 0.5 * (f - fh)) - e_log_cubic(f)) + 2.1219444e-4 * k);
  let about = y * (l + low);
  if (about > 89.0) { return e_bits(0x7f800000u); }
  if (about < -88.0) { return 0.0; }
  let yh = e_high(y);
  let t = yh * l;
  let n = round(1.442695 * about);
  let r = ((t - 0.693359375 * n) + 2.1219444e-4 * n) + ((y - yh) * l + y * low);
  let p = 1.0 + (r + r * r * e_exp_rest(r));
  let size = bitcast<i32>(bitcast<u32>(p) + (bitcast<u32>(i32(n)) << 23u));
  if (size >= 0x7f800000) { return e_bits(0x7f800000u); }
  return select(bitcast<f32>(size), 0.0, size < 0x00800000);
}`,
  },

  /** As Math.pow: NaN for a negative base with a broken exponent, 1 for exponent 0. */
  e_pow: {
    needs: ['e_bits', 'e_pow_positive'],
    code: `fn e_pow(x: f32, y: f32) -> f32 {
  let xb = bitcast<u32>(x) & 0x7fffffffu;
  let yb = bitcast<u32>(y) & 0x7fffffffu;
  if (yb < 0x00800000u) { return 1.0; }
  if (xb > 0x7f800000u || yb > 0x7f800000u || (xb == 0x3f800000u && yb == 0x7f800000u)) { return e_bits(0x7fc00000u); }
  let whole = yb >= 0x4b800000u || y == floor(y);
  let odd = yb < 0x4b800000u && whole && floor(0.5 * y) != 0.5 * y;
  let negative = bitcast<u32>(x) != xb;
  let down = bitcast<u32>(y) != yb;
  var p = 0.0;
  if (xb < 0x00800000u || xb == 0x7f800000u || yb == 0x7f800000u) {
    p = e_bits(select(0x7f800000u, 0u, (xb < 0x3f800000u) != down));
  } else {
    if (negative && !whole) { return e_bits(0x7fc00000u); }
    p = e_pow_positive(bitcast<f32>(xb), y);
  }
  return select(p, -p, negative && odd);
}`,
  },

  /** NaN below 0. */
  e_sqrt: {
    needs: ['e_bits'],
    code: `fn e_sqrt(x: f32) -> f32 {
  if (x < 0.0) { return e_bits(0x7fc00000u); }
  return sqrt(x);
}`,
  },

  /** Newton's iteration from a guess that divides the exponent by 3. */
  e_cbrt: {
    needs: [],
    code: `fn e_cbrt(x: f32) -> f32 {
  let b = bitcast<u32>(x) & 0x7fffffffu;
  if (b < 0x00800000u || b >= 0x7f800000u) { return x; }
  let a = bitcast<f32>(b);
  var t = bitcast<f32>(b / 3u + 0x2a5137a0u);
  for (var i = 0; i < 3; i++) { t -= (t - a / (t * t)) * 0.33333334; }
  return select(t, -t, x < 0.0);
}`,
  },

  /** Of two numbers; scaled, so that squares do not overflow. */
  e_hypot: {
    needs: [],
    code: `fn e_hypot(x: f32, y: f32) -> f32 {
  let a = max(abs(x), abs(y));
  if (a == 0.0) { return 0.0; }
  let q = min(abs(x), abs(y)) / a;
  return a * sqrt(1.0 + q * q);
}`,
  },

  /** Halves upwards, as Math.round; the built-in one rounds them to even numbers. */
  e_round: {
    needs: [],
    code: `fn e_round(x: f32) -> f32 {
  let f = floor(x);
  return select(f, f + 1.0, x - f >= 0.5);
}`,
  },
} as const;
