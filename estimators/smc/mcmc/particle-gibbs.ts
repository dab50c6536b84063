import type { Context, Ending, Result, Sampler, Step } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import { chainAnswer, recordSample } from './chain-record.ts';
import { chainWarnings, renewalWarnings } from './chain-warnings.ts';
import { type GibbsPlan, gibbsPlan } from './gibbs-plan.ts';
import {
  type GibbsState,
  gibbsInfo,
  joined,
  openChains,
  releaseChains,
  restoreChains,
  saveChains,
  sweep,
} from './gibbs-state.ts';
import type { ParticleGibbsOptions, ParticleGibbsResult } from './gibbs-types.ts';
import { smoothedPath } from './path-record.ts';

/*
 * Particle Gibbs: chains of parameters theta and paths x_0..x_{T-1} with the law p(theta, x | y).
 *
 *   start   theta; a path from an ordinary filter at theta
 *   sweep   theta ~ p(theta | x, y); then x by conditional SMC with the model at the NEW theta
 *
 * The order matters: a path updated at the theta it was drawn for before is one behind, and the pair has another law.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | theta | draws, `sample.points` | [C n, p] |
 * | x | path | [T, d] |
 * | N | particles | |
 *
 * Chain c has the generator child(1, c) of the run; the filter of its sweep s (0: the start) child(3, s) of that.
 */
export const GIBBS_SOURCES: readonly Source[] = [
  {
    authors: 'Andrieu, C., Doucet, A. & Holenstein, R.',
    year: 2010,
    title: 'Particle Markov chain Monte Carlo methods',
    reference: 'Journal of the Royal Statistical Society B 72(3), 269-342',
  },
  {
    authors: 'Lindsten, F., Jordan, M. I. & Schon, T. B.',
    year: 2014,
    title: 'Particle Gibbs with ancestor sampling',
    reference: 'Journal of Machine Learning Research 15, 2145-2184',
  },
];

/**
 * Parameters and paths of a state-space model from their joint law given the observations.
 * @throws OptionError for bad options; DegeneracyError when no particle survives at a chain's start.
 */
export function particleGibbs(options: ParticleGibbsOptions): Sampler<GibbsState, ParticleGibbsResult> {
  const plan = gibbsPlan('particleGibbs', options);
  return { name: 'particle-gibbs', ...gibbsSampler(plan, (state, ending) => answer(plan, state, ending)) };
}

/** The sampler of a plan but for its name. */
export function gibbsSampler<R extends Result>(
  plan: GibbsPlan,
  result: (state: GibbsState, ending: Ending) => R,
): Omit<Sampler<GibbsState, R>, 'name'> {
  const report = (state: GibbsState): Step<GibbsState> => ({
    state,
    done: state.sweep >= plan.warmup + plan.iterations,
    info: gibbsInfo(plan, state, []),
  });
  return {
    sources: GIBBS_SOURCES,
    init: async (ctx: Context) => report(await openChains(plan, ctx)),
    async step(state, ctx) {
      await sweep(plan, ctx, state);
      return report(state);
    },
    result: async (state, ending) => result(state, ending),
    snapshot: async (state) => saveChains(plan, state),
    restore: async (bytes, ctx) => report(restoreChains(plan, bytes, ctx)),
    dispose: releaseChains,
  };
}

function answer(plan: GibbsPlan, state: GibbsState, ending: Ending): ParticleGibbsResult {
  const { record, moments } = state;
  const chains = chainAnswer(record, plan.names);
  const { estimate, variance, ess, rHat } = chains;
  const smoothed = smoothedPath(moments, plan.chains);
  const warnings = [
    ...chainWarnings(plan.names, chains),
    ...renewalWarnings(smoothed.renewal, record.count * plan.chains),
  ];
  return {
    estimate,
    sample: recordSample(record),
    diagnostics: gibbsInfo(plan, state, warnings),
    ...ending,
    variance,
    ess,
    rHat,
    smoothed,
    paths: joined(state.paths),
  };
}
