import { drawUniforms, type ResamplingScheme, repeatByCount } from './scheme.ts';

/**
 * SSP resampling (Srinivasan sampling process): every m W_i is rounded to a neighbouring integer, at random, with
 * the sum kept. Pairs of fractions trade until one of the two is whole (`sspRound`).
 *
 * E[O_i] = m W_i and |O_i - m W_i| < 1, as systematic, but consistent in any order of the particles.
 * u_k: particle k, k < n - 1. Sequential, cost O(n). Source: Gerber, Chopin & Whiteley (2019).
 */
export const ssp: ResamplingScheme = {
  name: 'ssp',
  unbiased: true,
  sorted: true,
  tight: true,
  sameSize: false,
  scratch: (n) => ({ uniforms: n, counts: n, rest: n }),
  async ancestors(drawing) {
    const { weights, slots, backend, scratch } = drawing;
    const { n } = weights;
    const { counts, rest } = scratch;
    await backend.dispatch('wholeCopies', [weights.q, weights.total, slots, counts, rest], n);
    let missing = slots;
    for (let i = 0; i < n; i++) missing -= counts[i]!;
    const u = await drawUniforms(drawing, n - 1);
    await backend.dispatch('sspRound', [rest, u, n, missing, counts], 1);
    await repeatByCount(drawing);
    return 0;
  },
};
