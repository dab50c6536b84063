import { ValueError } from '../../../engine/errors.ts';
import type { Turn } from '../../../engine/turn.ts';
import type { AncestorDraws, AncestorRequests, DrawingKit } from './ancestor-draws.ts';
import { drawOpen } from './exact-draws.ts';

/*
 * Ancestors by rejection: propose i ~ W_t, accept with probability f_{t+1}(x^j | x^i) / sup f. The expected number of
 * trials can be infinite, so that after `maxTrials` a request is answered by its whole law, which changes no probability.
 * Sources: Douc, Garivier, Moulines & Olsson (2011), algorithm 1; Dau & Chopin (2023), section 3.2, for the guard.
 */
export function rejectionDraws(
  kit: DrawingKit,
  maxTrials: number,
  turn: Turn,
  signal: AbortSignal,
): AncestorDraws {
  const bound = kit.model.logTransitionBound!;
  return async (requests, tally) => {
    const { count } = requests;
    const { open } = kit;
    const logBound = bound(requests.step + 1);
    for (let j = 0; j < count; j++) open[j] = j;
    await kit.aim(requests.parents);
    let left = count;
    for (let attempt = 0; attempt < maxTrials && left > 0; attempt++) {
      tally.proposals += left;
      // No promise where there is nothing to wait for: late trials are many and small.
      const drawing = kit.drawUniforms(requests, attempt, left);
      if (drawing !== undefined) await drawing;
      const pending = kit.propose(left);
      if (pending !== undefined) await pending;
      left = judge(kit, requests, left, logBound);
      if (turn.due()) await turn.pause(signal);
    }
    await kit.drawUniforms(requests, maxTrials, left);
    await drawOpen(kit, requests, left, tally, turn, signal);
    tally.fallbacks += left;
    tally.accepted += count - left;
    tally.draws += count;
    for (let j = 0; j < count; j++)
      if (requests.ancestor[j] !== requests.children.parentOf(requests.child[j]!)) tally.moved++;
  };
}

/** Accept or refuse the proposals of the open requests; returns how many stay open. */
function judge(kit: DrawingKit, requests: AncestorRequests, left: number, logBound: number): number {
  const { open, proposed, logU, logF } = kit;
  kit.density(requests, proposed, left, logF);
  let still = 0;
  for (let j = 0; j < left; j++) {
    // Rounding of a density at its maximum.
    if (logF[j]! > logBound + 1e-9 * (1 + Math.abs(logBound)))
      throw aboveBound(kit.where, requests.step + 1, logF[j]!, logBound);
    if (logU[j]! < logF[j]! - logBound) requests.ancestor[open[j]!] = proposed[j]!;
    else open[still++] = open[j]!;
  }
  return still;
}

function aboveBound(where: string, step: number, value: number, bound: number): ValueError {
  return new ValueError({
    where,
    found: `logTransition is ${value} at step ${step}, above logTransitionBound, which is ${bound}`,
    expected: 'a bound that no value passes',
    fix: 'Draws by rejection would follow another law.',
  });
}
