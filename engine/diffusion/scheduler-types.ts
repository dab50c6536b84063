import type { Backend } from '../backend/backend.ts';
import type { Prediction } from './denoiser.ts';
import type { Grid } from './grid.ts';
import type { NetworkTime } from './network-time.ts';
import type { NetworkForm } from './preconditioned.ts';
import type { NoiseSchedule } from './schedule.ts';
import type { Integrator } from './solver/program.ts';

export interface SchedulerOptions {
  readonly schedule: NoiseSchedule;
  /** Default `dpmSolverPlusPlus()`. */
  readonly integrator?: Integrator;
  /** What the network returns; `form` in its place for networks inside of EDM's wrapper. Default 'noise'. */
  readonly prediction?: Prediction;
  readonly form?: NetworkForm;
  /** Of form 'edm'. Default 0.5. */
  readonly dataDeviation?: number;
  /** What `timesteps` says, unless `form` does. Default 'time'. */
  readonly time?: NetworkTime;
  /** M, of 'index' and of forms with a table. Default 1000. */
  readonly steps?: number;
  /** d: numbers of a row. */
  readonly dimension: number;
  /** n: rows of the batch. */
  readonly particles: number;
  /** Of all rows, whose noise is that of particles 0..n-1 of a run; or [n], each row the only one of its seed. Default 0. */
  readonly seed?: number | readonly number[];
  /** Default: the best this machine has. */
  readonly backend?: Backend;
}

export interface SchedulerStep {
  /** [n, d] where the network is asked next, or the sample after the last timestep. */
  readonly previous: Float64Array;
  /** [n, d] E[x_0] by this prediction. */
  readonly clean: Float64Array;
}

export interface Scheduler {
  /** What the network is told at each call of `step`; an integrator that evaluates twice a step has two for it. */
  readonly timesteps: Float64Array;
  /** The diffusion times of these. */
  readonly times: Float64Array;
  /** Standard deviation of x at the first of them. */
  readonly initNoiseSigma: number;
  /**
   * Begin anew with `count` steps, even in the log-SNR as in `reverseDiffusion`, or on a grid. Without it there are 50.
   * @throws OptionError
   */
  setTimesteps(count: number | Grid): void;
  /**
   * Begin at x [n, d], by default noise of the seed at the noisiest time: x where the network is asked first, which some
   * integrators move before they ask. A loop may as well begin with any x and `step`.
   */
  start(x?: ArrayLike<number>): Promise<Float64Array>;
  /** x as the network takes it: itself, or scaled by the wrapper of `form`. */
  scaleModelInput(x: ArrayLike<number>, timestep: number): Float64Array;
  /**
   * Hand over the prediction [n, d] at x [n, d]; x may have been changed since it was returned.
   * @throws OptionError for another timestep than the next one; ShapeError; ValueError for NaN, naming time and rows.
   */
  step(prediction: ArrayLike<number>, timestep: number, x: ArrayLike<number>): Promise<SchedulerStep>;
  /**
   * The batch was resampled after `step`: what the integrator remembers of earlier steps follows.
   * @throws OptionError between two evaluations of one step.
   */
  gather(ancestor: Uint32Array): void;
  /** Give the memory back; `setTimesteps` begins anew. */
  release(): void;
}
