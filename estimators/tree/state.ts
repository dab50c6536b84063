import { makeArena, type TreeArena } from './arena.ts';
import type { Kept } from './families.ts';
import { type Lanes, openLanes } from './lanes.ts';
import { type Moves, openMoves } from './moves.ts';
import { type MovingStream, movingStream } from './moving-stream.ts';
import type { TreePlan } from './plan.ts';

/** The children that a node can have, in the order in which they are born: first the one of the run that made the node. */
export interface Listing {
  readonly x: Float64Array;
  readonly weight: Float64Array;
  /** Rows of `x` of positive probability. */
  readonly rows: readonly number[];
}

/** A tree, and the walks in flight. */
export interface TreeState {
  /** With the chain in use. */
  readonly plan: TreePlan;
  readonly key: readonly [number, number];
  readonly arena: TreeArena;
  /** m, iterations so far. */
  iterations: number;
  /** Iterations that have set out. */
  started: number;
  /** Steps of the chain so far, in rows. */
  evaluations: number;
  /** No visit so far depended on a reward. */
  blind: boolean;
  /** By level: children that a visit went on with. [D + 2] */
  readonly expansions: Float64Array;
  /** Of the finite rewards of new leaves: their number, mean, and sum of squares about it. */
  readonly rewards: { count: number; mean: number; squares: number };
  /** By slot of a leaf that stands for a pruned subtree: what it weighs over its own exp(lambda r), in logs. */
  frozen: Map<number, number>;
  /** Nodes given up for room. */
  pruned: number;
  /** By node: the children it can have, as long as some of them are missing; `undefined` where they are to be asked for again. */
  readonly listings: Map<number, Listing | undefined>;
  readonly lanes: Lanes;
  readonly moves: Moves;
  readonly selection: MovingStream;
}

/** What draws and values of a tree go by. */
export function keptSums({ mode, precise, weighted }: TreePlan): Kept {
  if (mode === 'ipw') return 'weighted';
  return precise || weighted ? 'both' : 'plain';
}

/** @param arena a tree to go on with; a bare root when absent. */
export function openState(plan: TreePlan, key: readonly [number, number], arena?: TreeArena): TreeState {
  const { dimension, steps } = plan.chain;
  const lanes = openLanes(plan);
  const counts = {
    ...{ iterations: 0, started: 0, evaluations: 0, blind: true },
    rewards: { count: 0, mean: 0, squares: 0 },
    ...{ frozen: new Map<number, number>(), pruned: 0 },
    listings: new Map<number, Listing | undefined>(),
  };
  return Object.assign(counts, {
    ...{ plan, key, lanes, selection: movingStream(key) },
    arena: arena ?? makeArena(dimension, steps, plan.mostNodes, keptSums(plan)),
    expansions: new Float64Array(steps + 2),
    moves: openMoves(plan, lanes, key, counts, plan.mode === 'ipw' || plan.chain.merge === true),
  });
}
