import type { Backend } from '../../../engine/backend/backend.ts';
import { checkCount, checkNumber, show } from '../../../engine/check.ts';
import { combinedLogNormalizer } from '../../../engine/diagnostics/combined-normalizer.ts';
import { OptionError } from '../../../engine/errors.ts';
import {
  type DensityKernels,
  type LogDensitySource,
  openLogDensity,
} from '../../../engine/model/log-density.ts';
import type { Context, Sampler } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import { pathTable, populationAnswer, underWay } from './answer.ts';
import { dataCourse, type TermRows } from './data-tempering.ts';
import type { Course } from './moving.ts';
import { checkPopulation, POPULATION_OPTIONS, type PopulationPlan } from './plan.ts';
import { type OpenedLikelihood, type PopulationState, populationSampler } from './population-sampler.ts';
import type { FrozenSchedule, PathTable, PopulationOptions, PopulationResult } from './types.ts';

/*
 * Iterated batch importance sampling: particles follow the posterior as data come in.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | theta_i | sample.points | [N, d] |
 * | T | terms | |
 * | log p(y_from..y_to-1 given y_0..y_from-1, theta) | logLikelihood | [N] |
 * | log p(y_0..y_{t-1}), t = 1..T | running | [T] |
 *
 * Particles move only after a resampling, by a kernel that keeps the posterior given the data so far; a move costs as many
 * terms as there are data, so all of them T^2. Departure from Chopin (2002): adaptive batches.
 */
export const IBIS_SOURCES: readonly Source[] = [
  {
    authors: 'Chopin, N.',
    year: 2002,
    title: 'A sequential particle filter method for static models',
    reference: 'Biometrika 89(3), 539-552',
  },
];

/** Fills `out` [n] with the log likelihood of data from..to-1 given those before, at the rows of `x` [n, d]. */
export type TermsFn = (x: Float64Array, out: Float64Array, from: number, to: number) => void | Promise<void>;

/** The same with the gradient [n, d] in x. */
export interface TermsWithGradient {
  readonly logDensity: TermsFn;
  gradient(
    x: Float64Array,
    out: Float64Array,
    gradient: Float64Array,
    from: number,
    to: number,
  ): void | Promise<void>;
  /** The same numbers, bit for bit, by kernels of the core. */
  readonly kernels?: { open(backend: Backend): TermsKernels };
}

/** Terms by kernels of the core: as `DensityKernels`, over a range of data. */
export interface TermsKernels {
  evaluate(
    x: Float64Array,
    n: number,
    out: Float64Array,
    gradient: Float64Array | undefined,
    from?: number,
    to?: number,
  ): Promise<void>;
  release(): void;
}

export interface IbisOptions extends PopulationOptions {
  readonly logLikelihood: TermsFn | TermsWithGradient;
  /** T, the number of data. */
  readonly terms: number;
  /**
   * Data of a step. 'adaptive': as many as leave an effective sample size of `essFraction` N, after which all are resampled
   * and moved. Default 1, with resampling and moves when the effective size falls below `threshold` N; with chains 'adaptive'.
   */
  readonly batch?: number | 'adaptive';
  /** alpha of adaptive batches. Default 0.5. */
  readonly essFraction?: number;
  /** `schedule` of an earlier result: the same batches, moves and tuning, other random numbers. */
  readonly schedule?: FrozenSchedule;
}

/**
 * Before the end: of the data seen so far, `path.terms` of them. NaN in the estimates while runs have seen different numbers
 * of data.
 */
export interface IbisResult extends PopulationResult {
  /** log p(y_0..y_{t-1}) for t = 1..T, over all runs; NaN inside batches of a fixed size. */
  readonly running: {
    readonly value: Float64Array;
    /** NaN with a single run. */
    readonly standardError: Float64Array;
  };
  /** One row for each step of the first run. */
  readonly path: PathTable & {
    /** [steps] data in after the step. */
    readonly terms: Float64Array;
  };
}

const WHERE = 'ibis';
const OPTIONS: Readonly<Record<keyof IbisOptions, true>> = {
  ...POPULATION_OPTIONS,
  logLikelihood: true,
  terms: true,
  batch: true,
  essFraction: true,
  schedule: true,
};

/**
 * Sample a posterior and estimate the evidence after every datum.
 * @throws OptionError for bad options, before any work.
 */
export function ibis(options: IbisOptions): Sampler<PopulationState, IbisResult> {
  const { terms, essFraction = 0.5, schedule, chains } = options;
  const batch = options.batch ?? (chains === undefined ? 1 : 'adaptive');
  const digest = [terms, schedule?.targets ?? [batch, essFraction]];
  const threshold = batch === 'adaptive' ? 1 : 0.5;
  const { logLikelihood: source } = options;
  const plan = checkPopulation(WHERE, options, { threshold, known: Object.keys(OPTIONS), source, digest });
  checkCount(WHERE, 'terms', terms, { min: 1 });
  if (batch !== 'adaptive') checkCount(WHERE, 'batch', batch, { min: 1, fix: "Or 'adaptive'." });
  checkNumber(WHERE, 'essFraction', essFraction, (x) => x > 0 && x < 1, 'a number strictly between 0 and 1');
  checkTerms(options);
  const fixed = schedule?.targets;
  if (fixed !== undefined && fixed.at(-1) !== terms) throw otherTerms(schedule!, terms);

  return populationSampler<IbisResult>({
    name: 'ibis',
    sources: IBIS_SOURCES,
    plan,
    last: terms,
    async open(ctx, done) {
      const opened = await openTerms(options, plan, ctx, done);
      const course = (): Course =>
        dataCourse({ terms: opened.rows, count: terms, batch, essFraction, fixed });
      return { ...opened, course };
    },
    answer(state, ending, info) {
      const all = populationAnswer(state, plan, ending, info, batch !== 'adaptive' || fixed !== undefined);
      const common = haveSameData(state) ? all : underWay(all);
      const path = { terms: Float64Array.from(common.schedule.targets), ...pathTable(state.rows[0]!) };
      return { ...common, running: runningEvidence(state), path };
    },
  });
}

/** The terms as density of rows, checked and counted: one evaluation is one datum at one point. */
async function openTerms(
  { logLikelihood, terms }: IbisOptions,
  plan: PopulationPlan,
  ctx: Context,
  done: number,
): Promise<Omit<OpenedLikelihood, 'course'> & { readonly rows: TermRows }> {
  const { where, prior, particles, runs } = plan;
  const { backend, signal } = ctx;
  const range = { from: 0, to: 0 };
  const { names, law } = prior;
  const density = await openLogDensity({
    ...{ where, option: 'logLikelihood', dimension: law.dimension, names, backend, signal },
    source: within(logLikelihood, range),
    planned: particles * runs * terms * terms,
  });
  let evaluations = done;
  return {
    gradient: density.gradient,
    place: density.place,
    evaluations: () => evaluations,
    dispose: () => density.dispose(),
    rows(x, n, out, gradient, from, to) {
      Object.assign(range, { from, to });
      evaluations += n * (to - from);
      return density.evaluate(x, n, out, gradient);
    },
  };
}

/** The terms of a range that changes, as a log density. */
function within(
  source: TermsFn | TermsWithGradient,
  range: { readonly from: number; readonly to: number },
): LogDensitySource {
  if (typeof source === 'function') return (x, out) => source(x, out, range.from, range.to);
  const { kernels } = source;
  const functions = {
    logDensity: (x: Float64Array, out: Float64Array) => source.logDensity(x, out, range.from, range.to),
    gradient: (x: Float64Array, out: Float64Array, gradient: Float64Array) =>
      source.gradient(x, out, gradient, range.from, range.to),
  };
  if (kernels === undefined) return functions;
  const open = (backend: Backend): DensityKernels => {
    const { evaluate, release } = kernels.open(backend);
    return {
      evaluate: (x, n, out, gradient) => evaluate(x, n, out, gradient, range.from, range.to),
      release,
    };
  };
  return { ...functions, kernels: { open } };
}

/** Whether all runs that live have seen the same data; with adaptive batches they may differ until the end. */
function haveSameData({ smc, courses }: PopulationState): boolean {
  const seen = courses.filter((_, r) => smc.runs[r]!.collapsedAt === undefined).map(({ at }) => at);
  return new Set(seen).size <= 1;
}

/** Evidence of the runs averaged after each datum that all of them have seen. */
function runningEvidence({ courses }: PopulationState): IbisResult['running'] {
  const seen = Math.min(...courses.map(({ running = [] }) => running.length));
  const value = new Float64Array(seen);
  const standardError = new Float64Array(seen).fill(Number.NaN);
  for (let t = 0; t < seen; t++) {
    const logs = Float64Array.from(courses, ({ running = [] }) => running[t]!);
    // Inside batches there are none.
    const all = logs.some(Number.isNaN) ? undefined : combinedLogNormalizer(logs);
    value[t] = all?.value ?? Number.NaN;
    standardError[t] = all?.standardError ?? Number.NaN;
  }
  return { value, standardError };
}

function checkTerms({ logLikelihood }: IbisOptions): void {
  const { logDensity, gradient } = (logLikelihood ?? {}) as Partial<TermsWithGradient>;
  const pair = typeof logDensity === 'function' && typeof gradient === 'function';
  if (typeof logLikelihood === 'function' || pair) return;
  throw new OptionError({
    where: WHERE,
    option: 'logLikelihood',
    value: logLikelihood,
    found: `option \`logLikelihood\` is ${show(logLikelihood)}`,
    expected: 'a function (x, out, from, to), or { logDensity, gradient } of such functions',
    fix: 'It fills out [n] with the log likelihood of data from..to-1 at the rows of x [n, d].',
  });
}

function otherTerms(schedule: FrozenSchedule, terms: number): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'schedule',
    value: schedule,
    found: `the schedule ends after ${show(schedule.targets.at(-1))} data`,
    expected: `one that ends after ${terms}, as many as \`terms\` says`,
    fix: 'Take it from a result of ibis for the same data that was not cut short.',
  });
}
