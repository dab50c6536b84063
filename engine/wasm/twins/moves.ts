import { mixtureScore } from './mixture.ts';
import { normal } from './normal.ts';

/**
 * Random-walk proposals next_c = x_c + scale_c z_c for rows lo..hi-1 of `x` [n, d], `scale` [d], with the normals z
 * that `normal` would write at the same address. `next` [n, d] is not `x`.
 */
export function randomWalk(
  x: Float64Array,
  next: Float64Array,
  scale: Float64Array,
  d: number,
  k0: number,
  k1: number,
  first: number,
  step: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  normal(next, d, k0, k1, first, step, channel, lo, hi);
  for (let i = lo; i < hi; i++) {
    for (let at = i * d; at < i * d + d; at++) next[at] = x[at]! + scale[at - i * d]! * next[at]!;
  }
}

/**
 * Langevin proposals next = (x + (h / 2) score(x)) + sqrt(h) z for the mixture of normal laws of `mixtureScore`, h =
 * `stepSize` >= 0, with the normals z that `normal` would write at the same address. Log density [n] and score [n, d]
 * of x stay in their arrays, for a Metropolis correction. `next`, `score` and `x` are three arrays.
 */
export function langevin(
  x: Float64Array,
  next: Float64Array,
  stepSize: number,
  d: number,
  means: Float64Array,
  whiten: Float64Array,
  logConstant: Float64Array,
  components: number,
  logDensity: Float64Array,
  score: Float64Array,
  k0: number,
  k1: number,
  first: number,
  step: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  mixtureScore(x, d, means, whiten, logConstant, components, logDensity, score, lo, hi);
  normal(next, d, k0, k1, first, step, channel, lo, hi);
  const half = 0.5 * stepSize;
  const root = Math.sqrt(stepSize);
  for (let at = lo * d; at < hi * d; at++) next[at] = x[at]! + half * score[at]! + root * next[at]!;
}
