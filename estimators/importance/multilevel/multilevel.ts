import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { ModelError } from '../../../engine/errors.ts';
import { openEvaluator } from '../../../engine/model/evaluator.ts';
import { savedAdapter } from '../../../engine/model/place.ts';
import { orRelease } from '../../../engine/or-release.ts';
import { iid } from '../../../engine/random/point-set.ts';
import { SEQUENCE_POINTS } from '../../../engine/random/point-types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Context, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { batchMoments, type LevelMoments, mergedMoments, NO_MOMENTS } from './level-moments.ts';
import { decay, optimalSamples, remainingBias } from './level-rates.ts';
import { levelsInfo, multilevelAnswer } from './multilevel-answer.ts';
import { checkMultilevel, type MultilevelPlan } from './multilevel-plan.ts';
import type { LevelState, MultilevelState } from './multilevel-state.ts';
import type { MultilevelOptions, MultilevelResult } from './multilevel-types.ts';

/*
 * Multilevel Monte Carlo: E[P] = E[P_0] + sum over l >= 1 of E[P_l - P_{l-1}], each mean from samples of its own, most of
 * them where a sample is cheap.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | P_l - P_{l-1} | correction; P_0 on level 0 | |
 * | N_l, V_l, C_l | samples, variance and cost of a correction | [L + 1] |
 * | eps | accuracy: root mean square error wanted | |
 * | theta | biasShare of eps^2 | |
 *
 * N_l = ceil(((1 - theta) eps^2)^{-1} sqrt(V_l / C_l) sum_k sqrt(V_k C_k)), again and again until no level needs a hundredth more;
 * then, if the bias that is left by extrapolation is above sqrt(theta) eps, one level more. Algorithm 1 of Giles (2015).
 * Departures: a new level begins with as many samples as the first ones had, so that its variance and kurtosis are known
 * before they are used; only corrections tell of the bias, never level 0.
 *
 * Samples of level l are independent points under a generator of its own, so what a level draws depends on no other.
 */
export const MULTILEVEL_SOURCES: readonly Source[] = [
  {
    authors: 'Giles, M. B.',
    year: 2008,
    title: 'Multilevel Monte Carlo path simulation',
    reference: 'Operations Research 56(3), 607-617',
  },
  {
    authors: 'Giles, M. B.',
    year: 2015,
    title: 'Multilevel Monte Carlo methods',
    reference: 'Acta Numerica 24, 259-328',
  },
];

const WHERE = 'multilevel';
/** Random numbers of one chunk at most, and samples. */
const CHUNK_NUMBERS = 2 ** 20;
const CHUNK_SAMPLES = 16_384;
/** A level that needs less than this share more is left as it is. */
const ENOUGH = 0.01;

/**
 * Estimate the mean of a quantity that is known through levels of accuracy.
 * @throws OptionError for bad options; ModelError when a model fails at a sample.
 */
export function multilevel(options: MultilevelOptions): ModelMethod<MultilevelState, MultilevelResult> {
  const plan = checkMultilevel(WHERE, options);
  return {
    name: 'multilevel',
    sources: MULTILEVEL_SOURCES,
    onCluster: modelsOn(WHERE, (replace) =>
      multilevel({
        ...options,
        levels(l) {
          const level = options.levels(l);
          return { ...level, model: replace(level.model) };
        },
      }),
    ),
    async init(ctx) {
      const state: MultilevelState = { key: ctx.rng.key, levels: [], end: 'open' };
      const start = async (): Promise<Step<MultilevelState>> => {
        for (let l = 0; l < plan.first; l++) await addLevel(state, plan, ctx);
        return step(state, plan, ctx);
      };
      return orRelease(start, () => dispose(state));
    },
    step: (state, ctx) => step(state, plan, ctx),
    result: async (state, ending) => multilevelAnswer(state, ending, plan),
    snapshot: async (state) => encode(state, plan),
    restore: (bytes, ctx) => decode(bytes, plan, ctx),
    dispose,
  };
}

function dispose(state: MultilevelState): void {
  for (const { evaluator } of state.levels) evaluator.dispose();
}

async function addLevel(state: MultilevelState, plan: MultilevelPlan, ctx: Context): Promise<void> {
  const l = state.levels.length;
  const target = plan.samples?.[l] ?? plan.pilot;
  state.levels.push(await openLevel(plan, l, { target, moments: NO_MOMENTS }, ctx));
}

async function openLevel(
  plan: MultilevelPlan,
  l: number,
  { target, moments }: Pick<LevelState, 'target' | 'moments'>,
  { backend, signal }: Context,
  adapter?: string,
): Promise<LevelState> {
  const level = plan.level(l);
  const outputs = l === 0 ? ['fine'] : ['fine', 'coarse'];
  const { names } = level.space;
  const where = `${WHERE}: level ${l}`;
  const evaluator = await openEvaluator(
    { where, model: level.model, names, outputs, planned: target, backend, signal },
    moments.n,
    adapter,
  );
  return { level, evaluator, target, moments };
}

/** One chunk of the first level that lacks samples; when none does after it, decide how to go on. */
async function step(
  state: MultilevelState,
  plan: MultilevelPlan,
  ctx: Context,
): Promise<Step<MultilevelState>> {
  const lacking = (): number => state.levels.findIndex(({ target, moments }) => moments.n < target);
  await sampleChunk(state.levels[lacking()]!, lacking(), ctx);
  if (lacking() < 0) await decide(state, plan, ctx);
  return { state, done: state.end !== 'open', info: levelsInfo(state, []) };
}

async function sampleChunk(own: LevelState, l: number, ctx: Context): Promise<void> {
  const { level, evaluator, moments, target } = own;
  const d = level.space.dimension;
  const most = Math.min(CHUNK_SAMPLES, Math.max(1, Math.floor(CHUNK_NUMBERS / d)));
  const n = Math.min(most, target - moments.n);
  const points = iid({ dimension: d, rng: ctx.rng.child(TAG.level, l) });
  const arena = ctx.backend.arena();
  try {
    const x = arena.f64(n * d);
    await points.fill(x, moments.n, n, ctx.backend);
    level.space.transport(x, x, n);
    const { y, failures } = await evaluator.evaluate(x, n);
    if (failures.length > 0) {
      throw new ModelError({
        where: `${WHERE}: level ${l}`,
        found: `the model ${failures[0]!.reason} at ${failures.length} of ${n} samples, first at sample ${failures[0]!.index}`,
        expected: 'finite numbers: the fine value on level 0, the fine and the coarse one above',
        failures,
      });
    }
    own.moments = mergedMoments(moments, batchMoments(y, n, l === 0 ? 1 : 2));
  } finally {
    arena.release();
  }
}

/** Every level has its samples: more of them, one level more, or the end. */
async function decide(state: MultilevelState, plan: MultilevelPlan, ctx: Context): Promise<void> {
  const { levels } = state;
  if (plan.samples !== undefined) {
    state.end = 'reached';
    return;
  }
  const costs = levels.map(({ level }) => level.cost);
  const seen = decay(
    levels.map(({ moments }) => moments),
    costs,
    plan.known,
  );
  const wanted = optimalSamples(seen.variance, costs, plan.variance);
  if (wanted.some((n) => n > SEQUENCE_POINTS)) {
    state.end = 'samples';
    return;
  }
  if (wanted.some((n, l) => n - levels[l]!.target > ENOUGH * levels[l]!.target)) {
    for (const [l, own] of levels.entries()) own.target = Math.max(own.target, wanted[l]!);
    return;
  }
  if (plan.bias === undefined || remainingBias(seen) <= plan.bias) state.end = 'reached';
  else if (levels.length > plan.deepest) state.end = 'bias';
  else await addLevel(state, plan, ctx);
}

/** What a snapshot holds. */
interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly end: MultilevelState['end'];
  readonly levels: readonly {
    readonly target: number;
    readonly moments: LevelMoments;
    readonly adapter: string | undefined;
  }[];
}

function encode({ key, end, levels }: MultilevelState, plan: MultilevelPlan): Uint8Array {
  const saved: Saved = {
    plan: plan.fingerprint,
    key,
    end,
    levels: levels.map(({ target, moments, evaluator }) => ({
      target,
      moments,
      adapter: savedAdapter(evaluator.place),
    })),
  };
  return encodeState(saved);
}

async function decode(bytes: Uint8Array, plan: MultilevelPlan, ctx: Context): Promise<Step<MultilevelState>> {
  const saved = decodeState(bytes).header as Saved | null;
  checkSavedRun(WHERE, saved, { plan: plan.fingerprint, key: ctx.rng.key }, 'other levels or options');
  const state: MultilevelState = { key: saved.key, levels: [], end: saved.end };
  try {
    for (const [l, { adapter, ...own }] of saved.levels.entries())
      state.levels.push(await openLevel(plan, l, own, ctx, adapter));
  } catch (error) {
    dispose(state);
    throw error;
  }
  return { state, done: state.end !== 'open', info: levelsInfo(state, []) };
}
