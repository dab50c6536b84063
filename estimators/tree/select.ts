import { PURPOSE } from '../../engine/random/purpose.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import {
  CHILDREN,
  edgeOf,
  LEVEL,
  PENDING,
  RECORD,
  SPREAD,
  type TreeArena,
  VALUE,
  VISITS,
  WORDS,
} from './arena.ts';
import { largestBound } from './bounds.ts';
import { isListed } from './discrete.ts';
import { SLACK, type TreePlan } from './plan.ts';
import {
  childrenWeight,
  drawAlike,
  drawBySpread,
  drawByValue,
  largestChild,
  worthOf,
} from './sibling-heap.ts';
import type { TreeState } from './state.ts';
import type { TreeGrowth } from './types.ts';

/**
 * Walk down from the root to a node that is to have one more child, or to a leaf. The walk is kept in `state.lanes`, and counts
 * as a visit at once. A walk that was on its way goes on at node `from`.
 * @returns that node.
 */
export function walkDown(plan: TreePlan, state: TreeState, lane: number, from = 0): number {
  const { arena, lanes, selection } = state;
  const { whole } = arena;
  const { path, depth } = lanes;
  const start = from === 0 ? 0 : lanes.length[lane]!;
  selection.to(PURPOSE.treeSelection, lanes.iteration[lane]!, start);
  let at = from;
  let node = lane * depth + start;
  for (;;) {
    path[node++] = at;
    const next = whole[WORDS * at + LEVEL] === 0 ? -1 : pickVisited(plan, state, at);
    whole[WORDS * at + VISITS] = whole[WORDS * at + VISITS]! + 1;
    if (next < 0) break;
    at = next;
  }
  lanes.length[lane] = node - lane * depth;
  return at;
}

/** -1 where a node has fewer children than its visits ask for, those on their way among them. */
function pickVisited(plan: TreePlan, state: TreeState, at: number): number {
  const { arena, selection } = state;
  const { whole } = arena;
  const { mode, explore, chain } = plan;
  const children = whole[WORDS * at + CHILDREN]!;
  if (mode === 'prior' || children === 0) return -1;
  if (chain.children === undefined) {
    const family = chain.merge === true ? Math.round(childrenWeight(arena, at)) : children;
    if (wantsMore(plan, family + whole[WORDS * at + PENDING]!, whole[WORDS * at + VISITS]!)) return -1;
  } else if (!isListed(arena, at)) return -1;
  const u = selection.uniform();
  if (u < explore) return drawAlike(arena, at, u / explore);
  if (mode === 'search') return pickBound(plan, state, at);
  return drawByValue(arena, at, (u - explore) / (1 - explore), chain.children !== undefined);
}

/** Whether a node is to have one more child. */
function wantsMore(
  { wantedTable, visitsFor, widening }: TreePlan,
  children: number,
  visits: number,
): boolean {
  if (visits < wantedTable.length) return children < wantedTable[visits]!;
  while (visitsFor.length <= children) visitsFor.push(fewestVisits(widening, visitsFor.length));
  return visits >= visitsFor[children]!;
}

/** The least number of visits that ask for more than `children`: powers are dear, so it is worked out once. */
export function fewestVisits({ factor, exponent }: TreeGrowth, children: number): number {
  const asks = (visits: number): boolean => children < factor * visits ** exponent - SLACK;
  const near = Math.floor(((children + SLACK) / factor) ** (1 / exponent));
  if (exponent === 0 || !(near < 2 ** 40)) return asks(1) ? 1 : Infinity;
  let visits = Math.max(1, near);
  while (visits > 1 && asks(visits - 1)) visits--;
  while (!asks(visits)) visits++;
  return visits;
}

/** Upper confidence bounds, in units of the reward. */
function pickBound(plan: TreePlan, state: TreeState, at: number): number {
  const { lambda, exploration, highest } = plan;
  const { arena, selection, rewards } = state;
  const { real, whole } = arena;
  if (real[RECORD * at + VALUE] === -Infinity) return drawAlike(arena, at, selection.uniform());
  const spread = rewards.count < 2 ? 0 : Math.sqrt(rewards.squares / (rewards.count - 1));
  const c = exploration ?? 0.1 * spread;
  const logVisits = log(whole[WORDS * at + VISITS]!);
  const score = (child: number): number =>
    ((highest ? 0 : edgeOf(arena, child)) + real[RECORD * child + VALUE]!) / lambda +
    c * Math.sqrt(logVisits / whole[WORDS * child + VISITS]!);
  // Sums have edges in them.
  if (highest && arena.edges) return largestChild(arena, at, score);
  // A child that goes on counts its first run as a visit; one that is at its end may have been visited once.
  const fewest = plan.chain.terminal === undefined && plan.below[whole[WORDS * at + LEVEL]!]! > 0 ? 2 : 1;
  return largestBound(arena, at, { score, lambda, bonus: c * Math.sqrt(logVisits / fewest) });
}

/** Children that a node has at iteration m, born or not: a function of m alone, which is why Z is unbiased. */
export function plannedChildren({ factor, exponent }: TreeGrowth, iteration: number): number {
  return Math.max(1, Math.ceil(factor * (iteration + 1) ** exponent - SLACK));
}

/**
 * A child with probability proportional to its score, with no pass over the children: any alike, by value, or by spread.
 * @param u uniform in (0, 1).
 */
export function drawByScore(arena: TreeArena, at: number, explore: number, u: number): number {
  if (arena.real[RECORD * at + VALUE] === -Infinity) return drawAlike(arena, at, u);
  if (u < explore) return drawAlike(arena, at, u / explore);
  const settled = childrenWeight(arena, at) / arena.whole[WORDS * at + CHILDREN]!;
  const rest = (u - explore) / (1 - explore);
  if (rest < settled) return drawByValue(arena, at, rest / settled, true);
  return drawBySpread(arena, at, (rest - settled) / (1 - settled));
}

/**
 * s = (1 - e) (w exp(g + u - u_parent) + 1 - w) + e, w = 1 / (1 + rho): what a child is thought to be worth in units of its
 * parent. The scores of the children of a node add up to their number.
 */
export function scoreOf(arena: TreeArena, at: number, child: number, explore: number): number {
  const { real } = arena;
  if (real[RECORD * at + VALUE] === -Infinity) return 1;
  const rho = real[RECORD * child + SPREAD]!;
  return ((1 - explore) * (worthOf(arena, at, child) + rho)) / (1 + rho) + explore;
}
