import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Stream } from '../../../engine/random/rng.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { Prior } from '../samplers/prior.ts';
import type { Observation, Proposal, StateSpaceModel } from '../state-space.ts';
import type { ModelOptions } from './parameter-models.ts';
import type { DrawParameters } from './parameter-update.ts';
import type { SmoothedPath } from './path-record.ts';
import type { ConditionalVariant } from './path-updater.ts';

/** What all chains of paths take. */
export interface PathChainOptions extends TriggerOptions {
  /** N of each conditional SMC, at least 2. Default 100. */
  readonly particles?: number;
  /** Draws kept of each chain. Default 1000. */
  readonly iterations?: number;
  /** Sweeps before them, which are not kept. Default a quarter of `iterations`. */
  readonly warmup?: number;
  /** Independent chains side by side. Default 4. */
  readonly chains?: number;
  /**
   * How a path is updated. 'ancestor' (ancestor sampling) and 'backward' (backward sampling) mix well with few particles and
   * need the model's `logTransition`; 'plain' and 'systematic' (conditional systematic resampling) need many particles for
   * long series. Default 'ancestor'.
   */
  readonly variant?: ConditionalVariant;
}

export interface ConditionalSmcOptions extends PathChainOptions {
  readonly model: StateSpaceModel;
  /** y_0..y_{T-1}; null where one is missing. At least one. */
  readonly observations: readonly Observation[];
  /** A proposal that has seen the observation. Default: the model itself (bootstrap). */
  readonly proposal?: Proposal;
}

/** Where a chain starts: theta [p], or a function that draws one for each chain. */
export type StartParameters = ArrayLike<number> | ((stream: Stream, chain: number) => ArrayLike<number>);

/** Parameters drawn by a function of the path. */
interface DrawnParameterOptions {
  /** Names of the parameters, p of them. */
  readonly parameters: readonly string[];
  readonly start: StartParameters;
  readonly update: DrawParameters;
}

/** Parameters moved by a Markov kernel on prior(theta) p(path, y | theta). */
interface MovedParameterOptions {
  /** The law of theta: a law of p numbers, or a record { name: law } of independent ones. */
  readonly prior: Prior;
  /** Default: a draw from the prior for each chain. */
  readonly start?: StartParameters;
  /** Default randomWalk(), tuned during the warm-up. */
  readonly kernel?: KernelChoice;
  /** Moves of theta in each sweep. Default 1. */
  readonly moves?: number;
}

export type ParticleGibbsOptions = PathChainOptions &
  ModelOptions &
  (DrawnParameterOptions | MovedParameterOptions);

/** What conditional SMC answers: `estimate` holds the smoothed means E[x_t], `sample` the last path of each chain. */
export interface ConditionalSmcResult extends Result {
  readonly smoothed: SmoothedPath;
}

/** What particle Gibbs answers: `estimate` holds the means of the parameters, `sample` all draws kept. */
export interface ParticleGibbsResult extends Result {
  /** [p] variance, effective number of draws and split R-hat of each parameter. */
  readonly variance: Float64Array;
  readonly ess: Float64Array;
  readonly rHat: Float64Array;
  readonly smoothed: SmoothedPath;
  /** [C, T, d] the last path of each chain. */
  readonly paths: Float64Array;
}
