import { PURPOSE } from '../../engine/random/purpose.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import type { TreeArena } from './arena.ts';
import type { MovingStream } from './moving-stream.ts';
import type { TreePlan } from './plan.ts';
import { drawAlike, drawBySpread, drawByValue, largestChild } from './sibling-heap.ts';
import type { TreeState } from './state.ts';
import type { TreeGrowth } from './types.ts';

/** Powers are not rounded alike everywhere, and at 32, 243, 1024, .. they are integers: 243^0.8 is 81 or a little more. */
const SLACK = 1e-9;

/**
 * Walk down from the root to a node that is to have one more child, or to a leaf. The path goes to `state.work`.
 * @returns that node.
 */
export function walkDown(plan: TreePlan, state: TreeState): number {
  const { arena, work, iterations } = state;
  const { path, selection } = work;
  let at = 0;
  path[0] = 0;
  work.length = 1;
  work.logScore = 0;
  while (arena.level[at]! > 0) {
    selection.to(PURPOSE.treeSelection, iterations, arena.level[at]!);
    const next = plan.mode === 'ipw' ? pickPlanned(plan, state, at) : pickVisited(plan, state, at);
    if (next < 0) break;
    if (plan.mode === 'ipw') work.logScore -= log(scoreOf(arena, at, next, plan.explore));
    path[work.length++] = next;
    at = next;
  }
  return at;
}

/** -1 while a node has fewer children than its visits ask for. */
function pickVisited(plan: TreePlan, state: TreeState, at: number): number {
  const { arena, work } = state;
  const { widening, mode, explore } = plan;
  const { selection } = work;
  const children = arena.children[at]!;
  if (mode === 'prior' || children === 0) return -1;
  if (children < widening.factor * arena.visits[at]! ** widening.exponent - SLACK) return -1;
  if (explore > 0 && selection.uniform() < explore) return drawAlike(arena, at, selection.uniform());
  if (mode === 'search') return pickBound(plan, state, at);
  return drawByValue(arena, at, selection.uniform(), false);
}

/** Upper confidence bounds, in units of the reward. */
function pickBound({ lambda, exploration }: TreePlan, state: TreeState, at: number): number {
  const { arena, work, rewards } = state;
  const { value, edge, visits } = arena;
  if (value[at] === -Infinity) return drawAlike(arena, at, work.selection.uniform());
  const spread = rewards.count < 2 ? 0 : Math.sqrt(rewards.squares / (rewards.count - 1));
  const c = exploration ?? 0.1 * spread;
  const logVisits = log(visits[at]!);
  return largestChild(
    arena,
    at,
    (child) => (edge[child]! + value[child]!) / lambda + c * Math.sqrt(logVisits / visits[child]!),
  );
}

/** Children that a node has at iteration m, born or not: a function of m alone, which is why Z is unbiased. */
export function plannedChildren({ factor, exponent }: TreeGrowth, iteration: number): number {
  return Math.max(1, Math.ceil(factor * (iteration + 1) ** exponent - SLACK));
}

/** -1: one of the unborn children, of score 1 each. */
function pickPlanned(plan: TreePlan, { arena, work, iterations }: TreeState, at: number): number {
  const { births, explore } = plan;
  const planned = plannedChildren(at === 0 ? births.root : births.others, iterations);
  const born = arena.children[at]!;
  if (work.selection.uniform() * planned >= born) return -1;
  return drawByScore(arena, at, explore, work.selection);
}

/** A child with probability proportional to its score, by three draws and no pass over the children. */
export function drawByScore(arena: TreeArena, at: number, explore: number, stream: MovingStream): number {
  const known = arena.value[at]! > -Infinity;
  if (!known || stream.uniform() < explore) return drawAlike(arena, at, stream.uniform());
  const top = arena.heapRoot[at]!;
  const settled = stream.uniform() * arena.children[at]! < arena.weight[top]!;
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
