import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { openScore, type Score } from '../../../engine/model/score.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Info, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { crossEntropyAnswer } from './cross-entropy-answer.ts';
import { type CrossEntropyPlan, checkCrossEntropy, WHERE } from './cross-entropy-plan.ts';
import {
  adapt,
  adapted,
  type CrossEntropyState,
  drawFinal,
  restoredState,
  type SavedState,
  savedState,
  startState,
} from './cross-entropy-state.ts';
import type { CrossEntropyOptions, CrossEntropyResult } from './cross-entropy-types.ts';

/*
 * Cross-entropy importance sampling of a rare event {S > 0}.
 *
 *   stage t:  z ~ q_t;  L_t = min(score that a share rho of the stage reaches, 0)
 *             q_{t+1} = normal laws with the moments of the points of all stages with S >= L_t, by weights f / h
 *   at L = 0: one more stage, a last fit;  p = mean of f / q 1{S > 0} over fresh points
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | z, inputs as standard normals | x of the history, z of the final points | [n, d] |
 * | rho, N | share, stagePoints | |
 * | K | components | |
 * | h = sum_t n_t q_t / n | logMixture | [n] |
 *
 * Departures: fits use the points of all stages, weighted by the mixture of all their laws, and are steadied for few points
 * (fitted-law.ts); the event gets a second stage; the final proposal keeps a share of the laws of all earlier stages. Those
 * are wider, so a part of the event that a single normal law has lost is met now and then, with large weights that the
 * effective size and the Pareto shape tell of, instead of silently never.
 */
export const CROSS_ENTROPY_SOURCES: readonly Source[] = [
  {
    authors: 'Rubinstein, R. Y. & Kroese, D. P.',
    year: 2004,
    title: 'The cross-entropy method',
    reference: 'Springer',
  },
  {
    authors: 'Kurtz, N. & Song, J.',
    year: 2013,
    title: 'Cross-entropy-based adaptive importance sampling using Gaussian mixture',
    reference: 'Structural Safety 42, 35-44',
  },
];

/**
 * The probability of a rare event by adapted importance sampling: sharper than `splitting` for the same evaluations where a
 * few normal laws fit the event, that is up to some twenty inputs.
 * @throws OptionError for bad options; ModelError when the model fails at a point; DegeneracyError when all scores are
 * one number outside the event at the start.
 */
export function crossEntropy(
  options: CrossEntropyOptions,
): ModelMethod<CrossEntropyState, CrossEntropyResult> {
  const plan = checkCrossEntropy(options);
  const step = async (state: CrossEntropyState, ctx: Context): Promise<Step<CrossEntropyState>> => {
    if (!adapted(state, plan)) await adapt(state, plan, ctx);
    else await drawFinal(state, plan, ctx);
    return report(state, plan);
  };
  return {
    name: 'cross-entropy',
    sources: CROSS_ENTROPY_SOURCES,
    onCluster: modelsOn(WHERE, (replace) => crossEntropy({ ...options, model: replace(options.model) })),
    async init(ctx) {
      const score = await open(plan, ctx, 0);
      return orRelease(
        () => step(startState(plan, score, ctx.rng.key), ctx),
        () => score.dispose(),
      );
    },
    step,
    result: async (state, ending) => crossEntropyAnswer(state, plan, ending, report(state, plan).info),
    async snapshot(state) {
      const { header, arrays } = savedState(state);
      const { evaluations } = state.score.evaluator;
      return encodeState({ plan: plan.fingerprint, key: state.key, evaluations, state: header }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved | null;
      const own = { plan: plan.fingerprint, key: ctx.rng.key };
      checkSavedRun(WHERE, saved, own, 'another event, other inputs or other options');
      const score = await open(plan, ctx, saved.evaluations);
      const fresh = startState(plan, score, ctx.rng.key);
      return report(restoredState(fresh, saved.state, arrays), plan);
    },
    dispose: ({ score }) => score.dispose(),
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly state: SavedState;
}

function open(plan: CrossEntropyPlan, { backend, signal }: Context, done: number): Promise<Score> {
  const { space, model, outputs, event, stagePoints, points } = plan;
  const planned = points + 5 * stagePoints;
  return openScore({ where: WHERE, space, model, outputs, event, planned, backend, signal }, done);
}

function report(state: CrossEntropyState, plan: CrossEntropyPlan): Step<CrossEntropyState> {
  const { final, score } = state;
  const { evaluations } = score.evaluator;
  const ending = adapted(state, plan);
  const total = ending ? evaluations - final.done + plan.points : undefined;
  const info: Info = { ess: final.done, evaluations, warnings: [], done: evaluations, total };
  return { state, done: final.done === plan.points, info };
}
