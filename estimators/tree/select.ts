import { PURPOSE } from '../../engine/random/purpose.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import { childrenWeight, type TreeArena } from './arena.ts';
import { lacksListed } from './discrete.ts';
import type { MovingStream } from './moving-stream.ts';
import { SLACK, type TreePlan } from './plan.ts';
import { drawAlike, drawBySpread, drawByValue, largestChild } from './sibling-heap.ts';
import type { TreeState } from './state.ts';
import type { TreeGrowth } from './types.ts';

/**
 * Walk down from the root to a node that is to have one more child, or to a leaf. The walk is kept in `state.lanes`, and counts
 * as a visit at once. A walk that was on its way goes on at node `from`.
 * @returns that node.
 */
export function walkDown(plan: TreePlan, state: TreeState, lane: number, from = 0): number {
  const { arena, lanes, selection } = state;
  const { level, visits } = arena;
  const { path, depth } = lanes;
  const iteration = lanes.iteration[lane]!;
  let at = from;
  let node = lane * depth + (from === 0 ? 0 : lanes.length[lane]!);
  for (;;) {
    path[node++] = at;
    const here = level[at]!;
    selection.to(PURPOSE.treeSelection, iteration, here);
    const next = here === 0 ? -1 : pickVisited(plan, state, at);
    visits[at] = visits[at]! + 1;
    if (next < 0) break;
    at = next;
  }
  lanes.length[lane] = node - lane * depth;
  return at;
}

/** -1 where a node has fewer children than its visits ask for, those on their way among them. */
function pickVisited(plan: TreePlan, state: TreeState, at: number): number {
  const { arena, selection } = state;
  const { mode, explore, chain } = plan;
  const children = arena.children[at]!;
  if (mode === 'prior' || children === 0) return -1;
  if (chain.children === undefined) {
    const family = chain.merge === true ? Math.round(childrenWeight(arena, at)) : children;
    if (family + arena.pending[at]! < wanted(plan, arena.visits[at]!)) return -1;
  } else if (lacksListed(plan, arena, at)) return -1;
  if (explore > 0 && selection.uniform() < explore) return drawAlike(arena, at, selection.uniform());
  if (mode === 'search') return pickBound(plan, state, at);
  return drawByValue(arena, at, selection.uniform(), chain.children !== undefined);
}

function wanted({ wantedTable, widening }: TreePlan, visits: number): number {
  if (visits < wantedTable.length) return wantedTable[visits]!;
  return widening.factor * visits ** widening.exponent - SLACK;
}

/** Upper confidence bounds, in units of the reward. */
function pickBound({ lambda, exploration, highest }: TreePlan, state: TreeState, at: number): number {
  const { arena, selection, rewards } = state;
  const { value, edge, visits } = arena;
  if (value[at] === -Infinity) return drawAlike(arena, at, selection.uniform());
  const spread = rewards.count < 2 ? 0 : Math.sqrt(rewards.squares / (rewards.count - 1));
  const c = exploration ?? 0.1 * spread;
  const logVisits = log(visits[at]!);
  return largestChild(
    arena,
    at,
    (child) =>
      ((highest ? 0 : edge[child]!) + value[child]!) / lambda + c * Math.sqrt(logVisits / visits[child]!),
  );
}

/** Children that a node has at iteration m, born or not: a function of m alone, which is why Z is unbiased. */
export function plannedChildren({ factor, exponent }: TreeGrowth, iteration: number): number {
  return Math.max(1, Math.ceil(factor * (iteration + 1) ** exponent - SLACK));
}

/** A child with probability proportional to its score, by three draws and no pass over the children. */
export function drawByScore(arena: TreeArena, at: number, explore: number, stream: MovingStream): number {
  const known = arena.value[at]! > -Infinity;
  if (!known || stream.uniform() < explore) return drawAlike(arena, at, stream.uniform());
  const settled = stream.uniform() * arena.children[at]! < childrenWeight(arena, at);
  const u = stream.uniform();
  return settled ? drawByValue(arena, at, u, true) : drawBySpread(arena, at, u);
}

/**
 * s = (1 - e) (w exp(g + u - u_parent) + 1 - w) + e, w = 1 / (1 + rho): what a child is thought to be worth in units of its
 * parent. The scores of the children of a node add up to their number.
 */
export function scoreOf(arena: TreeArena, at: number, child: number, explore: number): number {
  const parent = arena.value[at]!;
  if (parent === -Infinity) return 1;
  const rho = arena.spread[child]!;
  const worth = exp(arena.edge[child]! + arena.value[child]! - parent);
  return ((1 - explore) * (worth + rho)) / (1 + rho) + explore;
}
