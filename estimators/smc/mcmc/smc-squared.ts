import { decodeState, encodeState } from '../../../engine/array/codec.ts';
import {
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from '../../../engine/diagnostics/genealogy-variance.ts';
import type { MarkovKernel } from '../../../engine/kernel/kernel.ts';
import { orRelease } from '../../../engine/or-release.ts';
import { normalizedWeight } from '../../../engine/particles/log-weight.ts';
import { weightedMoments } from '../../../engine/particles/moments.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import type { Context, Ending, Info, Sampler, Step } from '../../../engine/sampler.ts';
import { checkSavedRun } from '../../../engine/saved-run.ts';
import type { Source, Warning } from '../../../engine/types.ts';
import { type InnerFilters, makeInnerFilters } from './inner-filters.ts';
import { type OuterFields, type OuterReport, smcSquaredModel } from './smc-squared-model.ts';
import { type SmcSquaredPlan, smcSquaredPlan } from './smc-squared-plan.ts';
import type { SmcSquaredOptions, SmcSquaredResult } from './smc-squared-types.ts';

/*
 * SMC^2: weighted parameters, each with a particle filter of its own, that follow the data one by one.
 *
 *   at y_t       weight theta by its filter's estimate of p(y_t | y_0..y_{t-1}, theta)
 *   ESS low      resample the theta with their filters; then move each by PMMH on prior(theta) Z-hat(y_0..y_{t-1}), fresh filters
 *                from step 0; where too few moves are accepted, exchange all filters for ones with twice the particles
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | theta | `sample.points` | [N_theta, p] |
 * | N_theta, N_x | particles, innerParticles | |
 * | log p(y_0..y_t) | path.logNormalizer | [T] |
 *
 * The outer loop is the loop of all particle methods, and so are the filters, N_theta of them in one flat run. Departures from the
 * paper: none but the mean of the exchange weights, which is divided out.
 */
export const SMC_SQUARED_SOURCES: readonly Source[] = [
  {
    authors: 'Chopin, N., Jacob, P. E. & Papaspiliopoulos, O.',
    year: 2013,
    title: 'SMC^2: an efficient algorithm for sequential analysis of state space models',
    reference: 'Journal of the Royal Statistical Society B 75(3), 397-426',
  },
];

/** One row of the path. */
type Row = readonly [logNormalizer: number, ess: number, innerParticles: number, acceptance: number];

export interface SmcSquaredState {
  readonly smc: Smc<OuterFields>;
  readonly inner: InnerFilters;
  readonly kernel: MarkovKernel;
  readonly report: OuterReport;
  readonly rows: Row[];
  readonly key: readonly [number, number];
}

/**
 * Parameters and evidence of a state-space model as the data come in.
 * @throws OptionError for bad options.
 */
export function smcSquared(options: SmcSquaredOptions): Sampler<SmcSquaredState, SmcSquaredResult> {
  const plan = smcSquaredPlan('smcSquared', options);
  const step = async (state: SmcSquaredState): Promise<Step<SmcSquaredState>> => {
    const { smc, inner, report, rows } = state;
    if (!smc.finished) {
      await smc.advance();
      const { logNormalizer, ess } = smc.runs[0]!;
      rows.push([logNormalizer, ess, inner.particles, report.acceptance]);
    }
    return told(plan, state);
  };
  return {
    name: 'smc-squared',
    sources: SMC_SQUARED_SOURCES,
    async init(ctx) {
      const state = open(plan, ctx);
      return orRelease(
        () => step(state),
        () => dispose(state),
      );
    },
    step,
    result: async (state, ending) => answer(plan, state, ending),
    snapshot: async (state) => save(plan, state),
    restore: async (bytes, ctx) => told(plan, await restore(plan, bytes, ctx)),
    dispose,
  };
}

function open(plan: SmcSquaredPlan, ctx: Context): SmcSquaredState {
  const { where, particles, prior, scheme, trigger } = plan;
  const { backend, signal, rng } = ctx;
  const dimension = prior.law.dimension;
  const context = { where, backend, signal, dimension, prior: prior.law, gradient: false };
  const kernel = plan.kernel.open({ ...context, chains: particles, block: particles });
  const inner = makeInnerFilters(plan, ctx);
  const report = { acceptance: Number.NaN };
  const model = smcSquaredModel(plan, inner, kernel, report);
  const smc = makeSmc({ where, backend, signal, model, rngs: [rng], particles, scheme, ...trigger });
  return { smc, inner, kernel, report, rows: [], key: rng.key };
}

function dispose({ smc, inner, kernel }: SmcSquaredState): void {
  smc.release();
  inner.release();
  kernel.dispose();
}

function told(plan: SmcSquaredPlan, state: SmcSquaredState): Step<SmcSquaredState> {
  return { state, done: state.smc.finished, info: infoOf(plan, state, []) };
}

function infoOf(plan: SmcSquaredPlan, { smc, inner }: SmcSquaredState, warnings: readonly Warning[]): Info {
  return {
    ess: smc.runs[0]!.ess,
    evaluations: inner.evaluations,
    warnings,
    done: smc.step + 1,
    total: plan.models.steps,
  };
}

interface Saved {
  readonly plan: string;
  readonly key: readonly [number, number];
  readonly rows: readonly Row[];
  readonly outer: unknown;
  readonly inner: unknown;
}

function save(plan: SmcSquaredPlan, { smc, inner, rows, key }: SmcSquaredState): Uint8Array {
  const outer = smc.snapshot();
  const filters = inner.snapshot();
  const header: Saved = { plan: plan.fingerprint, key, rows, outer: outer.header, inner: filters.header };
  return encodeState(header, { ...outer.arrays, ...filters.arrays });
}

async function restore(plan: SmcSquaredPlan, bytes: Uint8Array, ctx: Context): Promise<SmcSquaredState> {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(plan.where, saved, { plan: plan.fingerprint, key: ctx.rng.key });
  const state = open(plan, ctx);
  try {
    await state.smc.restore({ header: saved.outer, arrays });
    await state.inner.restore({ header: saved.inner, arrays }, state.smc.particles.field('theta'));
  } catch (error) {
    dispose(state);
    throw error;
  }
  state.rows.push(...saved.rows);
  return state;
}

function answer(plan: SmcSquaredPlan, state: SmcSquaredState, ending: Ending): SmcSquaredResult {
  const { smc, rows } = state;
  const { names } = plan.prior;
  const run = smc.runs[0]!;
  const points = smc.particles.field('theta').slice();
  const logWeight = smc.particles.logWeight.slice();
  const alive = run.collapsedAt === undefined;
  const weight = normalizedWeight(logWeight);
  const eves = { family: smc.eve(0), resamplings: run.resamplings };
  const variance = varianceOfLogNormalizer(weight, eves, plan.scheme);
  const error = standardErrorOfMean(weight, points, eves);
  const standardError = variance.standardError || Number.NaN;
  const none = new Float64Array(names.length ** 2).fill(Number.NaN);
  const column = (k: number): Float64Array => Float64Array.from(rows, (row) => row[k]!);
  return {
    estimate: {
      names: ['logNormalizer', ...names],
      value: Float64Array.of(run.logNormalizer, ...error.value),
      standardError: Float64Array.of(standardError, ...error.standardError),
    },
    sample: { points, shape: [plan.particles, names.length], logWeight },
    diagnostics: infoOf(plan, state, [...variance.warnings, ...error.warnings, ...slowMoves(plan, rows)]),
    ...ending,
    ...(alive ? {} : { outcome: collapsed(run.collapsedAt!) }),
    logNormalizer: {
      value: run.logNormalizer,
      standardError,
      method: Number.isNaN(standardError) ? 'none' : variance.method,
      unbiased: false,
    },
    mean: { names, value: error.value, standardError: error.standardError },
    covariance: alive ? weightedMoments(points, logWeight).covariance : none,
    path: { logNormalizer: column(0), ess: column(1), innerParticles: column(2), acceptance: column(3) },
  };
}

function collapsed(step: number): SmcSquaredResult['outcome'] {
  const message = `No parameter of the population allows the observation at step ${step}.`;
  return { kind: 'degenerate', ess: 0, message };
}

/** Share of moves below which particles hardly move. */
const SLOW = 0.05;

function slowMoves(plan: SmcSquaredPlan, rows: readonly Row[]): Warning[] {
  const worst = Math.min(1, ...rows.map((row) => row[3]).filter((share) => !Number.isNaN(share)));
  if (worst >= SLOW) return [];
  return [
    {
      code: 'moves-rejected',
      message: `Only ${(100 * worst).toPrecision(2)} % of the moves of a step were accepted, so copies stay together. Use more innerParticles (${plan.innerParticles} at first), or more moves.`,
      value: worst,
      threshold: SLOW,
    },
  ];
}
