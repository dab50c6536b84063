/** A time of a grid with what solvers need of the schedule there. */
export interface GridPoint {
  readonly time: number;
  /** alpha and sigma; noise may be 0 at the last point, and signal 0 at the first. */
  readonly signal: number;
  readonly noise: number;
  /** log(alpha / sigma): -Infinity to Infinity. */
  readonly logSnr: number;
}

/** Times at which a sampler stands, from noise to data: N steps are N + 1 points of strictly falling time. */
export interface Grid {
  /** 'log-snr' */
  readonly name: string;
  readonly points: readonly GridPoint[];
}
