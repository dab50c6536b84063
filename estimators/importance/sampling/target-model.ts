import type { PointFailure } from '../../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../../engine/model/evaluator.ts';
import { type LogDensity, openLogDensity } from '../../../engine/model/log-density.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import { type Place, savedAdapter } from '../../../engine/model/place.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { Target } from './target.ts';

/** A target and, where there is one, a model, open for evaluation. */
export interface TargetModel {
  /** Names of the k outputs, none without a model. */
  readonly outputs: readonly string[];
  /** Of the model and of a log density given as one. */
  readonly evaluations: number;
  readonly place: Place;
  /** What a snapshot needs. */
  readonly saved: SavedEvaluations;
  /** log f at rows 0..n-1 of `x` [n, d], from an arena of the backend, into `out` [n]. */
  logTarget(x: Float64Array, n: number, out: Float64Array): Promise<void>;
  /**
   * Outputs [n, k] at rows 0..n-1 of `x`; NaN where the target has no mass, for there the model is not asked. Empty
   * without a model or where no row has mass. Indices of failures count rows.
   */
  evaluate(
    x: Float64Array,
    n: number,
    logTarget: Float64Array,
  ): Promise<{ readonly y: Float64Array; readonly failures: readonly PointFailure[] }>;
  dispose(): void;
}

export interface SavedEvaluations {
  readonly model: number;
  readonly density: number;
  readonly outputs: readonly string[];
  /** The card that evaluated the model. */
  readonly adapter: string | undefined;
}

export interface TargetModelOptions {
  readonly where: string;
  readonly target: Target;
  readonly model: ModelLike | undefined;
  readonly outputs: readonly string[] | undefined;
  /** Evaluations planned in all. */
  readonly planned: number;
}

/** @throws OptionError, ModelError as the evaluator and the log density do. */
export async function openTargetModel(
  options: TargetModelOptions,
  ctx: Context,
  saved?: SavedEvaluations,
): Promise<TargetModel> {
  const { where, target, model, planned } = options;
  const { names, dimension: d, source } = target;
  const { backend, signal } = ctx;
  const shared = { where, names, planned, backend, signal };
  const outputs = saved?.outputs.length ? saved.outputs : options.outputs;
  const known = outputs === undefined ? {} : { outputs };
  const evaluator =
    model === undefined
      ? undefined
      : await openEvaluator({ ...shared, ...known, model }, saved?.model, saved?.adapter);
  const density =
    source === undefined
      ? undefined
      : await openLogDensity({ ...shared, option: 'target', source, dimension: d }, saved?.density).catch(
          (error) => {
            evaluator?.dispose();
            throw error;
          },
        );
  return {
    get outputs() {
      return evaluator?.outputs ?? [];
    },
    get evaluations() {
      return (evaluator?.evaluations ?? 0) + (density?.evaluations ?? 0);
    },
    place: placeOf(evaluator, density),
    get saved() {
      return {
        model: evaluator?.evaluations ?? 0,
        density: density?.evaluations ?? 0,
        outputs: evaluator?.outputs ?? [],
        adapter: evaluator === undefined ? undefined : savedAdapter(evaluator.place),
      };
    },
    async logTarget(x, n, out) {
      if (density !== undefined) await density.evaluate(x, n, out);
      else target.law!.logDensity(x.subarray(0, n * d), out.subarray(0, n));
    },
    evaluate: (x, n, logTarget) => evaluateLive(evaluator, ctx, x, n, d, logTarget),
    dispose() {
      evaluator?.dispose();
      density?.dispose();
    },
  };
}

/** Both places as one: the card of whichever has one. */
function placeOf(evaluator: Evaluator | undefined, density: LogDensity | undefined): Place {
  const places = [evaluator?.place, density?.place].filter((place) => place !== undefined);
  const card = places.find((place) => place.card !== undefined)?.card;
  const earlier = evaluator?.place.earlier;
  const notes = [...new Set(places.flatMap((place) => place.notes))];
  return { card, notes, ...(earlier === undefined ? {} : { earlier }) };
}

async function evaluateLive(
  evaluator: Evaluator | undefined,
  { backend }: Context,
  x: Float64Array,
  n: number,
  d: number,
  logTarget: Float64Array,
): ReturnType<TargetModel['evaluate']> {
  const live: number[] = [];
  for (let i = 0; i < n; i++) if (logTarget[i]! > -Infinity) live.push(i);
  if (evaluator === undefined || live.length === 0) return { y: new Float64Array(0), failures: [] };
  const before = evaluator.evaluations;
  const arena = backend.arena();
  try {
    const rows = live.length === n ? x : arena.f64(live.length * d);
    if (rows !== x) {
      for (const [at, i] of live.entries()) rows.set(x.subarray(i * d, (i + 1) * d), at * d);
    }
    const found = await evaluator.evaluate(rows, live.length);
    const k = evaluator.outputs.length;
    const y = new Float64Array(n * k).fill(Number.NaN);
    for (const [at, i] of live.entries()) y.set(found.y.subarray(at * k, (at + 1) * k), i * k);
    const failures = found.failures.map((failure) => ({ ...failure, index: live[failure.index - before]! }));
    return { y, failures };
  } finally {
    arena.release();
  }
}
