import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import type { TriggerOptions } from '../../../engine/particles/trigger.ts';
import type { Result } from '../../../engine/sampler.ts';
import type { Prior } from '../samplers/prior.ts';
import type { StartParameters } from './gibbs-types.ts';
import type { ModelOptions } from './parameter-models.ts';

export interface PmmhOptions extends TriggerOptions, ModelOptions {
  /** The law of theta: a law of p numbers, or a record { name: law } of independent ones. */
  readonly prior: Prior;
  /** Where the chains start. Default: a draw from the prior for each. */
  readonly start?: StartParameters;
  /**
   * How theta moves; gradients are not to be had. Default randomWalk({ acceptance: 0.234 }), tuned during the warm-up and
   * fixed afterwards.
   */
  readonly kernel?: KernelChoice;
  /** N of each filter. `noise` of the result says whether it is enough. Default 200. */
  readonly particles?: number;
  /** Default 'systematic'. With `correlation` it is systematic along a curve, always. */
  readonly scheme?: SchemeName;
  /** Draws kept of each chain. Default 1000. */
  readonly iterations?: number;
  /** Iterations before them, in which the kernel is tuned and which are not kept. Default half of `iterations`. */
  readonly warmup?: number;
  /** Independent chains side by side. Default 4. */
  readonly chains?: number;
  /**
   * rho of the correlated version: filters of a chain share their normals, u' = rho u + sqrt(1 - rho^2) z. With rho near 1
   * (0.99) fewer particles do. Default 0: independent filters. With it `threshold` is 1 unless given.
   */
  readonly correlation?: number;
  /** Filters run at one point after the warm-up, which show how noisy log Z-hat is; 0 for none. Default 32. */
  readonly noiseFilters?: number;
}

/** How much log Z-hat varies between filters at one theta. */
export interface LikelihoodNoise {
  /** [p] where: the mean of the warm-up, or of the starts without one. */
  readonly theta: Float64Array;
  /** Standard deviation of log Z-hat; Infinity when a filter collapsed there. */
  readonly standardDeviation: number;
  readonly filters: number;
  /** N that would bring it to about 1.3. Chains of independent filters are cheapest between 1.0 and 1.7. */
  readonly suggestedParticles: number;
}

/** `estimate` holds the means of the parameters, `sample` all draws kept. */
export interface PmmhResult extends Result {
  /** [p] variance, effective number of draws and split R-hat of each parameter. */
  readonly variance: Float64Array;
  readonly ess: Float64Array;
  readonly rHat: Float64Array;
  /** Share of proposals accepted after the warm-up. */
  readonly acceptance: number;
  /** [C n] log Z-hat that goes with each draw: unbiased for p(y | theta) on the natural scale when it was made, not as kept. */
  readonly logLikelihood: Float64Array;
  /** Undefined during the warm-up and with `noiseFilters: 0`. */
  readonly noise: LikelihoodNoise | undefined;
}
