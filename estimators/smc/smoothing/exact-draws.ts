import type { Turn } from '../../../engine/turn.ts';
import type { AncestorDraws, AncestorRequests, BackwardTally, DrawingKit } from './ancestor-draws.ts';

/*
 * Forward filtering, backward simulation: ancestors by their whole law, O(N) for each particle that has a request.
 * Source: Godsill, Doucet & West (2004), algorithm 1. Departure: requests of one particle share its law.
 */
export function exactDraws(kit: DrawingKit, turn: Turn, signal: AbortSignal): AncestorDraws {
  return async (requests, tally) => {
    const { count } = requests;
    for (let j = 0; j < count; j++) kit.open[j] = j;
    await kit.drawUniforms(requests, 0, count);
    await drawOpen(kit, requests, count, tally, turn, signal);
    tally.draws += count;
    for (let j = 0; j < count; j++)
      if (requests.ancestor[j] !== requests.children.parentOf(requests.child[j]!)) tally.moved++;
  };
}

const NONE = 0xffffffff;

/** Exact draws for the first `count` open requests, by the uniforms of the kit. */
export async function drawOpen(
  kit: DrawingKit,
  requests: AncestorRequests,
  count: number,
  tally: BackwardTally,
  turn: Turn,
  signal: AbortSignal,
): Promise<void> {
  const { tile, n, children } = kit;
  const { step, parents } = requests;
  if (count === 0) return;
  const distinct = listByChild(kit, requests, count);
  tile.aim(step + 1, parents.x, parents.logWeight);
  for (let lo = 0; lo < distinct; lo += tile.width) {
    const hi = Math.min(distinct, lo + tile.width);
    await tile.fill(requests.children.x, children, lo, hi);
    const { weight } = tile.rows(hi - lo);
    for (let c = lo; c < hi; c++)
      answer(kit, requests, children[c]!, weight.subarray((c - lo) * n, (c - lo + 1) * n), tally);
    if (turn.due()) await turn.pause(signal);
  }
}

/** Linked lists of the open requests of each child; returns how many children have one. */
function listByChild(kit: DrawingKit, { child }: AncestorRequests, count: number): number {
  const { open, head, next, children } = kit;
  head.fill(NONE);
  let distinct = 0;
  for (let j = 0; j < count; j++) {
    const slot = child[open[j]!]!;
    if (head[slot] === NONE) children[distinct++] = slot;
    next[j] = head[slot]!;
    head[slot] = j;
  }
  return distinct;
}

/** The requests of one child, by the inverse of its distribution function. `weight` [N] is overwritten. */
function answer(
  kit: DrawingKit,
  requests: AncestorRequests,
  slot: number,
  weight: Float64Array,
  tally: BackwardTally,
): void {
  const { head, next, open, u } = kit;
  let total = 0;
  // One running sum in one place: no worker can change its bits.
  for (let i = 0; i < weight.length; i++) {
    total += weight[i]!;
    weight[i] = total;
  }
  for (let j = head[slot]!; j !== NONE; j = next[j]!) {
    if (total > 0) {
      requests.ancestor[open[j]!] = firstReaching(weight, u[j]! * total);
    } else {
      requests.ancestor[open[j]!] = requests.children.parentOf(slot);
      tally.unsupported++;
    }
  }
}

/** The smallest i with cumulative_i >= target > 0: never a particle without weight. */
function firstReaching(cumulative: Float64Array, target: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! >= target) high = middle;
    else low = middle + 1;
  }
  return low;
}
