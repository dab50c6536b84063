import { ValueError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import type { Turn } from '../../engine/turn.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import { addNode } from './arena.ts';
import { type TreePlan, WHERE } from './plan.ts';
import { walkDown } from './select.ts';
import { linkChild, refresh } from './sibling-heap.ts';
import type { TreeState, Work } from './state.ts';

/**
 * Iterate until there are `until` iterations. An iteration walks down the tree, lets the chain run on to its end where it is to
 * have a new child, and only then changes the tree, so that a chain that throws leaves a whole one.
 * @throws ValueError when a reward or an edge is no number; what the chain throws; the signal's reason.
 */
export async function grow(
  plan: TreePlan,
  state: TreeState,
  until: number,
  turn: Turn,
  signal: AbortSignal,
): Promise<void> {
  const { arena } = state;
  while (state.iterations < until) {
    const at = walkDown(plan, state);
    const fresh = arena.level[at]! > 0;
    if (fresh) {
      const ran = runOn(plan, state, at);
      if (ran !== undefined) await ran;
      attach(plan, state, at);
    }
    backUp(plan, state, fresh);
    state.iterations++;
    if (turn.due()) await turn.pause(signal);
  }
}

/** Let the chain run from the state of node `at` to its end, and keep its states at the levels of nodes. */
async function runOn(plan: TreePlan, state: TreeState, at: number): Promise<void> {
  const { chain } = plan;
  const { work, iterations } = state;
  const { level, step, ended } = work;
  const from = state.arena.level[at]!;
  work.drawn = 0;
  work.taken = 0;
  work.edges.fill(0);
  if (from <= chain.steps) copyState(state, at, from);
  for (let to = from - 1; to >= 0; to--) {
    level[0] = to + 1;
    step.edge[0] = 0;
    work.child.to(to === from - 1 ? PURPOSE.treeChild : PURPOSE.treeRollout, iterations, to);
    const told = to === chain.steps ? chain.init(work.start) : chain.step(step);
    if (told !== undefined) await told;
    if (to < chain.steps) {
      step.x.set(step.next);
      work.taken++;
    }
    level[0] = to;
    ended[0] = 0;
    const asked = to > 0 ? chain.terminal?.(step.x, level, ended) : undefined;
    if (asked !== undefined) await asked;
    if (ended[0] !== 0) to = 0;
    keep(plan, work, to, from);
  }
  const last = work.rows[work.drawn - 1]!;
  const told = chain.reward(last, work.reward);
  if (told !== undefined) await told;
  checkReached('reward', work.reward[0]!, last, 0);
}

/** The edge of a step, and its state where that is to be a node. */
function keep({ below }: TreePlan, work: Work, to: number, from: number): void {
  const { step, rows, levels, edges, level, drawn } = work;
  checkReached('edge', step.edge[0]!, step.x, level[0]!);
  edges[drawn] = edges[drawn]! + step.edge[0]!;
  if (to !== below[drawn === 0 ? from : levels[drawn - 1]!]! && to !== 0) return;
  rows[drawn]!.set(step.x);
  levels[drawn] = to;
  work.drawn = drawn + 1;
}

function copyState({ arena, work }: TreeState, at: number, level: number): void {
  const { dimension: d } = arena;
  const slab = arena.slabs[level]!;
  const first = arena.slot[at]! * d;
  for (let c = 0; c < d; c++) work.step.x[c] = slab[first + c]!;
}

/** @throws ValueError when a reward or an edge is NaN or +Infinity. */
export function checkReached(what: string, value: number, point: Float64Array, level: number): void {
  if (value < Infinity) return;
  throw new ValueError({
    where: WHERE,
    found: `the ${what} is ${value} at level ${level}, in state [${point.slice(0, 8).join(', ')}]`,
    expected: 'a finite number, or -Infinity',
    fix: `Look at what \`chain.${what === 'reward' ? 'reward' : 'step'}\` writes there.`,
    point: point.slice(),
  });
}

/** The run under way becomes nodes below `at`. */
function attach({ lambda }: TreePlan, state: TreeState, at: number): void {
  const { arena, work } = state;
  const level = arena.level[at]!;
  let parent = at;
  for (let k = 0; k < work.drawn; k++) {
    parent = addNode(arena, parent, work.levels[k]!, work.rows[k]!, 0, work.edges[k]!);
    linkChild(arena, parent);
    work.path[work.length++] = parent;
  }
  const reward = work.reward[0]!;
  arena.reward[arena.slot[parent]!] = reward;
  arena.value[parent] = tilt(lambda, reward);
  state.expansions[level] = state.expansions[level]! + 1;
  state.evaluations += work.taken;
  countReward(state.rewards, reward);
}

/** lambda r, where 0 times -Infinity stays out of reach. */
export function tilt(lambda: number, reward: number): number {
  return reward === -Infinity ? reward : lambda * reward;
}

/** Welford's update. */
export function countReward(rewards: TreeState['rewards'], reward: number): void {
  if (reward === -Infinity) return;
  const before = reward - rewards.mean;
  rewards.count++;
  rewards.mean += before / rewards.count;
  rewards.squares += before * (reward - rewards.mean);
}

/** Values, visits and weights along the path, from the leaf up. */
function backUp({ mode, precise }: TreePlan, { arena, work }: TreeState, fresh: boolean): void {
  const { path, length } = work;
  const { heapRoot, value, spread, visits, weight, weightedSum } = arena;
  const leaf = path[length - 1]!;
  if (mode === 'ipw') addMass({ arena, work }, leaf);
  if (!fresh) visits[leaf] = visits[leaf]! + 1;
  for (let i = length - 1; i > 0; i--) {
    const parent = path[i - 1]!;
    visits[parent] = visits[parent]! + 1;
    if (!fresh) continue;
    refresh(arena, path[i]!);
    const top = heapRoot[parent]!;
    value[parent] = weightedSum[top]! - log(weight[top]!);
    if (precise) spread[parent] = 1 / weight[top]!;
  }
}

/** exp(sum of g) / product of s, added to what came to this leaf before; exp(lambda r) is left to whoever reads it. */
function addMass({ arena, work }: Pick<TreeState, 'arena' | 'work'>, leaf: number): void {
  let one = work.logScore;
  for (let i = 1; i < work.length; i++) one += arena.edge[work.path[i]!]!;
  const slot = arena.slot[leaf]!;
  const before = arena.mass[slot]!;
  const most = Math.max(before, one);
  arena.mass[slot] = most === -Infinity ? most : most + log(exp(before - most) + exp(one - most));
}
