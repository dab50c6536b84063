import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import { checkCount, checkNumber, checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { ModelError, OptionError } from '../../../engine/errors.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import type { FeynmanKac, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import { checkSmcMemory } from '../../../engine/particles/smc/memory.ts';
import { pooledLogWeight } from '../../../engine/particles/smc/pooled.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { PURPOSE, TAG } from '../../../engine/random/purpose.ts';
import type { Stream } from '../../../engine/random/rng.ts';
import type { Context, Ending, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Source } from '../../../engine/types.ts';
import { logProbabilityOf, oneRun, probabilityOf } from './log-probability.ts';
import type { RareEventResult } from './types.ts';

/*
 * Dynamic splitting with a fixed effort: N paths at each level start from the states in which earlier ones first crossed
 * the level before, and go on until they cross the next or die.
 *
 *   p-hat = product over levels of (paths that crossed) / N          unbiased: the levels are fixed beforehand
 *
 * | symbol | name here |
 * |---|---|
 * | xi(x) | coordinate: how far a state has come |
 * | L_1 < .. < L_m | levels; the event is to reach the last |
 * | N | particles |
 *
 * Departure: starting states are drawn systematically, which is as unbiased as drawing them at random and less noisy.
 */
export const DYNAMIC_SPLITTING_SOURCES: readonly Source[] = [
  {
    authors: "L'Ecuyer, P., Le Gland, F., Lezaud, P. & Tuffin, B.",
    year: 2009,
    title: 'Splitting techniques',
    reference: 'in Rubino & Tuffin (eds), Rare Event Simulation using Monte Carlo Methods, Wiley, chapter 3',
  },
];

/** A Markov process that is stepped path by path. Randomness comes from the stream alone. */
export interface PathProcess {
  /** d, numbers in a state; with whatever else of its past it needs. */
  readonly dimension: number;
  /** Write the first state into `x` [d]. */
  initial(x: Float64Array, stream: Stream): void;
  /** Move `x` one step on, in place. */
  step(x: Float64Array, stream: Stream): void;
  /** How far a state has come towards the event. */
  coordinate(x: Float64Array): number;
  /** Whether the path is over without the event. Every path must come to this or to a level. */
  dead(x: Float64Array): boolean;
}

export interface DynamicSplittingOptions {
  readonly process: PathProcess;
  /** Ascending; the event is a coordinate of the last one or more. */
  readonly levels: readonly number[];
  /** N, paths at each level of one run. Default 1000. */
  readonly particles?: number;
  /** R, independent runs side by side; their spread is the standard error. Default 8. */
  readonly runs?: number;
  /** How starting states are drawn. Default 'systematic'. */
  readonly scheme?: SchemeName;
  /** Steps of one path between two levels before it counts as lost in an endless loop. Default 1 000 000. */
  readonly mostSteps?: number;
  /** Of the interval. Default 0.95. */
  readonly level?: number;
}

type PathFields = { readonly x: { readonly components: number } };

export interface DynamicSplittingState {
  readonly key: readonly [number, number];
  readonly smc: Smc<PathFields>;
  /** [runs][levels] share of the paths that crossed. */
  readonly crossed: number[][];
  readonly walked: { steps: number };
}

const WHERE = 'dynamicSplitting';

/**
 * The probability that a process reaches a far level before it dies.
 * @throws OptionError for bad options; ModelError when a path neither crosses nor dies.
 */
export function dynamicSplitting(
  options: DynamicSplittingOptions,
): Sampler<DynamicSplittingState, RareEventResult> {
  const plan = checkPlan(options);
  const step = async (state: DynamicSplittingState): Promise<Step<DynamicSplittingState>> => {
    if (!state.smc.finished) await advance(state);
    return report(state, plan);
  };
  return {
    name: 'dynamic-splitting',
    sources: DYNAMIC_SPLITTING_SOURCES,
    async init(ctx) {
      const state = open(plan, ctx);
      return orRelease(
        () => step(state),
        () => state.smc.release(),
      );
    },
    step,
    result: async (state, ending) => answer(state, plan, ending),
    async snapshot({ smc, key, crossed, walked }) {
      const { header, arrays } = smc.snapshot();
      return encodeState({ plan: plan.fingerprint, key, crossed, walked, smc: header }, arrays);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved;
      checkSavedRun(WHERE, saved, { plan: plan.fingerprint, key: ctx.rng.key });
      const state = open(plan, ctx);
      await state.smc.restore({ header: saved.smc, arrays });
      for (const [r, shares] of saved.crossed.entries()) state.crossed[r]!.push(...shares);
      state.walked.steps = saved.walked.steps;
      return report(state, plan);
    },
    dispose: (state) => state.smc.release(),
  };
}

type Plan = Required<DynamicSplittingOptions> & { readonly fingerprint: string };

interface Saved extends Pick<DynamicSplittingState, 'key' | 'crossed' | 'walked'> {
  readonly plan: string;
  readonly smc: unknown;
}

function checkPlan(options: DynamicSplittingOptions): Plan {
  checkOptionNames(WHERE, options, [
    'process',
    'levels',
    'particles',
    'runs',
    'scheme',
    'mostSteps',
    'level',
  ]);
  const { particles = 1000, runs = 8, scheme = 'systematic', mostSteps = 1e6, level = 0.95 } = options;
  const { process, levels } = options;
  checkProcess(process);
  checkCount(WHERE, 'particles', particles, { min: 2, max: 2 ** 31 });
  checkCount(WHERE, 'runs', runs, { min: 1, max: 10_000 });
  checkCount(WHERE, 'mostSteps', mostSteps, { min: 1 });
  checkOneOf(WHERE, 'scheme', scheme, SCHEME_NAMES);
  checkNumber(WHERE, 'level', level, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  const ascending =
    Array.isArray(levels) &&
    levels.length > 0 &&
    levels.every((value, k) => Number.isFinite(value) && !(value <= levels[k - 1]!));
  if (!ascending) {
    throw new OptionError({
      where: WHERE,
      option: 'levels',
      value: levels,
      found: `option \`levels\` is ${Array.isArray(levels) ? `[${levels.join(', ')}]` : show(levels)}`,
      expected: 'at least one number, in ascending order',
    });
  }
  const fingerprint = JSON.stringify([WHERE, levels, particles, runs, scheme, process.dimension]);
  const fields = { x: { components: process.dimension } };
  checkSmcMemory(WHERE, { fields, particles, runs, scheme });
  return { process, levels: [...levels], particles, runs, scheme, mostSteps, level, fingerprint };
}

const FUNCTIONS = ['initial', 'step', 'coordinate', 'dead'] as const;

function checkProcess(process: PathProcess | undefined): void {
  checkCount(WHERE, 'process.dimension', process?.dimension, { min: 1 });
  const missing = FUNCTIONS.find((name) => typeof process?.[name] !== 'function');
  if (missing === undefined) return;
  throw new OptionError({
    where: WHERE,
    option: 'process',
    value: process,
    found: `\`process.${missing}\` is ${show(process?.[missing])}`,
    expected: `a process: dimension and the functions ${FUNCTIONS.join(', ')}`,
  });
}

function open(plan: Plan, ctx: Context): DynamicSplittingState {
  const { backend, signal, rng } = ctx;
  const { particles, runs, scheme } = plan;
  const walked = { steps: 0 };
  const rngs = Array.from({ length: runs }, (_, r) => (runs === 1 ? rng : rng.child(TAG.replicate, r)));
  const smc = makeSmc<PathFields>({
    ...{ where: WHERE, backend, signal, model: pathModel(plan, walked), rngs, particles, scheme },
    // The paths that crossed have equal weights: every step begins with a resampling.
    threshold: 1,
  });
  return { key: rng.key, smc, crossed: rngs.map(() => []), walked };
}

/** G_t = 1{the path crossed level t}. A path of particle i and level t draws from the stream of (t, i). */
function pathModel(plan: Plan, walked: { steps: number }): FeynmanKac<PathFields> {
  const { process, levels, mostSteps } = plan;
  const d = process.dimension;
  const state = new Float64Array(d);
  const walk = (step: number, particle: number, stream: Stream): void => {
    const goal = levels[step]!;
    let left = mostSteps;
    let come = process.coordinate(state);
    while (come < goal && !process.dead(state)) {
      if (left-- === 0) throw endless(step, particle, mostSteps);
      process.step(state, stream);
      walked.steps++;
      come = process.coordinate(state);
    }
    if (Number.isNaN(come)) throw lost(step, particle, state);
  };
  const each = (step: number, run: SmcRun<PathFields>, lo: number, hi: number): void => {
    const x = run.field('x');
    const purpose = step === 0 ? PURPOSE.init : PURPOSE.mutation;
    for (let i = lo; i < hi; i++) {
      const stream = run.rng.stream({ purpose, step, particle: i });
      if (step === 0) process.initial(state, stream);
      else state.set(run.parent('x').subarray(i * d, (i + 1) * d));
      walk(step, i, stream);
      x.set(state, i * d);
    }
  };
  return {
    fields: { x: { components: d } },
    steps: levels.length,
    block: 256,
    init: (run, lo, hi) => each(0, run, lo, hi),
    mutate: each,
    logPotential(step, run, out, lo, hi) {
      const x = run.field('x');
      for (let i = lo; i < hi; i++) {
        state.set(x.subarray(i * d, (i + 1) * d));
        out[i] = process.coordinate(state) >= levels[step]! ? 0 : -Infinity;
      }
    },
  };
}

async function advance({ smc, crossed }: DynamicSplittingState): Promise<void> {
  const going = smc.runs.map((run) => !run.finished);
  await smc.advance();
  for (const [r, run] of smc.runs.entries()) if (going[r]) crossed[r]!.push(Math.exp(run.increment));
}

function report(state: DynamicSplittingState, plan: Plan): Step<DynamicSplittingState> {
  const { smc, walked } = state;
  const ess = smc.runs.reduce((total, run) => total + run.ess, 0);
  const done = smc.step + 1;
  const info = { ess, evaluations: walked.steps, warnings: [], done, total: plan.levels.length };
  return { state, done: smc.finished, info };
}

function answer(state: DynamicSplittingState, plan: Plan, ending: Ending): RareEventResult {
  const { smc, crossed } = state;
  const { level, levels, scheme, process } = plan;
  const logProbability = {
    ...logProbabilityOf(
      smc,
      crossed.map((shares) => ({ shares: shares.filter((share) => share > 0), ended: smc.finished })),
      scheme,
    ),
    unbiased: scheme !== 'metropolis',
  };
  const { value, standardError } = logProbability;
  const points = smc.particles.field('x').slice();
  const logWeight = pooledLogWeight(smc);
  const message = `No path of any run crossed level ${smc.step} (${levels[smc.step]}). Put levels in between, or take more particles.`;
  return {
    estimate: {
      names: ['log probability'],
      value: Float64Array.of(value),
      standardError: Float64Array.of(standardError),
    },
    sample: { points, shape: [logWeight.length, process.dimension], logWeight },
    outcome: value === -Infinity ? { kind: 'degenerate', ess: 0, message } : ending.outcome,
    diagnostics: { ...report(state, plan).info, warnings: oneRun(logProbability) },
    provenance: ending.provenance,
    logProbability,
    probability: probabilityOf(logProbability, level),
    levels: crossed[0]!.map((survivors, k) => ({ value: levels[k]!, survivors, acceptance: Number.NaN })),
  };
}

function lost(step: number, particle: number, state: Float64Array): ModelError {
  return new ModelError({
    where: WHERE,
    found: `the coordinate of path ${particle} at level ${step} is NaN, in state [${state.join(', ')}]`,
    expected: 'a number for every state',
    fix: 'Look at `coordinate` and at the states that `initial` and `step` write.',
  });
}

function endless(step: number, particle: number, mostSteps: number): ModelError {
  return new ModelError({
    where: WHERE,
    found: `path ${particle} at level ${step} neither crossed nor died in ${mostSteps} steps`,
    expected: 'a process whose every path ends',
    fix: 'Let `dead` end paths that will not come back, or raise mostSteps.',
  });
}
