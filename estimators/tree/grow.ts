import { ValueError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import type { Turn } from '../../engine/turn.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import { addNode } from './arena.ts';
import { type TreePlan, WHERE } from './plan.ts';
import { walkDown } from './select.ts';
import { linkChild, refresh } from './sibling-heap.ts';
import type { TreeState } from './state.ts';

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
  const { arena, work } = state;
  while (state.iterations < until) {
    const at = walkDown(plan, state);
    const level = arena.level[at]!;
    if (level > 0) {
      if (level <= plan.chain.steps) copyState(state, at, level);
      for (let to = level - 1; to >= 0; to--) {
        const drawn = draw(plan, state, to, to === level - 1);
        if (drawn !== undefined) await drawn;
      }
      const told = plan.chain.reward(work.rows[0]!, work.reward);
      if (told !== undefined) await told;
      checkRun(state, level);
      attach(plan, state, at);
    }
    backUp(plan, state, level > 0);
    state.iterations++;
    if (turn.due()) await turn.pause(signal);
  }
}

function copyState({ arena, work }: TreeState, at: number, level: number): void {
  const { dimension: d } = arena;
  const slab = arena.slabs[level]!;
  const first = arena.slot[at]! * d;
  const row = work.rows[level]!;
  for (let c = 0; c < d; c++) row[c] = slab[first + c]!;
}

/** The state at level `to`, from the one above it. */
function draw(
  { chain }: TreePlan,
  { work, iterations }: TreeState,
  to: number,
  first: boolean,
): void | Promise<void> {
  work.edges[to] = 0;
  work.child.to(first ? PURPOSE.treeChild : PURPOSE.treeRollout, iterations, to);
  return to === chain.steps ? chain.init(work.start) : chain.step(work.steps[to + 1]!);
}

function checkRun({ work }: TreeState, level: number): void {
  for (let t = level - 1; t >= 0; t--)
    if (!(work.edges[t]! < Infinity)) throw noNumber('edge', work.edges[t]!, work.rows[t]!, t);
  if (!(work.reward[0]! < Infinity)) throw noNumber('reward', work.reward[0]!, work.rows[0]!, 0);
}

function noNumber(what: string, value: number, point: Float64Array, level: number): ValueError {
  return new ValueError({
    where: WHERE,
    found: `the ${what} is ${value} at level ${level}, in state [${point.slice(0, 8).join(', ')}]`,
    expected: 'a finite number, or -Infinity',
    fix: `Look at what \`chain.${what === 'reward' ? 'reward' : 'step'}\` writes there.`,
    point: point.slice(),
  });
}

/** The run under way becomes nodes below `at`. */
function attach({ chain, lambda }: TreePlan, state: TreeState, at: number): void {
  const { arena, work } = state;
  const level = arena.level[at]!;
  let parent = at;
  for (let to = level - 1; to >= 0; to--) {
    parent = addNode(arena, parent, work.rows[to]!, 0, work.edges[to]!);
    linkChild(arena, parent);
    work.path[work.length++] = parent;
  }
  const reward = work.reward[0]!;
  arena.reward[arena.slot[parent]!] = reward;
  arena.value[parent] = tilt(lambda, reward);
  state.expansions[level] = state.expansions[level]! + 1;
  state.evaluations += Math.min(level, chain.steps);
  if (reward > -Infinity) count(state.rewards, reward);
}

/** lambda r, where 0 times -Infinity stays out of reach. */
export function tilt(lambda: number, reward: number): number {
  return reward === -Infinity ? reward : lambda * reward;
}

/** Welford's update. */
function count(rewards: TreeState['rewards'], reward: number): void {
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

/** W = exp(lambda r + sum of g) / product of s, added to what came to this leaf before. */
function addMass({ arena, work }: Pick<TreeState, 'arena' | 'work'>, leaf: number): void {
  let one = arena.value[leaf]! + work.logScore;
  for (let i = 1; i < work.length; i++) one += arena.edge[work.path[i]!]!;
  const slot = arena.slot[leaf]!;
  const before = arena.mass[slot]!;
  const most = Math.max(before, one);
  arena.mass[slot] = most === -Infinity ? most : most + log(exp(before - most) + exp(one - most));
}
