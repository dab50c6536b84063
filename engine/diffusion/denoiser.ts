import type { Backend } from '../backend/backend.ts';
import type { NormalMixture } from '../distribution/normal-mixture.ts';
import type { NoiseSchedule } from './schedule.ts';

/*
 * A model of a noised law q_t, the law of x_t = alpha x_0 + sigma e.
 */

/**
 * What a model returns for x_t:
 * 'clean' E[x_0], 'noise' E[e], 'score' grad log q_t = -E[e] / sigma, 'v' alpha E[e] - sigma E[x_0],
 * 'flow' alpha' E[x_0] + sigma' E[e], the velocity of the probability flow (primes: derivatives in time).
 */
export type Prediction = 'clean' | 'noise' | 'score' | 'v' | 'flow';

/** One time for all rows, or [n], one for each. */
export type Times = number | Float64Array;

type Done = void | Promise<void>;

/**
 * What a user hands over: a trained network behind a function, or an analytic law (`gaussianDenoiser`,
 * `mixtureDenoiser`, `empiricalDenoiser`). Arrays are row-major; functions fill `out` for all rows of `x` and write
 * nothing else.
 */
export interface Denoiser {
  /** For messages: 'mixture of 40 normal laws'. */
  readonly name?: string;
  /** d */
  readonly dimension: number;
  /** That of the x it is given. */
  readonly schedule: NoiseSchedule;
  readonly prediction: Prediction;
  /**
   * x [n, d] at `time` -> `out` [n, d], in the form of `prediction`. It may return the numbers [n, d] instead of filling
   * `out`.
   * @param first of a batch in several calls, the row with which this one begins.
   */
  predict(
    x: Float64Array,
    time: Times,
    out: Float64Array,
    first?: number,
  ): void | ArrayLike<number> | Promise<void> | Promise<ArrayLike<number>>;
  /** Most rows of one call. Default 8192; the event loop gets its turn in between. */
  readonly rows?: number;
  /** n, where row i of n has a condition of its own: for what leaves each row in its place, such as `reverseDiffusion`. */
  readonly ofRows?: number;
  /** Of its numbers; of derivatives by differences the larger steps. Default 'float64'. */
  readonly precision?: 'float64' | 'float32';
  /** Where it runs, for provenance: 'cpu by onnxruntime-node 1.30.0'. */
  readonly place?: string;
  /**
   * E[x_0] of x [n, d] -> out [n, d], where it is known without cancellation: asked for where there is much more noise
   * than signal, or no signal at all. By the prediction where there is none.
   */
  clean?(x: Float64Array, time: Times, out: Float64Array): Done;
  /** log q_t(x), normalised, -> out [n]. Networks have none. */
  logDensity?(x: Float64Array, time: Times, out: Float64Array): Done;
  /** Divergence of the score -> out [n]. */
  divergence?(x: Float64Array, time: Times, out: Float64Array): Done;
  /** The Jacobian of the score times `direction` [n, d] -> out [n, d]. By central differences where there is none. */
  tangent?(x: Float64Array, time: Times, direction: Float64Array, out: Float64Array): Done;
  /** The data law, where it is a normal law or a mixture of them. */
  readonly mixture?: NormalMixture;
  /** [m, d] the data, where the data law is that of points, each as likely as the others. */
  readonly points?: Float64Array;
  /** Mean of the data and of its squares over coordinates, where known. */
  readonly moments?: { readonly mean: Float64Array; readonly secondMoment: number };
  /** Called by a run that begins to use it; what it returns, once, when the run has ended or was aborted. */
  readonly hold?: () => () => void;
  /** The same numbers by kernels of the core. */
  readonly kernels?: { open(options: DenoiserKernelOptions): DenoiserKernels };
}

/** What of a noised law is wanted at rows 0..n-1; arrays that are given are filled. */
export interface Wanted {
  /** [n, d] */
  readonly score?: Float64Array;
  readonly clean?: Float64Array;
  readonly noise?: Float64Array;
  /** [n] */
  readonly logDensity?: Float64Array;
  readonly divergence?: Float64Array;
}

export interface DenoiserKernelOptions {
  readonly backend: Backend;
}

/** A noised law by kernels, with what they keep in an arena. */
export interface DenoiserKernels {
  /**
   * Log density [n] and, where it is given, score [n, d] of rows 0..n-1 of `x` at one time; arrays from arenas of the
   * backend.
   */
  evaluate(
    x: Float64Array,
    time: number,
    n: number,
    score: Float64Array | undefined,
    logDensity: Float64Array,
  ): Promise<void>;
  release(): void;
}

/** A denoiser in use: converted, counted and checked. Made by `openDenoiser`. */
export interface OpenDenoiser {
  readonly dimension: number;
  readonly schedule: NoiseSchedule;
  readonly source: Denoiser;
  /** Rows evaluated so far, whatever was wanted of them; a tangent by differences counts two for each. */
  readonly evaluations: number;
  /**
   * Fill what is wanted for rows 0..n-1 of `x` [n, d]. At noise 0 the score exists for a 'score' prediction alone, and at
   * signal 0 E[x_0] for 'clean', 'v' and 'flow' or a denoiser with `clean`; anything else is an error. Arrays from an
   * arena of the backend spare copies.
   * @param step for messages.
   * @throws ValueError naming the denoiser, step, time and how many rows are NaN or infinite; ShapeError when it
   * returns another number of numbers; ModelError when it throws; OptionError when it has no log density or divergence
   * and one is wanted.
   */
  evaluate(x: Float64Array, time: Times, n: number, wanted: Wanted, step?: number): Promise<void>;
  /** The Jacobian of E[x_0 given x_t] times `direction` [n, d] -> out [n, d]. */
  cleanTangent(
    x: Float64Array,
    time: Times,
    n: number,
    direction: Float64Array,
    out: Float64Array,
  ): Promise<void>;
  dispose(): void;
}
