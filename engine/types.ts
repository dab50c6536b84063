/** A paper behind a method. */
export interface Source {
  readonly authors: string;
  readonly year: number;
  readonly title: string;
  /** DOI, arXiv number or journal reference. */
  readonly reference: string;
}

/** Statistical trouble that does not stop a run: what happened, how bad, what to do. At most 240 characters. */
export interface Warning {
  /** Stable code, e.g. 'negative-index'; the docs have an entry for each. */
  readonly code: string;
  readonly message: string;
  /** The number that caused it and the threshold it crossed, where there is one. */
  readonly value?: number;
  readonly threshold?: number;
}

/** Function over a batch of points: reads `x` [n, d] row-major, fills `out` [n] or [n, k]. */
export type BatchFn = (x: Float64Array, out: Float64Array) => void | Promise<void>;

/** A law that can be drawn from and whose log density is known. */
export interface Density {
  readonly dimension: number;
  /** log density at each row of `x` [n, d] into `out` [n]; -Infinity outside the support. */
  logDensity(x: Float64Array, out: Float64Array): void;
  /** Map uniforms `u` [n, d] in (0, 1) to points `x` [n, d] of this law. `x` may be `u`. */
  transport(u: Float64Array, x: Float64Array): void;
}

/** k named numbers with their Monte Carlo standard errors, same unit. */
export interface Estimate {
  readonly names: readonly string[];
  /** [k] */
  readonly value: Float64Array;
  /** [k]; NaN where the method has none, never 0. */
  readonly standardError: Float64Array;
}

/** An estimate with the two ends of an interval at `level` (0.95 means 95 %). */
export interface IntervalEstimate extends Estimate {
  /** [k]; NaN where there is no valid interval. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly level: number;
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: 'converged' }
  /** Budget spent or loop left: the best answer so far. */
  | { readonly kind: 'unfinished' }
  /** Usable, not trustworthy. */
  | { readonly kind: 'degenerate'; readonly ess: number; readonly message: string };

/** A seed is an integer in [0, 2^53 - 1]. Zero is a seed. */
export type Seed = number;
