import type { AdaptationSettings } from './settings.ts';

/**
 * What the sample is spent on.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | w_j | weight | [J] |
 * | D = d psi / d I | gradient | [S, J] |
 *
 *   weights    L = sum_j w_j Var(Z_j)          q_i = sum_j w_j r_ij^2
 *   gradients  L = sum_s Var((D Z)_s)          q_i = |D r_i|^2
 *
 * Source: multiple-expectations, sections 1 and 5.
 */
export type Weighting =
  | { readonly kind: 'weights'; readonly weight: Float64Array }
  | { readonly kind: 'gradients'; readonly gradient: Float64Array };

/**
 * @param size [J] estimates of E[|phi_j|]; a function that was 0 everywhere weighs nothing.
 * @param estimate [J] of I_j.
 */
export function weightingOf(
  settings: AdaptationSettings,
  size: Float64Array,
  estimate: Float64Array,
): Weighting {
  const { weights, targets } = settings;
  const count = size.length;
  if (targets > 0) {
    const gradient = new Float64Array(targets * count);
    settings.gradients(estimate, gradient);
    // A functional that is not smooth where the estimate stands, such as a ratio with 0, cannot say what matters yet.
    if (gradient.every(Number.isFinite) && gradient.some((value) => value !== 0))
      return { kind: 'gradients', gradient };
  }
  if (typeof weights !== 'string') return { kind: 'weights', weight: weights };
  const relative = weights === 'relative' || targets > 0;
  const weight = size.map((own) => (relative ? (own > 0 ? 1 / (own * own) : 0) : 1));
  return { kind: 'weights', weight };
}

/** L of rows Z [n, J], which may be weighted by weights [n] that average about 1. */
export function lossOf(
  z: Float64Array,
  count: number,
  weighting: Weighting,
  pointWeight?: Float64Array,
): number {
  if (weighting.kind === 'weights') {
    const variance = columnVariances(z, count, pointWeight);
    return variance.reduce((sum, own, j) => sum + weighting.weight[j]! * own, 0);
  }
  const targets = weighting.gradient.length / count;
  const along = new Float64Array((z.length / count) * targets);
  project(z, count, weighting.gradient, along);
  return columnVariances(along, targets, pointWeight).reduce((sum, own) => sum + own, 0);
}

/** q_i of rows r [n, J] into out [n]. */
export function roughness(r: Float64Array, count: number, weighting: Weighting, out: Float64Array): void {
  if (weighting.kind === 'weights') {
    const { weight } = weighting;
    for (let i = 0; i < out.length; i++) {
      let sum = 0;
      for (let j = 0; j < count; j++) sum += weight[j]! * r[i * count + j]! * r[i * count + j]!;
      out[i] = sum;
    }
    return;
  }
  const targets = weighting.gradient.length / count;
  const along = new Float64Array(out.length * targets);
  project(r, count, weighting.gradient, along);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let s = 0; s < targets; s++) sum += along[i * targets + s]! * along[i * targets + s]!;
    out[i] = sum;
  }
}

/** [J] variances of the columns of z [n, J], with 1 / (n - 1); rows may have weights [n]. */
export function columnVariances(z: Float64Array, count: number, pointWeight?: Float64Array): Float64Array {
  const n = z.length / count;
  const mean = new Float64Array(count);
  const out = new Float64Array(count);
  const weight = pointWeight ?? new Float64Array(n).fill(1);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const own = weight[i]!;
    total += own;
    for (let j = 0; j < count; j++) mean[j] = mean[j]! + own * z[i * count + j]!;
  }
  for (let j = 0; j < count; j++) mean[j] = mean[j]! / total;
  for (let i = 0; i < n; i++) {
    const own = weight[i]! / (n - 1);
    for (let j = 0; j < count; j++) {
      const off = z[i * count + j]! - mean[j]!;
      out[j] = out[j]! + own * off * off;
    }
  }
  return out;
}

/** Rows D z_i [n, S] of rows z_i [n, J]. */
function project(z: Float64Array, count: number, gradient: Float64Array, out: Float64Array): void {
  const n = z.length / count;
  const targets = gradient.length / count;
  for (let i = 0; i < n; i++)
    for (let s = 0; s < targets; s++) {
      let sum = 0;
      for (let j = 0; j < count; j++) sum += gradient[s * count + j]! * z[i * count + j]!;
      out[i * targets + s] = sum;
    }
}
