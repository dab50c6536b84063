import { checkCount, checkNumber, checkOptionNames } from '../../../engine/check.ts';
import { digest } from '../../../engine/digest.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { makeTrigger, type TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import { type OpenedPrior, openPrior } from '../samplers/prior.ts';
import {
  checkDraws,
  checkFilterMemory,
  checkSharedNoise,
  checkUnbiasedScheme,
  middleOf,
} from './chain-checks.ts';
import { checkKernel, startOf } from './gibbs-plan.ts';
import { type ParameterModels, parameterModels } from './parameter-models.ts';
import type { PmmhOptions } from './pmmh-types.ts';
import { pseudoMarginalWalk } from './pseudo-marginal.ts';

/** Checked options of particle marginal Metropolis-Hastings. */
export interface PmmhPlan {
  readonly where: string;
  readonly models: ParameterModels;
  readonly prior: OpenedPrior;
  readonly kernel: KernelChoice;
  readonly particles: number;
  readonly iterations: number;
  readonly warmup: number;
  readonly chains: number;
  readonly scheme: SchemeName;
  readonly trigger: TriggerOptions;
  /** 0: independent filters. */
  readonly correlation: number;
  readonly noiseFilters: number;
  /** Whether the option `start` fixes where chains start, so that a bad place is not left for another. */
  readonly started: boolean;
  start(rng: Rng, chain: number): Float64Array;
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof PmmhOptions, true>> = {
  model: true,
  observations: true,
  proposal: true,
  prior: true,
  start: true,
  kernel: true,
  particles: true,
  scheme: true,
  threshold: true,
  measure: true,
  iterations: true,
  warmup: true,
  chains: true,
  correlation: true,
  noiseFilters: true,
};

/** @throws OptionError for the first option that cannot be used. */
export function pmmhPlan(where: string, options: PmmhOptions): PmmhPlan {
  checkOptionNames(where, options, Object.keys(OPTIONS));
  const {
    kernel = pseudoMarginalWalk(),
    particles = 200,
    scheme = 'systematic',
    iterations = 1000,
  } = options;
  const { warmup = Math.floor(iterations / 2), chains = 4, correlation = 0, noiseFilters = 32 } = options;
  const models = parameterModels(where, options);
  const prior = openPrior(where, options.prior);
  checkKernel(where, kernel, prior);
  checkCount(where, 'particles', particles, { min: 1, max: 2 ** 31 });
  checkUnbiasedScheme(where, scheme);
  checkCount(where, 'iterations', iterations, { min: 1, max: 2 ** 31 });
  checkCount(where, 'warmup', warmup, { min: 0, max: 2 ** 31 });
  checkCount(where, 'chains', chains, { min: 1, max: 65536 });
  checkCount(where, 'noiseFilters', noiseFilters, { min: 0, max: 65536 });
  const p = prior.names.length;
  checkDraws(where, { chains, iterations, warmup, width: p + 1, warmupWidth: p });
  checkNumber(where, 'correlation', correlation, (rho) => rho >= 0 && rho < 1, 'a number in [0, 1)');
  const { threshold = correlation > 0 ? 1 : 0.5, measure } = options;
  const trigger = { threshold, ...(measure === undefined ? {} : { measure }) };
  makeTrigger(where, trigger);
  const [theta, run] = [middleOf(prior), { particles, runs: chains, scheme }];
  checkFilterMemory(where, models, theta, { ...run, runs: Math.max(chains, noiseFilters) });
  if (correlation > 0) checkSharedNoise(where, models, theta, run);
  const told = [
    ...[where, prior.digest, kernel.name, kernel.options, particles, iterations, warmup, chains],
    ...[scheme, trigger, correlation, noiseFilters, options.observations],
  ];
  return {
    ...{ where, models, prior, kernel, particles, iterations, warmup, chains, scheme, trigger },
    ...{ correlation, noiseFilters, started: options.start !== undefined },
    start: startOf(where, p, options.start, prior),
    fingerprint: digest(JSON.stringify(told)),
  };
}
