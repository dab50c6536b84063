import { normalizedWeight } from '../../engine/particles/log-weight.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import { CHILDREN, FAMILY, LEVEL, PARENT, RECORD, SLOT, type TreeArena, VALUE, WORDS } from './arena.ts';
import { closeBlock } from './families.ts';
import { tilt } from './grow.ts';
import { leafWeights } from './leaves.ts';
import type { TreePlan } from './plan.ts';
import type { TreeState } from './state.ts';

/*
 * Room for more nodes, by subtrees of little weight that become leaves. A node that is frozen keeps its value u, its spread and
 * its visits; of the leaves below it one is kept, drawn by weight, and has the weight of them all:
 *
 *   weights add up as before, to the value of the root;   over the draws, the mean of any f under the leaves is as before
 *   at lambda' and r', exp(u) becomes exp(u + lambda' r' - lambda r), whose mean over the draws is right as well
 *
 * What it costs: what is below a frozen node is not refined any more, an error of at most its share of the weight; and since
 * shares depend on what was found, no Z of a tree that goes on is unbiased. The leaf of the largest reward is kept.
 */

/** Nodes that go where there are as many of little weight, and the fewest that are worth it; of all. */
const WANTED = 1 / 2;
const LEAST = 1 / 16;

/**
 * Make room where there is none for one more iteration of all walks in flight.
 * @returns whether nodes have other numbers now.
 */
export function makeRoom(plan: TreePlan, tree: TreeState): boolean {
  const { prune, maxNodes = Infinity, depth, batch, iterations } = plan;
  const room = Math.floor((maxNodes - tree.arena.nodes) / (depth - 1));
  if (prune === undefined || room >= batch || tree.iterations >= iterations) return false;
  const below = sumsBelow(plan, tree);
  const least = Math.max(batch * (depth - 1), LEAST * tree.arena.nodes);
  const frozen = choose(tree, below, prune, least);
  if (frozen === undefined) return false;
  const before = tree.arena.nodes;
  compact(tree, frozen, keptLeaves(plan, tree, frozen, below.logWeight));
  tree.pruned += before - tree.arena.nodes;
  return true;
}

/** By slot of the leaves, log weights; by node, the share of the weight and the number of nodes below it, itself among them. */
interface Below {
  readonly logWeight: Float64Array;
  readonly share: Float64Array;
  readonly size: Float64Array;
}

function sumsBelow({ mode }: TreePlan, tree: TreeState): Below {
  const { nodes, whole, leaf } = tree.arena;
  const logWeight = leafWeights(tree, mode === 'ipw');
  const share = new Float64Array(nodes);
  const size = new Float64Array(nodes).fill(1);
  // Where no leaf has weight, none has a share.
  for (const [slot, weight] of normalizedWeight(logWeight).entries()) share[leaf[slot]!] = weight || 0;
  for (let id = nodes - 1; id > 0; id--) {
    const above = whole[WORDS * id + PARENT]!;
    share[above] = share[above]! + share[id]!;
    size[above] = size[above]! + size[id]!;
  }
  return { logWeight, share, size };
}

/**
 * By node: 1 where it is frozen, 2 where it goes. The fewest nodes of the least shares that make room enough; but all shares
 * of what has ever been frozen stay within `most`.
 */
function choose(
  tree: TreeState,
  { share, size }: Below,
  most: number,
  least: number,
): Uint8Array | undefined {
  const { nodes, whole, leaf } = tree.arena;
  const fixed = mustStay(tree);
  const fate = new Uint8Array(nodes);
  const old = new Uint8Array(nodes);
  for (const slot of tree.frozen.keys()) old[leaf[slot]!] = 1;
  /** How many nodes go, and the share of what is frozen, where all of at most some share are. */
  const mark = (limit: number): readonly [gone: number, held: number] => {
    let [gone, held] = [0, 0];
    for (let id = 1; id < nodes; id++) {
      const above = fate[whole[WORDS * id + PARENT]!]!;
      const small = whole[WORDS * id + LEVEL]! > 0 && fixed[id] === 0 && share[id]! <= limit;
      fate[id] = above > 0 ? 2 : small ? 1 : 0;
      if (fate[id] === 1) gone += size[id]! - 1;
      if (fate[id] === 1 || (fate[id] === 0 && old[id] === 1)) held += share[id]!;
    }
    return [gone, held];
  };
  const limits = share.filter((own, id) => whole[WORDS * id + LEVEL]! > 0 && own <= most).sort();
  // The more may be frozen, the more goes, and the more is held.
  let [enough, tooFew] = [limits.length - 1, -1];
  while (enough - tooFew > 1) {
    const middle = (enough + tooFew) >> 1;
    const [gone, held] = mark(limits[middle]!);
    if (gone >= WANTED * nodes || held > most) enough = middle;
    else tooFew = middle;
  }
  for (const at of [enough, tooFew]) {
    if (at < 0) continue;
    const [gone, held] = mark(limits[at]!);
    if (held <= most) return gone >= least ? fate : undefined;
  }
  return undefined;
}

/** 1 for the root, nodes on the way to the largest reward, and those that walks in flight have come by. */
function mustStay({ arena, lanes }: TreeState): Uint8Array {
  const { nodes, whole, leaf, reward, filled } = arena;
  const stays = new Uint8Array(nodes);
  let best = 0;
  for (let slot = 1; slot < filled[0]!; slot++) if (reward[slot]! > reward[best]!) best = slot;
  stays[0] = 1;
  for (let at = leaf[best]!; at > 0; at = whole[WORDS * at + PARENT]!) stays[at] = 1;
  for (let k = 0; k < lanes.count; k++) for (const node of pathOf(lanes, lanes.order[k]!)) stays[node] = 1;
  return stays;
}

function pathOf({ path, length, depth }: TreeState['lanes'], lane: number): Int32Array {
  return path.subarray(lane * depth, lane * depth + length[lane]!);
}

/** What stands for a frozen node: the slot of a leaf below it, and what this leaf now is in logs over exp(lambda r). */
interface Kept {
  readonly slot: number;
  readonly offset: number;
  readonly mass: number;
}

/** By frozen node: a leaf drawn in proportion to weight. */
function keptLeaves(
  { mode, lambda }: TreePlan,
  tree: TreeState,
  fate: Uint8Array,
  logWeight: Float64Array,
): ReadonlyMap<number, Kept> {
  const { leaf, filled, real, reward } = tree.arena;
  const own = ownersOf(tree.arena, fate);
  const slots = new Map<number, number[]>();
  for (let slot = 0; slot < filled[0]!; slot++) {
    const owner = own[leaf[slot]!]!;
    if (owner < 0) continue;
    const list = slots.get(owner);
    if (list === undefined) slots.set(owner, [slot]);
    else list.push(slot);
  }
  const kept = new Map<number, Kept>();
  for (const [owner, list] of slots) {
    tree.selection.to(PURPOSE.resampling, tree.iterations, owner);
    const most = list.reduce((max, slot) => Math.max(max, logWeight[slot]!), -Infinity);
    const weights = list.map((slot) => (most === -Infinity ? 1 : exp(logWeight[slot]! - most)));
    const all = weights.reduce((sum, w) => sum + w, 0);
    const slot = list[firstAbove(weights, tree.selection.uniform() * all)]!;
    const u = real[RECORD * owner + VALUE]!;
    const mass = mode === 'ipw' && most > -Infinity ? most + log(all) + log(tree.iterations) - u : -Infinity;
    kept.set(owner, { slot, offset: u === -Infinity ? 0 : u - tilt(lambda, reward[slot]!), mass });
  }
  return kept;
}

/** By node: the frozen one at it or above it, or -1. */
function ownersOf({ nodes, whole }: TreeArena, fate: Uint8Array): Int32Array {
  const own = new Int32Array(nodes).fill(-1);
  for (let id = 1; id < nodes; id++) {
    if (fate[id] === 1) own[id] = id;
    else if (fate[id] === 2) own[id] = own[whole[WORDS * id + PARENT]!]!;
  }
  return own;
}

/** Least i at which the sum of the weights up to it is above `rest`. */
function firstAbove(weights: readonly number[], rest: number): number {
  let [at, sum] = [0, weights[0]!];
  while (sum <= rest && at < weights.length - 1) sum += weights[++at]!;
  return at;
}

/** Take out what goes. Nodes and states move up in their order, so siblings keep theirs; all of a family stay, or go. */
function compact(tree: TreeState, fate: Uint8Array, kept: ReadonlyMap<number, Kept>): void {
  const { arena, lanes } = tree;
  const { nodes } = arena;
  const ids = Int32Array.from({ length: nodes }, (_, id) => id).filter((id) => fate[id] !== 2);
  const moved = new Int32Array(nodes).fill(-1);
  for (const [to, id] of ids.entries()) moved[id] = to;
  moveStates(tree, ids, kept);
  for (let id = 0; id < nodes; id++) if (fate[id] !== 0) leaveChildren(arena, id);
  moveNodes(arena, ids, moved);
  moveFamilies(arena, moved);
  for (let k = 0; k < lanes.count; k++) {
    const path = pathOf(lanes, lanes.order[k]!);
    for (let i = 0; i < path.length; i++) path[i] = moved[path[i]!]!;
  }
}

function leaveChildren({ whole, families }: TreeArena, id: number): void {
  const count = whole[WORDS * id + CHILDREN]!;
  if (count > 1) closeBlock(families, whole[WORDS * id + FAMILY]!, count);
  whole[WORDS * id + FAMILY] = 0;
  whole[WORDS * id + CHILDREN] = 0;
}

/** States close up in the slabs, and frozen nodes have those of the leaves that stand for them. */
function moveStates(tree: TreeState, ids: Int32Array, kept: ReadonlyMap<number, Kept>): void {
  const { arena } = tree;
  const { whole, filled, slabs, dimension: d } = arena;
  const [ends, reward, mass] = [slabs[0]!.slice(), arena.reward.slice(), arena.mass.slice()];
  const frozen = new Map<number, number>();
  filled.fill(0);
  for (const [to, id] of ids.entries()) {
    if (id === 0) continue;
    const stands = kept.get(id);
    const word = WORDS * id;
    const from = stands?.slot ?? whole[word + SLOT]!;
    if (stands !== undefined) whole[word + LEVEL] = 0;
    const at = whole[word + LEVEL]!;
    const row = filled[at]!;
    filled[at] = row + 1;
    whole[word + SLOT] = row;
    const source = at === 0 ? ends : slabs[at]!;
    for (let c = 0; c < d; c++) slabs[at]![row * d + c] = source[from * d + c]!;
    if (at > 0) continue;
    arena.leaf[row] = to;
    arena.reward[row] = reward[from]!;
    arena.mass[row] = stands?.mass ?? mass[from]!;
    const offset = stands?.offset ?? tree.frozen.get(from);
    if (offset !== undefined) frozen.set(row, offset);
  }
  tree.frozen = frozen;
}

/** Records `ids` to the front, with the new numbers of the nodes in them, and zeros after them. */
function moveNodes(arena: TreeArena, ids: Int32Array, moved: Int32Array): void {
  const { nodes, real, whole } = arena;
  const count = ids.length;
  for (const [to, id] of ids.entries()) {
    real.copyWithin(RECORD * to, RECORD * id, RECORD * (id + 1));
    whole[WORDS * to + PARENT] = moved[whole[WORDS * to + PARENT]!]!;
  }
  real.fill(0, RECORD * count, RECORD * nodes);
  arena.nodes = count;
}

/** New numbers for children. */
function moveFamilies({ nodes, whole, families }: TreeArena, moved: Int32Array): void {
  const { child } = families;
  for (let id = 0; id < nodes; id++) {
    const count = whole[WORDS * id + CHILDREN]!;
    const family = whole[WORDS * id + FAMILY]!;
    if (count === 1) whole[WORDS * id + FAMILY] = moved[family]!;
    else for (let k = 1; k <= count; k++) child[family + k] = moved[child[family + k]!]!;
  }
}
