import { exp } from '../../engine/wasm/twins/elementary.ts';
import { CHILDREN, FIRST, LEFT, RECORD, RIGHT, SCALE, SUM, type TreeArena, WORDS } from './arena.ts';
import { largestChild } from './sibling-heap.ts';

/*
 * The child of the largest upper confidence bound v + c sqrt(log N / n), without a look at each. No child in a part of the heap
 * has exp(g + u - scale) above the sum of that part, and no bonus is above that of the fewest visits; where both together stay
 * below the best so far, the part is left out. Where rewards differ by many 1 / lambda, the children whose bounds are near the
 * best are looked at; elsewhere nearly all, but each at the cost of one step and not of a way down the heap.
 */

/** Children up to which all are looked at. */
const FEW = 32;
/** Sums are rounded. */
const SAFE = 1 - 1e-9;

export interface Bounds {
  /** v + c sqrt(log N / n) of a child, v = (g + u) / lambda. */
  score(child: number): number;
  readonly lambda: number;
  /** No bonus is above it. */
  readonly bonus: number;
}

/** The child of the largest `score`, the oldest of equals, where sums are of all children and none is weighted. */
export function largestBound(arena: TreeArena, parent: number, bounds: Bounds): number {
  const { real, whole } = arena;
  if (whole[WORDS * parent + CHILDREN]! <= FEW) return largestChild(arena, parent, bounds.score);
  const { lambda, bonus, score } = bounds;
  const scale = real[RECORD * parent + SCALE]!;
  let best = whole[WORDS * parent + FIRST]!;
  let most = score(best);
  let least = SAFE * exp(lambda * (most - bonus) - scale);
  const look = (at: number): void => {
    if (at === 0 || real[RECORD * at + SUM]! < least) return;
    const here = score(at);
    // A child that was born earlier has a smaller number.
    if (here > most || (here === most && at < best)) {
      best = at;
      most = here;
      least = SAFE * exp(lambda * (most - bonus) - scale);
    }
    const [left, right] = [whole[WORDS * at + LEFT]!, whole[WORDS * at + RIGHT]!];
    const leftFirst = real[RECORD * left + SUM]! >= real[RECORD * right + SUM]!;
    look(leftFirst ? left : right);
    look(leftFirst ? right : left);
  };
  look(best);
  return best;
}
