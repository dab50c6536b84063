import { makeArena, type TreeArena } from './arena.ts';
import { type MovingStream, movingStream } from './moving-stream.ts';
import type { TreePlan } from './plan.ts';
import type { TreeStart, TreeStep } from './types.ts';

/** A tree between two iterations, and what an iteration works with. */
export interface TreeState {
  /** With the chain in use. */
  readonly plan: TreePlan;
  readonly key: readonly [number, number];
  readonly arena: TreeArena;
  /** m, iterations so far. */
  iterations: number;
  /** Steps of the chain so far, in rows. */
  evaluations: number;
  /** No visit so far depended on a reward. */
  blind: boolean;
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
  /** Of the run under way, the nodes to be, from above: their states, levels, and the edges that lead to them. */
  readonly rows: readonly Float64Array[];
  readonly levels: Int32Array;
  readonly edges: Float64Array;
  /** How many there are. */
  drawn: number;
  /** Steps of the chain that it took. */
  taken: number;
  readonly start: TreeStart;
  readonly step: TreeStep;
  /** [1]: where the run is, and whether it is at its end there. */
  readonly level: Int32Array;
  readonly ended: Uint8Array;
  /** [1] */
  readonly reward: Float64Array;
}

/** @param arena a tree to go on with; a bare root when absent. */
export function openState(plan: TreePlan, key: readonly [number, number], arena?: TreeArena): TreeState {
  const { dimension, steps } = plan.chain;
  return {
    plan,
    key,
    arena: arena ?? makeArena(dimension, steps),
    iterations: 0,
    evaluations: 0,
    blind: true,
    expansions: new Float64Array(steps + 2),
    rewards: { count: 0, mean: 0, squares: 0 },
    work: openWork(dimension, plan.depth, key),
  };
}

function openWork(d: number, depth: number, key: readonly [number, number]): Work {
  const child = movingStream(key);
  const [here, there] = [new Float64Array(d), new Float64Array(d)];
  const level = new Int32Array(1);
  const shared = { level, edge: new Float64Array(1), streams: [child] };
  return {
    selection: movingStream(key),
    child,
    path: new Int32Array(depth),
    length: 0,
    logScore: 0,
    rows: Array.from({ length: depth }, () => new Float64Array(d)),
    levels: new Int32Array(depth),
    edges: new Float64Array(depth),
    ...{ drawn: 0, taken: 0 },
    start: { x: here, edge: shared.edge, streams: shared.streams },
    step: { ...shared, x: here, next: there },
    ...{ level, ended: new Uint8Array(1) },
    reward: new Float64Array(1),
  };
}
