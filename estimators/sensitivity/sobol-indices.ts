import { modelsOn } from '../../engine/cluster/on-cluster.ts';
import { openEvaluator } from '../../engine/model/evaluator.ts';
import { isKernel, kernelDigest } from '../../engine/model/local.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Context, Step } from '../../engine/sampler.ts';
import type { ModelMethod, Shards } from '../../engine/sharded.ts';
import { shapeOf } from './column-keeper.ts';
import { kindFor, openKeeper } from './open-keeper.ts';
import { checkSobolOptions } from './option-names.ts';
import { planAnalysis, planDesign, planGrowth } from './plan.ts';
import { quantitiesOf } from './quantities.ts';
import { resultOf } from './result.ts';
import {
  type Blueprint,
  evaluateChunk,
  findingOf,
  growWhenWide,
  openState,
  releaseState,
  type SobolState,
  stepOf,
} from './run-state.ts';
import { readSnapshot, type Saved, writeSnapshot } from './snapshot.ts';
import { sobolShards } from './sobol-shards.ts';
import { SOBOL_SOURCES } from './sources.ts';
import { checkMemory } from './store.ts';
import type { SobolOptions, SobolResult } from './types.ts';

const WHERE = 'sobolIndices';

/** What `run` and `iterate` take; `run` also with a cluster. */
export interface SobolMethod extends ModelMethod<SobolState, SobolResult> {
  readonly shards: Shards<SobolResult>;
}

/**
 * Variance-based sensitivity indices of a model with independent (groups of) inputs: first-order, total, second-order
 * and closed indices, with intervals.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | N | base points of a replicate; points = replicates * N | |
 * | D | inputs, or groups of them | |
 * | A, B | base matrices, columns 1..D and D+1..2D of the same points | [N, D] |
 * | AB^i | A with input i from B | [N, D] |
 * | S_i, S^T_i | firstOrder, totalOrder | [D] |
 *
 * Replicates (independent scrambles of the same Sobol' sequence) are evaluated one after the other, base points of a
 * replicate in order, rows of a base point together; a step is a bounded number of model runs. A `gpuKernel` that runs on a
 * graphics card is summed there, where no single output is needed: then memory does not limit the number of points.
 * Formulas and their sources: engine/math/sobol-estimators.ts.
 *
 * @throws OptionError for bad options, before any work; when running ModelError when the model fails and `missing` is
 * 'error'.
 */
export function sobolIndices(options: SobolOptions): SobolMethod {
  checkSobolOptions(WHERE, options);
  const design = planDesign(WHERE, options, kernelDigest(options.model));
  const plan = planAnalysis(design, options);
  const growth = planGrowth(design, plan, options);
  const quantities = quantitiesOf(design.layout, design.estimator);
  const short = quantitiesOf(design.layout, design.estimator, true);
  const blueprint: Blueprint = { design, plan, growth, quantities, short };
  // Of a kernel on a card sums may be enough, which is known when the run begins.
  if (!isKernel(options.model))
    checkMemory(WHERE, shapeOf(design, options.outputs?.length ?? 1, design.points.perReplicate));

  const step = async (state: SobolState): Promise<Step<SobolState>> => {
    await evaluateChunk(state, blueprint);
    await growWhenWide(state, blueprint);
    return stepOf(state, blueprint);
  };
  return {
    name: 'sobol-indices',
    sources: SOBOL_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => sobolIndices({ ...options, model: replace(options.model) })),
    async init(ctx) {
      const state = await begin(options, blueprint, ctx);
      return orRelease(
        () => step(state),
        () => releaseState(state),
      );
    },
    step,
    result: (state, ending) => resultOf(findingOf(state, blueprint), ending),
    snapshot: async (state) => writeSnapshot(state, blueprint),
    async restore(bytes, ctx) {
      const saved = readSnapshot(bytes, ctx, blueprint);
      const state = await begin(options, blueprint, ctx, saved);
      const goOn = async (): Promise<Step<SobolState>> => {
        saved.fill(state);
        await growWhenWide(state, blueprint);
        return stepOf(state, blueprint);
      };
      return orRelease(goOn, () => releaseState(state));
    },
    dispose: releaseState,
    shards: sobolShards(options, design, sobolIndices),
  };
}

/** The model where it runs, and room for what it answers: of a new run, or of one that was saved. */
async function begin(
  options: SobolOptions,
  blueprint: Blueprint,
  ctx: Context,
  saved?: Saved,
): Promise<SobolState> {
  const { space, points, layout } = blueprint.design;
  const { model } = options;
  const { backend, signal } = ctx;
  const outputs = saved?.outputs ?? options.outputs;
  const known = outputs === undefined ? {} : { outputs };
  const planned = points.total * layout.rows;
  const evaluator = await openEvaluator(
    { where: WHERE, model, names: space.names, ...known, planned, backend, signal },
    saved?.evaluations,
    saved?.adapter,
  );
  try {
    const { perReplicate } = saved ?? points;
    const kind = saved === undefined ? kindFor(blueprint, evaluator, perReplicate) : saved.kind;
    const keeper = openKeeper(kind, blueprint, evaluator, ctx, perReplicate);
    return openState(evaluator, keeper, ctx, blueprint);
  } catch (error) {
    evaluator.dispose();
    throw error;
  }
}
