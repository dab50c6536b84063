import { ValueError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { copyRow } from './arena.ts';
import { ENDED, type Lanes, MOVES, WAITS } from './lanes.ts';
import { type MovingStream, movingStream } from './moving-stream.ts';
import { type TreePlan, WHERE } from './plan.ts';
import type { TreeStart, TreeStep } from './types.ts';

/** Buffers of a call with n rows. */
interface Call {
  readonly start: TreeStart;
  readonly step: TreeStep;
  readonly to: Int32Array;
  readonly ended: Uint8Array;
  readonly reward: Float64Array;
}

/** The chain, called for lanes. */
export interface Moves {
  /** Move all lanes that are on their way by one step. How many moved is in `moved`. */
  advance(): void | Promise<void>;
  /** Rewards of the lanes that are at level 0. */
  judge(): void | Promise<void>;
  /** Of the rows of the last steps, those that have a way to go to the next node. */
  readonly left: number;
  /** Rewards that the last call told. */
  readonly judged: number;
}

/**
 * @param counts steps of the chain are counted here.
 * @param waits lanes wait at each node.
 */
export function openMoves(
  plan: TreePlan,
  lanes: Lanes,
  key: readonly [number, number],
  counts: { evaluations: number },
  waits: boolean,
): Moves {
  const { chain } = plan;
  const calls = makeCalls(lanes, key);
  let call = calls.of(0);
  let left = 0;
  let judged = 0;
  const told = (answer: void | Promise<void>, next: () => void | Promise<void>): void | Promise<void> =>
    answer === undefined ? next() : answer.then(next);
  const ends = (): void | Promise<void> => {
    if (chain.terminal === undefined) return;
    call.ended.fill(0);
    return chain.terminal(call.step.next, call.to, call.ended);
  };
  const begun = (): void | Promise<void> => told(ends(), arrivedFirst);
  const arrivedFirst = (): void | Promise<void> => {
    arrive(plan, lanes, call, calls.lane, waits);
    return step();
  };
  const step = (): void | Promise<void> => {
    const rows = calls.gatherSteps();
    if (rows === 0) return;
    call = calls.of(rows);
    return told(chain.step(call.step), stepped);
  };
  const stepped = (): void | Promise<void> => {
    counts.evaluations += call.to.length;
    return told(ends(), arrived);
  };
  const arrived = (): void => {
    left = arrive(plan, lanes, call, calls.lane, waits);
  };
  const rewarded = (): void => takeRewards(lanes, call, calls.lane);
  return {
    get left() {
      return left;
    },
    get judged() {
      return judged;
    },
    advance() {
      const rows = calls.gatherStarts(chain.steps + 1);
      left = 0;
      if (rows === 0) return step();
      call = calls.of(rows);
      // Of a state that a chain fills in part only, the rest must not be that of another run.
      call.start.x.fill(0);
      return told(chain.init(call.start), begun);
    },
    judge() {
      const rows = calls.gatherEnds();
      judged = rows;
      if (rows === 0) return;
      call = calls.of(rows);
      return told(chain.reward(call.step.x, call.reward), rewarded);
    },
  };
}

/** Buffers for up to B rows, and who gathers lanes into them. */
interface Calls {
  /** By row: the lane. */
  readonly lane: Int32Array;
  of(rows: number): Call;
  gatherStarts(root: number): number;
  gatherSteps(): number;
  gatherEnds(): number;
}

function makeCalls(lanes: Lanes, key: readonly [number, number]): Calls {
  const { size, dimension: d, order, phase, level, from, iteration } = lanes;
  const [x, next] = [new Float64Array(size * d), new Float64Array(size * d)];
  const [edge, reward] = [new Float64Array(size), new Float64Array(size)];
  const [lane, leaves, to] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  const ended = new Uint8Array(size);
  const streams = Array.from({ length: size }, () => movingStream(key));
  const made: (Call | undefined)[] = [];
  const address = (row: number, at: number, down: number): void => {
    lane[row] = at;
    to[row] = down;
    edge[row] = 0;
    const purpose = down === from[at]! - 1 ? PURPOSE.treeChild : PURPOSE.treeRollout;
    streams[row]!.to(purpose, iteration[at]!, down);
  };
  const copyState = (row: number, at: number): void => copyRow(lanes.x, at, x, row, d);
  return {
    lane,
    of(rows) {
      made[rows] ??= openCall({ x, next, edge, reward, leaves, to, ended, streams }, rows, d);
      return made[rows]!;
    },
    gatherStarts(root) {
      let rows = 0;
      for (let k = 0; k < lanes.count; k++) {
        const at = order[k]!;
        if (phase[at] === MOVES && level[at] === root) address(rows++, at, root - 1);
      }
      return rows;
    },
    gatherSteps() {
      let rows = 0;
      for (let k = 0; k < lanes.count; k++) {
        const at = order[k]!;
        if (phase[at] !== MOVES || level[at] === 0) continue;
        leaves[rows] = level[at]!;
        copyState(rows, at);
        address(rows++, at, level[at]! - 1);
      }
      return rows;
    },
    gatherEnds() {
      let rows = 0;
      for (let k = 0; k < lanes.count; k++) {
        const at = order[k]!;
        if (phase[at] !== MOVES || level[at] !== 0) continue;
        copyState(rows, at);
        lane[rows++] = at;
      }
      return rows;
    },
  };
}

interface Buffers {
  readonly x: Float64Array;
  readonly next: Float64Array;
  readonly edge: Float64Array;
  readonly reward: Float64Array;
  readonly leaves: Int32Array;
  readonly to: Int32Array;
  readonly ended: Uint8Array;
  readonly streams: readonly MovingStream[];
}

function openCall(buffers: Buffers, rows: number, d: number): Call {
  const next = buffers.next.subarray(0, rows * d);
  const edge = buffers.edge.subarray(0, rows);
  const streams = buffers.streams.slice(0, rows);
  const level = buffers.leaves.subarray(0, rows);
  return {
    start: { x: next, edge, streams },
    step: { x: buffers.x.subarray(0, rows * d), level, next, edge, streams },
    to: buffers.to.subarray(0, rows),
    ended: buffers.ended.subarray(0, rows),
    reward: buffers.reward.subarray(0, rows),
  };
}

/**
 * What a call wrote, into the lanes; a state at the level of a node is kept.
 * @returns rows that are at none.
 */
function arrive({ below }: TreePlan, lanes: Lanes, call: Call, lane: Int32Array, waits: boolean): number {
  const { dimension: d, depth, level, goal, drawn, edges, levels, rows, phase } = lanes;
  const { to, ended } = call;
  const { next, edge } = call.step;
  for (let row = 0; row < to.length; row++)
    if (!(edge[row]! < Infinity))
      checkReached('edge', edge[row]!, next.subarray(row * d, (row + 1) * d), {
        ...{ level: to[row]!, row, iteration: lanes.iteration[lane[row]!]! },
      });
  let left = 0;
  for (let row = 0; row < to.length; row++) {
    const at = lane[row]!;
    const here = ended[row] === 0 ? to[row]! : 0;
    const node = at * depth + drawn[at]!;
    level[at] = here;
    edges[node] = edges[node]! + edge[row]!;
    copyRow(next, row, lanes.x, at, d);
    if (here !== goal[at] && here !== 0) {
      left++;
      continue;
    }
    copyRow(next, row, rows, node, d);
    levels[node] = here;
    drawn[at] = drawn[at]! + 1;
    if (here === 0) continue;
    edges[node + 1] = 0;
    goal[at] = below[here]!;
    if (waits) phase[at] = WAITS;
  }
  return left;
}

function takeRewards({ phase, reward, iteration, dimension: d }: Lanes, call: Call, lane: Int32Array): void {
  const rewards = call.reward;
  for (let row = 0; row < rewards.length; row++)
    if (!(rewards[row]! < Infinity))
      checkReached('reward', rewards[row]!, call.step.x.subarray(row * d, (row + 1) * d), {
        ...{ level: 0, row, iteration: iteration[lane[row]!]! },
      });
  for (let row = 0; row < rewards.length; row++) {
    reward[lane[row]!] = rewards[row]!;
    phase[lane[row]!] = ENDED;
  }
}

/** Where in a run something was met: row of the call, and iteration of the tree where it belongs to one. */
interface Place {
  readonly level: number;
  readonly row: number;
  readonly iteration?: number;
}

/** @throws ValueError when a reward or an edge is NaN or +Infinity. */
export function checkReached(
  what: 'reward' | 'edge',
  value: number,
  point: Float64Array,
  { level, row, iteration }: Place,
): void {
  if (value < Infinity) return;
  const at = iteration === undefined ? '' : `, iteration ${iteration}`;
  const state = `[${point.slice(0, 8).join(', ')}${point.length > 8 ? ', ..' : ''}]`;
  throw new ValueError({
    where: WHERE,
    found: `the ${what} is ${value} at level ${level}, row ${row}${at}, in state ${state}`,
    expected: 'a finite number, or -Infinity',
    fix:
      what === 'reward'
        ? 'Look at what `chain.reward` writes there: -Infinity is for what must not be.'
        : 'It is log p - log q: draw nothing where q has no density, and write -Infinity where p has none.',
    point: point.slice(),
    index: row,
  });
}
