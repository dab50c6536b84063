import type { StateArray } from '../../../engine/array/codec.ts';
import { densityMixture } from '../../../engine/distribution/multivariate-mixture.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { Density } from '../../../engine/types.ts';
import type { AdaptiveMultiplePlan } from './adaptive-multiple-plan.ts';
import { type BalanceHistory, balanceLogWeight, extended } from './balance-history.ts';
import { addEvaluated, addPoints, type DrawnPoints, drawInto } from './drawn-points.ts';
import { type FittedLaw, fitLaw, lawOf } from './fitted-law.ts';
import type { TargetModel } from './target-model.ts';

/** Most points a step. */
const CHUNK = 16_384;

export interface AdaptiveMultipleState {
  readonly key: readonly [number, number];
  readonly model: TargetModel;
  history: BalanceHistory;
  /** Laws fitted so far; undefined where the points told nothing and the stage before stands. */
  readonly fits: FittedLaw[];
  /** What the answer is made of: fresh points, or in the end those of all stages. */
  readonly points: DrawnPoints;
}

/** The law of a stage: the start, or the fit before it with a share of the start. */
export function stageLaw(
  { fits }: Pick<AdaptiveMultipleState, 'fits'>,
  plan: AdaptiveMultiplePlan,
  stage: number,
): Density {
  const fitted = fits[stage - 1];
  if (fitted === undefined || fitted.components.length === 0) return plan.start;
  const law = lawOf(fitted);
  return plan.defensive === 0 ? law : densityMixture([law, plan.start], [1 - plan.defensive, plan.defensive]);
}

/** Draw a stage and fit the next law to all points so far. */
export async function adapt(
  state: AdaptiveMultipleState,
  plan: AdaptiveMultiplePlan,
  ctx: Context,
): Promise<void> {
  const { stagePoints: n, components, degrees } = plan;
  const stage = state.history.stages.length;
  const law = stageLaw(state, plan, stage);
  const arena = ctx.backend.arena();
  try {
    const x = arena.f64(n * law.dimension);
    await drawInto({ design: 'iid', law, replicate: stage, first: 0, n }, ctx, x);
    const logTarget = new Float64Array(n);
    await state.model.logTarget(x, n, logTarget);
    state.history = extended(state.history, law, x, logTarget);
  } finally {
    arena.release();
  }
  const fitted = fitLaw(state.history.x, balanceLogWeight(state.history), { components, degrees });
  state.fits.push(fitted ?? state.fits[stage - 1] ?? { components: [] });
}

/** Points for the answer: the next fresh ones, or the model at those of all stages. */
export async function collect(
  state: AdaptiveMultipleState,
  plan: AdaptiveMultiplePlan,
  ctx: Context,
): Promise<void> {
  const { points, model, history } = state;
  if (!plan.fresh) {
    await addEvaluated(points, history.x, history.logTarget, model, plan, ctx);
    return;
  }
  const replicate = Math.floor(points.done / plan.perReplicate);
  const first = points.done - replicate * plan.perReplicate;
  const n = Math.min(CHUNK, plan.perReplicate - first);
  const law = stageLaw(state, plan, plan.stages);
  // Replicates are numbered after the stages, so that no draw is used twice.
  await addPoints(
    points,
    { design: plan.design, law, replicate: plan.stages + replicate, first, n },
    model,
    plan,
    ctx,
  );
}

/** A history as a snapshot holds it. */
export interface SavedStages {
  readonly fits: readonly FittedLaw[];
  readonly sizes: readonly number[];
}

export function restoredHistory(
  plan: AdaptiveMultiplePlan,
  { fits, sizes }: SavedStages,
  arrays: Readonly<Record<string, StateArray>>,
): BalanceHistory {
  const array = (name: string): Float64Array => arrays[name] as Float64Array;
  return {
    dimension: plan.target.dimension,
    x: array('stageX'),
    logTarget: array('stageTarget'),
    logMixture: array('stageMixture'),
    stages: sizes.map((points, stage) => ({ law: stageLaw({ fits: [...fits] }, plan, stage), points })),
  };
}
