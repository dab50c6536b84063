import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { Estimate } from '../../../engine/types.ts';
import type { Prior } from '../samplers/prior.ts';
import type { ModelOptions } from './parameter-models.ts';

/** `threshold` and `measure` say when the outer particles are resampled (and moved). */
export interface SmcSquaredOptions extends TriggerOptions, ModelOptions {
  /** The law of theta: a law of p numbers, or a record { name: law } of independent ones. */
  readonly prior: Prior;
  /** Outer particles, N_theta. Default 256. */
  readonly particles?: number;
  /** Particles of each filter at first, N_x. Default 100. */
  readonly innerParticles?: number;
  /** N_x at most. Default 16 times `innerParticles`, or as far as memory goes. */
  readonly mostInnerParticles?: number;
  /** N_x is doubled when fewer than this share of the moves were accepted; 0: never. Default 0.2. */
  readonly leastAcceptance?: number;
  /** When filters resample, as `threshold` does for the outer particles. Default 0.5. */
  readonly innerThreshold?: number;
  /** How theta moves, tuned on the weighted outer particles. Default randomWalk({ acceptance: 0.234 }). */
  readonly kernel?: KernelChoice;
  /** Moves of each outer particle after each resampling. Default 3. */
  readonly moves?: number;
  /** Of outer particles and filters. Default 'systematic'. */
  readonly scheme?: SchemeName;
}

/** `estimate` holds log Z and the posterior means, `sample` the weighted outer particles. */
export interface SmcSquaredResult extends Result {
  /** log p(y_0..y_{T-1}), or of what was seen so far. */
  readonly logNormalizer: {
    readonly value: number;
    readonly standardError: number;
    /** As of the SMC samplers: from the genealogy of the outer particles. */
    readonly method: 'lee-whiteley' | 'heuristic' | 'none';
    /** Kernels and N_x are tuned on the very particles they move. */
    readonly unbiased: boolean;
  };
  /** Posterior means of the parameters. */
  readonly mean: Estimate;
  /** [p, p] row-major. */
  readonly covariance: Float64Array;
  /** One row a step, of T at the end. */
  readonly path: SmcSquaredPath;
}

export interface SmcSquaredPath {
  /** log p(y_0..y_t). */
  readonly logNormalizer: Float64Array;
  /** Effective outer particles. */
  readonly ess: Float64Array;
  /** N_x. */
  readonly innerParticles: Float64Array;
  /** Share of moves accepted with which the step began; NaN where there were none. */
  readonly acceptance: Float64Array;
}
