import { checkCount, checkNumber, checkOptionNames } from '../../../engine/check.ts';
import { digest } from '../../../engine/digest.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { makeTrigger, type TriggerOptions } from '../../../engine/particles/trigger.ts';
import { type OpenedPrior, openPrior } from '../samplers/prior.ts';
import { checkUnbiasedScheme, middleOf, mostInnerParticles } from './chain-checks.ts';
import { checkKernel } from './gibbs-plan.ts';
import { type ParameterModels, parameterModels } from './parameter-models.ts';
import { pseudoMarginalWalk } from './pseudo-marginal.ts';
import type { SmcSquaredOptions } from './smc-squared-types.ts';

/** Checked options of SMC^2. */
export interface SmcSquaredPlan {
  readonly where: string;
  readonly models: ParameterModels;
  readonly prior: OpenedPrior;
  readonly kernel: KernelChoice;
  readonly moves: number;
  /** N_theta */
  readonly particles: number;
  readonly innerParticles: number;
  readonly mostInnerParticles: number;
  readonly leastAcceptance: number;
  readonly scheme: SchemeName;
  readonly trigger: TriggerOptions;
  readonly innerTrigger: TriggerOptions;
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof SmcSquaredOptions, true>> = {
  model: true,
  observations: true,
  proposal: true,
  prior: true,
  particles: true,
  innerParticles: true,
  mostInnerParticles: true,
  leastAcceptance: true,
  innerThreshold: true,
  threshold: true,
  measure: true,
  kernel: true,
  moves: true,
  scheme: true,
};

/** @throws OptionError for the first option that cannot be used. */
export function smcSquaredPlan(where: string, options: SmcSquaredOptions): SmcSquaredPlan {
  checkOptionNames(where, options, Object.keys(OPTIONS));
  const { kernel = pseudoMarginalWalk(), moves = 3, particles = 256, innerParticles = 100 } = options;
  const { mostInnerParticles: asked, leastAcceptance = 0.2, scheme = 'systematic' } = options;
  const { threshold = 0.5, innerThreshold = 0.5, measure } = options;
  const models = parameterModels(where, options);
  const prior = openPrior(where, options.prior);
  checkKernel(where, kernel, prior);
  checkCount(where, 'moves', moves, { min: 1, max: 2 ** 24 });
  checkCount(where, 'particles', particles, { min: 2, max: 2 ** 24 });
  checkCount(where, 'innerParticles', innerParticles, { min: 1, max: 2 ** 31 });
  if (asked !== undefined)
    checkCount(where, 'mostInnerParticles', asked, { min: innerParticles, max: 2 ** 32 });
  checkNumber(where, 'leastAcceptance', leastAcceptance, (a) => a >= 0 && a < 1, 'a number in [0, 1)');
  checkUnbiasedScheme(where, scheme);
  const trigger = { threshold, ...(measure === undefined ? {} : { measure }) };
  makeTrigger(where, trigger);
  checkNumber(where, 'innerThreshold', innerThreshold, (x) => x >= 0 && x <= 1, 'a number from 0 to 1');
  const filters = { particles, innerParticles, most: asked, scheme };
  const most = mostInnerParticles(where, models, middleOf(prior), filters);
  const told = [
    ...[where, prior.digest, kernel.name, kernel.options, moves, particles, innerParticles],
    ...[most, leastAcceptance, scheme, trigger, innerThreshold, options.observations],
  ];
  return {
    ...{ where, models, prior, kernel, moves, particles, innerParticles, mostInnerParticles: most },
    ...{ leastAcceptance, scheme, trigger, innerTrigger: { threshold: innerThreshold } },
    fingerprint: digest(JSON.stringify(told)),
  };
}
