import { PURPOSE } from '../../engine/random/purpose.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import { CHILDREN, LEVEL, PENDING, WORDS } from './arena.ts';
import { ENDED, type Lanes, MOVES, setOut, setOutBeside } from './lanes.ts';
import type { TreePlan } from './plan.ts';
import { drawByScore, plannedChildren, scoreOf } from './select.ts';
import type { TreeState } from './state.ts';
import type { TreeGrowth } from './types.ts';

/*
 * B iterations of planned children together. All walks go down edge by edge, and what is new on an edge is drawn in one run of
 * calls. The tree stays as it is until the last of them is at a leaf: scores are those before the batch, and a child that an
 * earlier walk of the batch has drawn is one of the unborn, of score 1. Children are planned for the last iteration of the batch.
 */

const NONE = -(2 ** 31);

/** What a batch knows besides its lanes. */
export interface PlannedBatch {
  /** Where a walk stands: a node of the tree, or -1 - (lane * depth + k). */
  readonly at: Int32Array;
  /** Where it draws a child now; `NONE` where it draws none. */
  readonly parent: Int32Array;
  /** Children that were drawn from a node to be, by lane * depth + k. */
  readonly below: Int32Array;
  /** Product of the scores along a walk since the last look at its log, so that there is one logarithm a walk. */
  readonly score: Float64Array;
  /** The second number of a block of draws, which the next step down has. */
  readonly second: Float64Array;
  /** Walks that draw a child now. */
  drawing: number;
  /** Children of the root, and of any other node, as planned for this batch. */
  readonly ofRoot: Planned;
  readonly ofOthers: Planned;
}

/** How many children are planned, and up to which iteration, with a step by which to look further: powers are dear. */
interface Planned {
  children: number;
  until: number;
  step: number;
}

/** For iteration m; a number that is there at two iterations is there at all between. */
function planFor(planned: Planned, growth: TreeGrowth, m: number): void {
  if (m <= planned.until) return;
  planned.children = plannedChildren(growth, m);
  const stays = plannedChildren(growth, m + planned.step) === planned.children;
  planned.until = stays ? m + planned.step : m;
  planned.step = stays ? 2 * planned.step : Math.max(1, planned.step >> 1);
}

export function openBatch({ batch, depth }: TreePlan): PlannedBatch {
  return {
    at: new Int32Array(batch),
    parent: new Int32Array(batch).fill(NONE),
    below: new Int32Array(batch * depth),
    score: new Float64Array(batch),
    second: new Float64Array(batch),
    drawing: 0,
    ofRoot: { children: 0, until: -1, step: 1 },
    ofOthers: { children: 0, until: -1, step: 1 },
  };
}

/** All walks at the root. */
export function setOutBatch({ births }: TreePlan, { lanes, started }: TreeState, batch: PlannedBatch): void {
  const { at, below, score } = batch;
  planFor(batch.ofRoot, births.root, started + lanes.size - 1);
  planFor(batch.ofOthers, births.others, started + lanes.size - 1);
  lanes.count = lanes.size;
  // Of few walks, a loop is quicker than a call of `fill`.
  for (let node = 0; node < below.length; node++) below[node] = 0;
  for (let lane = 0; lane < lanes.size; lane++) {
    at[lane] = 0;
    score[lane] = 1;
    lanes.order[lane] = lane;
    lanes.iteration[lane] = started + lane;
    lanes.phase[lane] = ENDED;
    lanes.path[lane * lanes.depth] = 0;
    lanes.length[lane] = 1;
    lanes.drawn[lane] = 0;
    lanes.logScore[lane] = 0;
  }
}

/**
 * Every walk that is not at a leaf goes on to a child, or starts to draw one.
 * @returns how many went on.
 */
export function descend(plan: TreePlan, state: TreeState, batch: PlannedBatch): number {
  const { lanes } = state;
  let walking = 0;
  const { parent } = batch;
  for (let lane = 0; lane < parent.length; lane++) parent[lane] = NONE;
  batch.drawing = 0;
  for (let lane = 0; lane < lanes.size; lane++) {
    if (levelAt(state, batch.at[lane]!) === 0) continue;
    walking++;
    goDown(plan, state, batch, lane);
  }
  return walking;
}

function levelAt({ arena, lanes }: TreeState, at: number): number {
  return at < 0 ? lanes.levels[-1 - at]! : arena.whole[WORDS * at + LEVEL]!;
}

function goDown(plan: TreePlan, state: TreeState, batch: PlannedBatch, lane: number): void {
  const { lanes, arena } = state;
  const at = batch.at[lane]!;
  const own = lanes.drawn[lane]! > 0;
  // Below a child that this walk has drawn it is the first to arrive, so there is nothing to pick from.
  const next = own ? NONE : pick(plan, state, batch, lane);
  if (next === NONE) {
    batch.drawing++;
    batch.parent[lane] = at;
    if (at < 0) batch.below[-1 - at] = batch.below[-1 - at]! + 1;
    else arena.whole[WORDS * at + PENDING] = arena.whole[WORDS * at + PENDING]! + 1;
    if (own) lanes.phase[lane] = MOVES;
    else if (at < 0) setOutBeside(plan, lanes, lane, -1 - at);
    else setOut(plan, arena, lanes, lane, at);
    batch.at[lane] = -1 - (lane * lanes.depth + lanes.drawn[lane]!);
    return;
  }
  if (next >= 0) countScore(batch, lanes, lane, scoreOf(arena, at, next, plan.explore));
  lanes.path[lane * lanes.depth + lanes.length[lane]!] = next;
  lanes.length[lane] = lanes.length[lane]! + 1;
  batch.at[lane] = next;
}

/** The product stays where it has its digits. */
function countScore({ score }: PlannedBatch, lanes: Lanes, lane: number, one: number): void {
  score[lane] = score[lane]! * one;
  if (score[lane]! < 1e-200 || score[lane]! > 1e200) settleScore({ score }, lanes, lane);
}

/** Into the log that the walk keeps. */
export function settleScore({ score }: Pick<PlannedBatch, 'score'>, { logScore }: Lanes, lane: number): void {
  if (score[lane] !== 1) logScore[lane] = logScore[lane]! - log(score[lane]!);
  score[lane] = 1;
}

/** A child of the tree, one that the batch has drawn, or `NONE` for one of the unborn. */
function pick({ explore }: TreePlan, state: TreeState, batch: PlannedBatch, lane: number): number {
  const { arena, lanes, selection } = state;
  const at = batch.at[lane]!;
  const planned = (at === 0 ? batch.ofRoot : batch.ofOthers).children;
  const born = at < 0 ? 0 : arena.whole[WORDS * at + CHILDREN]!;
  const down = lanes.length[lane]! - 1;
  let u = batch.second[lane]!;
  if ((down & 1) === 0) {
    selection.to(PURPOSE.treeSelection, lanes.iteration[lane]!, down);
    u = selection.uniform();
    batch.second[lane] = selection.uniform();
  }
  const place = u * planned;
  if (place < born) return drawByScore(arena, at, explore, place / born);
  const fresh = at < 0 ? batch.below[-1 - at]! : arena.whole[WORDS * at + PENDING]!;
  const nth = Math.floor(place - born);
  return nth < fresh ? drawnBelow(batch, at, nth) : NONE;
}

/** The n-th child that an earlier walk draws from the same parent. */
function drawnBelow({ at, parent }: PlannedBatch, above: number, nth: number): number {
  let seen = 0;
  for (let lane = 0; ; lane++) if (parent[lane] === above && seen++ === nth) return at[lane]!;
}
