import type { StateArray } from '../../engine/array/codec.ts';
import { makeTurn } from '../../engine/turn.ts';
import {
  LEVEL,
  PARENT,
  PENDING,
  RECORD,
  SLOT,
  SPREAD,
  type TreeArena,
  VALUE,
  VISITS,
  WORDS,
} from './arena.ts';
import { keep } from './families.ts';
import { countReward, tilt } from './grow.ts';
import { ASKS, ENDED, LANE_COLUMNS, MOVES } from './lanes.ts';
import { checkReached } from './moves.ts';
import type { TreePlan } from './plan.ts';
import { childrenValue, childrenWeight, sumFamily } from './sibling-heap.ts';
import { keptSums, type TreeState } from './state.ts';

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
  const { lanes, plan } = state;
  if (saved.lanes === undefined) return;
  const [count, order] = [saved.lanes[0]!, saved['lane-order']!];
  // Listed children are born in the order in which they set out, which is not that of iterations.
  lanes.count = plan.chain.children !== undefined && count > lanes.size ? 0 : Math.min(count, lanes.size);
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
  const { whole } = state.arena;
  const first = lane * state.lanes.depth;
  const path = saved['lane-path']!.subarray(first, first + saved['lane-length']![lane]!);
  for (const node of path) whole[WORDS * node + VISITS] = whole[WORDS * node + VISITS]! - 1;
  state.started--;
  if (saved['lane-phase']![lane]! >= ASKS) return;
  const pending = WORDS * path.at(-1)! + PENDING;
  whole[pending] = whole[pending]! - 1;
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
  keep(arena.families, keptSums(plan));
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

/** Children have larger ids than their parents, so one pass from the last node on is enough. */
function backUpAll(
  { lambda, precise, weighted, highest }: TreePlan,
  { arena, frozen }: Pick<TreeState, 'arena' | 'frozen'>,
): void {
  const { nodes, real, whole, reward } = arena;
  if (highest) for (let id = 0; id < nodes; id++) real[RECORD * id + VALUE] = -Infinity;
  for (let id = nodes - 1; id >= 0; id--) {
    const here = RECORD * id;
    const word = WORDS * id;
    const slot = whole[word + SLOT]!;
    if (whole[word + LEVEL] === 0) real[here + VALUE] = tilt(lambda, reward[slot]!) + (frozen.get(slot) ?? 0);
    else {
      sumFamily(arena, id);
      if (!highest) real[here + VALUE] = childrenValue(arena, id);
      if (!weighted) real[here + SPREAD] = precise ? 1 / childrenWeight(arena, id) : 0;
    }
    const above = RECORD * whole[word + PARENT]! + VALUE;
    if (highest && id > 0) real[above] = Math.max(real[above]!, real[here + VALUE]!);
  }
}
