import type { Arena } from '../../../engine/backend/backend.ts';
import type { Turn } from '../../../engine/turn.ts';
import type { AdditiveUpdate } from './additive-update.ts';
import { checkTerms } from './path-record.ts';
import type { TransitionTile } from './transition-tile.ts';

/*
 * tau_t^j = sum over i of B_{t-1}(j, i) (tau_{t-1}^i + s_t(x_{t-1}^i, x_t^j)), by the whole backward law: O(N^2) a step.
 * Source: Del Moral, Doucet & Singh (2010), section 3.
 */
export function forwardOnly(
  where: string,
  arena: Arena,
  tile: TransitionTile,
  n: number,
  k: number,
  turn: Turn,
  signal: AbortSignal,
): AdditiveUpdate {
  const terms = arena.f64(tile.width * n * k);
  return async (at, tally) => {
    const { step, functional, parents, children, live, count, before, tau } = at;
    tile.aim(step, parents.x, parents.logWeight);
    for (let lo = 0; lo < count; lo += tile.width) {
      const hi = Math.min(count, lo + tile.width);
      await tile.fill(children.x, live, lo, hi);
      const { parent, child, weight } = tile.rows(hi - lo);
      const values = terms.subarray(0, weight.length * k);
      functional.term(step, parent, child, values);
      checkTerms(where, step, values, k, weight);
      for (let j = lo; j < hi; j++) {
        const own = (j - lo) * n;
        const slot = live[j]!;
        if (tile.shift[j - lo] === -Infinity) {
          // No parent can have led here: the filter's own stands.
          const i = children.parentOf(slot);
          for (let c = 0; c < k; c++) tau[slot * k + c] = before[i * k + c]! + values[(own + i) * k + c]!;
          tally.unsupported++;
          continue;
        }
        average(weight.subarray(own, own + n), before, values.subarray(own * k, (own + n) * k), k, tau, slot);
      }
      if (turn.due()) await turn.pause(signal);
    }
    tally.draws += count;
  };
}

/** sum_i w_i (before_i + value_i) / sum_i w_i into row `slot` of tau. Rows without weight may hold anything. */
function average(
  weight: Float64Array,
  before: Float64Array,
  value: Float64Array,
  k: number,
  tau: Float64Array,
  slot: number,
): void {
  let total = 0;
  for (let i = 0; i < weight.length; i++) total += weight[i]!;
  for (let c = 0; c < k; c++) {
    let sum = 0;
    for (let i = 0; i < weight.length; i++)
      if (weight[i] !== 0) sum += weight[i]! * (before[i * k + c]! + value[i * k + c]!);
    tau[slot * k + c] = sum / total;
  }
}
