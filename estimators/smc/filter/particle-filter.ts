import { checkOptionNames } from '../../../engine/check.ts';
import { toldPlace } from '../../../engine/model/place.ts';
import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Sampler, Step } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import { SQMC_SOURCES } from '../sqmc/quasi-random.ts';
import { cardFitness } from './card-place.ts';
import { filterAnswer, filterInfo } from './filter-answer.ts';
import { checkModel, type FilterPlan, filterPlan, SETTINGS } from './filter-plan.ts';
import { advanceFilter, type FilterState, openFilter, restoreFilter, saveFilter } from './filter-state.ts';
import type { FilterOptions, FilterResult } from './filter-types.ts';
import { readObservations } from './observations.ts';

/*
 * Particle filters of a state-space model: bootstrap; guided, where there is a proposal; auxiliary, where there is a
 * lookahead.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | y_t | observations | [T] of [k] or null |
 * | N, R | particles, runs | |
 * | log L_t | logNormalizer | |
 * | log L_t - log L_{t-1} | increments | [T] |
 * | sum W x_t | mean | [T, d] |
 *
 * Departures: where an observation is missing a guided filter moves by the model. R > 1 runs are averaged by their Z_r,
 * each being unbiased; their spread is the standard error, sd(Z_r) / (mean sqrt R) on the log scale.
 */
export const FILTER_SOURCES: readonly Source[] = [
  {
    authors: 'Gordon, N. J., Salmond, D. J. & Smith, A. F. M.',
    year: 1993,
    title: 'Novel approach to nonlinear/non-Gaussian Bayesian state estimation',
    reference: 'IEE Proceedings F 140(2), 107-113',
  },
  {
    authors: 'Pitt, M. K. & Shephard, N.',
    year: 1999,
    title: 'Filtering via simulation: auxiliary particle filters',
    reference: 'Journal of the American Statistical Association 94(446), 590-599',
  },
  {
    authors: 'Lee, A. & Whiteley, N.',
    year: 2018,
    title: 'Variance estimation in the particle filter',
    reference: 'Biometrika 105(3), 609-625',
  },
  {
    authors: 'Chopin, N. & Papaspiliopoulos, O.',
    year: 2020,
    title: 'An Introduction to Sequential Monte Carlo',
    reference: 'Springer, chapters 10 and 11',
  },
];

const WHERE = 'particleFilter';

/**
 * Filter a series of observations: log p(y_0..y_t) and E[x_t | y_0..y_t] at every step.
 *
 * With backend 'webgpu' the particles are on the graphics card in float32, weights and evidence in float64 on the host, for
 * models by `kernelStateSpace`, `linearGaussian` and `stochasticVolatility`; what else there is that a card cannot do is
 * refused before any work. 'auto' takes the card for long runs of a model by `kernelStateSpace`.
 * @throws OptionError for options that cannot be used, a proposal for a model without densities, or more memory than
 * there is; ShapeError, with the step, for an observation of another length or not finite.
 */
export function particleFilter(options: FilterOptions): Sampler<FilterState, FilterResult> {
  checkOptionNames(WHERE, options, ['model', 'observations', 'runs', ...SETTINGS]);
  const { model, runs = 1 } = options;
  checkModel(WHERE, 'model', model);
  const observations = readObservations(WHERE, model, options.observations);
  const steps = observations.length;
  const plan = {
    ...filterPlan({ ...options, where: WHERE, models: [model], observations, runs, steps }),
    fitness: cardFitness(model, options),
  };
  return {
    name: 'particle-filter',
    sources: plan.quasiRandom ? [...FILTER_SOURCES, ...SQMC_SOURCES] : FILTER_SOURCES,
    ...filterSteps(plan),
    result: async (state, { outcome, provenance }) =>
      filterAnswer(plan, state, { outcome, provenance: toldPlace(provenance, state.place) }),
  };
}

/** All of a sampler but its name and its answer. */
export function filterSteps(
  plan: FilterPlan,
): Pick<Sampler<FilterState>, 'init' | 'step' | 'snapshot' | 'restore' | 'dispose'> {
  const at = (state: FilterState): Step<FilterState> => ({
    state,
    done: state.smc.finished,
    info: filterInfo(plan, state),
  });
  const step = async (state: FilterState): Promise<Step<FilterState>> => {
    if (!state.smc.finished) await advanceFilter(state);
    return at(state);
  };
  return {
    async init(ctx: Context) {
      const state = await openFilter(plan, ctx);
      return orRelease(
        () => step(state),
        () => state.release(),
      );
    },
    step,
    snapshot: async (state) => saveFilter(plan, state),
    restore: async (bytes, ctx) => at(await restoreFilter(plan, bytes, ctx)),
    dispose: (state) => state.release(),
  };
}
