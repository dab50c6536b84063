import type { Backend } from './backend/backend.ts';
import type { Rng } from './random/rng.ts';
import type { Estimate, Outcome, Source, Warning } from './types.ts';

/** A Monte Carlo method: functions over a state that only the method itself reads. */
export interface Sampler<S, R extends Result = Result> {
  /** 'sobol-indices' */
  readonly name: string;
  /** The papers behind it; `cite(method)` prints them. */
  readonly sources: readonly Source[];
  /** Draw the first particles. */
  init(ctx: Context): Promise<Step<S>>;
  /**
   * Advance once; consumes `state`. When a graphics card goes away it rejects with DeviceLostError, and `snapshot` of
   * the state it was given must still answer: what a checkpoint needs is on the host, and changes last.
   */
  step(state: S, ctx: Context): Promise<Step<S>>;
  /**
   * The answer so far, valid after every step; what it holds is yours for good. `ending` comes from the runner:
   * pass it through, with outcome raised to 'degenerate' or notes added where the method knows better.
   */
  result(state: S, ending: Ending): Promise<R>;
  /** Everything needed to go on later, as bytes: a resumed run equals the uninterrupted one bit for bit. */
  snapshot(state: S): Promise<Uint8Array>;
  /**
   * The step at which `snapshot` was taken.
   * @throws OptionError when the bytes belong to another method or configuration.
   */
  restore(bytes: Uint8Array, ctx: Context): Promise<Step<S>>;
  /** Give back device buffers and workers. Idempotent. */
  dispose(state: S): void;
}

export interface Context {
  readonly rng: Rng;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** `budget.evaluations` of the run. The runner looks between steps: where one takes many, it ought to stop for that. */
  readonly evaluations?: number;
}

export interface Step<S> {
  readonly state: S;
  readonly done: boolean;
  readonly info: Info;
}

export interface Info {
  /** Effective sample size, in particles. For unweighted points their number. */
  readonly ess: number;
  /** Model (or density) evaluations so far. */
  readonly evaluations: number;
  readonly warnings: readonly Warning[];
  /** Progress in units of the method (evaluations, steps); `total` is undefined when open-ended. */
  readonly done: number;
  readonly total: number | undefined;
}

export interface Provenance {
  readonly seed: number;
  readonly backend: string;
  /** 'WASM SIMD, 2 threads', or the name of the graphics adapter. */
  readonly adapter: string;
  readonly precision: 'float64' | 'float32';
  readonly version: string;
  /** Anything else worth recording: why a backend was chosen, that a model could not leave the main thread. */
  readonly notes: readonly string[];
}

/** Weighted points. `points` is [n, d] row-major; `logWeight` [n] is natural, unnormalised. */
export interface Sample {
  readonly points: Float64Array;
  readonly shape: readonly [n: number, d: number];
  readonly logWeight: Float64Array;
}

/** What the runner knows about how a result came to be. */
export interface Ending {
  readonly outcome: Outcome;
  readonly provenance: Provenance;
}

/** What every method returns. */
export interface Result {
  readonly estimate: Estimate;
  readonly sample: Sample;
  readonly outcome: Outcome;
  readonly diagnostics: Info;
  readonly provenance: Provenance;
}

/**
 * The papers behind a method, one a line, as they go into a list of references:
 * 'Owen, A. B. (1997). Scrambled net variance ... Annals of Statistics 25(4), 1541-1562.'
 */
export function cite(method: { readonly sources: readonly Source[] }): string {
  return method.sources
    .map(({ authors, year, title, reference }) => `${authors} (${year}). ${title}. ${reference}.`)
    .join('\n');
}
