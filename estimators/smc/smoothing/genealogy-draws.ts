import type { AncestorDraws } from './ancestor-draws.ts';

/** Ancestors as the filter had them: few are left in the distant past. */
export const genealogyDraws: AncestorDraws = async ({ count, child, children, ancestor }, tally) => {
  for (let j = 0; j < count; j++) ancestor[j] = children.parentOf(child[j]!);
  tally.draws += count;
};
