import { checkNumber, checkOneOf } from '../../../engine/check.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import type { SteeringState } from './open-chain.ts';
import { checkChain, checkResample, type Shift, steeringPlan } from './plan.ts';
import { steeringSampler } from './sampler.ts';
import { EXACT, NO_WEIGHTS, UNBIASED } from './statements.ts';
import type { ChainOptions, SteeringResult, WeightedChainOptions } from './types.ts';

/*
 * Chains whose moves are pulled up the gradient of the reward of E[x_0 given x_s], through the denoiser; see chain-model.ts
 * for the pull and what is paid for it.
 *
 * | method | potential | reward counts for | pull | resampling |
 * |---|---|---|---|---|
 * | twisted | difference, from the start on | 1 | the reward as part of the score | by ESS, systematic |
 * | das | the same | gamma_s = min((1 + gamma)^s - 1, 1) | by the variance of the kernel | by ESS, SSP |
 * | dps | none | 1 | as `twisted` | none: not the tilt |
 *
 * Departures: a move without noise (the last one, into noise 0) is not pulled; DAS returns its weighted particles, not the
 * heaviest one alone; DPS takes any reward, whose gradient is not divided by the norm of a residual.
 */
const TDS: Source = {
  authors: 'Wu, L., Trippe, B. L., Naesseth, C. A., Blei, D. M. & Cunningham, J. P.',
  year: 2023,
  title: 'Practical and Asymptotically Exact Conditional Sampling in Diffusion Models',
  reference: 'NeurIPS 36, arXiv:2306.17775',
};
const DAS: Source = {
  authors: 'Kim, S., Kim, M. & Park, D.',
  year: 2025,
  title: 'Test-time Alignment of Diffusion Models without Reward Over-optimization',
  reference: 'ICLR, arXiv:2501.05803',
};
const DPS: Source = {
  authors: 'Chung, H., Kim, J., McCann, M. T., Klasky, M. L. & Ye, J. C.',
  year: 2023,
  title: 'Diffusion Posterior Sampling for General Noisy Inverse Problems',
  reference: 'ICLR, arXiv:2209.14687',
};
const SHIFTS = ['score', 'variance'] as const;
const NOISY = 'a move without noise has no density that could be corrected';

export interface TwistedOptions extends WeightedChainOptions {
  /** Pull as if the reward were part of the score, or by the variance of the kernel; both are paid for. Default 'score'. */
  readonly shift?: Shift;
}

/**
 * The twisted diffusion sampler: guided moves, with weights for what the guidance is worth.
 * @throws OptionError for bad options, before any work.
 */
export function twisted(options: TwistedOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'twisted';
  const chain = checkChain(where, options, ['resample', 'scheme', 'shift']);
  const shift = checkOneOf(where, 'shift', options.shift ?? 'score', SHIFTS);
  const plan = steeringPlan(options, chain, {
    ...{ name: 'twisted', where, sources: [TDS], noisy: NOISY, shift },
    ...{ potential: 'difference', looks: () => true, twist: () => 1 },
    ...checkResample(where, options),
    ...{ limit: EXACT, claim: UNBIASED, digest: [shift] },
  });
  return steeringSampler(plan);
}

export interface DasOptions extends WeightedChainOptions {
  /** gamma > 0: the reward counts for (1 + gamma)^s - 1 at step s, and never for more than 1. Default 1 at 87 % of the steps. */
  readonly growth?: number;
  /** Default 'variance'. */
  readonly shift?: Shift;
}

/** Share of the steps by which the reward counts in full: gamma = 0.008 of 100 steps. */
const FULL = 0.87;

/**
 * DAS: the twisted sampler with a reward that is faded in, so that poor estimates at high noise count for little.
 * @throws OptionError for bad options, before any work.
 */
export function das(options: DasOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'das';
  const chain = checkChain(where, options, ['resample', 'scheme', 'shift', 'growth']);
  const steps = chain.moves.length;
  const usual = 2 ** (1 / (FULL * steps)) - 1;
  const growth = checkNumber(
    where,
    'growth',
    options.growth ?? usual,
    (x) => x > 0 && x < Infinity,
    'a finite number > 0',
  );
  const shift = checkOneOf(where, 'shift', options.shift ?? 'variance', SHIFTS);
  const twist = (step: number): number =>
    step === steps ? 1 : Math.min(Math.expm1(step * Math.log1p(growth)), 1);
  const plan = steeringPlan(options, chain, {
    ...{ name: 'das', where, sources: [DAS], noisy: NOISY, shift },
    ...{ potential: 'difference', looks: () => true, twist },
    ...checkResample(where, options, 'ssp'),
    ...{ limit: EXACT, claim: UNBIASED, digest: [shift, growth] },
  });
  return steeringSampler(plan);
}

export interface DpsOptions extends ChainOptions {
  /** Default 'score'. */
  readonly shift?: Shift;
}

/**
 * DPS: guided moves and nothing paid for them. Fast, and off by what the estimates are off: more particles do not help.
 * @throws OptionError for bad options, before any work.
 */
export function dps(options: DpsOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'dps';
  const chain = checkChain(where, options, ['shift']);
  const shift = checkOneOf(where, 'shift', options.shift ?? 'score', SHIFTS);
  const law = 'no tilt: the reward of an estimate stands for that of the points it averages';
  const plan = steeringPlan(options, chain, {
    ...{ name: 'dps', where, sources: [DPS], shift },
    ...{ potential: 'none', looks: () => false, twist: () => 1, threshold: 0, scheme: 'systematic' },
    ...{ limit: { exact: false, law }, claim: NO_WEIGHTS, digest: [shift] },
  });
  return steeringSampler(plan);
}
