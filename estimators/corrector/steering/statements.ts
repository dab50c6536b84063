import type { SteeringLimit, SteeringNormalizer } from './types.ts';

/** Of methods whose potentials multiply to exp(lambda r) on every path. */
export const EXACT: SteeringLimit = { exact: true, law: 'the law of the chain times exp(lambda r)' };

export const UNBIASED: Pick<SteeringNormalizer, 'claim' | 'reason'> = {
  claim: 'unbiased',
  reason:
    'exp(value) is unbiased for Z of the chain with its steps, for any number of particles; the steps have an error of their own',
};

/** Of a chain that goes on. */
export const UNFINISHED: Pick<SteeringNormalizer, 'claim' | 'reason'> = {
  claim: 'none',
  reason: 'the chain has not come to its end',
};

/** Of methods that give all particles the same weight. */
export const NO_WEIGHTS: Pick<SteeringNormalizer, 'claim' | 'reason'> = {
  claim: 'none',
  reason: 'particles have no weights',
};
