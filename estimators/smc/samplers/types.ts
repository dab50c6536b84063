import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { MoveCount } from '../../../engine/kernel/repeat.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { Estimate } from '../../../engine/types.ts';
import type { FilterRuns, LogNormalizer } from '../filter/filter-types.ts';
import type { Prior } from './prior.ts';

/** What all samplers of weighted, moving populations take. */
export interface PopulationOptions extends TriggerOptions {
  /** The law of x: a law of d numbers, or a record { name: law } of independent ones. */
  readonly prior: Prior;
  /** N, of one run. Default 1024. */
  readonly particles?: number;
  /** Independent runs side by side, whose normalizing constants are averaged. Default 1. */
  readonly runs?: number;
  /** Markov kernel by which particles move within a target. Default randomWalk(). */
  readonly moves?: KernelChoice;
  /**
   * Moves of each particle at each target: a number, or 'acceptance', as many as let a particle stay where it is with
   * probability 0.01 at most, or 'distance', until the distance travelled stops growing. Default 'acceptance'. Not with
   * `chains`.
   */
  readonly moveCount?: MoveCount;
  /**
   * Waste-free with this many chains M, a divisor of N: M particles are resampled, each moves N / M - 1 times, and all
   * states are kept. Default: every particle is the last state of its own chain.
   */
  readonly chains?: number;
  /** Whether kernels learn scale and step size from the particles. Default true. */
  readonly tune?: boolean;
  /** Moves of the particles at the last target, after they were weighed. Default 0. Not with `chains`. */
  readonly finalMoves?: number;
  /** Default 'systematic'. */
  readonly scheme?: SchemeName;
}

/** Choices that a run made on its way, for a run with other random numbers that makes the same: plain data. */
export interface FrozenSchedule {
  /** Inverse temperatures (0 for a selection), or numbers of data, after each step. */
  readonly targets: readonly number[];
  /** Moves of each particle at each target. */
  readonly moves: readonly number[];
  /** Tuning of the kernel at each target. */
  readonly tuning: readonly Readonly<Record<string, unknown>>[];
}

/** log of the normalizing constant, i.e. log evidence. */
export interface SamplerNormalizer extends Omit<LogNormalizer, 'method'> {
  /**
   * As of filters, and 'chains': from the memory of waste-free chains, step by step. It leaves out that chains hand on
   * their errors to the chains that start from them, a part of about memory over length: a lower estimate for short chains.
   */
  readonly method: LogNormalizer['method'] | 'chains';
}

/** One row for each target, of the first run. */
export interface PathTable {
  /** [T] effective sample size of the weights at this target, in particles. */
  readonly ess: Float64Array;
  /** [T] log normalizing constant so far. */
  readonly logNormalizer: Float64Array;
  /** [T] moves of each particle at this target; 0 where there were none. */
  readonly moves: Float64Array;
  /** [T] mean acceptance of these moves; NaN where there were none. */
  readonly acceptance: Float64Array;
}

/** What all samplers of moving populations answer. */
export interface PopulationResult extends Result {
  /** The log normalizing constant, then the means. */
  readonly estimate: Estimate;
  readonly logNormalizer: SamplerNormalizer;
  readonly runs: FilterRuns;
  /** Means of the coordinates under the last target. */
  readonly mean: Estimate;
  /** [d, d] row-major, under the last target. */
  readonly covariance: Float64Array;
  /** For the option `schedule`: the same targets, moves and tuning with other random numbers, so unbiased. */
  readonly schedule: FrozenSchedule;
}
