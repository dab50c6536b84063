import { checkCount, checkFlag, checkOneOf, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import type { Source } from '../../../engine/types.ts';
import type { SteeringState } from './open-chain.ts';
import { checkChain, checkResample, type SteeringMethod, steeringPlan, WHENEVER } from './plan.ts';
import { steeringSampler } from './sampler.ts';
import { EXACT, UNBIASED } from './statements.ts';
import type { SteeringResult, WeightedChainOptions } from './types.ts';

/*
 * Feynman-Kac steering: the chain as it is, resampled on the way by what the reward says of E[x_0 given x_s].
 *
 * | symbol in the paper | name here |
 * |---|---|
 * | G_t | potential: see potentials.ts |
 * | r(xhat), lambda | reward, inverseTemperature |
 *
 * Differs from the released code, which `compat: 'public'` gives: weights are carried on where nothing is resampled, and
 * the potentials of 'max' and 'sum' are made up for at the end, so that all three have the tilt for their limit; the
 * reward is that of the estimate at the particle, not of the one a step before.
 */
const STEERING: readonly Source[] = [
  {
    authors: 'Singhal, R., Horvitz, Z., Teehan, R., Ren, M., Yu, Z., McKeown, K. & Ranganath, R.',
    year: 2025,
    title: 'A General Framework for Inference-time Scaling and Steering of Diffusion Models',
    reference: 'arXiv:2501.06848',
  },
];

export interface SteeringOptions extends WeightedChainOptions {
  /** 'difference' of rewards since the last look, the 'max' so far, or their 'sum'. Default 'difference'. */
  readonly potential?: 'difference' | 'max' | 'sum';
  /** Look at the estimates of every n-th step from `from` to `to`, counted from 0 at the noisiest time. Default 1. */
  readonly every?: number;
  /** Default 0. */
  readonly from?: number;
  /** Default the last step before the end. */
  readonly to?: number;
  /**
   * 'public': as the released code, whose sample is not the tilt where it is `adaptive` or the potential is 'max' or 'sum':
   * multinomial resampling at every look; at the end max and sum take the reward with its history, which starts at 0.
   */
  readonly compat?: 'public';
  /**
   * Of 'public': resample only where less than half of the particles count, and drop the weights where more do. Default
   * false.
   */
  readonly adaptive?: boolean;
}

/**
 * Steer a chain by resampling its particles.
 * @throws OptionError for bad options, before any work.
 */
export function steering(options: SteeringOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'steering';
  const own = ['resample', 'scheme', 'potential', 'every', 'from', 'to', 'compat', 'adaptive'];
  const chain = checkChain(where, options, own);
  const steps = chain.moves.length;
  const kinds = ['difference', 'max', 'sum'] as const;
  const potential = checkOneOf(where, 'potential', options.potential ?? 'difference', kinds);
  const from = checkCount(where, 'from', options.from ?? 0, { min: 0, max: steps });
  const to = checkCount(where, 'to', options.to ?? steps - 1, { min: 0, max: steps });
  if (to < from) throw noLook(where, from, to);
  const every = checkCount(where, 'every', options.every ?? 1, { min: 1 });
  const plan = steeringPlan(options, chain, {
    name: 'steering',
    where,
    sources: STEERING,
    potential,
    looks: (step) => step === steps || (step >= from && step <= to && (step - from) % every === 0),
    twist: () => 1,
    noisy: 'copies of a particle must separate',
    ...waysOf(where, options, potential),
    digest: [potential, every, from, to, options.compat, options.adaptive],
  });
  return steeringSampler(plan);
}

function noLook(where: string, from: number, to: number): OptionError {
  return new OptionError({
    where,
    option: 'to',
    value: to,
    found: `option \`to\` is ${to} and \`from\` is ${from}, so no step looks`,
    expected: `a step from ${from} on`,
    fix: 'Steps are counted from the noisiest time. Without looks importanceAtEnd() does the same.',
  });
}

type Ways = Pick<SteeringMethod, 'threshold' | 'scheme' | 'limit' | 'claim' | 'compat'>;

function waysOf(where: string, options: SteeringOptions, potential: 'difference' | 'max' | 'sum'): Ways {
  const { compat, adaptive, resample, scheme } = options;
  if (compat !== undefined) checkOneOf(where, 'compat', compat, ['public'] as const);
  if (compat === undefined && adaptive !== undefined)
    throw together(
      where,
      'adaptive',
      adaptive,
      'without `compat`',
      "compat: 'public', or resample: { ess: 0.5 }",
    );
  if (compat === undefined) return { ...checkResample(where, options), limit: EXACT, claim: UNBIASED };
  if (resample !== undefined || scheme !== undefined)
    throw together(
      where,
      resample === undefined ? 'scheme' : 'resample',
      resample ?? scheme,
      "with compat: 'public'",
      'the multinomial resampling of the released code',
    );
  const forgets = checkFlag(where, 'adaptive', adaptive ?? false);
  return {
    threshold: WHENEVER,
    scheme: 'multinomial',
    compat: { adaptive: forgets },
    limit: publicLimit(potential, forgets),
    claim: {
      claim: 'biased',
      reason: 'the released code drops weights, bounds potentials, and ends max and sum with their history',
    },
  };
}

function publicLimit(potential: 'difference' | 'max' | 'sum', adaptive: boolean): Ways['limit'] {
  if (adaptive)
    return {
      exact: false,
      law: 'between the chain and the tilt: weights of steps without resampling are dropped',
    };
  if (potential === 'difference')
    return { exact: true, law: 'the law of the chain times exp(lambda r), while no potential passes 1e10' };
  const of = potential === 'max' ? 'the largest' : 'the sum';
  return { exact: false, law: `the law of the chain times exp(lambda ${of} of all rewards on the path)` };
}

function together(
  where: string,
  option: string,
  value: unknown,
  when: string,
  expected: string,
): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)} ${when}`,
    expected,
  });
}
