import { log } from '../../engine/wasm/twins/elementary.ts';
import {
  CHILDREN,
  EDGE,
  edgeOf,
  LEVEL,
  NUMBER,
  PARENT,
  RECORD,
  SLOT,
  SPREAD,
  type TreeArena,
  VALUE,
  VISITS,
  WORDS,
} from './arena.ts';
import type { TreePlan } from './plan.ts';
import { childAt, childrenWeight, largestChild } from './sibling-heap.ts';
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
  const { leaf, real, mass } = arena;
  const leaves = arena.filled[0]!;
  const logWeight = new Float64Array(leaves);
  if (!planned) return addShares(arena, logWeight);
  const all = log(iterations);
  for (let i = 0; i < leaves; i++) logWeight[i] = real[RECORD * leaf[i]! + VALUE]! + mass[i]! - all;
  return logWeight;
}

/** Of whole numbers, which sums of w are where all w are 1. */
const LOGS = /* @__PURE__ */ Float64Array.from({ length: 64 }, (_, n) => log(n));
/** Room for one number a node, written anew by each pass: fresh memory is dear. */
const rooms = /* @__PURE__ */ new WeakMap<TreeArena, Float64Array>();

function roomOf(arena: TreeArena): Float64Array {
  const most = arena.real.length / RECORD;
  const last = rooms.get(arena);
  if (last?.length === most) return last;
  const room = new Float64Array(most);
  rooms.set(arena, room);
  return room;
}

/** By slot, u and the sum of log w + g - log(sum of w of the siblings) from the root down to a leaf. */
function addShares(arena: TreeArena, logWeight: Float64Array): Float64Array {
  const { nodes, real, whole, edges, families } = arena;
  /** Of nodes with children, the share less the log of what the w of these add up to. */
  const share = roomOf(arena);
  if (families.kept === 'plain' && !edges) return addCounts(arena, share, logWeight);
  for (let id = 0; id < nodes; id++) {
    const word = WORDS * id;
    const rho = real[RECORD * id + SPREAD]!;
    let own = id === 0 ? 0 : share[whole[word + PARENT]!]!;
    if (id > 0 && edges) own += real[RECORD * id + EDGE]!;
    if (rho !== 0 && id > 0) own -= log(1 + rho);
    if (whole[word + LEVEL] === 0) logWeight[whole[word + SLOT]!] = real[RECORD * id + VALUE]! + own;
    else {
      const all = childrenWeight(arena, id);
      if (all === 1) share[id] = own;
      // A look-up by a number that is not whole would be slow.
      else share[id] = own - (all < 64 && Number.isInteger(all) ? LOGS[all]! : log(all));
    }
  }
  return logWeight;
}

/** The same where all w are 1 and all g are 0. */
function addCounts(
  { nodes, real, whole }: TreeArena,
  share: Float64Array,
  logWeight: Float64Array,
): Float64Array {
  for (let id = 0; id < nodes; id++) {
    const word = WORDS * id;
    const own = id === 0 ? 0 : share[whole[word + PARENT]!]!;
    if (whole[word + LEVEL] === 0) {
      logWeight[whole[word + SLOT]!] = real[RECORD * id + VALUE]! + own;
      continue;
    }
    const count = whole[word + CHILDREN]!;
    share[id] = count === 1 ? own : own - (count < 64 ? LOGS[count]! : log(count));
  }
  return logWeight;
}

/** The leaf to which the child of the largest value leads, from the root on; its slot. */
export function greedyLeaf({ highest }: Pick<TreePlan, 'highest'>, arena: TreeArena): number {
  const { real, whole } = arena;
  const score = (child: number): number =>
    (highest ? 0 : edgeOf(arena, child)) + real[RECORD * child + VALUE]!;
  let at = 0;
  while (whole[WORDS * at + LEVEL]! > 0) at = largestChild(arena, at, score);
  return whole[WORDS * at + SLOT]!;
}

/** Share of the children of the root that were never visited again. */
export function staleShare({ arena, frozen }: Pick<TreeState, 'arena' | 'frozen'>): number {
  const { whole } = arena;
  let stale = 0;
  for (const child of rootChildren(arena)) {
    const word = WORDS * child;
    // Born with one visit, and one more by the first run through it, where it goes on.
    const born = whole[word + LEVEL] === 0 && !frozen.has(whole[word + SLOT]!) ? 1 : 2;
    if (whole[word + VISITS]! <= born) stale++;
  }
  return stale / whole[CHILDREN]!;
}

/** The children of the root, in the order of their births. */
export function rootChildren(arena: TreeArena): Int32Array {
  const children = new Int32Array(arena.whole[CHILDREN]!);
  for (let k = 0; k < children.length; k++) children[k] = childAt(arena, 0, k + 1);
  return children;
}

/**
 * Largest share of the weight that came by one child of the root.
 * @param weight by slot of the leaves.
 */
export function heaviestChild(arena: TreeArena, weight: Float64Array): number {
  const { nodes, whole } = arena;
  /** By node with children: the number of the child of the root that it hangs from. */
  const first = roomOf(arena);
  const shares = new Float64Array(whole[CHILDREN]! + 1);
  let most = 0;
  for (let id = 1; id < nodes; id++) {
    const word = WORDS * id;
    const parent = whole[word + PARENT]!;
    const child = parent === 0 ? whole[word + NUMBER]! : first[parent]!;
    if (whole[word + LEVEL] !== 0) {
      first[id] = child;
      continue;
    }
    shares[child] = shares[child]! + weight[whole[word + SLOT]!]!;
    if (shares[child]! > most) most = shares[child]!;
  }
  return most;
}
