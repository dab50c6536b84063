import { jsBackend } from '../../engine/backend/js.ts';
import { makeTurn } from '../../engine/turn.ts';
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
