import { PURPOSE } from '../../random/purpose.ts';
import { rngFromKey } from '../../random/rng.ts';
import type { ResamplingScheme } from './scheme.ts';

/**
 * Systematic resampling: m evenly spaced pointers moved by one shared uniform u.
 *
 *   O_0 + .. + O_i = min(m, floor(m C_i + u))
 *
 * E[O_i] = m W_i and |O_i - m W_i| < 1. The least noisy scheme in practice, with no general guarantee: the
 * result depends on the order of the particles, and adversarial orders exist (Douc, Cappe & Moulines 2005).
 * u: particle 0. Cost O(n + m).
 */
export const systematic: ResamplingScheme = {
  name: 'systematic',
  unbiased: true,
  sorted: true,
  tight: true,
  sameSize: false,
  scratch: () => ({}),
  async ancestors({ weights, slots, ancestor, key, step, backend }) {
    const u = rngFromKey(key[0], key[1]).stream({ purpose: PURPOSE.resampling, step }).uniform();
    const { cumulative, total, n } = weights;
    await backend.dispatch('systematicAncestors', [cumulative, total, slots, u, ancestor], n);
    return 0;
  },
};
