import { encodeState } from '../../engine/array/codec.ts';
import type { PointFailure } from '../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../engine/model/evaluator.ts';
import { KEPT_FAILURES, modelFailure } from '../../engine/model/missing.ts';
import { savedAdapter } from '../../engine/model/place.ts';
import { openPointSet } from '../../engine/random/point-set.ts';
import type { Context, Sampler, Step } from '../../engine/sampler.ts';
import type { Source } from '../../engine/types.ts';
import { answer, report } from './monte-carlo-answer.ts';
import { checkPlan, type Plan, type Restored, readSnapshot } from './monte-carlo-plan.ts';
import type { MonteCarloOptions, MonteCarloResult, MonteCarloState } from './monte-carlo-types.ts';

/*
 * Plain Monte Carlo: expectations, variances, quantiles and probabilities of a model's outputs.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | n | points, in R replicates of n / R | |
 * | x | input values | [n, d] |
 * | y = f(x) | outputs | [n, k] |
 *
 * The estimate is the mean over replicates of each replicate's plain estimate; its interval is Student's with
 * R - 1 degrees of freedom (Owen 1997 for randomised quasi-Monte Carlo), or, for one replicate of independent
 * points, the iid interval of each statistic. One replicate of any other design has no honest interval: n/a.
 */
export const MONTE_CARLO_SOURCES: readonly Source[] = [
  {
    authors: 'Owen, A. B.',
    year: 1997,
    title: 'Scrambled net variance for integrals of smooth functions',
    reference: 'Annals of Statistics 25(4), 1541-1562',
  },
];

const WHERE = 'monteCarlo';
const CHUNK = 16_384;

/**
 * Estimate means, variances, quantiles and probabilities of a model with uncertain inputs.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'.
 */
export function monteCarlo(options: MonteCarloOptions): Sampler<MonteCarloState, MonteCarloResult> {
  const plan = checkPlan(WHERE, options);
  const evaluator = (ctx: Context, saved?: Restored): Promise<Evaluator> => {
    const { backend, signal } = ctx;
    const outputs = saved?.outputs ?? options.outputs;
    const known = outputs === undefined ? {} : { outputs };
    const { model } = options;
    const { space, points: planned } = plan;
    return openEvaluator(
      { where: WHERE, model, names: space.names, ...known, planned, backend, signal },
      saved?.done,
      saved?.adapter,
    );
  };
  const step = (state: MonteCarloState, ctx: Context): Promise<Step<MonteCarloState>> =>
    evaluateChunk(state, ctx, plan);

  return {
    name: 'monte-carlo',
    sources: MONTE_CARLO_SOURCES,
    async init(ctx) {
      const x = new Float64Array(plan.points * plan.space.dimension);
      const fresh = { set: undefined, x, y: new Float64Array(0), done: 0, failed: 0, failures: [] };
      const state = { key: ctx.rng.key, evaluator: await evaluator(ctx), ...fresh };
      try {
        return await step(state, ctx);
      } catch (error) {
        // The runner disposes of states it has seen.
        state.evaluator.dispose();
        throw error;
      }
    },
    step,
    result: async (state, ending) => answer(state, ending, plan),
    async snapshot(state) {
      const { key, done, failed, failures } = state;
      const outputs = state.evaluator.outputs;
      const x = state.x.subarray(0, done * plan.space.dimension);
      const y = state.y.subarray(0, done * outputs.length);
      const listed = failures.map((failure) => ({ ...failure, input: [...failure.input] }));
      const adapter = savedAdapter(state.evaluator.place);
      const header = {
        plan: plan.fingerprint,
        kernel: plan.kernel,
        key,
        done,
        failed,
        failures: listed,
        outputs,
        adapter,
      };
      return encodeState(header, { x, y });
    },
    async restore(bytes, ctx) {
      const saved = readSnapshot(WHERE, bytes, plan, ctx.rng.key);
      return report({ ...saved, set: undefined, evaluator: await evaluator(ctx, saved) }, plan);
    },
    dispose: (state) => state.evaluator.dispose(),
  };
}

/** Draw and evaluate the next points of the current replicate. */
async function evaluateChunk(
  state: MonteCarloState,
  ctx: Context,
  plan: Plan,
): Promise<Step<MonteCarloState>> {
  const { space, perReplicate: points } = plan;
  const d = space.dimension;
  const replicate = Math.floor(state.done / points);
  const first = state.done - replicate * points;
  const n = Math.min(CHUNK, points - first);
  if (state.set?.replicate !== replicate) {
    const set = await openPointSet({ name: plan.design, dimension: d, points, rng: ctx.rng, replicate });
    state.set = { replicate, points: set };
  }
  const arena = ctx.backend.arena();
  try {
    const x = arena.f64(n * d);
    await state.set.points.fill(x, first, n, ctx.backend);
    space.transport(x, x, n);
    const { y, failures } = await state.evaluator.evaluate(x, n);
    const k = state.evaluator.outputs.length;
    if (state.y.length === 0) state.y = new Float64Array(plan.points * k);
    state.x.set(x, state.done * d);
    state.y.set(y, state.done * k);
    settle(state, failures, k, plan);
    state.done += n;
  } finally {
    arena.release();
  }
  return report(state, plan);
}

/** Apply the missing-output policy to the failures of a chunk; failed rows are NaN in `y`. */
function settle(state: MonteCarloState, failures: readonly PointFailure[], k: number, plan: Plan): void {
  if (failures.length === 0) return;
  state.failed += failures.length;
  state.failures.push(...failures.slice(0, Math.max(0, KEPT_FAILURES - state.failures.length)));
  if (plan.missing === 'error') {
    throw modelFailure(WHERE, plan.space.names, state.failures, state.failed, state.evaluator.evaluations);
  }
  const value = plan.missing === 'drop-row' ? Number.NaN : plan.missing;
  for (const { index } of failures) state.y.fill(value, index * k, (index + 1) * k);
}
