import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import type { Lookahead, StateFields } from '../state-space.ts';
import { rows } from './bootstrap.ts';
import type { ObservationSeries } from './observations.ts';

/**
 * The auxiliary filter: ancestors of a `filter` (bootstrap or guided) are chosen by a guess of how well they will explain
 * the next observation, eta_t(x_t) ~ p(y_{t+1} | x_t), which the weights then give back. With the optimal proposal and
 * the exact lookahead it is fully adapted: after a resampling all weights are equal. Where the next observation is
 * missing, or not yet known, there is nothing to look at.
 *
 * Source: Pitt & Shephard (1999); Chopin & Papaspiliopoulos (2020), section 10.3.3.
 */
export function auxiliary(
  filter: FeynmanKac<StateFields>,
  observations: ObservationSeries,
  lookahead: Lookahead,
): FeynmanKac<StateFields> {
  const d = filter.fields.x.components;
  return {
    ...filter,
    get steps() {
      return observations.length;
    },
    logLookahead(step, run, out, lo, hi) {
      const next = observations[step + 1] ?? null;
      if (next === null) out.fill(0, lo, hi);
      else lookahead(step, next, rows(run.field('x'), d, lo, hi), out.subarray(lo, hi));
    },
  };
}
