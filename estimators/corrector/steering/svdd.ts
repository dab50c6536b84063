import { checkCount, checkNumber, checkOneOf } from '../../../engine/check.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import type { SteeringState } from './open-chain.ts';
import { checkChain, steeringPlan } from './plan.ts';
import { steeringSampler } from './sampler.ts';
import { NO_WEIGHTS } from './statements.ts';
import type { ChainOptions, SteeringResult } from './types.ts';

/*
 * Soft value-based decoding: at every step each particle draws M moves and goes on with one of them, chosen by
 * exp(lambda r(xhat) / alpha), the reward of the estimate in place of the value.
 *
 * | symbol in the paper | name here |
 * |---|---|
 * | M | candidates |
 * | alpha | temperature |
 *
 * Differs from the released code, which takes the best candidate: 'argmax' does.
 */
const SVDD: readonly Source[] = [
  {
    authors: 'Li, X., Zhao, Y., Wang, C., Scalia, G., Eraslan, G., Nair, S., Biancalani, T. et al.',
    year: 2024,
    title:
      'Derivative-Free Guidance in Continuous and Discrete Diffusion Models with Soft Value-Based Decoding',
    reference: 'arXiv:2408.08252',
  },
];

export interface SvddOptions extends ChainOptions {
  /** M. Default 8. */
  readonly candidates?: number;
  /** Draw a candidate by its reward, or take the best. Default 'softmax'. */
  readonly pick?: 'softmax' | 'argmax';
  /** alpha > 0. Default 1. */
  readonly temperature?: number;
}

/**
 * SVDD with the reward of the estimate for its value. Particles never meet, so there is nothing to correct: the sample is
 * biased for every M, by the error of the values and because M candidates stand for all.
 * @throws OptionError for bad options, before any work.
 */
export function svdd(options: SvddOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'svdd';
  const chain = checkChain(where, options, ['candidates', 'pick', 'temperature']);
  const count = checkCount(where, 'candidates', options.candidates ?? 8, { min: 1, max: 2 ** 16 });
  const pick = checkOneOf(where, 'pick', options.pick ?? 'softmax', ['softmax', 'argmax'] as const);
  const temperature = checkNumber(
    where,
    'temperature',
    options.temperature ?? 1,
    (x) => x > 0 && x < Infinity,
    'a finite number > 0',
  );
  const law =
    pick === 'argmax'
      ? 'no tilt: the best candidate at every step, far sharper than exp(lambda r)'
      : 'no tilt: the reward of an estimate stands for the value of a step, and M candidates for all';
  const plan = steeringPlan(options, chain, {
    ...{ name: 'svdd', where, sources: SVDD, candidates: { count, pick, temperature } },
    ...{ potential: 'none', looks: () => false, twist: () => 1, threshold: 0, scheme: 'systematic' },
    ...{ noisy: 'candidates must differ', limit: { exact: false, law }, claim: NO_WEIGHTS },
    digest: [count, pick, temperature],
  });
  return steeringSampler(plan);
}
