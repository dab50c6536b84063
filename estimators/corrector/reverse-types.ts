import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import type { Integrator } from '../../engine/diffusion/solver/program.ts';
import type { DataMoments } from '../../engine/diffusion/solver/teleport.ts';
import type { Result } from '../../engine/sampler.ts';

export interface ReverseDiffusionOptions {
  readonly denoiser: Denoiser;
  /** Default `dpmSolverPlusPlus()`, an ODE solver of order 2. */
  readonly integrator?: Integrator;
  /**
   * Steps of a grid that is even in log-SNR, from the end of the schedule (one step more where that has no signal).
   * Default 50.
   */
  readonly steps?: number;
  /** In place of `steps`. */
  readonly grid?: Grid;
  /** Default 4096, or as many as there are in `start`. */
  readonly particles?: number;
  /** [n, d] points at the first time of the grid. Default: drawn from N(0, sigma^2 I), sigma the noise there. */
  readonly start?: ArrayLike<number>;
  /** End at E[x_0] given the last x, by one more evaluation, where the grid ends above noise 0. Default false. */
  readonly denoise?: boolean;
  /**
   * Leave the noisiest part of the grid out by the flow of the normal law with the moments of the data, as far as the
   * estimated error of a particle, relative to its size, is below the tolerance. Default: no.
   */
  readonly teleport?: {
    readonly moments: DataMoments;
    /** Default 1e-3. */
    readonly tolerance?: number;
  };
}

export interface ReverseDiffusionResult extends Result {
  /** The time of the points: that of the last point of the grid when the run is finished. */
  readonly time: number;
  /** Where the jump went, and its estimated error. */
  readonly teleported?: { readonly time: number; readonly error: number };
}
