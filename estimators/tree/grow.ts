import type { Turn } from '../../engine/turn.ts';
import { exp, log } from '../../engine/wasm/twins/elementary.ts';
import {
  addNode,
  edgeOf,
  LEVEL,
  PENDING,
  RECORD,
  SLOT,
  SPREAD,
  type TreeArena,
  VALUE,
  VISITS,
  WORDS,
} from './arena.ts';
import { drawnAgain, listAgain, listWaiting, startListed, tellWaiting, weighListed } from './discrete.ts';
import { equalChild } from './equal-child.ts';
import { ENDED, type Lanes, MOVES, setOut, TOLD, WAITS } from './lanes.ts';
import type { TreePlan } from './plan.ts';
import { descend, openBatch, setOutBatch, settleScore } from './planned.ts';
import { walkDown } from './select.ts';
import {
  childrenValue,
  childrenWeight,
  linkChild,
  plainValue,
  refresh,
  refreshPlain,
  refreshPlanned,
} from './sibling-heap.ts';
import type { TreeState } from './state.ts';

/**
 * Iterate until there are `until` iterations. An iteration walks down the tree, lets the chain run on to its end where it is to
 * have a new child, and only then changes the tree, so that a chain that throws leaves a whole one. Of several in flight, a
 * visit counts from the start of a walk on, and some are left in flight at the end; but planned children come in whole batches.
 * @throws ValueError when a reward or an edge is no number; what the chain throws; the signal's reason.
 */
export async function grow(
  plan: TreePlan,
  state: TreeState,
  until: number,
  turn: Turn,
  signal: AbortSignal,
): Promise<void> {
  const due = pace(turn);
  if (plan.mode === 'ipw')
    return growPlanned(plan, state, until, () => (due() ? turn.pause(signal) : undefined));
  const { moves } = state;
  const lists = plan.chain.children !== undefined;
  if (lists) await listAgain(plan, state);
  for (;;) {
    const next = settle(plan, state, until);
    if (next === 'reached') return;
    do {
      if (next === 'move') {
        const moved = lists ? advanceListed(plan, state) : moves.advance();
        if (moved !== undefined) await moved;
        const judged = moves.judge();
        if (judged !== undefined) await judged;
      }
      if (due()) await turn.pause(signal);
      // Nothing to settle where nothing has ended.
    } while (next === 'move' && moves.judged === 0 && !plan.weighted);
  }
}

/** Lists that walks wait for, and a step of all that are on their way: both at once where they take time. */
function advanceListed(plan: TreePlan, state: TreeState): void | Promise<void> {
  const { moves, lanes } = state;
  const told = listWaiting(plan, state);
  if (told !== undefined) return afterBoth(told, () => moves.advance()).then(() => tellWaiting(lanes));
  tellWaiting(lanes);
  return moves.advance();
}

/** What fails waits for the other, which would go on to write into the walks. */
async function afterBoth(first: Promise<void>, start: () => void | Promise<void>): Promise<void> {
  const ends = await Promise.allSettled([first, (async () => start())()]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Whether a turn is due, by a look at the clock about once a millisecond. */
function pace(turn: Turn): () => boolean {
  let every = 1;
  let left = 1;
  let last = performance.now();
  return () => {
    if (--left > 0) return false;
    const now = performance.now();
    every = now - last < 1 ? Math.min(64, 2 * every) : Math.max(1, every >> 1);
    left = every;
    last = now;
    return turn.due();
  };
}

async function growPlanned(
  plan: TreePlan,
  state: TreeState,
  until: number,
  pause: () => Promise<void> | undefined,
): Promise<void> {
  const { moves, lanes } = state;
  const batch = openBatch(plan);
  // A batch that failed begins anew.
  if (lanes.count > 0) forgetPending(state.arena);
  while (state.iterations < until) {
    setOutBatch(plan, state, batch);
    while (descend(plan, state, batch) > 0) {
      if (batch.drawing > 0)
        do {
          const moved = moves.advance();
          if (moved !== undefined) await moved;
          const turn = pause();
          if (turn !== undefined) await turn;
        } while (moves.left > 0);
    }
    const judged = moves.judge();
    if (judged !== undefined) await judged;
    for (let lane = 0; lane < lanes.size; lane++) {
      settleScore(batch, lanes, lane);
      settlePlanned(plan, state, lane);
    }
    state.started += lanes.size;
    lanes.count = 0;
  }
}

/** No child is on its way any more. */
function forgetPending({ nodes, whole }: TreeArena): void {
  for (let id = 0; id < nodes; id++) whole[WORDS * id + PENDING] = 0;
}

/** The walk of one lane of a batch, into the tree. */
function settlePlanned(plan: TreePlan, state: TreeState, lane: number): void {
  const { arena, lanes } = state;
  const { path, depth } = lanes;
  const { whole } = arena;
  const first = lane * depth;
  const last = first + lanes.length[lane]! - 1;
  for (let i = first; i <= last; i++) {
    if (path[i]! < 0) path[i] = lanes.born[-1 - path[i]!]!;
    const visits = WORDS * path[i]! + VISITS;
    whole[visits] = whole[visits]! + 1;
  }
  whole[WORDS * path[last]! + PENDING] = 0;
  const fresh = lanes.drawn[lane]! > 0;
  if (fresh) attach(plan, state, lane);
  addMass(arena, lanes, lane);
  if (fresh) backUp(plan, arena, lanes, lane);
  state.iterations++;
}

/** Walks that complete in a row, after which the event loop may have its turn. */
const ROW = 64;

/** What has ended goes into the tree, and new walks take the free lanes. */
function settle(plan: TreePlan, state: TreeState, until: number): 'reached' | 'move' | 'more' {
  const { lanes } = state;
  finishEnded(plan, state, until);
  if (plan.chain.merge === true && lanes.count > 0) mergeWaiting(plan, state, until);
  for (let row = 0; lanes.count < lanes.size; row++) {
    if (state.iterations >= until) return 'reached';
    if (row === ROW) return 'more';
    const lane = lanes.order[lanes.count]!;
    lanes.iteration[lane] = state.started++;
    const at = walkDown(plan, state, lane);
    if (setOutFrom(plan, state, lane, at)) lanes.count++;
  }
  return state.iterations >= until ? 'reached' : 'move';
}

/** A walk that ended at `at` draws a child there. False at a leaf, where the iteration is complete. */
function setOutFrom(plan: TreePlan, state: TreeState, lane: number, at: number): boolean {
  const { arena, lanes } = state;
  if (arena.whole[WORDS * at + LEVEL] === 0) {
    state.iterations++;
    return false;
  }
  if (plan.chain.children === undefined) setOut(plan, arena, lanes, lane, at);
  else if (!startListed(plan, state, lane, at)) return true;
  arena.whole[WORDS * at + PENDING] = arena.whole[WORDS * at + PENDING]! + 1;
  return true;
}

/** A walk that has waited, as if it had not been under way. */
function setOutAgain(plan: TreePlan, state: TreeState, lane: number): boolean {
  const { arena, lanes } = state;
  const first = lane * lanes.depth;
  for (let i = first; i < first + lanes.length[lane]!; i++) {
    const visits = WORDS * lanes.path[i]! + VISITS;
    arena.whole[visits] = arena.whole[visits]! - 1;
  }
  return setOutFrom(plan, state, lane, walkDown(plan, state, lane));
}

/** The one walk in flight goes on below the child that its first state repeats, and else with its run. */
function mergeWaiting(plan: TreePlan, state: TreeState, until: number): void {
  const { arena, lanes } = state;
  const lane = lanes.order[0]!;
  if (lanes.phase[lane] !== WAITS || state.iterations >= until) return;
  lanes.phase[lane] = MOVES;
  const again = lanes.drawn[lane] === 1 ? repeated(state, lane) : -1;
  if (again < 0) return;
  drawnAgain(arena, again);
  const end = lane * lanes.depth + lanes.length[lane]!;
  arena.whole[WORDS * lanes.path[end - 1]! + PENDING] = 0;
  lanes.path[end] = again;
  lanes.length[lane] = lanes.length[lane]! + 1;
  backUp(plan, arena, lanes, lane);
  lanes.length[lane] = lanes.length[lane]! - 1;
  if (!setOutFrom(plan, state, lane, walkDown(plan, state, lane, again))) lanes.count = 0;
}

/** The child of the end of a walk that equals the first state of its run; -1 where there is none. */
function repeated({ arena, lanes }: TreeState, lane: number): number {
  const first = lane * lanes.depth;
  return equalChild(
    arena,
    lanes.path[first + lanes.length[lane]! - 1]!,
    lanes.levels[first]!,
    lanes.rows,
    first,
  );
}

function finishEnded(plan: TreePlan, state: TreeState, until: number): void {
  const { lanes } = state;
  const { order, phase, spare } = lanes;
  // Where leaves count as independent, a short run must not come in before a long one.
  const inTurn = plan.chain.children === undefined && (plan.mode === 'prior' || plan.explore === 1);
  let kept = 0;
  let free = 0;
  for (let k = 0; k < lanes.count; k++) {
    const lane = order[k]!;
    if (phase[lane] === ENDED && state.iterations < until && !(inTurn && kept > 0)) {
      finish(plan, state, lane);
      spare[free++] = lane;
    } else if (phase[lane] === TOLD && state.iterations < until && !setOutAgain(plan, state, lane))
      spare[free++] = lane;
    else order[kept++] = lane;
  }
  for (let k = 0; k < free; k++) order[kept + k] = spare[k]!;
  lanes.count = kept;
}

function finish(plan: TreePlan, state: TreeState, lane: number): void {
  const { arena, lanes } = state;
  const at = lanes.path[lane * lanes.depth + lanes.length[lane]! - 1]!;
  const { whole } = arena;
  whole[WORDS * at + PENDING] = whole[WORDS * at + PENDING]! - 1;
  const again = plan.chain.merge === true && lanes.drawn[lane] === 1 ? repeated(state, lane) : -1;
  if (again < 0) attach(plan, state, lane);
  else {
    drawnAgain(arena, again);
    whole[WORDS * again + VISITS] = whole[WORDS * again + VISITS]! + 1;
    lanes.path[lane * lanes.depth + lanes.length[lane]!] = again;
    lanes.length[lane] = lanes.length[lane]! + 1;
  }
  if (plan.chain.children !== undefined) weighListed(state, at, lanes.born[lane * lanes.depth]!);
  backUp(plan, arena, lanes, lane);
  state.iterations++;
}

/** Nodes to be become nodes below the end of the walk. */
function attach({ lambda }: TreePlan, state: TreeState, lane: number): void {
  const { arena, lanes } = state;
  const { path, length, levels, rows, edges, born, depth } = lanes;
  const first = lane * depth;
  let parent = path[first + length[lane]! - 1]!;
  const level = arena.whole[WORDS * parent + LEVEL]!;
  for (let k = 0; k < lanes.drawn[lane]!; k++) {
    parent = addNode(arena, parent, levels[first + k]!, rows, first + k, edges[first + k]!);
    linkChild(arena, parent);
    // Born with one visit, and this one goes on below it.
    if (levels[first + k]! > 0) arena.whole[WORDS * parent + VISITS] = 2;
    born[first + k] = parent;
    path[first + length[lane]!] = parent;
    length[lane] = length[lane]! + 1;
  }
  const reward = lanes.reward[lane]!;
  arena.reward[arena.whole[WORDS * parent + SLOT]!] = reward;
  arena.real[RECORD * parent + VALUE] = tilt(lambda, reward);
  state.expansions[level] = state.expansions[level]! + 1;
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

/** Values along the path, from the leaf up, as far as anything changes. */
function backUp(plan: TreePlan, arena: TreeArena, lanes: Lanes, lane: number): void {
  const { mode, precise, weighted, highest } = plan;
  const { path, length, drawn } = lanes;
  const { real } = arena;
  const first = lane * lanes.depth;
  const last = first + length[lane]! - 1;
  const plain = !precise && !weighted;
  const addUp = mode === 'ipw' ? refreshPlanned : plain ? refreshPlain : refresh;
  for (let i = last; i > first; i--) {
    const child = path[i]!;
    const above = RECORD * path[i - 1]!;
    addUp(arena, path[i - 1]!, child);
    const before = real[above + VALUE]!;
    const spread = real[above + SPREAD]!;
    if (highest) real[above + VALUE] = Math.max(before, real[RECORD * child + VALUE]!);
    else real[above + VALUE] = plain ? plainValue(arena, path[i - 1]!) : childrenValue(arena, path[i - 1]!);
    if (precise) real[above + SPREAD] = 1 / childrenWeight(arena, path[i - 1]!);
    const same = real[above + VALUE] === before && real[above + SPREAD] === spread;
    // What is new below has to reach the node that it hangs from.
    if (same && i <= last - drawn[lane]!) return;
  }
}

/** exp(sum of g) / product of s, added to what came to this leaf before; exp(lambda r) is left to whoever reads it. */
function addMass(arena: TreeArena, { path, length, depth, logScore }: Lanes, lane: number): void {
  const first = lane * depth;
  const last = first + length[lane]! - 1;
  let one = logScore[lane]!;
  if (arena.edges) for (let i = first + 1; i <= last; i++) one += edgeOf(arena, path[i]!);
  const slot = arena.whole[WORDS * path[last]! + SLOT]!;
  const before = arena.mass[slot]!;
  const most = Math.max(before, one);
  arena.mass[slot] = before === -Infinity ? one : most + log(exp(before - most) + exp(one - most));
}
