import type { AncestorDraws, DrawingKit } from './ancestor-draws.ts';

/*
 * Ancestors by a few Metropolis steps, O(1) each: from the parent that the filter gave, which already follows the
 * backward law B_t(j, .) given the particles, `moves` independent proposals i' ~ W_t, accepted with probability
 * min(1, f_{t+1}(x^j | x^i') / f_{t+1}(x^j | x^i)). Right for any number of moves >= 1; without one it is the genealogy.
 * Proposals must be exchangeable: sorted ones would tie the paths to the order of the particles.
 * Source: Dau & Chopin (2023), section 2.4; Bunch & Godsill (2013).
 */
export function mcmcDraws(kit: DrawingKit, moves: number): AncestorDraws {
  return async (requests, tally) => {
    const { count, child, children, ancestor } = requests;
    const { open, proposed, logU, logF, spare } = kit;
    for (let j = 0; j < count; j++) {
      open[j] = j;
      ancestor[j] = children.parentOf(child[j]!);
    }
    await kit.aim(requests.parents);
    kit.density(requests, ancestor, count, logF);
    for (let j = 0; j < count; j++) if (logF[j] === -Infinity) tally.unsupported++;
    for (let move = 0; move < moves; move++) {
      await kit.drawUniforms(requests, move, count);
      await kit.propose(count);
      kit.density(requests, proposed, count, spare);
      for (let j = 0; j < count; j++) {
        // Where both are -Infinity the difference is NaN, and the ancestor stays.
        if (!(logU[j]! < spare[j]! - logF[j]!)) continue;
        ancestor[j] = proposed[j]!;
        logF[j] = spare[j]!;
        tally.accepted++;
      }
    }
    tally.proposals += moves * count;
    tally.draws += count;
    for (let j = 0; j < count; j++) if (ancestor[j] !== children.parentOf(child[j]!)) tally.moved++;
  };
}
