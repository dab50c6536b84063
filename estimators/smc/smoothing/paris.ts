import type { Arena } from '../../../engine/backend/backend.ts';
import type { AdditiveUpdate } from './additive-update.ts';
import type { AncestorDraws } from './ancestor-draws.ts';
import { checkTerms } from './path-record.ts';
import { takeRows } from './run-frame.ts';

/*
 * PaRIS: the average of the forward-only smoother over `draws` >= 2 ancestors from the backward law instead of all,
 *
 *   tau_t^j = mean over m of tau_{t-1}^{J_m} + s_t(x_{t-1}^{J_m}, x_t^j),   J_m ~ B_{t-1}(j, .) independent
 *
 * With one draw the conditional expectations degenerate like the genealogy; with two the variance stays bounded a step.
 * Draw m of a particle is block m of its random numbers. Source: Olsson & Westerborn (2017), algorithm 2.
 */
export function paris(
  where: string,
  arena: Arena,
  draw: AncestorDraws,
  draws: number,
  n: number,
  d: number,
  k: number,
): AdditiveUpdate {
  const ancestor = arena.u32(n);
  const parentRows = arena.f64(n * d);
  const childRows = arena.f64(n * d);
  const terms = arena.f64(n * k);
  const ones = new Float64Array(n).fill(1);
  return async (at, tally) => {
    const { step, rng, functional, parents, children, live, count, before, tau } = at;
    takeRows(children.x, d, live, count, childRows);
    const [from, to] = [parentRows.subarray(0, count * d), childRows.subarray(0, count * d)];
    const values = terms.subarray(0, count * k);
    for (let block = 0; block < draws; block++) {
      const shared = { step: step - 1, rng, parents, children, count };
      await draw({ ...shared, child: live, particle: live, block, ancestor }, tally);
      takeRows(parents.x, d, ancestor, count, parentRows);
      functional.term(step, from, to, values);
      checkTerms(where, step, values, k, ones);
      for (let j = 0; j < count; j++) {
        const [own, old] = [live[j]! * k, ancestor[j]! * k];
        for (let c = 0; c < k; c++) {
          const sum = block === 0 ? 0 : tau[own + c]!;
          tau[own + c] = sum + (before[old + c]! + values[j * k + c]!) / draws;
        }
      }
    }
  };
}
