import { exp } from '../../engine/wasm/twins/elementary.ts';
import { CHILDREN, FAMILY, RECORD, SCALE, type TreeArena, WORDS } from './arena.ts';
import { PLAIN, SUM } from './families.ts';
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
  const { real, whole, families } = arena;
  const { sums, child } = families;
  const count = whole[WORDS * parent + CHILDREN]!;
  if (count <= FEW) return largestChild(arena, parent, bounds.score);
  const { lambda, bonus, score } = bounds;
  const scale = real[RECORD * parent + SCALE]!;
  const base = whole[WORDS * parent + FAMILY]!;
  const sumAt = (k: number): number => (k > count ? 0 : sums[PLAIN * (base + k) + SUM]!);
  let best = 1;
  let most = score(child[base + 1]!);
  let least = SAFE * exp(lambda * (most - bonus) - scale);
  const look = (k: number): void => {
    if (k > count || sumAt(k) < least) return;
    const here = score(child[base + k]!);
    if (here > most || (here === most && k < best)) {
      best = k;
      most = here;
      least = SAFE * exp(lambda * (most - bonus) - scale);
    }
    const first = sumAt(2 * k) >= sumAt(2 * k + 1) ? 0 : 1;
    look(2 * k + first);
    look(2 * k + 1 - first);
  };
  look(1);
  return child[base + best]!;
}
