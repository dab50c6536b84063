import type { Backend } from '../../../engine/backend/backend.ts';
import { checkOneOf } from '../../../engine/check.ts';
import type { PointFailure } from '../../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../../engine/model/evaluator.ts';
import { KEPT_FAILURES, modelFailure, NUMBER_INSTEAD } from '../../../engine/model/missing.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { BatchFn } from '../../../engine/types.ts';
import { type Plan, WHERE } from './sobol-plan.ts';

/** The user's model as a model of points (x, x') whose outputs are those at x, x' and the mixed rows. */
export interface MixedRows {
  readonly evaluator: Evaluator;
  readonly evaluate: BatchFn;
  readonly failures: PointFailure[];
  failed: number;
  /** Why the last batch failed, which the method that called it cannot know. */
  error: unknown;
}

/** Most rows of one batch of the user's model. */
const ROWS = 16_384;

/** @throws as `openEvaluator`. */
export async function openMixedRows(plan: Plan, { backend, signal }: Context): Promise<MixedRows> {
  const { model, space, outputs, points, groups } = plan;
  const known = outputs === undefined ? {} : { outputs };
  const planned = points * (groups.length + 2);
  const evaluator = await openEvaluator({
    where: WHERE,
    model,
    names: space.names,
    ...known,
    planned,
    backend,
    signal,
  });
  const rows: MixedRows = {
    evaluator,
    failures: [],
    failed: 0,
    error: undefined,
    evaluate: async (x, out) => {
      // A batch that failed is asked again row by row, to no purpose here.
      if (rows.error !== undefined) throw rows.error;
      try {
        const k = groups.length + 2;
        const n = out.length / k;
        const most = Math.max(1, Math.floor(ROWS / k));
        for (let from = 0; from < n; from += most)
          await evaluateRows(plan, rows, backend, x, out, from, Math.min(n, from + most));
      } catch (error) {
        rows.error = error;
        throw error;
      }
    },
  };
  return rows;
}

/** Points from..to-1 of x [n, 2 d] into out [n, groups + 2]. */
async function evaluateRows(
  { space, groups, output, missing }: Plan,
  rows: MixedRows,
  backend: Backend,
  x: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
): Promise<void> {
  const { dimension: d, names } = space;
  const runs = groups.length + 2;
  const arena = backend.arena();
  try {
    const mixed = arena.f64((to - from) * runs * d);
    for (let i = from; i < to; i++) {
      for (let r = 0; r < runs; r++) {
        const at = ((i - from) * runs + r) * d;
        const members = r < 2 ? undefined : groups[r - 2]!.members;
        for (let c = 0; c < d; c++) {
          const primed = r === 1 || members?.[c] === 1;
          mixed[at + c] = x[i * 2 * d + (primed ? d : 0) + c]!;
        }
      }
    }
    const { evaluator } = rows;
    const { y, failures } = await evaluator.evaluate(mixed, (to - from) * runs);
    const k = evaluator.outputs.length;
    const column =
      output === undefined
        ? 0
        : evaluator.outputs.indexOf(checkOneOf(WHERE, 'output', output, evaluator.outputs));
    for (let row = 0; row < (to - from) * runs; row++) out[from * runs + row] = y[row * k + column]!;
    if (failures.length === 0) return;
    rows.failed += failures.length;
    rows.failures.push(...failures.slice(0, Math.max(0, KEPT_FAILURES - rows.failures.length)));
    if (missing === 'error')
      throw modelFailure(WHERE, names, rows.failures, rows.failed, evaluator.evaluations, NUMBER_INSTEAD);
    const before = evaluator.evaluations - (to - from) * runs;
    for (const { index } of failures) out[from * runs + index - before] = missing;
  } finally {
    arena.release();
  }
}
