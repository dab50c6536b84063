import { jsBackend } from '../../engine/backend/js.ts';
import { makeTurn } from '../../engine/turn.ts';
import {
  CHILDREN,
  edgeOf,
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
} from '../../estimators/tree/arena.ts';
import { grow } from '../../estimators/tree/grow.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import { checkTree, openPlan } from '../../estimators/tree/plan.ts';
import { openState, type TreeState } from '../../estimators/tree/state.ts';
import type { TreeOptions } from '../../estimators/tree/types.ts';

/** A tree of M iterations, without the runner. */
export async function grown(
  options: TreeOptions,
  key: readonly [number, number] = [7, 1],
): Promise<TreeState> {
  const { signal } = new AbortController();
  const plan = await openPlan(checkTree(options), { backend: jsBackend(), signal });
  const state = openState(plan, key);
  await grow(plan, state, plan.iterations, makeTurn(), signal);
  return state;
}

/** log of the sum of the weights of the leaves, by a plain sum. */
export function logTotal(state: TreeState, planned: boolean): number {
  const logWeight = leafWeights(state, planned);
  const most = logWeight.reduce((a, b) => Math.max(a, b));
  return most + Math.log(logWeight.reduce((sum, l) => sum + Math.exp(l - most), 0));
}

/** Columns of [nodes] of what an arena holds in records, as it is now. */
export interface ArenaColumns {
  readonly value: Float64Array;
  readonly spread: Float64Array;
  readonly edge: Float64Array;
  readonly visits: Int32Array;
  readonly children: Int32Array;
  readonly pending: Int32Array;
  readonly level: Int32Array;
  readonly slot: Int32Array;
  readonly parent: Int32Array;
}

export function columnsOf(arena: TreeArena): ArenaColumns {
  const { nodes, real, whole } = arena;
  const reals = (field: number): Float64Array =>
    Float64Array.from({ length: nodes }, (_, id) => real[RECORD * id + field]!);
  const words = (field: number): Int32Array =>
    Int32Array.from({ length: nodes }, (_, id) => whole[WORDS * id + field]!);
  return {
    ...{ value: reals(VALUE), spread: reals(SPREAD) },
    edge: Float64Array.from({ length: nodes }, (_, id) => edgeOf(arena, id)),
    ...{ visits: words(VISITS), children: words(CHILDREN), pending: words(PENDING) },
    ...{ level: words(LEVEL), slot: words(SLOT), parent: words(PARENT) },
  };
}
