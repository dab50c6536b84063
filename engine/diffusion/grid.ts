import type { NoiseSchedule } from './schedule.ts';

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
  /** Whose times they are: solvers with stages between two points ask it, and Euler-Maruyama its drift. */
  readonly schedule: NoiseSchedule;
  readonly points: readonly GridPoint[];
}

/** What a solver needs of a schedule at a time in [0, end]. */
export function gridPoint(schedule: NoiseSchedule, time: number): GridPoint {
  return {
    time,
    signal: schedule.signal(time),
    noise: schedule.noise(time),
    logSnr: schedule.logSnr(time),
  };
}

/** The same at a log-SNR, for stages inside a step. */
export function gridPointAt(schedule: NoiseSchedule, logSnr: number): GridPoint {
  return gridPoint(schedule, schedule.timeOf(logSnr));
}
