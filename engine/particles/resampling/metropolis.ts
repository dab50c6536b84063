import { MOST_TRIES } from './rejection.ts';
import { RESAMPLING_CHANNEL, type ResamplingScheme } from './scheme.ts';

/** Bias left in a slot's law, as a share of its starting distance from W. */
const BIAS = 1e-3;

/**
 * Metropolis resampling: every slot runs B independence Metropolis moves on W with uniform proposals. Biased:
 * the distance from W shrinks as (1 - mean W / max W)^B, so B is chosen from the weights and reported,
 *
 *   B = ceil(log 10^-3 / log(1 - mean W / max W)), at least 1, at most 2^20
 *
 * Needs no sum over particles at all. A fixed small B can be wrong by any factor over a whole run. Slots start at
 * i mod n when n divides m, else uniformly. Move t of slot i: particle i, sub t = 1..B; sub 0 the start; sub B + 1 the
 * fall-back from a dead particle. Source: Murray, Lee & Jacob (2016).
 */
export const metropolis: ResamplingScheme = metropolisWith((mean, max) =>
  Math.min(MOST_TRIES, Math.max(1, Math.ceil(Math.log(BIAS) / Math.log1p(-mean / max)))),
);

/** Metropolis resampling with another rule for the moves B, given the mean and the largest weight. */
export function metropolisWith(moves: (mean: number, max: number) => number): ResamplingScheme {
  return {
    name: 'metropolis',
    unbiased: false,
    sorted: false,
    tight: false,
    sameSize: false,
    scratch: () => ({}),
    async ancestors({ weights, slots, ancestor, key, step, backend }) {
      const { q, cumulative, total, n, largest } = weights;
      const count = moves(total / n, largest);
      const limits = [slots % n === 0 ? 1 : 0, count] as const;
      const address = [key[0], key[1], step, RESAMPLING_CHANNEL] as const;
      await backend.dispatch(
        'metropolisAncestors',
        [q, cumulative, total, n, ...limits, ...address, ancestor],
        slots,
      );
      return count;
    },
  };
}
