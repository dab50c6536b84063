import { checkNumber } from '../../../engine/check.ts';
import { modelsOn } from '../../../engine/cluster/on-cluster.ts';
import type { ModelMethod } from '../../../engine/sharded.ts';
import type { Source } from '../../../engine/types.ts';
import { nextLevel } from './levels.ts';
import { checkRareNames, type RareState } from './rare-plan.ts';
import { rareSampler } from './rare-sampler.ts';
import type { RareEventOptions, RareEventResult } from './types.ts';

/*
 * Subset simulation, also called adaptive multilevel splitting of a static law.
 *
 *   loop:  L = the (floor(p0 N) + 1)-th largest score; survivors lie strictly above it
 *          L inside the event?  log p += log(share of particles in the event); stop
 *          log p += log(share of survivors); draw N from them; K moves that stay above L
 *
 * | symbol | name here |
 * |---|---|
 * | p0 | share |
 * | N, K | particles, moves |
 * | S - s* | score, above 0 inside the event |
 *
 * Departures: levels and moves live in the space of standard normals behind the inputs, so that every law can be moved by
 * pCN; with ties the true share of survivors counts, not p0 (Au & Beck take p0); several runs side by side give the error.
 */
export const SPLITTING_SOURCES: readonly Source[] = [
  {
    authors: 'Au, S.-K. & Beck, J. L.',
    year: 2001,
    title: 'Estimation of small failure probabilities in high dimensions by subset simulation',
    reference: 'Probabilistic Engineering Mechanics 16(4), 263-277',
  },
  {
    authors: 'Cérou, F., Del Moral, P., Furon, T. & Guyader, A.',
    year: 2012,
    title: 'Sequential Monte Carlo for rare event estimation',
    reference: 'Statistics and Computing 22(3), 795-808',
  },
];

export interface SplittingOptions extends RareEventOptions {
  /** N. Default 1000. */
  readonly particles?: number;
  /** K. Default 10. */
  readonly moves?: number;
  /** p0, of the particles that survive a level. Default 0.1. */
  readonly share?: number;
}

/**
 * The probability of a rare event by splitting: 1e-6 with some 50 000 model evaluations a run.
 * @throws OptionError for bad options; ModelError when the model fails at a point; DegeneracyError when all scores are
 * one number outside the event at the start, so that there is nothing to climb.
 */
export function splitting(options: SplittingOptions): ModelMethod<RareState, RareEventResult> {
  const where = 'splitting';
  checkRareNames(where, options, ['share']);
  const { particles = 1000, moves = 10, share = 0.1 } = options;
  checkNumber(where, 'share', share, (x) => x > 0 && x < 1, 'a number between 0 and 1');
  const method = rareSampler(options, {
    ...{ name: 'splitting', where, sources: SPLITTING_SOURCES, particles, moves },
    next: (score) => nextLevel(score, share),
    replaceDead: false,
    fingerprint: [share],
  });
  const over = modelsOn(where, (replace) => splitting({ ...options, model: replace(options.model) }));
  return { ...method, onCluster: over };
}
