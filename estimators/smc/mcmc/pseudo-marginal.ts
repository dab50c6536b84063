import { ValueError } from '../../../engine/errors.ts';
import {
  type ChainStates,
  type KernelChoice,
  type MoveTarget,
  tempered,
} from '../../../engine/kernel/kernel.ts';
import { randomWalk } from '../../../engine/kernel/random-walk.ts';
import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc, SmcOptions } from '../../../engine/particles/smc/types.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { OpenedPrior } from '../samplers/prior.ts';
import type { StateFields } from '../state-space.ts';

/** One filter to be run: what at, and with which numbers. */
export interface FilterJob {
  readonly model: FeynmanKac<StateFields>;
  readonly rng: Rng;
}

/** What all filters of a method share. */
export type FilterSetup = Pick<
  SmcOptions<StateFields>,
  'where' | 'backend' | 'signal' | 'particles' | 'scheme' | 'threshold' | 'measure' | 'noise' | 'select'
>;

/**
 * Filters side by side in one flat run, each over steps 0..steps-1. A filter that collapses has the log normalizing constant
 * -Infinity, which is a value. The caller releases what it gets.
 */
export async function runFilters(
  jobs: readonly FilterJob[],
  setup: FilterSetup,
  steps: number,
): Promise<Smc<StateFields>> {
  const model = jobs.map((job) => job.model);
  const smc = makeSmc({ ...setup, model, rngs: jobs.map(({ rng }) => rng) });
  try {
    while (smc.step + 1 < steps && !smc.finished) await smc.advance();
    return smc;
  } catch (error) {
    smc.release();
    throw error;
  }
}

interface PseudoMarginalParts {
  readonly where: string;
  readonly prior: OpenedPrior;
  /** C, all of which a kernel moves in one block. */
  readonly chains: number;
  /** log Z-hat of fresh filters of the chains listed, at the rows of `x` [n, p], into `out` [n]. */
  estimate(chains: readonly number[], x: Float64Array, out: Float64Array): Promise<void>;
}

/**
 * prior(theta) Z-hat as the target of a kernel: candidates get a fresh estimate, and what a chain holds is never estimated again,
 * so that the chains of (theta, Z-hat) have p(theta | y) for the law of theta exactly (Andrieu & Roberts 2009).
 */
export function pseudoMarginal({ where, prior, chains, estimate }: PseudoMarginalParts): MoveTarget {
  let live: readonly number[] = [];
  return {
    dimension: prior.law.dimension,
    async logPrior(x, n, out) {
      // Which chain a row belongs to is known only while none is left out.
      if (n !== chains) throw notFinite(where);
      await prior.rows(x, n, out);
      live = Array.from({ length: n }, (_, c) => c).filter((c) => out[c]! > -Infinity);
    },
    async logLikelihood(x, n, out) {
      await estimate(live, x.subarray(0, n * prior.law.dimension), out);
    },
    ...tempered(1),
  };
}

/**
 * The default kernel. An estimate above the truth holds its chain however short the proposals are, so that they should not
 * shrink for the sake of acceptance.
 */
export function pseudoMarginalWalk(): KernelChoice {
  return randomWalk({ acceptance: 0.234 });
}

/** Chains whose place or estimate is another one than before. */
export function movedChains(
  before: Pick<ChainStates, 'x' | 'logLikelihood'>,
  now: ChainStates,
  p: number,
): number[] {
  return Array.from({ length: now.count }, (_, chain) => chain).filter((chain) => {
    if (before.logLikelihood[chain] !== now.logLikelihood[chain]) return true;
    for (let j = chain * p; j < (chain + 1) * p; j++) if (before.x[j] !== now.x[j]) return true;
    return false;
  });
}

function notFinite(where: string): ValueError {
  return new ValueError({
    where,
    found: 'a proposed parameter is not finite',
    expected: 'finite numbers',
    fix: 'Start the kernel with a smaller scale.',
  });
}
