import { elementary } from './elementary.ts';
import { NORMAL } from './normal.ts';

/**
 * How a quantile is made, first number of a row of the table of laws: a source, and what is done to it.
 *
 * A source gives t from the probabilities p and q = 1 - p: `share` p in the lower half, -q in the upper one; `normal`
 * the standard normal quantile; `exponential` -log q; `extreme` -log p; `triangle` sqrt(c0 p) below the peak, -sqrt(c1 q)
 * above. Then `log` takes log t, `exp` takes e^(rate t). The value is offset + scale t.
 */
export const LAW_STEPS = {
  share: 0,
  normal: 1,
  exponential: 2,
  extreme: 3,
  triangle: 4,
  log: 8,
  exp: 16,
} as const;

/**
 * Numbers of a row of the table of laws: steps; offset and scale in the lower half, offset and scale in the upper one;
 * rate (for a triangle the probability of its peak); c0, c1; P(X < lower), P(X > upper) and the mass between, 0, 0 and 1 of
 * a law that is not truncated; least and greatest value.
 */
export const LAW_SIZE = 13;

/**
 * WGSL: `law_quantile(l, x)`, the value of law l (from `law_of(c)`, row c of the buffer `laws`) at u = (x + 1/2) / 2^32.
 *
 * u and 1 - u are taken from x and its complement, each correct to a rounding, and every law works from the smaller of
 * the two: both tails keep their digits out to the last point, 1.2e-10 from the end.
 */
export const QUANTILE: string = `${elementary('e_exp', 'e_log', 'e_log_cubic')}${NORMAL}
struct Law {
  steps: u32, offset0: f32, scale0: f32, offset1: f32, scale1: f32, rate: f32, c0: f32, c1: f32,
  below: f32, above: f32, mass: f32, least: f32, greatest: f32,
}
fn law_of(column: u32) -> Law {
  let k = ${LAW_SIZE}u * column;
  return Law(u32(laws[k]), laws[k + 1u], laws[k + 2u], laws[k + 3u], laws[k + 4u], laws[k + 5u], laws[k + 6u],
    laws[k + 7u], laws[k + 8u], laws[k + 9u], laws[k + 10u], laws[k + 11u], laws[k + 12u]);
}
fn exponential_quantile(lower: f32, upper: f32) -> f32 {
  if (lower < 0.29) { return lower + (0.5 * lower * lower - e_log_cubic(-lower)); }
  return -e_log(upper);
}
fn law_quantile(l: Law, x: u32) -> f32 {
  let lower = l.below + l.mass * ((f32(x) + 0.5) * 2.3283064365386963e-10);
  let upper = l.above + l.mass * ((f32(~x) + 0.5) * 2.3283064365386963e-10);
  let source = l.steps & 7u;
  var down = lower < upper;
  var t = select(-upper, lower, down);
  if (source == ${LAW_STEPS.normal}u) {
    let tail = min(lower, upper);
    let z = normal_size(tail, 0.5 - tail);
    t = select(z, -z, down);
  } else if (source == ${LAW_STEPS.triangle}u) {
    down = lower < l.rate;
    let root = sqrt(select(upper * l.c1, lower * l.c0, down));
    t = select(-root, root, down);
  } else if (source != ${LAW_STEPS.share}u) {
    let reversed = source == ${LAW_STEPS.extreme}u;
    t = exponential_quantile(select(lower, upper, reversed), select(upper, lower, reversed));
  }
  if ((l.steps & ${LAW_STEPS.log}u) != 0u) { t = e_log(t); }
  if ((l.steps & ${LAW_STEPS.exp}u) != 0u) { t = e_exp(l.rate * t); }
  let y = select(l.offset1 + l.scale1 * t, l.offset0 + l.scale0 * t, down);
  return clamp(y, l.least, l.greatest);
}
`;
