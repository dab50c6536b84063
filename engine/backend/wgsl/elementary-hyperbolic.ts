/**
 * Hyperbolic functions in WGSL, see elementary.ts. Near 0 odd polynomials (minimax by Remez in x^2), elsewhere
 * exponentials; above 10, where e^-x no longer counts, e^x / 2 is taken as a square so that it overflows no sooner than
 * the function itself.
 */
export const HYPERBOLIC = {
  e_sinh: {
    needs: ['e_exp'],
    code: `fn e_sinh(x: f32) -> f32 {
  let a = abs(x);
  if (a <= 1.0) {
    let z = x * x;
    return x + x * z * (((2.8174395e-6 * z + 1.9836066e-4) * z + 0.0083333505) * z + 0.16666667);
  }
  if (a > 10.0) {
    let h = e_exp(0.5 * a);
    return select(0.5, -0.5, x < 0.0) * h * h;
  }
  let e = e_exp(a);
  let y = 0.5 * (e - 1.0 / e);
  return select(y, -y, x < 0.0);
}`,
  },

  e_cosh: {
    needs: ['e_exp'],
    code: `fn e_cosh(x: f32) -> f32 {
  let a = abs(x);
  if (a > 10.0) {
    let h = e_exp(0.5 * a);
    return 0.5 * h * h;
  }
  let e = e_exp(a);
  return 0.5 * (e + 1.0 / e);
}`,
  },

  e_tanh: {
    needs: ['e_exp'],
    code: `fn e_tanh(x: f32) -> f32 {
  let a = abs(x);
  if (a <= 0.6) {
    let z = x * x;
    return x + x * z * ((((-0.005905869 * z + 0.020805385) * z - 0.053786684) * z + 0.13331959) * z - 0.333333);
  }
  let y = 1.0 - 2.0 / (e_exp(2.0 * a) + 1.0);
  return select(select(y, 1.0, a > 9.1), -select(y, 1.0, a > 9.1), x < 0.0);
}`,
  },

  e_asinh: {
    needs: ['e_log', 'e_log1p'],
    code: `fn e_asinh(x: f32) -> f32 {
  let a = abs(x);
  var y = 0.0;
  if (a > 1e4) { y = e_log(a) + 0.6931472; }
  else { y = e_log1p(a + a * a / (1.0 + sqrt(1.0 + a * a))); }
  return select(y, -y, x < 0.0);
}`,
  },

  /** NaN below 1. */
  e_acosh: {
    needs: ['e_bits', 'e_log', 'e_log1p'],
    code: `fn e_acosh(x: f32) -> f32 {
  if (x < 1.0) { return e_bits(0x7fc00000u); }
  if (x > 1e4) { return e_log(x) + 0.6931472; }
  let t = x - 1.0;
  return e_log1p(t + sqrt(t * (t + 2.0)));
}`,
  },

  /** Infinite at the ends of [-1, 1], NaN outside. */
  e_atanh: {
    needs: ['e_bits', 'e_log1p'],
    code: `fn e_atanh(x: f32) -> f32 {
  let a = abs(x);
  if (a == 1.0) { return e_bits(select(0x7f800000u, 0xff800000u, x < 0.0)); }
  if (a > 1.0) { return e_bits(0x7fc00000u); }
  let y = 0.5 * e_log1p(2.0 * a / (1.0 - a));
  return select(y, -y, x < 0.0);
}`,
  },
} as const;
