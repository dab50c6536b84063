import type { StateArray } from '../../engine/array/codec.ts';
import { copyRow, LEVEL, SLOT, type TreeArena, WORDS } from './arena.ts';
import type { TreePlan } from './plan.ts';

/*
 * Walks in flight. Each has a lane that holds what its run has met so far; the tree changes only when a run is at its end, so
 * a chain that throws leaves a whole tree. A call of the chain gets the rows of all lanes that move, in the order of their
 * iterations, each at a level of its own.
 */

/** On its way; at the level of a node, where it waits for others; at its end, and the reward is known. */
export const MOVES = 0;
export const WAITS = 1;
export const ENDED = 2;
/** At a node that has no list of children yet, or whose children all are on their way; it is to set out anew. */
export const ASKS = 3;
export const TOLD = 4;

/** Columns of [B], or [B, depth] for what belongs to the nodes of a path. */
export interface Lanes {
  readonly size: number;
  readonly depth: number;
  readonly dimension: number;
  /** All lanes; the first `count` are in flight, in the order of their iterations. */
  readonly order: Int32Array;
  count: number;
  readonly iteration: Float64Array;
  readonly phase: Uint8Array;
  /** Level of `x` [B, d], of the node above the run, and of the node to come. */
  readonly level: Int32Array;
  readonly from: Int32Array;
  readonly goal: Int32Array;
  readonly x: Float64Array;
  /** The walk from the root: nodes. -1 - (lane * depth + k) is the k-th node to be of another lane. [B, depth], `length` [B] */
  readonly path: Int32Array;
  readonly length: Int32Array;
  /** Sum of -log s along the walk. */
  readonly logScore: Float64Array;
  /** Nodes to be: states [B, depth, d], levels and edges [B, depth]; how many, `drawn` [B]. */
  readonly rows: Float64Array;
  readonly levels: Int32Array;
  readonly edges: Float64Array;
  readonly drawn: Int32Array;
  readonly reward: Float64Array;
  /** Nodes that they became. [B, depth] */
  readonly born: Int32Array;
  /** [B] of no meaning between two turns. */
  readonly spare: Int32Array;
}

export function openLanes({ chain, depth, batch }: TreePlan): Lanes {
  const { dimension } = chain;
  const integers = (n: number): Int32Array => new Int32Array(n);
  const reals = (n: number): Float64Array => new Float64Array(n);
  return {
    ...{ size: batch, depth, dimension, count: 0 },
    order: integers(batch).map((_, k) => k),
    iteration: reals(batch),
    phase: new Uint8Array(batch),
    ...{ level: integers(batch), from: integers(batch), goal: integers(batch) },
    x: reals(batch * dimension),
    ...{ path: integers(batch * depth), length: integers(batch), logScore: reals(batch) },
    rows: reals(batch * depth * dimension),
    ...{ levels: integers(batch * depth), edges: reals(batch * depth), drawn: integers(batch) },
    reward: reals(batch),
    ...{ born: integers(batch * depth), spare: integers(batch) },
  };
}

export const LANE_COLUMNS = [
  ...['order', 'iteration', 'phase', 'level', 'from', 'goal', 'x', 'path', 'length', 'logScore', 'rows'],
  ...['levels', 'edges', 'drawn', 'reward'],
] as readonly (keyof { [K in keyof Lanes as Lanes[K] extends StateArray ? K : never]: true })[];

/** What is in flight; nothing where nothing is. */
export function saveLanes(lanes: Lanes): Record<string, StateArray> {
  if (lanes.count === 0) return {};
  const saved: Record<string, StateArray> = { lanes: Int32Array.of(lanes.count) };
  for (const name of LANE_COLUMNS) saved[`lane-${name}`] = lanes[name].slice();
  return saved;
}

/** Lanes as `saveLanes` left them. */
export function restoreLanes(lanes: Lanes, saved: Readonly<Record<string, StateArray>>): void {
  if (saved.lanes === undefined) return;
  lanes.count = saved.lanes[0]!;
  for (const name of LANE_COLUMNS) lanes[name].set(saved[`lane-${name}`]!);
}

/** A lane sets out from node `at` of the tree, with no node drawn yet. */
export function setOut(
  { below, chain }: TreePlan,
  arena: TreeArena,
  lanes: Lanes,
  lane: number,
  at: number,
): void {
  const { dimension: d } = lanes;
  const level = arena.whole[WORDS * at + LEVEL]!;
  startAt(lanes, lane, level, below[level]!);
  if (level > chain.steps) return;
  copyRow(arena.slabs[level]!, arena.whole[WORDS * at + SLOT]!, lanes.x, lane, d);
}

/** The same from the k-th node to be of another lane, `node` = other * depth + k. */
export function setOutBeside({ below }: TreePlan, lanes: Lanes, lane: number, node: number): void {
  const { dimension: d, rows, x } = lanes;
  const level = lanes.levels[node]!;
  startAt(lanes, lane, level, below[level]!);
  copyRow(rows, node, x, lane, d);
}

function startAt(lanes: Lanes, lane: number, level: number, goal: number): void {
  lanes.phase[lane] = MOVES;
  lanes.level[lane] = level;
  lanes.from[lane] = level;
  lanes.goal[lane] = goal;
  lanes.drawn[lane] = 0;
  lanes.edges[lane * lanes.depth] = 0;
}
