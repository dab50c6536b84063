import { sum } from '../../wasm/twins/sums.ts';
import { quantise } from '../integer-weights.ts';
import { sortedDraws } from './multinomial.ts';
import { type ResamplingScheme, repeatByCount } from './scheme.ts';

/**
 * Residual resampling: what is certain first, the rest at random.
 *
 *   floor(m W_i) copies of i;  R = m - sum floor(m W_i) further draws, multinomial on (m W_i - floor(m W_i)) / R
 *
 * E[O_i] = m W_i; only the remainder is random. Copies and draws are merged, so ancestors are non-decreasing.
 * Uniforms of the remainder: particles 0..R. Cost O(n + m). Source: Liu & Chen (1998).
 */
export const residual: ResamplingScheme = {
  name: 'residual',
  unbiased: true,
  sorted: true,
  tight: false,
  sameSize: false,
  // Fewer than n of the m draws are left to chance.
  scratch: (n, m) => ({ uniforms: Math.min(n, m) + 1, counts: n, rest: n }),
  async ancestors(drawing) {
    const { weights, slots, ancestor, backend, scratch } = drawing;
    const { counts, rest, cumulative, partial } = scratch;
    const { n } = weights;
    await backend.dispatch('wholeCopies', [weights.q, weights.total, slots, counts, rest], n);
    let left = slots;
    for (let i = 0; i < n; i++) left -= counts[i]!;
    if (left > 0) {
      const remainder = await quantise(backend, { q: rest, cumulative, partial }, n, sum(rest, n), 1);
      const drawn = ancestor.subarray(0, left);
      await sortedDraws(drawing, remainder, left, drawn);
      for (let j = 0; j < left; j++) counts[drawn[j]!]!++;
    }
    await repeatByCount(drawing);
    return 0;
  },
};
