import type { Rng } from '../../../engine/random/rng.ts';
import { allotted, choose, iidUniforms, place, type Space, wholeNumbers } from './draw.ts';
import type { Proposal } from './proposal.ts';

/** Points that were drawn, and the proposal with the shares that they have: those belong in all denominators. */
export interface Drawn {
  readonly x: Float64Array;
  readonly proposal: Proposal;
}

/**
 * n independent points of a proposal. With 'shares' every component gets the whole number of points nearest to its share,
 * and the shares become those numbers over n: the estimate stays unbiased and varies less. Where n is too small for
 * that, and with 'drawn', each point draws its component.
 * Source: Owen & Zhou (2000); Veach (1997).
 */
export function drawIndependent(
  proposal: Proposal,
  space: Space,
  allocation: 'shares' | 'drawn',
  at: { readonly rng: Rng; readonly step: number; readonly n: number },
): Drawn {
  const { pick, u } = iidUniforms(at.rng, at.step, 0, at.n, proposal.dimension);
  const counts = allocation === 'shares' ? wholeNumbers(proposal.share, at.n) : undefined;
  place(proposal, counts === undefined ? choose(proposal.share, pick) : allotted(counts, pick), u, space);
  if (counts === undefined) return { x: u, proposal };
  return { x: u, proposal: { ...proposal, share: Float64Array.from(counts, (count) => count / at.n) } };
}
