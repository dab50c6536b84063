import { checkCount } from '../../../engine/check.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import type { SteeringState } from './open-chain.ts';
import { checkChain, steeringPlan } from './plan.ts';
import { steeringSampler } from './sampler.ts';
import { EXACT, UNBIASED } from './statements.ts';
import type { ChainOptions, SteeringResult } from './types.ts';

/*
 * The chain as it is, and the reward at its end: what steering has to beat.
 */

/**
 * Importance sampling: whole chains, weighted by exp(lambda r(x_0)). Hard to beat where the reward is mild; the share of
 * chains that count falls like exp(-KL(target, chain)).
 * @throws OptionError for bad options, before any work.
 */
export function importanceAtEnd(options: ChainOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'importanceAtEnd';
  const chain = checkChain(where, options, []);
  const plan = steeringPlan(options, chain, {
    name: 'importance-at-end',
    where,
    sources: [],
    potential: 'difference',
    looks: (step) => step === chain.moves.length,
    twist: () => 1,
    threshold: 0,
    scheme: 'systematic',
    limit: EXACT,
    claim: UNBIASED,
    digest: [],
  });
  return steeringSampler(plan);
}

export interface BestOfOptions extends ChainOptions {
  /** Chains of which the best one is kept, for each point. Default 8. */
  readonly candidates?: number;
}

/**
 * The best of n chains by its reward, `particles` times. What it draws is the law of the chain sharpened at its best
 * points: it has no temperature and is not the tilt, for no n.
 * @throws OptionError for bad options, before any work.
 */
export function bestOf(options: BestOfOptions): Sampler<SteeringState, SteeringResult> {
  const where = 'bestOf';
  const chain = checkChain(where, options, ['candidates']);
  const count = checkCount(where, 'candidates', options.candidates ?? 8, { min: 1, max: 2 ** 20 });
  const plan = steeringPlan(options, chain, {
    name: 'best-of',
    where,
    sources: [],
    potential: 'none',
    looks: (step) => step === chain.moves.length,
    twist: () => 1,
    candidates: { count, pick: 'at-end', temperature: 1 },
    threshold: 0,
    scheme: 'systematic',
    limit: {
      exact: false,
      law: `the best of ${count} chains: sharper than any tilt exp(lambda r), whatever lambda is`,
    },
    claim: { claim: 'none', reason: 'the best of some chains has no weight' },
    digest: [count],
  });
  return steeringSampler(plan);
}
