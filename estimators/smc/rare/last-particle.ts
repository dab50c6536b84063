import { checkCount } from '../../../engine/check.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { lowestLevel } from './levels.ts';
import { checkRareNames, type RareState } from './rare-plan.ts';
import { rareSampler } from './rare-sampler.ts';
import type { RareEventOptions, RareEventResult } from './types.ts';

/*
 * The last-particle algorithm: remove the lowest of N particles, put a moved copy of another in its place; after K
 * removals all are in the event, and p-hat = (1 - 1/N)^K. Ideally K is Poisson with mean -N log p, so the standard
 * deviation of log p-hat is sqrt(-log p / N).
 *
 * | symbol | name here |
 * |---|---|
 * | N | particles |
 * | k at a time, factor 1 - k/N | removed |
 *
 * Departures: particles that tie with the removed ones go with them and are counted; the removals of several runs go
 * side by side.
 */
export const LAST_PARTICLE_SOURCES: readonly Source[] = [
  {
    authors: 'Guyader, A., Hengartner, N. & Matzner-Løber, E.',
    year: 2011,
    title: 'Simulation and estimation of extreme quantiles and extreme probabilities',
    reference: 'Applied Mathematics and Optimization 64(2), 171-196',
  },
];

export interface LastParticleOptions extends RareEventOptions {
  /** N. Default 100. */
  readonly particles?: number;
  /** Moves of each copy. Default 20. */
  readonly moves?: number;
  /** k, particles removed at a time, below N. Default 1. */
  readonly removed?: number;
}

/**
 * The probability of a rare event by removing the lowest particle again and again. For models of which one evaluation
 * at a time is no loss; else `splitting`, which evaluates N points at once.
 * @throws as `splitting`.
 */
export function lastParticle(options: LastParticleOptions): ModelMethod<RareState, RareEventResult> {
  const where = 'lastParticle';
  checkRareNames(where, options, ['removed']);
  const { particles = 100, moves = 20, removed = 1 } = options;
  checkCount(where, 'removed', removed, { min: 1, max: Math.max(1, particles - 1) });
  const method = rareSampler(options, {
    ...{ name: 'last-particle', where, sources: LAST_PARTICLE_SOURCES, particles, moves },
    next: (score) => lowestLevel(score, removed),
    replaceDead: true,
    fingerprint: [removed],
  });
  const over = modelsOn(where, (replace) => lastParticle({ ...options, model: replace(options.model) }));
  return { ...method, onCluster: over };
}
