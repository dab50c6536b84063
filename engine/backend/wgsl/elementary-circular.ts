/**
 * Circular functions in WGSL, see elementary.ts.
 *
 * x = k pi/2 + r by Cody & Waite (1980) with pi/2 in three pieces; products of k with the first two are exact up to
 * |x| = 1e5. Beyond that r loses digits, but sin and cos stay in [-1, 1]. Polynomials are minimax (Remez) in r^2.
 */
export const CIRCULAR = {
  /** (r, k): the rest in [-pi/4, pi/4] (a little more for large x, where k is rounded), and the quarter turn modulo 4. */
  e_quarter: {
    needs: ['e_bits'],
    code: `fn e_quarter(x: f32) -> vec2<f32> {
  let k = round(0.63661975 * x);
  let r = ((x - 1.5703125 * k) - 4.825592041015625e-4 * k) - 1.2675908e-6 * k;
  let finite = (bitcast<u32>(x) & 0x7fffffffu) < 0x7f800000u;
  return vec2<f32>(select(e_bits(0x7fc00000u), clamp(r, -0.8, 0.8), finite), k - 4.0 * floor(0.25 * k));
}`,
  },

  e_sin_part: {
    needs: [],
    code: `fn e_sin_part(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * ((-1.9515866e-4 * z + 0.008332168) * z - 0.16666655);
}`,
  },

  e_cos_part: {
    needs: [],
    code: `fn e_cos_part(r: f32) -> f32 {
  let z = r * r;
  return 1.0 + (z * z * ((2.4436844e-5 * z - 0.0013887354) * z + 0.041666646) - 0.5 * z);
}`,
  },

  e_sin: {
    needs: ['e_quarter', 'e_sin_part', 'e_cos_part'],
    code: `fn e_sin(x: f32) -> f32 {
  let q = e_quarter(x);
  let odd = q.y == 1.0 || q.y == 3.0;
  let y = select(e_sin_part(q.x), e_cos_part(q.x), odd);
  return select(y, -y, q.y >= 2.0);
}`,
  },

  e_cos: {
    needs: ['e_quarter', 'e_sin_part', 'e_cos_part'],
    code: `fn e_cos(x: f32) -> f32 {
  let q = e_quarter(x);
  let odd = q.y == 1.0 || q.y == 3.0;
  let y = select(e_cos_part(q.x), e_sin_part(q.x), odd);
  return select(y, -y, q.y == 1.0 || q.y == 2.0);
}`,
  },

  e_tan: {
    needs: ['e_quarter', 'e_sin_part', 'e_cos_part'],
    code: `fn e_tan(x: f32) -> f32 {
  let q = e_quarter(x);
  let s = e_sin_part(q.x);
  let c = e_cos_part(q.x);
  let odd = q.y == 1.0 || q.y == 3.0;
  return select(s, -c, odd) / select(c, s, odd);
}`,
  },

  /** asin x - x for |x| <= 0.5. */
  e_asin_rest: {
    needs: [],
    code: `fn e_asin_rest(x: f32) -> f32 {
  let z = x * x;
  return x * z * ((((0.04221857 * z + 0.0241476) * z + 0.0454771) * z + 0.074952416) * z + 0.16666754);
}`,
  },

  /** NaN outside [-1, 1]. */
  e_asin: {
    needs: ['e_asin_rest', 'e_sqrt'],
    code: `fn e_asin(x: f32) -> f32 {
  let a = abs(x);
  if (a <= 0.5) { return x + e_asin_rest(x); }
  let h = e_sqrt(0.5 - 0.5 * a);
  let y = 1.5707964 - 2.0 * (h + e_asin_rest(h));
  return select(y, -y, x < 0.0);
}`,
  },

  e_acos: {
    needs: ['e_asin_rest', 'e_sqrt'],
    code: `fn e_acos(x: f32) -> f32 {
  if (abs(x) <= 0.5) { return 1.5707964 - (x + e_asin_rest(x)); }
  let h = e_sqrt(0.5 - 0.5 * abs(x));
  let y = 2.0 * (h + e_asin_rest(h));
  return select(y, 3.1415927 - y, x < 0.0);
}`,
  },

  /** For x >= 0: about tan(pi/8) and tan(3 pi/8) the argument turns by an eighth and a quarter. */
  e_atan: {
    needs: [],
    code: `fn e_atan(x: f32) -> f32 {
  let a = abs(x);
  var turn = 0.0;
  var t = a;
  if (a > 2.4142136) { turn = 1.5707964; t = -1.0 / a; }
  else if (a > 0.41421357) { turn = 0.7853982; t = (a - 1.0) / (a + 1.0); }
  let z = t * t;
  let s = ((((-0.06083091 * z + 0.105958655) * z - 0.1424383) * z + 0.1999849) * z - 0.33333316) * z * t;
  let y = turn + (t + s);
  return select(y, -y, x < 0.0);
}`,
  },

  e_atan2: {
    needs: ['e_atan'],
    code: `fn e_atan2(y: f32, x: f32) -> f32 {
  if (x == 0.0) { return select(select(0.0, 1.5707964, y > 0.0), -1.5707964, y < 0.0); }
  let a = e_atan(y / x);
  if (x > 0.0) { return a; }
  return select(a + 3.1415927, a - 3.1415927, y < 0.0);
}`,
  },
} as const;
