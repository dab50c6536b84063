import { elementary } from './elementary.ts';
import { NORMAL } from './normal.ts';

/** Laws whose quantile the card has, by the number that stands first in a row of the table of laws. */
export const LAW_KIND = {
  /** low, width, high */
  uniform: 0,
  /** mean, sd */
  normal: 1,
  /** e^mu, sigma */
  logNormal: 2,
  /** mean */
  exponential: 3,
  /** location, scale */
  gumbel: 4,
  /** low, high, width (mode - low), width (high - mode), (mode - low) / width */
  triangular: 5,
  /** low, high, log(high / low) */
  logUniform: 6,
  /** location, scale, 1 / shape */
  weibull: 7,
  /** scale, 1 / shape */
  pareto: 8,
} as const;

/**
 * Numbers of a row of the table of laws: kind; five coefficients, as listed at the kinds; P(X < lower), P(X > upper) and
 * the mass between, 0, 0 and 1 of a law that is not truncated; least and greatest value; one that is not used.
 */
export const LAW_SIZE = 12;

/**
 * WGSL: `law_quantile(l, x)`, the value of law l (from `law_of(c)`, row c of the buffer `laws`) at u = (x + 1/2) / 2^32.
 *
 * u and 1 - u are taken from x and its complement, each correct to a rounding, and every law works from the smaller of
 * the two: both tails keep their digits out to the last point, 1.2e-10 from the end.
 */
export const QUANTILE = `${elementary('e_exp', 'e_log', 'e_log1p', 'e_pow_positive')}${NORMAL}
struct Law {
  kind: u32, a: f32, b: f32, c: f32, d: f32, e: f32,
  below: f32, above: f32, mass: f32, least: f32, greatest: f32,
}
fn law_of(column: u32) -> Law {
  let k = ${LAW_SIZE}u * column;
  return Law(u32(laws[k]), laws[k + 1u], laws[k + 2u], laws[k + 3u], laws[k + 4u], laws[k + 5u],
    laws[k + 6u], laws[k + 7u], laws[k + 8u], laws[k + 9u], laws[k + 10u]);
}
fn normal_quantile(lower: f32, upper: f32) -> f32 {
  let tail = min(lower, upper);
  let z = normal_size(tail, 0.5 - tail);
  return select(z, -z, lower < upper);
}
// -log of the probability beyond, a standard exponential variable.
fn exponential_quantile(lower: f32, upper: f32) -> f32 {
  if (lower < upper) { return -e_log1p(-lower); }
  return -e_log(upper);
}
fn law_quantile(l: Law, x: u32) -> f32 {
  let lower = l.below + l.mass * ((f32(x) + 0.5) * 2.3283064365386963e-10);
  let upper = l.above + l.mass * ((f32(~x) + 0.5) * 2.3283064365386963e-10);
  let down = lower < upper;
  var y = 0.0;
  switch (l.kind) {
    case ${LAW_KIND.uniform}u: { y = select(l.c - l.b * upper, l.a + l.b * lower, down); }
    case ${LAW_KIND.normal}u: { y = l.a + l.b * normal_quantile(lower, upper); }
    case ${LAW_KIND.logNormal}u: { y = l.a * e_exp(l.b * normal_quantile(lower, upper)); }
    case ${LAW_KIND.exponential}u: { y = l.a * exponential_quantile(lower, upper); }
    case ${LAW_KIND.gumbel}u: { y = l.a - l.b * e_log(exponential_quantile(upper, lower)); }
    case ${LAW_KIND.triangular}u: {
      if (lower < l.e) { y = l.a + sqrt(lower * l.c); } else { y = l.b - sqrt(upper * l.d); }
    }
    case ${LAW_KIND.logUniform}u: {
      if (down) { y = l.a * e_exp(l.c * lower); } else { y = l.b * e_exp(-l.c * upper); }
    }
    case ${LAW_KIND.weibull}u: { y = l.a + l.b * e_pow_positive(exponential_quantile(lower, upper), l.c); }
    case ${LAW_KIND.pareto}u: { y = l.a * e_exp(l.b * exponential_quantile(lower, upper)); }
    default: {}
  }
  return clamp(y, l.least, l.greatest);
}
`;
