import { RESAMPLING_CHANNEL, type ResamplingScheme } from './scheme.ts';

/**
 * Killing: slot i keeps particle i with probability W_i / max W; a killed slot draws independently from W.
 *
 *   E[O_i] = W_i / max W + (n - 1 / max W) W_i = n W_i
 *
 * Only for m = n. Survivors stay where they are, so ancestors are unsorted and few rows move when weights are
 * even. Slot i: keep test, then redraw, from one stream at particle i. Source: Del Moral (2004).
 */
export const killing: ResamplingScheme = {
  name: 'killing',
  unbiased: true,
  sorted: false,
  tight: false,
  sameSize: true,
  scratch: () => ({}),
  async ancestors({ weights, ancestor, key, step, backend }) {
    const { q, cumulative, total, n, largest } = weights;
    const address = [key[0], key[1], step, RESAMPLING_CHANNEL] as const;
    await backend.dispatch('killingAncestors', [q, cumulative, total, n, largest, ...address, ancestor], n);
    return 0;
  },
};
