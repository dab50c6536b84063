import { makeArena, type TreeArena } from './arena.ts';
import { type MovingStream, movingStream } from './moving-stream.ts';
import type { TreePlan } from './plan.ts';
import type { TreeStart, TreeStep } from './types.ts';

/** A tree between two iterations, and what an iteration works with. */
export interface TreeState {
  readonly key: readonly [number, number];
  readonly arena: TreeArena;
  /** m, iterations so far. */
  iterations: number;
  /** Steps of the chain so far, in rows. */
  evaluations: number;
  /** By level: children that a visit went on with. [D + 2] */
  readonly expansions: Float64Array;
  /** Of the finite rewards of new leaves: their number, mean, and sum of squares about it. */
  readonly rewards: { count: number; mean: number; squares: number };
  readonly work: Work;
}

/** Of one iteration: everything is decided here before the tree changes. */
export interface Work {
  readonly selection: MovingStream;
  readonly child: MovingStream;
  /** Nodes from the root on, of which `length` count. */
  readonly path: Int32Array;
  length: number;
  /** Sum of -log s along the path. */
  logScore: number;
  /** By level: the state of the run under way; and the edge that led to it. */
  readonly rows: readonly Float64Array[];
  readonly edges: Float64Array;
  readonly start: TreeStart;
  /** By level left; [0] is not used. */
  readonly steps: readonly TreeStep[];
  /** [1] */
  readonly reward: Float64Array;
}

/** @param arena a tree to go on with; a bare root when absent. */
export function openState({ chain }: TreePlan, key: readonly [number, number], arena?: TreeArena): TreeState {
  const { dimension, steps } = chain;
  return {
    key,
    arena: arena ?? makeArena(dimension, steps),
    iterations: 0,
    evaluations: 0,
    expansions: new Float64Array(steps + 2),
    rewards: { count: 0, mean: 0, squares: 0 },
    work: openWork(dimension, steps, key),
  };
}

function openWork(d: number, depth: number, key: readonly [number, number]): Work {
  const rows = Array.from({ length: depth + 1 }, () => new Float64Array(d));
  const edges = new Float64Array(depth + 1);
  const child = movingStream(key);
  const streams = [child];
  const edge = (level: number): Float64Array => edges.subarray(level, level + 1);
  return {
    selection: movingStream(key),
    child,
    path: new Int32Array(depth + 2),
    length: 0,
    logScore: 0,
    rows,
    edges,
    start: { x: rows[depth]!, edge: edge(depth), streams },
    steps: rows.map((x, level) => ({
      ...{ x, level: Int32Array.of(level), streams },
      ...{ next: rows[Math.max(0, level - 1)]!, edge: edge(Math.max(0, level - 1)) },
    })),
    reward: new Float64Array(1),
  };
}
