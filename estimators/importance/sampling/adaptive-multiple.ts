import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Ending, Info, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { pointFunctions } from '../weighted/point-functions.ts';
import {
  type AdaptiveMultipleOptions,
  type AdaptiveMultiplePlan,
  checkAdaptiveMultiple,
  WHERE,
} from './adaptive-multiple-plan.ts';
import {
  type AdaptiveMultipleState,
  adapt,
  collect,
  restoredHistory,
  type SavedStages,
  stageLaw,
} from './adaptive-multiple-state.ts';
import { balanceLogWeight, emptyHistory } from './balance-history.ts';
import {
  type DrawnPoints,
  emptyPoints,
  restoredPoints,
  type SavedPoints,
  savedPoints,
} from './drawn-points.ts';
import { importanceAnswer } from './importance-answer.ts';
import type { ImportanceResult } from './importance-types.ts';
import { replacedTarget } from './target.ts';
import { openTargetModel, type SavedEvaluations, type TargetModel } from './target-model.ts';

/*
 * Adaptive multiple importance sampling.
 *
 *   stage t:  x ~ q_t;  weights of all points so far  f / h,  h = sum_s n_s q_s / n
 *             q_{t+1} = (1 - a) (laws with the weighted moments of all points) + a q_0
 *   answer:   from points drawn afresh from the last law, or from all points with the last weights
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | q_0, a | start, defensive | |
 * | f, up to a constant or not | target | |
 * | log f, log sum_t n_t q_t | logTarget, logMixture | [n] |
 *
 * What is known: weights by the mixture of all stages make every stage count, but the laws depend on the points they are
 * used for, so that the mean over all stages is biased, and its consistency is proved only for variants that leave the
 * newest stage out of the weights of the fit (Marin, Pudlo & Sedki 2019). No interval is given for it. Departures: the
 * answer is by default from a fresh stage, which has a right mean (plain weights) and a valid interval; a share of the start
 * stays in every law; fits are tempered and steadied for few effective points (fitted-law.ts).
 */
export const ADAPTIVE_MULTIPLE_SOURCES: readonly Source[] = [
  {
    authors: 'Cornuet, J.-M., Marin, J.-M., Mira, A. & Robert, C. P.',
    year: 2012,
    title: 'Adaptive multiple importance sampling',
    reference: 'Scandinavian Journal of Statistics 39(4), 798-812',
  },
  {
    authors: 'Marin, J.-M., Pudlo, P. & Sedki, M.',
    year: 2019,
    title: 'Consistency of adaptive importance sampling and recycling schemes',
    reference: 'Bernoulli 25(3), 1977-1998',
  },
];

/**
 * Expectations under a law or an unnormalised density from a proposal that is learnt in stages.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'; ValueError
 * when a density or a function is not a number.
 */
export function adaptiveMultiple(
  options: AdaptiveMultipleOptions,
): ModelMethod<AdaptiveMultipleState, ImportanceResult> {
  const plan = checkAdaptiveMultiple(options);
  const d = plan.target.dimension;
  const step = async (state: AdaptiveMultipleState, ctx: Context): Promise<Step<AdaptiveMultipleState>> => {
    if (state.history.stages.length < plan.stages) await adapt(state, plan, ctx);
    else await collect(state, plan, ctx);
    return report(state, plan);
  };
  const open = (ctx: Context, saved?: SavedEvaluations): Promise<TargetModel> =>
    openTargetModel({ ...plan, planned: plan.points + plan.stages * plan.stagePoints }, ctx, saved);
  return {
    name: 'adaptive-multiple',
    sources: ADAPTIVE_MULTIPLE_SOURCES,
    onCluster: modelsOn(WHERE, (replace) =>
      adaptiveMultiple({ ...options, ...replacedTarget(options, replace) }),
    ),
    async init(ctx) {
      const fresh = { history: emptyHistory(d), fits: [], points: emptyPoints(plan.points, d) };
      const state = { key: ctx.rng.key, model: await open(ctx), ...fresh };
      return orRelease(
        () => step(state, ctx),
        () => state.model.dispose(),
      );
    },
    step,
    result: async (state, ending) => answer(state, plan, ending),
    async snapshot({ key, model, history, fits, points }) {
      const { header, arrays } = savedPoints(points, d);
      const stages: SavedStages = { fits, sizes: history.stages.map((stage) => stage.points) };
      return encodeState(
        { plan: plan.mark, key, evaluations: model.saved, points: header, stages },
        { ...arrays, stageX: history.x, stageTarget: history.logTarget, stageMixture: history.logMixture },
      );
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved | null;
      checkSavedRun(WHERE, saved, { plan: plan.mark, key: ctx.rng.key }, 'another target, start or stages');
      const { evaluations, stages } = saved;
      const points = restoredPoints(saved.points, arrays, plan.points, d, evaluations.outputs.length);
      const history = restoredHistory(plan, stages, arrays);
      const model = await open(ctx, evaluations);
      return report({ key: ctx.rng.key, model, history, fits: [...stages.fits], points }, plan);
    },
    dispose: ({ model }) => model.dispose(),
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: SavedEvaluations;
  readonly points: SavedPoints;
  readonly stages: SavedStages;
}

function report(state: AdaptiveMultipleState, plan: AdaptiveMultiplePlan): Step<AdaptiveMultipleState> {
  return { state, done: state.points.done === plan.points, info: infoOf(state, plan) };
}

function infoOf({ points, history, model }: AdaptiveMultipleState, plan: AdaptiveMultiplePlan): Info {
  const done = history.logTarget.length + points.done;
  const { evaluations } = model;
  const total = plan.stages * plan.stagePoints + plan.points;
  return { ess: done, evaluations, warnings: [], done, total };
}

/** Before there are points for it, the answer is of all stages so far, if no model has to be asked. */
function answer(state: AdaptiveMultipleState, plan: AdaptiveMultiplePlan, ending: Ending): ImportanceResult {
  const { model, history } = state;
  const final = plan.fresh && state.points.done > 0;
  const early = state.points.done === 0 && plan.model === undefined;
  const points: DrawnPoints = early
    ? {
        ...state.points,
        planned: history.logTarget.length,
        x: history.x,
        logTarget: history.logTarget,
        done: history.logTarget.length,
      }
    : state.points;
  const logWeight = final ? freshLogWeight(state, plan) : balanceLogWeight(history).subarray(0, points.done);
  const whole = Math.floor(points.done / plan.perReplicate);
  const used = final && whole >= 2 ? whole * plan.perReplicate : points.done;
  const weighing = {
    logWeight,
    used: {
      logWeight: logWeight.subarray(0, used),
      replicates: final && whole >= 2 ? whole : 1,
      independent: plan.design === 'iid',
    },
    withoutError: !final,
  };
  const unnamed = plan.model !== undefined && model.outputs.length === 0;
  const functions = unnamed ? [] : pointFunctions(WHERE, plan.expectations, plan.names, model.outputs);
  const proposal = final ? stageLaw(state, plan, plan.stages) : undefined;
  const answerPlan = { ...plan, functions, fresh: final, proposal };
  return importanceAnswer(points, weighing, model, answerPlan, ending, infoOf(state, plan));
}

function freshLogWeight(state: AdaptiveMultipleState, plan: AdaptiveMultiplePlan): Float64Array {
  const { x, logTarget, done } = state.points;
  const logWeight = new Float64Array(done);
  stageLaw(state, plan, plan.stages).logDensity(x.subarray(0, done * plan.target.dimension), logWeight);
  for (let i = 0; i < done; i++) logWeight[i] = logTarget[i]! - logWeight[i]!;
  return logWeight;
}
