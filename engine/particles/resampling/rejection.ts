import { RESAMPLING_CHANNEL, type ResamplingScheme } from './scheme.ts';

/**
 * Rejection resampling: every slot proposes uniform indices until one is accepted with probability W / max W.
 *
 * Needs no sum but the maximum. The first proposal of slot i is i mod n when n divides m, which keeps
 * survivors in place; for other m that would favour the first particles, so it is uniform there. Expected tries
 * a slot: n max W. After min(n, 2^20) failures a slot draws from W directly, which changes no probability.
 * Try t of slot i: particle i, sub t. Source: Murray, Lee & Jacob (2016).
 */
export const rejection: ResamplingScheme = {
  name: 'rejection',
  unbiased: true,
  sorted: false,
  tight: false,
  sameSize: false,
  scratch: () => ({}),
  async ancestors({ weights, slots, ancestor, key, step, backend }) {
    const { q, cumulative, total, n, largest } = weights;
    const own = slots % n === 0 ? 1 : 0;
    const limits = [largest, own, Math.min(n, MOST_TRIES)] as const;
    const address = [key[0], key[1], step, RESAMPLING_CHANNEL] as const;
    await backend.dispatch(
      'rejectionAncestors',
      [q, cumulative, total, n, ...limits, ...address, ancestor],
      slots,
    );
    return 0;
  },
};

/** Most tries or moves of one slot: sub of a draw's address is below 2^24. */
export const MOST_TRIES: number = 2 ** 20;
