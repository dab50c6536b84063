import type { Ending, Info, Sampler, Step } from '../../../engine/sampler.ts';
import type { Source, Warning } from '../../../engine/types.ts';
import { chainAnswer, recordSample } from './chain-record.ts';
import { chainWarnings } from './chain-warnings.ts';
import { type PmmhPlan, pmmhPlan } from './pmmh-plan.ts';
import {
  iteratePmmh,
  type PmmhState,
  releasePmmh,
  restorePmmh,
  savePmmh,
  startChains,
} from './pmmh-state.ts';
import type { PmmhOptions, PmmhResult } from './pmmh-types.ts';

/*
 * Particle marginal Metropolis-Hastings: chains of parameters with the law p(theta | y) exactly, by filters whose estimate Z-hat of
 * p(y | theta) is unbiased.
 *
 *   propose theta'; an independent filter there, with fresh keys, gives log Z-hat'
 *   accept with log ratio  log Z-hat' + log prior' - log Z-hat - log prior + log of the proposal ratio
 *
 * The log Z-hat of the theta that a chain holds is never computed again: that would give the chain another law.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | theta | `sample.points` | [C n, p] |
 * | log Z-hat | logLikelihood | [C n] |
 * | N | particles | |
 *
 * Proposals of chain c at iteration i: purposes 3 and 4, step i, particle c. Chain c has the generator child(1, c) of the run and
 * its filters child(3, filters started so far) of that; the filters of `noise` child(4, 0), child(3, r).
 */
export const PMMH_SOURCES: readonly Source[] = [
  {
    authors: 'Andrieu, C., Doucet, A. & Holenstein, R.',
    year: 2010,
    title: 'Particle Markov chain Monte Carlo methods',
    reference: 'Journal of the Royal Statistical Society B 72(3), 269-342',
  },
  {
    authors: 'Doucet, A., Pitt, M. K., Deligiannidis, G. & Kohn, R.',
    year: 2015,
    title: 'Efficient implementation of Markov chain Monte Carlo when using an unbiased likelihood estimator',
    reference: 'Biometrika 102(2), 295-313',
  },
];

/**
 * Parameters of a state-space model from p(theta | y), by particle marginal Metropolis-Hastings.
 * @throws OptionError for bad options; DegeneracyError when a chain finds no place to start.
 */
export function pmmh(options: PmmhOptions): Sampler<PmmhState, PmmhResult> {
  const plan = pmmhPlan('pmmh', options);
  const report = (state: PmmhState): Step<PmmhState> => ({
    state,
    done: state.iteration >= plan.warmup + plan.iterations,
    info: infoOf(plan, state, []),
  });
  return {
    name: 'pmmh',
    sources: PMMH_SOURCES,
    init: async (ctx) => report(await startChains(plan, ctx)),
    async step(state) {
      await iteratePmmh(plan, state);
      return report(state);
    },
    result: async (state, ending) => answer(plan, state, ending),
    snapshot: async (state) => savePmmh(plan, state),
    restore: async (bytes, ctx) => report(restorePmmh(plan, bytes, ctx)),
    dispose: releasePmmh,
  };
}

function infoOf(plan: PmmhPlan, state: PmmhState, warnings: readonly Warning[]): Info {
  return {
    ess: state.record.count * plan.chains,
    evaluations: state.evaluations,
    warnings,
    done: state.iteration,
    total: plan.warmup + plan.iterations,
  };
}

function answer(plan: PmmhPlan, state: PmmhState, ending: Ending): PmmhResult {
  const { record, noise } = state;
  const { names } = plan.prior;
  const p = names.length;
  const chains = chainAnswer(record, names);
  const all = recordSample(record);
  const [draws] = all.shape;
  const points = new Float64Array(draws * p);
  const logLikelihood = new Float64Array(draws);
  for (let i = 0; i < draws; i++) {
    points.set(all.points.subarray(i * (p + 1), i * (p + 1) + p), i * p);
    logLikelihood[i] = all.points[i * (p + 1) + p]!;
  }
  const warnings = [...chainWarnings(names, chains), ...noiseWarnings(plan, state)];
  return {
    estimate: chains.estimate,
    sample: { points, shape: [draws, p], logWeight: all.logWeight },
    diagnostics: infoOf(plan, state, warnings),
    ...ending,
    variance: chains.variance,
    ess: chains.ess,
    rHat: chains.rHat,
    acceptance: state.accepted / draws,
    logLikelihood,
    noise: noise === undefined ? undefined : { ...noise, theta: noise.theta.slice() },
  };
}

/** Noise above which chains of independent filters stick. */
const NOISY = 1.7;

function noiseWarnings({ correlation, particles }: PmmhPlan, { noise }: PmmhState): Warning[] {
  if (noise === undefined || correlation > 0 || !(noise.standardDeviation > NOISY)) return [];
  const sd = noise.standardDeviation;
  return [
    {
      code: 'noisy-likelihood',
      message: `The log likelihood of a filter of ${particles} particles varies by ${sd.toPrecision(2)} (standard deviation) at one point; above ${NOISY} chains stick. Use particles: ${noise.suggestedParticles}, or correlation: 0.99.`,
      value: sd,
      threshold: NOISY,
    },
  ];
}
