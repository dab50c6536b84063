import type { IntegerWeights } from '../integer-weights.ts';
import { type Drawing, drawUniforms, type ResamplingScheme } from './scheme.ts';

/**
 * Multinomial resampling: m independent draws from W, here in sorted order at cost O(n + m).
 *
 *   e_j = -log u_j, j = 0..m;  S_j = e_0 + .. + e_j;  v_j = S_j / S_m are m sorted uniforms
 *   ancestor of slot j = smallest i with C_i >= v_j
 *
 * The noisiest unbiased scheme, and the only one for which the single-run variance theory is exact. Where draws
 * must be exchangeable (conditional SMC, backward proposals) sorted ones are wrong: use `independentAncestors`.
 * u_j: particle j. The sums S run left to right in one place, so that workers cannot change a bit.
 */
export const multinomial: ResamplingScheme = {
  name: 'multinomial',
  unbiased: true,
  sorted: true,
  tight: false,
  sameSize: false,
  scratch: (_, m) => ({ uniforms: m + 1 }),
  async ancestors(drawing) {
    await sortedDraws(drawing, drawing.weights, drawing.slots, drawing.ancestor);
    return 0;
  },
};

/** `count` sorted draws from `weights` into `out` [count], by uniforms of particles 0..count. */
export async function sortedDraws(
  drawing: Drawing,
  weights: IntegerWeights,
  count: number,
  out: Uint32Array,
): Promise<void> {
  const { backend } = drawing;
  const sums = await drawUniforms(drawing, count + 1);
  await backend.dispatch('exponentials', [sums, sums], count + 1);
  for (let j = 1; j <= count; j++) sums[j] = sums[j - 1]! + sums[j]!;
  const { cumulative, total, n } = weights;
  await backend.dispatch('mergeAncestors', [cumulative, total, n, sums, sums[count]!, out], count);
}

/** m independent, unsorted draws from W by search; u_j: particle j. Cost O(n + m log n). */
export async function independentAncestors(drawing: Drawing): Promise<void> {
  const { weights, slots, ancestor, backend } = drawing;
  const u = await drawUniforms(drawing, slots);
  const { cumulative, total, n } = weights;
  await backend.dispatch('searchAncestors', [cumulative, total, n, u, ancestor], slots);
}
