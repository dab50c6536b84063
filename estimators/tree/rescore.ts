import type { StateArray } from '../../engine/array/codec.ts';
import { makeTurn } from '../../engine/turn.ts';
import { childrenValue, childrenWeight, type TreeArena } from './arena.ts';
import { countReward, tilt } from './grow.ts';
import { ENDED, LANE_COLUMNS, MOVES } from './lanes.ts';
import { checkReached } from './moves.ts';
import type { TreePlan } from './plan.ts';
import { refreshOne } from './sibling-heap.ts';
import type { TreeState } from './state.ts';

/*
 * A stored tree under another reward, inverse temperature or backup. Which states are there does not change, nor how often
 * they were visited; leaves keep r and not exp(lambda r), so all values can be had anew from below, and no step is taken.
 */

/**
 * Walks that were in flight go on, whatever the mode is now, as their runs do not depend on rewards; those at their end wait to
 * be judged anew. Where fewer may be in flight than before, the last to set out do so again.
 * @param saved lanes as `saveLanes` left them, of a batch of any size.
 */
export function keepWalks(state: TreeState, saved: Readonly<Record<string, StateArray>>): void {
  const { lanes } = state;
  if (saved.lanes === undefined) return;
  const [count, order] = [saved.lanes[0]!, saved['lane-order']!];
  lanes.count = Math.min(count, lanes.size);
  for (const name of LANE_COLUMNS) {
    const column = saved[`lane-${name}`]!;
    const width = column.length / order.length;
    for (let k = 0; k < lanes.count; k++)
      lanes[name].set(column.subarray(order[k]! * width, (order[k]! + 1) * width), k * width);
  }
  for (let k = 0; k < lanes.size; k++) lanes.order[k] = k;
  for (let k = 0; k < lanes.count; k++) if (lanes.phase[k] === ENDED) lanes.phase[k] = MOVES;
  for (let k = lanes.count; k < count; k++) giveUp(state, saved, order[k]!);
}

/** As if the walk had not set out. */
function giveUp(state: TreeState, saved: Readonly<Record<string, StateArray>>, lane: number): void {
  const { pending, visits } = state.arena;
  const first = lane * state.lanes.depth;
  const path = saved['lane-path']!.subarray(first, first + saved['lane-length']![lane]!);
  for (const node of path) visits[node] = visits[node]! - 1;
  pending[path.at(-1)!] = pending[path.at(-1)!]! - 1;
  state.started--;
}

/** Rows for which rewards are asked at once. */
const ROWS = 1024;

/**
 * Rewards of all leaves by the chain of the plan, and all values from them.
 * @throws ValueError when a reward is NaN or +Infinity; what the reward throws; the signal's reason.
 */
export async function rescoreTree(plan: TreePlan, state: TreeState, signal: AbortSignal): Promise<void> {
  const { arena } = state;
  await rewardLeaves(plan, arena, signal);
  // Those of walks in flight that are at their end.
  const judged = state.moves.judge();
  if (judged !== undefined) await judged;
  Object.assign(state.rewards, { count: 0, mean: 0, squares: 0 });
  for (let slot = 0; slot < arena.filled[0]!; slot++) countReward(state.rewards, arena.reward[slot]!);
  backUpAll(plan, state);
}

async function rewardLeaves({ chain }: TreePlan, arena: TreeArena, signal: AbortSignal): Promise<void> {
  const { dimension: d, filled, reward } = arena;
  const turn = makeTurn();
  const points = arena.slabs[0]!;
  for (let first = 0; first < filled[0]!; first += ROWS) {
    const last = Math.min(filled[0]!, first + ROWS);
    const x = points.slice(first * d, last * d);
    const out = reward.subarray(first, last);
    const told = chain.reward(x, out);
    if (told !== undefined) await told;
    for (let i = 0; i < out.length; i++)
      checkReached('reward', out[i]!, x.subarray(i * d, (i + 1) * d), { level: 0, row: first + i });
    if (turn.due()) await turn.pause(signal);
  }
}

/** Children have larger ids than their parents and than the siblings above them, so one pass from the last node on is enough. */
function backUpAll(
  { lambda, precise, weighted, highest }: TreePlan,
  { arena, frozen }: Pick<TreeState, 'arena' | 'frozen'>,
): void {
  const { nodes, level, parent, value, spread, reward, slot } = arena;
  if (highest) value.fill(-Infinity, 0, nodes);
  for (let id = nodes - 1; id >= 0; id--) {
    if (level[id] === 0) value[id] = tilt(lambda, reward[slot[id]!]!) + (frozen.get(slot[id]!) ?? 0);
    else {
      if (!highest) value[id] = childrenValue(arena, id);
      if (!weighted) spread[id] = precise ? 1 / childrenWeight(arena, id) : 0;
    }
    if (id === 0) return;
    if (highest) value[parent[id]!] = Math.max(value[parent[id]!]!, value[id]!);
    refreshOne(arena, id);
  }
}
