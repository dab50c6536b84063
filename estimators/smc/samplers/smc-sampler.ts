import { checkNumber, show } from '../../../engine/check.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import { OptionError } from '../../../engine/errors.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { pathTable, populationAnswer, underWay } from './answer.ts';
import { checkLikelihood, type LikelihoodOptions, openLikelihood, replacedLikelihood } from './likelihood.ts';
import { checkPopulation, POPULATION_OPTIONS } from './plan.ts';
import { type OpenedLikelihood, type PopulationState, populationSampler } from './population-sampler.ts';
import { temperingCourse } from './tempering.ts';
import type { FrozenSchedule, PathTable, PopulationOptions, PopulationResult } from './types.ts';

/*
 * Sequential Monte Carlo samplers by tempering: particles go from a prior to a posterior through
 *
 *   gamma_lambda(x) = prior(x) L(x)^lambda,   0 = lambda_0 < ... < lambda_T = 1
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_i | sample.points | [N, d] |
 * | log L | logLikelihood | [N] |
 * | lambda_t | inverseTemperatures | [T] |
 * | alpha, in ESS = alpha N | essFraction | |
 * | log Z = log of the integral of prior L | logNormalizer | |
 * | N = M P, M chains of length P | particles, chains | |
 *
 * Departures from Del Moral, Doucet & Jasra (2006, 2012): points of likelihood 0 are sorted out by a step of their own
 * when too few others are left; increments are weighed by CESS, which is ESS after a resampling.
 */
export const SMC_SAMPLER_SOURCES: readonly Source[] = [
  {
    authors: 'Del Moral, P., Doucet, A. & Jasra, A.',
    year: 2006,
    title: 'Sequential Monte Carlo samplers',
    reference: 'Journal of the Royal Statistical Society B 68(3), 411-436',
  },
  {
    authors: 'Zhou, Y., Johansen, A. M. & Aston, J. A. D.',
    year: 2016,
    title: 'Toward automatic model comparison: an adaptive sequential Monte Carlo approach',
    reference: 'Journal of Computational and Graphical Statistics 25(3), 701-726',
  },
  {
    authors: 'Dau, H.-D. & Chopin, N.',
    year: 2022,
    title: 'Waste-free sequential Monte Carlo',
    reference: 'Journal of the Royal Statistical Society B 84(1), 114-148',
  },
];

export interface SmcSamplerOptions extends PopulationOptions, LikelihoodOptions {
  /** Fixed inverse temperatures, increasing, the last one 1. Default: chosen on the way, by `essFraction`. */
  readonly inverseTemperatures?: readonly number[];
  /**
   * alpha: the next target is the farthest at which the effective sample size is still alpha N. Default 0.5 when every step
   * resamples (threshold 1, the default here, or chains), else 0.9.
   */
  readonly essFraction?: number;
  /** `schedule` of an earlier result: the same targets, moves and tuning, other random numbers. */
  readonly schedule?: FrozenSchedule;
}

/** Until all runs have come to inverse temperature 1 there is no posterior: estimates are NaN, `path` says how far it got. */
export interface SmcSamplerResult extends PopulationResult {
  /** One row for each target of the first run. */
  readonly path: PathTable & {
    /** [T] lambda; the first may be 0, a step that sorted out points of likelihood 0. */
    readonly inverseTemperature: Float64Array;
  };
}

const WHERE = 'smcSampler';
const OPTIONS: Readonly<Record<keyof SmcSamplerOptions, true>> = {
  ...POPULATION_OPTIONS,
  logLikelihood: true,
  logTarget: true,
  inverseTemperatures: true,
  essFraction: true,
  schedule: true,
};

/**
 * Sample a posterior and estimate its normalizing constant (the evidence) by tempering.
 * @throws OptionError for bad options, before any work.
 */
export function smcSampler(options: SmcSamplerOptions): ModelMethod<PopulationState, SmcSamplerResult> {
  const { inverseTemperatures, essFraction, schedule } = options;
  const fixed = schedule?.targets ?? inverseTemperatures;
  const source = options.logLikelihood ?? options.logTarget;
  const digest = [fixed ?? essFraction, kernelDigest(source)];
  const plan = checkPopulation(WHERE, options, { threshold: 1, known: Object.keys(OPTIONS), source, digest });
  checkLikelihood(WHERE, options);
  checkPath(options);
  const everyStep = plan.trigger.threshold === 1 || plan.chains < plan.particles;
  const alpha = essFraction ?? (everyStep ? 0.5 : 0.9);

  const method = populationSampler<SmcSamplerResult>({
    name: 'smc-sampler',
    sources: SMC_SAMPLER_SOURCES,
    plan,
    last: 1,
    async open(ctx: Context, done: number): Promise<OpenedLikelihood> {
      const { density, rows } = await openLikelihood(options, plan, ctx, done);
      return {
        gradient: density.gradient,
        place: density.place,
        evaluations: () => density.evaluations,
        course: () => temperingCourse({ where: WHERE, likelihood: rows, essFraction: alpha, fixed }),
        dispose: () => density.dispose(),
      };
    },
    answer(state, ending, info) {
      const all = populationAnswer(state, plan, ending, info, fixed !== undefined);
      const common = state.smc.finished ? all : underWay(all);
      const inverseTemperature = Float64Array.from(common.schedule.targets);
      return { ...common, path: { inverseTemperature, ...pathTable(state.rows[0]!) } };
    },
  });
  return {
    ...method,
    onCluster: modelsOn(WHERE, (replace) =>
      smcSampler({ ...options, ...replacedLikelihood(options, replace) }),
    ),
  };
}

function checkPath({ inverseTemperatures, essFraction, schedule }: SmcSamplerOptions): void {
  if (essFraction !== undefined)
    checkNumber(
      WHERE,
      'essFraction',
      essFraction,
      (x) => x > 0 && x < 1,
      'a number strictly between 0 and 1',
    );
  const given = { inverseTemperatures, essFraction, schedule };
  const both = Object.entries(given).filter(([, value]) => value !== undefined);
  if (both.length > 1) throw contradiction(both.map(([name]) => name));
  if (inverseTemperatures !== undefined) checkTemperatures(inverseTemperatures);
  if (schedule !== undefined && schedule.targets.at(-1) !== 1) throw unfinished(schedule);
}

function checkTemperatures(values: readonly number[]): void {
  const list = Array.isArray(values) ? values : [];
  const rising = list.every((value, i) => Number.isFinite(value) && value > (i === 0 ? 0 : list[i - 1]!));
  if (rising && list.at(-1) === 1) return;
  throw new OptionError({
    where: WHERE,
    option: 'inverseTemperatures',
    value: values,
    found: `option \`inverseTemperatures\` is ${list.length > 0 && list.length <= 8 ? `[${list.join(', ')}]` : show(values)}`,
    expected: 'increasing numbers above 0, the last one 1',
  });
}

function contradiction(names: readonly string[]): OptionError {
  return new OptionError({
    where: WHERE,
    option: names[0]!,
    value: undefined,
    found: `options \`${names.join('` and `')}\` are given together`,
    expected: 'one of them: each says how the targets follow one another',
  });
}

function unfinished(schedule: FrozenSchedule): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'schedule',
    value: schedule,
    found: `the schedule ends at ${show(schedule.targets.at(-1))}`,
    expected: 'one that ends at inverse temperature 1',
    fix: 'Take it from a result of smcSampler that was not cut short.',
  });
}
