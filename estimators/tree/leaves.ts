import { log } from '../../engine/wasm/twins/elementary.ts';
import { childrenWeight, type TreeArena } from './arena.ts';
import type { TreePlan } from './plan.ts';
import { largestChild } from './sibling-heap.ts';
import type { TreeState } from './state.ts';

/**
 * The tree as a weighted sample: the log weight of each leaf, by slot. Their exp adds up to the estimate of Z.
 *
 * Values of parents are log means of their children, so the chance of a leaf under draws by value telescopes to
 *   exp(lambda r) * product over its ancestors of exp(g) w / (sum of w of the siblings) / exp(u_root);
 * what is returned is that times exp(u_root). Leaves of 'ipw' bring their weights along.
 */
export function leafWeights(
  { arena, iterations }: Pick<TreeState, 'arena' | 'iterations'>,
  planned: boolean,
): Float64Array {
  const leaves = arena.filled[0]!;
  const logWeight = new Float64Array(leaves);
  if (planned) {
    const all = log(iterations);
    for (let i = 0; i < leaves; i++) logWeight[i] = arena.value[arena.leaf[i]!]! + arena.mass[i]! - all;
    return logWeight;
  }
  const share = logShares(arena);
  for (let i = 0; i < leaves; i++) logWeight[i] = arena.value[arena.leaf[i]!]! + share[arena.leaf[i]!]!;
  return logWeight;
}

/** Of each node, the sum of log w + g - log(sum of w of the siblings) from the root down to it. */
function logShares(arena: TreeArena): Float64Array {
  const { nodes, parent, spread, edge, heapRoot } = arena;
  const share = new Float64Array(nodes);
  /** Of the nodes that have children, the log of what the w of these add up to. */
  const logAll = new Float64Array(nodes);
  if (heapRoot[0]! >= 0) logAll[0] = log(childrenWeight(arena, 0));
  for (let id = 1; id < nodes; id++) {
    const above = parent[id]!;
    const rho = spread[id]!;
    share[id] = share[above]! + edge[id]! - (rho === 0 ? 0 : log(1 + rho)) - logAll[above]!;
    if (heapRoot[id]! >= 0) logAll[id] = log(childrenWeight(arena, id));
  }
  return share;
}

/** The leaf to which the child of the largest value leads, from the root on; its slot. */
export function greedyLeaf({ highest }: Pick<TreePlan, 'highest'>, arena: TreeArena): number {
  let at = 0;
  while (arena.level[at]! > 0)
    at = largestChild(arena, at, (child) => (highest ? 0 : arena.edge[child]!) + arena.value[child]!);
  return arena.slot[at]!;
}

/** Share of the children of the root that were never visited again. */
export function staleShare({ arena, frozen }: Pick<TreeState, 'arena' | 'frozen'>): number {
  const { nodes, parent, visits, level, children, slot } = arena;
  let stale = 0;
  // Born with one visit, and one more by the first run through it, where it goes on.
  for (let id = 1; id < nodes; id++)
    if (parent[id] === 0 && visits[id]! <= (level[id] === 0 && !frozen.has(slot[id]!) ? 1 : 2)) stale++;
  return stale / children[0]!;
}

/**
 * Largest share of the weight that came by one child of the root.
 * @param weight by slot of the leaves.
 */
export function heaviestChild({ nodes, parent, level, slot }: TreeArena, weight: Float64Array): number {
  const first = new Int32Array(nodes);
  const shares = new Float64Array(nodes);
  let most = 0;
  for (let id = 1; id < nodes; id++) {
    const child = parent[id] === 0 ? id : first[parent[id]!]!;
    first[id] = child;
    if (level[id] !== 0) continue;
    shares[child] = shares[child]! + weight[slot[id]!]!;
    if (shares[child]! > most) most = shares[child]!;
  }
  return most;
}
