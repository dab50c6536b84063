import { drawUniforms, type ResamplingScheme } from './scheme.ts';

/**
 * Stratified resampling: one pointer drawn uniformly in each of m equal strata.
 *
 *   r = m C_i, k = min(m - 1, floor r), O_0 + .. + O_i = floor(r + u_k)
 *
 * E[O_i] = m W_i, never noisier than multinomial, consistent in any order of the particles; |O_i - m W_i| < 2.
 * u_k: particle k. Cost O(n + m).
 */
export const stratified: ResamplingScheme = {
  name: 'stratified',
  unbiased: true,
  sorted: true,
  tight: false,
  sameSize: false,
  scratch: (_, m) => ({ uniforms: m }),
  async ancestors(drawing) {
    const { weights, slots, ancestor, backend } = drawing;
    const u = await drawUniforms(drawing, slots);
    const { cumulative, total, n } = weights;
    await backend.dispatch('stratifiedAncestors', [cumulative, total, slots, u, ancestor], n);
    return 0;
  },
};
