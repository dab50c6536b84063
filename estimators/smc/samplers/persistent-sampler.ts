import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import type { Arena } from '../../../engine/backend/backend.ts';
import { checkNumber } from '../../../engine/check.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import type { ChainStates } from '../../../engine/kernel/kernel.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import type { LogDensity } from '../../../engine/model/log-density.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import { orRelease } from '../../../engine/or-release.ts';
import { ess, logMeanExp } from '../../../engine/particles/log-weight.ts';
import { pooledMoments } from '../../../engine/particles/smc/pooled-moments.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import type { Context, Ending, Info, Result, Sample, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Estimate, Source, Warning } from '../../../engine/types.ts';
import { log } from '../../../engine/wasm/twins/elementary.ts';
import { allDead, underWay } from './answer.ts';
import {
  advanceEnsemble,
  type Ensemble,
  type EnsembleSettings,
  type Generation,
  startEnsemble,
} from './ensemble.ts';
import { checkLikelihood, type LikelihoodOptions, openLikelihood, replacedLikelihood } from './likelihood.ts';
import { checkPopulation, type PopulationPlan } from './plan.ts';
import type { PathTable, PopulationOptions, SamplerNormalizer } from './types.ts';
import { collapse } from './warnings.ts';

/*
 * Persistent sampling: tempering that keeps the particles of all earlier steps, see ensemble.ts. Needs no evaluations
 * beyond those of the moves, and its final sample is worth more particles than one generation. Consistent, and slightly
 * biased for any N. It needs moves that mix: copies that stay together stay in the ensemble for good.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x | sample.points, all generations | [t N, d] |
 * | lambda_t | path.inverseTemperature | [T] |
 * | log Z_t | path.logNormalizer | [T] |
 * | alpha, in ESS = alpha N over all t N points | essFraction | |
 */
export const PERSISTENT_SOURCES: readonly Source[] = [
  {
    authors: 'Karamanis, M. & Seljak, U.',
    year: 2024,
    title: 'Persistent sampling: enhancing the efficiency of sequential Monte Carlo',
    reference: 'arXiv:2407.20722',
  },
];

export interface PersistentOptions
  extends Pick<PopulationOptions, 'prior' | 'particles' | 'runs' | 'moves' | 'moveCount' | 'scheme'>,
    LikelihoodOptions {
  /** alpha: effective size of all points together, over N, to keep; at most 0.9 of them. Default 2. */
  readonly essFraction?: number;
}

/**
 * `sample` holds the points of all generations of all runs, weighed under the last target. Until all runs have come to
 * inverse temperature 1 there is no posterior: estimates are NaN, `path` says how far the first one got.
 */
export interface PersistentResult extends Result {
  readonly estimate: Estimate;
  /** Never unbiased. Its standard error needs several `runs`. */
  readonly logNormalizer: SamplerNormalizer;
  /** [R] of each run. */
  readonly runs: { readonly logNormalizer: Float64Array };
  readonly mean: Estimate;
  /** [d, d] */
  readonly covariance: Float64Array;
  /** One row for each target of the first run, from the first after the prior. */
  readonly path: PathTable & { readonly inverseTemperature: Float64Array };
}

interface PersistentState {
  readonly key: readonly [number, number];
  readonly settings: EnsembleSettings;
  readonly density: LogDensity;
  readonly arena: Arena;
  readonly ensembles: readonly Ensemble[];
}

const WHERE = 'persistentSampler';
const OPTIONS: Readonly<Record<keyof PersistentOptions, true>> = {
  prior: true,
  particles: true,
  runs: true,
  moves: true,
  moveCount: true,
  scheme: true,
  logLikelihood: true,
  logTarget: true,
  essFraction: true,
};

/**
 * Sample a posterior and estimate its normalizing constant by a persistent ensemble.
 * @throws OptionError for bad options, before any work.
 */
export function persistentSampler(
  options: PersistentOptions,
): ModelMethod<PersistentState, PersistentResult> {
  const { essFraction = 2 } = options;
  const source = options.logLikelihood ?? options.logTarget;
  const digest = [essFraction, kernelDigest(source)];
  const plan = checkPopulation(WHERE, options, { threshold: 1, known: Object.keys(OPTIONS), source, digest });
  checkLikelihood(WHERE, options);
  checkNumber(WHERE, 'essFraction', essFraction, (x) => x > 0 && x < Infinity, 'a number above 0');
  const begin = (ctx: Context, done: number): Promise<PersistentState> =>
    open({ ...options, essFraction }, plan, ctx, done);
  return {
    name: 'persistent-sampler',
    sources: PERSISTENT_SOURCES,
    onCluster: modelsOn(WHERE, (replace) =>
      persistentSampler({ ...options, ...replacedLikelihood(options, replace) }),
    ),
    async init(ctx) {
      const state = await begin(ctx, 0);
      const start = async (): Promise<Step<PersistentState>> => {
        for (const ensemble of state.ensembles) await startEnsemble(ensemble, state.settings);
        return report(state);
      };
      return orRelease(start, () => dispose(state));
    },
    async step(state) {
      for (const ensemble of state.ensembles)
        if (!ensemble.over) await advanceEnsemble(ensemble, state.settings);
      return report(state);
    },
    result: async (state, ending) => {
      const found = answer(state, plan, ending);
      return state.ensembles.every(({ over }) => over) ? found : underWay(found);
    },
    async snapshot(state) {
      return snapshot(state, plan);
    },
    async restore(bytes, ctx) {
      const { header, arrays } = decodeState(bytes);
      const saved = header as Saved;
      const own = { plan: plan.fingerprint, key: ctx.rng.key };
      checkSavedRun(plan.where, saved, own, 'another prior or other options');
      const state = await begin(ctx, saved.evaluations);
      for (const [r, { generations, kernel, small, over }] of saved.runs.entries()) {
        const ensemble = state.ensembles[r]!;
        const read = (name: string): Float64Array => arrays[`${name} ${r}`] as Float64Array;
        for (const name of ARRAYS) ensemble[name] = read(name);
        ensemble.generations.push(...generations);
        ensemble.kernel.restore(kernel);
        Object.assign(ensemble, { small, over });
      }
      return report(state);
    },
    dispose,
  };
}

const ARRAYS = ['x', 'logPrior', 'logLikelihood', 'logWeight'] as const;

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly evaluations: number;
  readonly runs: readonly {
    readonly generations: readonly Generation[];
    readonly kernel: Readonly<Record<string, unknown>>;
    readonly small: number;
    readonly over: boolean;
  }[];
}

function snapshot({ key, density, ensembles }: PersistentState, plan: PopulationPlan): Uint8Array {
  const runs = ensembles.map(({ generations, kernel, small, over }) => ({
    ...{ generations, small, over },
    kernel: kernel.snapshot(),
  }));
  const header: Saved = { plan: plan.fingerprint, key, evaluations: density.evaluations, runs };
  const arrays = ensembles.flatMap((ensemble, r) =>
    ARRAYS.map((name): [string, Float64Array] => [`${name} ${r}`, ensemble[name]]),
  );
  return encodeState(header, Object.fromEntries(arrays));
}

async function open(
  options: PersistentOptions & { readonly essFraction: number },
  plan: PopulationPlan,
  ctx: Context,
  done: number,
): Promise<PersistentState> {
  const { backend, signal, rng } = ctx;
  const { where, prior, particles: n, runs, moveCount, scheme } = plan;
  const { density, rows: likelihood } = await openLikelihood(options, plan, ctx, done);
  const { essFraction } = options;
  const settings = { where, backend, prior, likelihood, particles: n, moveCount, scheme, essFraction };
  const arena = backend.arena();
  const { law } = prior;
  const d = law.dimension;
  const gradient = plan.choice.needs === 'gradient';
  const context = { where, backend, signal, dimension: d, prior: law, gradient: density.gradient, chains: n };
  const ensembles = Array.from({ length: runs }, (_, r): Ensemble => {
    const gradients = { priorGradient: arena.f64(n * d), likelihoodGradient: arena.f64(n * d) };
    const rows = { count: n, x: arena.f64(n * d), logPrior: arena.f64(n), logLikelihood: arena.f64(n) };
    const chains: ChainStates = gradient ? { ...rows, ...gradients } : rows;
    const none = new Float64Array(0);
    return {
      rng: runs === 1 ? rng : rng.child(TAG.replicate, r),
      kernel: plan.choice.open(context),
      chains,
      ...{ x: none, logPrior: none, logLikelihood: none, logWeight: none, generations: [] },
      ...{ small: 0, over: false },
    };
  });
  return { key: rng.key, settings, density, arena, ensembles };
}

function dispose({ arena, density, ensembles }: PersistentState): void {
  arena.release();
  density.dispose();
  for (const { kernel } of ensembles) kernel.dispose();
}

function report(state: PersistentState): Step<PersistentState> {
  const { ensembles } = state;
  return { state, done: ensembles.every(({ over }) => over), info: infoOf(state) };
}

function infoOf({ ensembles, density }: PersistentState): Info {
  const done = Math.min(
    ...ensembles.map(({ over, generations }) => (over ? 1 : generations.at(-1)!.inverseTemperature)),
  );
  const size = ensembles.reduce((total, { logWeight }) => total + ess(logWeight), 0);
  return { ess: size, evaluations: density.evaluations, warnings: [], done, total: 1 };
}

function answer(state: PersistentState, plan: PopulationPlan, ending: Ending): PersistentResult {
  const { ensembles, density } = state;
  const logs = Float64Array.from(ensembles, ({ generations }) => generations.at(-1)!.logNormalizer);
  const dead = logs.filter((logZ) => logZ === -Infinity).length;
  const { value, standardError } = combinedLogNormalizer(logs);
  const method = Number.isNaN(standardError) ? 'none' : 'replicates';
  const sample = pool(ensembles, plan.prior.law.dimension);
  const pooled = pooledMoments(sample, endsOf(ensembles));
  const { names } = plan.prior;
  const rows = ensembles[0]!.generations.slice(1);
  const column = (pick: (row: Generation) => number): Float64Array => Float64Array.from(rows, pick);
  return {
    estimate: {
      names: ['logNormalizer', ...names],
      value: Float64Array.of(value, ...pooled.mean),
      standardError: Float64Array.of(standardError, ...pooled.standardError),
    },
    logNormalizer: { value, standardError, method, unbiased: false },
    runs: { logNormalizer: logs },
    mean: { names, value: pooled.mean, standardError: pooled.standardError },
    covariance: pooled.covariance,
    path: {
      inverseTemperature: column((row) => row.inverseTemperature),
      ess: column((row) => row.ess),
      logNormalizer: column((row) => row.logNormalizer),
      moves: column((row) => row.moves),
      acceptance: column((row) => row.acceptance),
    },
    sample,
    outcome: dead === logs.length ? allDead(ensembles[0]!.generations.length - 1) : ending.outcome,
    diagnostics: { ...infoOf(state), warnings: [...collapse(dead, plan), ...oneRun(plan)] },
    provenance: toldPlace(ending.provenance, density.place),
  };
}

/** Generations depend on one another through all that came before, so that one run shows no error of its own. */
function oneRun({ runs }: PopulationPlan): Warning[] {
  if (runs > 1) return [];
  const message =
    'One run of a persistent ensemble tells no standard error. Use runs: 8 or more, with fewer particles each.';
  return [{ code: 'one-replicate', message, value: 1, threshold: 2 }];
}

/** Row after the last one of each run. */
function endsOf(ensembles: readonly Ensemble[]): number[] {
  let end = 0;
  return ensembles.map(({ logWeight }) => {
    end += logWeight.length;
    return end;
  });
}

/** All points of all runs, each run counting by its normalizing constant over its number of points. */
function pool(ensembles: readonly Ensemble[], d: number): Sample {
  const ends = endsOf(ensembles);
  const total = ends.at(-1)!;
  const points = new Float64Array(total * d);
  const logWeight = new Float64Array(total);
  for (const [r, { x, logWeight: own, generations }] of ensembles.entries()) {
    const start = ends[r]! - own.length;
    const share =
      generations.at(-1)!.logNormalizer - logMeanExp(own) + log(total / own.length / ensembles.length);
    points.set(x, start * d);
    for (let i = 0; i < own.length; i++)
      logWeight[start + i] = own[i] === -Infinity ? -Infinity : own[i]! + share;
  }
  return { points, shape: [total, d], logWeight };
}
