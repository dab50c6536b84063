import { show } from '../../engine/check.ts';
import { ValueError } from '../../engine/errors.ts';
import { exp } from '../../engine/wasm/twins/elementary.ts';
import { CHILDREN, copyRow, LEVEL, PENDING, RECORD, SLOT, SPREAD, type TreeArena, WORDS } from './arena.ts';
import { ASKS, MOVES, setOut, TOLD } from './lanes.ts';
import { type TreePlan, WHERE } from './plan.ts';
import { childAt, sumFamily } from './sibling-heap.ts';
import type { Listing, TreeState } from './state.ts';
import type { TreeChildren } from './types.ts';

/*
 * Chains on discrete states. Weights of children are p(c | x) where all of them are listed, and how often each was drawn where
 * equal ones are one child. Both are kept as the w = 1 / (1 + rho) of the other trees, so sums, draws and weights of leaves are
 * the same there and here. Until all listed children of a node have a value, the first one stands for them: others have w = 0.
 *
 * A list may take long to come. A walk that is at a node without one waits for a round, in which others take a step, and sets
 * out anew from the root; so what is asked for when does not depend on how long answers take.
 */

/** One more draw of a child. */
export function drawnAgain({ real }: TreeArena, child: number): void {
  const spread = RECORD * child + SPREAD;
  const times = Math.round(1 / (1 + real[spread]!));
  real[spread] = 1 / (times + 1) - 1;
}

/** `PENDING` of a node whose one possible child is there. */
const SINGLE = -1;

/** Ask for the children of all nodes that walks wait at; a promise where the chain answers by one. */
export function listWaiting(plan: TreePlan, state: TreeState): void | Promise<void> {
  const { lanes, listings } = state;
  const nodes: number[] = [];
  for (let k = 0; k < lanes.count; k++) {
    const lane = lanes.order[k]!;
    if (lanes.phase[lane] !== ASKS) continue;
    const at = lanes.path[lane * lanes.depth + lanes.length[lane]! - 1]!;
    // The last of its children may have come in meanwhile.
    if (listings.has(at) || isListed(state.arena, at) || nodes.includes(at)) continue;
    nodes.push(at);
  }
  return list(plan, state, nodes);
}

/** The same for nodes that had been told before the run was saved. */
export function listAgain(plan: TreePlan, state: TreeState): void | Promise<void> {
  return list(
    plan,
    state,
    [...state.listings].filter(([, listing]) => listing === undefined).map(([at]) => at),
  );
}

/** Walks that waited for a list, or for children to be born, set out anew. */
export function tellWaiting({ phase, order, count }: TreeState['lanes']): void {
  for (let k = 0; k < count; k++) if (phase[order[k]!] === ASKS) phase[order[k]!] = TOLD;
}

function list(plan: TreePlan, state: TreeState, nodes: readonly number[]): void | Promise<void> {
  if (nodes.length === 0) return;
  const { arena } = state;
  const { dimension: d, whole } = arena;
  const x = new Float64Array(nodes.length * d);
  const level = Int32Array.from(nodes, (at) => whole[WORDS * at + LEVEL]!);
  for (const [i, at] of nodes.entries())
    if (at > 0) copyRow(arena.slabs[level[i]!]!, whole[WORDS * at + SLOT]!, x, i, d);
  const take = (told: readonly TreeChildren[]): void => {
    checkCounted(told, nodes.length);
    for (const [i, at] of nodes.entries()) keepListing(state, at, listingOf(arena, at, told[i]!));
  };
  const told = plan.chain.children!(x, level);
  // A function without types may answer nothing at all.
  return typeof told === 'object' && told !== null && 'then' in told ? told.then(take) : take(told);
}

function keepListing({ arena, listings }: TreeState, at: number, listing: Listing): void {
  listings.set(at, listing);
  if (listing.rows.length > 1 || arena.whole[WORDS * at + CHILDREN] !== 1) return;
  arena.whole[WORDS * at + PENDING] = SINGLE;
  listings.delete(at);
}

function listingOf(arena: TreeArena, at: number, found: TreeChildren): Listing {
  const { dimension: d, whole } = arena;
  const level = whole[WORDS * at + LEVEL]!;
  checkListed(found, d, level);
  const weight = found.logProbability.map(exp);
  const rows = Array.from(weight.keys()).filter((row) => weight[row]! > 0);
  if (whole[WORDS * at + CHILDREN] === 0) return { x: found.x, weight, rows };
  const born = childAt(arena, at, 1);
  const slab = arena.slabs[whole[WORDS * born + LEVEL]!]!;
  const state = whole[WORDS * born + SLOT]! * d;
  const own = rows.findIndex((row) => {
    for (let c = 0; c < d; c++) if (found.x[row * d + c] !== slab[state + c]) return false;
    return true;
  });
  if (own < 0) throw unlisted(level, slab.slice(state, state + d));
  return { x: found.x, weight, rows: [rows[own]!, ...rows.slice(0, own), ...rows.slice(own + 1)] };
}

function checkCounted(told: readonly TreeChildren[], nodes: number): void {
  if (Array.isArray(told) && told.length === nodes && told.every(isList)) return;
  const given = Array.isArray(told) && told.length !== nodes ? `${told.length} lists` : show(told);
  throw new ValueError({
    where: WHERE,
    found: `\`chain.children\` gives ${given} for ${nodes} states`,
    expected: 'an array of { x, logProbability }, one for each state',
  });
}

function isList(list: Partial<TreeChildren> | undefined): boolean {
  return list?.x !== undefined && list.logProbability !== undefined;
}

function checkListed({ x, logProbability }: TreeChildren, d: number, level: number): void {
  const all = logProbability.reduce((sum, l) => sum + exp(l), 0);
  if (x.length === d * logProbability.length && Math.abs(all - 1) < 1e-6) return;
  throw new ValueError({
    where: WHERE,
    found: `\`chain.children\` gives ${x.length} numbers and ${logProbability.length} probabilities of sum ${all} at level ${level}`,
    expected: `states [k, ${d}] and k log probabilities that sum to 1`,
  });
}

function unlisted(level: number, point: Float64Array): ValueError {
  return new ValueError({
    where: WHERE,
    found: `\`chain.step\` went from level ${level} to [${point.slice(0, 8).join(', ')}], which \`chain.children\` does not list`,
    expected: 'the same states from both',
    point,
  });
}

/** Whether all listed children of a node are there and have their weights, so that a walk goes on below it. */
export function isListed(arena: TreeArena, at: number): boolean {
  const { real, whole } = arena;
  if (whole[WORDS * at + PENDING] === SINGLE) return true;
  return whole[WORDS * at + CHILDREN]! > 1 && real[RECORD * childAt(arena, at, 2) + SPREAD]! < Infinity;
}

/**
 * Start the next child that is missing, in a lane that has walked to `at`.
 * @returns false where that is not known, or on its way: the walk waits.
 */
export function startListed(plan: TreePlan, state: TreeState, lane: number, at: number): boolean {
  const { arena, lanes, listings } = state;
  const listing = listings.get(at);
  const nth = arena.whole[WORDS * at + CHILDREN]! + arena.whole[WORDS * at + PENDING]!;
  const row = listing?.rows[nth];
  if (listing === undefined || row === undefined) {
    lanes.phase[lane] = ASKS;
    return false;
  }
  const { dimension: d, depth } = lanes;
  setOut(plan, arena, lanes, lane, at);
  const above = arena.whole[WORDS * at + LEVEL]!;
  const level = plan.below[above]!;
  copyRow(listing.x, row, lanes.x, lane, d);
  copyRow(listing.x, row, lanes.rows, lane * depth, d);
  lanes.levels[lane * depth] = level;
  lanes.edges[lane * depth + 1] = 0;
  lanes.drawn[lane] = 1;
  lanes.level[lane] = level;
  lanes.goal[lane] = plan.below[level]!;
  lanes.phase[lane] = MOVES;
  // As if it had been a step; first states take none.
  if (above <= plan.chain.steps) state.evaluations++;
  return true;
}

/** A child is born below `at`: it counts once all are there. */
export function weighListed({ arena, listings }: TreeState, at: number, child: number): void {
  const { real, whole } = arena;
  const { rows, weight } = listings.get(at)!;
  const born = whole[WORDS * at + CHILDREN]!;
  real[RECORD * child + SPREAD] = born === 1 ? 0 : Infinity;
  if (born < rows.length) return;
  for (let k = 1; k <= rows.length; k++)
    real[RECORD * childAt(arena, at, k) + SPREAD] = 1 / weight[rows[k - 1]!]! - 1;
  sumFamily(arena, at);
  listings.delete(at);
  if (born === 1) whole[WORDS * at + PENDING] = SINGLE;
}
