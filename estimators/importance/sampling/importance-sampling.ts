import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { checkNumber, checkOptionNames } from '../../../engine/check.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { densityDigest, isDensity } from '../../../engine/distribution/density-digest.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Ending, Info, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Density, Source } from '../../../engine/types.ts';
import { pointFunctions } from '../weighted/point-functions.ts';
import {
  addPoints,
  type DrawnPoints,
  emptyPoints,
  restoredPoints,
  type SavedPoints,
  savedPoints,
} from './drawn-points.ts';
import { importanceAnswer } from './importance-answer.ts';
import {
  checkProposal,
  checkWeighed,
  defended,
  type ProposalLike,
  WEIGHED_OPTIONS,
  type WeighedOptions,
  type WeighedPlan,
} from './importance-plan.ts';
import type { ImportanceResult } from './importance-types.ts';
import { replacedTarget } from './target.ts';
import { openTargetModel, type SavedEvaluations, type TargetModel } from './target-model.ts';

/*
 * Importance sampling: expectations under a target f from points of a proposal q.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | f, up to a constant or not | target | |
 * | q = (1 - a) q_0 + a f | proposal, defensive | |
 * | x_i | points | [n, d] |
 * | log f(x_i) - log q(x_i) | logWeight | [n] |
 *
 *   plain            mean(w h),  self-normalised  sum w h / sum w,  log normalizer  log mean(w)
 *
 * With a defensive share a of the target itself no weight is above 1 / a (Hesterberg 1995). Points are independent, or
 * scrambled Sobol' points through the transport of q, whose first uniform chooses the component of a mixture. The
 * model is not asked where f is 0. Errors, and where there are none: weighted-means.ts.
 */
export const IMPORTANCE_SOURCES: readonly Source[] = [
  {
    authors: 'Hesterberg, T.',
    year: 1995,
    title: 'Weighted average importance sampling and defensive mixture distributions',
    reference: 'Technometrics 37(2), 185-194',
  },
  {
    authors: 'Owen, A. B.',
    year: 2013,
    title: 'Monte Carlo theory, methods and examples',
    reference: 'chapter 9',
  },
  {
    authors: 'Vehtari, A., Simpson, D., Gelman, A., Yao, Y. & Gabry, J.',
    year: 2024,
    title: 'Pareto smoothed importance sampling',
    reference: 'Journal of Machine Learning Research 25(72)',
  },
];

export interface ImportanceSamplingOptions extends WeighedOptions {
  /**
   * q_0: a law of d numbers, or laws of inputs by name; inputs left out keep their laws, and their dependence. Default:
   * the target itself, when it can be drawn from.
   */
  readonly proposal?: ProposalLike;
  /** a, the share of the target itself, or of `defensiveLaw`, in the proposal. Default 0. */
  readonly defensive?: number;
  /** What is mixed into the proposal in place of the target, which may be a log density that cannot be drawn from. */
  readonly defensiveLaw?: Density;
  /** Points in total over all replicates. Default 16384. */
  readonly points?: number;
}

export interface ImportanceState {
  readonly key: readonly [number, number];
  readonly model: TargetModel;
  readonly points: DrawnPoints;
}

interface Plan extends WeighedPlan {
  readonly proposal: Density;
  readonly mark: string;
}

const WHERE = 'importanceSampling';
const CHUNK = 16_384;

/**
 * Expectations under a law or an unnormalised density from weighted points of another law.
 * @throws OptionError for bad options; ModelError when the model fails at a point and `missing` is 'error'; ValueError
 * when a density or a function is not a number.
 */
export function importanceSampling(
  options: ImportanceSamplingOptions,
): ModelMethod<ImportanceState, ImportanceResult> {
  const plan = checkPlan(options);
  const step = async (state: ImportanceState, ctx: Context): Promise<Step<ImportanceState>> => {
    const { points, model } = state;
    const replicate = Math.floor(points.done / plan.perReplicate);
    const first = points.done - replicate * plan.perReplicate;
    const n = Math.min(CHUNK, plan.perReplicate - first);
    await addPoints(
      points,
      { design: plan.design, law: plan.proposal, replicate, first, n },
      model,
      plan,
      ctx,
    );
    return report(state, plan);
  };
  const open = (ctx: Context, saved?: SavedEvaluations): Promise<TargetModel> =>
    openTargetModel({ ...plan, planned: plan.points }, ctx, saved);
  return {
    name: 'importance-sampling',
    sources: IMPORTANCE_SOURCES,
    onCluster: modelsOn(WHERE, (replace) =>
      importanceSampling({ ...options, ...replacedTarget(options, replace) }),
    ),
    async init(ctx) {
      const points = emptyPoints(plan.points, plan.target.dimension);
      const state = { key: ctx.rng.key, model: await open(ctx), points };
      return orRelease(
        () => step(state, ctx),
        () => state.model.dispose(),
      );
    },
    step,
    result: async (state, ending) => answer(state, plan, ending),
    async snapshot({ key, model, points }) {
      const { header, arrays } = savedPoints(points, plan.target.dimension);
      return encodeState({ plan: plan.mark, key, evaluations: model.saved, points: header }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved | null;
      checkSavedRun(
        WHERE,
        saved,
        { plan: plan.mark, key: ctx.rng.key },
        'another target, proposal or points',
      );
      const { evaluations } = saved;
      const k = evaluations.outputs.length;
      const points = restoredPoints(saved.points, arrays, plan.points, plan.target.dimension, k);
      return report({ key: ctx.rng.key, model: await open(ctx, evaluations), points }, plan);
    },
    dispose: ({ model }) => model.dispose(),
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: SavedEvaluations;
  readonly points: SavedPoints;
}

function checkPlan(options: ImportanceSamplingOptions): Plan {
  const own = ['proposal', 'defensive', 'defensiveLaw', 'points'];
  checkOptionNames(WHERE, options, [...WEIGHED_OPTIONS, ...own]);
  const { inputs, target, defensive = 0, defensiveLaw } = options;
  const usual = inputs ?? (isDensity(target) ? target : undefined);
  const first = checkProposal(WHERE, 'proposal', options.proposal ?? usual, options);
  const weighed = checkWeighed(WHERE, options, first.dimension, options.points);
  if (defensiveLaw !== undefined && options.defensive === undefined)
    checkNumber(
      WHERE,
      'defensive',
      undefined,
      (x) => x > 0 && x < 1,
      'the share of `defensiveLaw` in (0, 1)',
    );
  const proposal = defended(WHERE, first, defensive, defensiveLaw ?? weighed.target.law);
  const mark = JSON.stringify([...weighed.fingerprint, densityDigest(proposal)]);
  return { ...weighed, proposal, mark };
}

function report(state: ImportanceState, plan: Plan): Step<ImportanceState> {
  const { done } = state.points;
  return { state, done: done === plan.points, info: infoOf(state, plan) };
}

function infoOf({ points, model }: ImportanceState, plan: Plan): Info {
  const { evaluations } = model;
  return { ess: points.done, evaluations, warnings: [], done: points.done, total: plan.points };
}

function answer(state: ImportanceState, plan: Plan, ending: Ending): ImportanceResult {
  const { points, model } = state;
  const { done } = points;
  const logWeight = new Float64Array(done);
  plan.proposal.logDensity(points.x.subarray(0, done * plan.target.dimension), logWeight);
  for (let i = 0; i < done; i++) logWeight[i] = points.logTarget[i]! - logWeight[i]!;
  const whole = Math.floor(done / plan.perReplicate);
  const used = whole >= 2 ? whole * plan.perReplicate : done;
  const weighing = {
    logWeight,
    used: {
      logWeight: logWeight.subarray(0, used),
      replicates: whole >= 2 ? whole : 1,
      independent: plan.design === 'iid',
    },
    withoutError: false,
  };
  // Where no point had mass the model was not asked, and its outputs have no names.
  const unnamed = plan.model !== undefined && model.outputs.length === 0;
  const functions = unnamed ? [] : pointFunctions(WHERE, plan.expectations, plan.names, model.outputs);
  const answerPlan = { ...plan, functions, fresh: true };
  return importanceAnswer(points, weighing, model, answerPlan, ending, infoOf(state, plan));
}
