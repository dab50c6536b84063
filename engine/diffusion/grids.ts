import { checkCount, checkFlag, checkNumber, checkOneOf, checkOptionNames, show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { checkSchedule } from './check-schedule.ts';
import { type Grid, gridPoint } from './grid.ts';
import type { NoiseSchedule } from './schedule.ts';

/*
 * Times at which samplers stand. A power p spaces a quantity q so that q^(1/p) falls evenly: 1 is even spacing, larger
 * powers put more points at the small end.
 *
 * | name | even in | where it is used |
 * |---|---|---|
 * | timeGrid | t^(1/p) | FKC, images; p = 2 is 'quadratic' |
 * | logSnrGrid | log(alpha / sigma) | DPM-Solver; order tests |
 * | edmGrid | (sigma / alpha)^(1/p), p = 7 | EDM, then time 0 |
 * | polyexponentialGrid | a power of even steps in log(sigma / alpha) | k-diffusion; 1 is 'exponential' |
 * | deisGrid | t, sigma / alpha or its logarithm, with a power | DEIS |
 */

/** N steps between two times. */
export interface TimeGridOptions {
  /** N */
  readonly steps: number;
  /** The noisiest time. Default the end of the schedule. */
  readonly start?: number;
  /**
   * The last time; 0 is the data itself. Default 1e-3 of the end of the schedule up to 15 steps, 1e-4 of it beyond, and no
   * more than half of `start`.
   */
  readonly stop?: number;
  /** Default 1. */
  readonly power?: number;
}

/**
 * Even in t^(1 / power).
 * @throws OptionError for a bad count, time or power.
 */
export function timeGrid(schedule: NoiseSchedule, options: TimeGridOptions): Grid {
  const where = 'timeGrid';
  checkOptionNames(where, options, ['steps', 'start', 'stop', 'power']);
  const { steps, start, stop, power } = spanOf(where, schedule, options);
  return between(power === 1 ? 'time' : `time^(1/${power})`, schedule, evenly(start, stop, steps, power));
}

export type LogSnrGridOptions = Omit<TimeGridOptions, 'power'>;

/**
 * Even in the log-SNR.
 * @throws OptionError for a bad count or time, or one at which there is no signal or no noise.
 */
export function logSnrGrid(schedule: NoiseSchedule, options: LogSnrGridOptions): Grid {
  const where = 'logSnrGrid';
  checkOptionNames(where, options, ['steps', 'start', 'stop']);
  const { steps, start, stop } = spanOf(where, schedule, options);
  const [from, to] = [finiteSnr(where, 'start', schedule, start), finiteSnr(where, 'stop', schedule, stop)];
  const times = evenly(from, to, steps, 1).map((logSnr) => schedule.timeOf(logSnr));
  times[0] = start;
  times[steps] = stop;
  return between('log-snr', schedule, times);
}

/** Levels of noise sigma / alpha, in units of the data. */
export interface NoiseLevelGridOptions {
  /** N, with the step to time 0 where there is one. */
  readonly steps: number;
  /** Default that at the end of the schedule; 80 where it is infinite. */
  readonly largest?: number;
  /** The last level above 0. Default 0.002. */
  readonly smallest?: number;
  /** Default 7 for `edmGrid`, 1 for `polyexponentialGrid`. */
  readonly power?: number;
  /** Whether a last step leads to time 0. Default true. */
  readonly toData?: boolean;
}

/**
 * Even in (sigma / alpha)^(1 / power), power 7 by default, and then time 0.
 * @throws OptionError for a bad count, level or power, or levels that the schedule does not reach.
 * Source: Karras et al. (2022), equation 5.
 */
export function edmGrid(schedule: NoiseSchedule, options: NoiseLevelGridOptions): Grid {
  const span = levelsOf('edmGrid', schedule, options, 7);
  return ofLevels('edm', schedule, span, (n) => evenly(span.largest, span.smallest, n, span.power));
}

/**
 * Levels exp(low + (1 - i / n)^power (high - low)) from the largest to the smallest, then time 0; power 1, the default, is
 * even in log(sigma / alpha).
 * @throws OptionError as `edmGrid` does.
 */
export function polyexponentialGrid(schedule: NoiseSchedule, options: NoiseLevelGridOptions): Grid {
  const span = levelsOf('polyexponentialGrid', schedule, options, 1);
  const { smallest, largest, power } = span;
  const name = power === 1 ? 'exponential' : `polyexponential(${power})`;
  return ofLevels(name, schedule, span, (n) =>
    evenly(1, 0, n, 1).map((ramp) => smallest * (largest / smallest) ** (ramp ** power)),
  );
}

export interface DeisGridOptions extends TimeGridOptions {
  /** What is spaced: the time, sigma / alpha, or log(sigma / alpha), this one always evenly. Default 'time'. */
  readonly spacing?: 'time' | 'noise-level' | 'log-noise-level';
  /** kappa. Default 2. */
  readonly power?: number;
}

/**
 * Even in q^(1 / power), q the time or the noise level, between two times.
 * @throws OptionError for a bad count, time or power.
 * Source: Zhang & Chen, Fast Sampling of Diffusion Models with Exponential Integrator (2023), section 4.
 */
export function deisGrid(schedule: NoiseSchedule, options: DeisGridOptions): Grid {
  const where = 'deisGrid';
  checkOptionNames(where, options, ['steps', 'start', 'stop', 'power', 'spacing']);
  const { spacing = 'time', power = 2, steps, ...times } = options;
  checkOneOf(where, 'spacing', spacing, ['time', 'noise-level', 'log-noise-level'] as const);
  if (spacing === 'time') return timeGrid(schedule, { steps, power, ...times });
  if (spacing === 'log-noise-level') return logSnrGrid(schedule, { steps, ...times });
  const { start, stop } = spanOf(where, schedule, options);
  const [largest, smallest] = [levelAt(schedule, start), levelAt(schedule, stop)];
  finiteSnr(where, 'start', schedule, start);
  const found = evenly(largest, smallest, steps, power).map((level) => timeOfLevel(schedule, level));
  found[0] = start;
  found[steps] = stop;
  return between(`noise-level^(1/${power})`, schedule, found);
}

/**
 * The times of the user, strictly falling.
 * @throws OptionError when there are fewer than two, one lies outside the schedule, or one is not below the one before,
 * naming its index and both values.
 */
export function gridOf(schedule: NoiseSchedule, times: ArrayLike<number>): Grid {
  const where = 'gridOf';
  const fail = (found: string, expected: string): never => {
    throw new OptionError({ where, option: 'times', value: times, found, expected });
  };
  checkSchedule(where, 'schedule', schedule);
  if (!Array.isArray(times) && !ArrayBuffer.isView(times)) fail(`\`times\` is ${show(times)}`, 'an array');
  if (times.length < 2) fail(`\`times\` has ${times.length} entries`, 'at least 2');
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    if (!(time >= 0 && time <= schedule.end))
      fail(`\`times[${i}]\` is ${show(time)}`, `a time of ${schedule.name}, in [0, ${schedule.end}]`);
    if (i > 0 && !(time < times[i - 1]!))
      fail(`\`times[${i}]\` is ${time} after ${times[i - 1]}`, 'strictly falling times, from noise to data');
  }
  return { name: 'own', schedule, points: Array.from(times, (time) => gridPoint(schedule, time)) };
}

/** A grid of times that are right by construction; rounding must not undo their order. */
function between(name: string, schedule: NoiseSchedule, times: readonly number[]): Grid {
  return { ...gridOf(schedule, times), name };
}

/** q_0 = from to q_n = to, exactly at both ends, with q^(1 / power) falling or rising evenly. */
function evenly(from: number, to: number, n: number, power: number): number[] {
  const [first, last] = power === 1 ? [from, to] : [from ** (1 / power), to ** (1 / power)];
  return Array.from({ length: n + 1 }, (_, i) => {
    if (i === 0) return from;
    return i === n ? to : (first + (i / n) * (last - first)) ** power;
  });
}

interface Span {
  readonly steps: number;
  readonly start: number;
  readonly stop: number;
  readonly power: number;
}

function spanOf(where: string, schedule: NoiseSchedule, options: TimeGridOptions): Span {
  checkSchedule(where, 'schedule', schedule);
  const { end } = schedule;
  const { steps, start = end, power = 1 } = options;
  checkCount(where, 'steps', steps, { min: 1 });
  checkNumber(where, 'start', start, (t) => t > 0 && t <= end, `a time in (0, ${end}]`);
  const { stop = Math.min(end * (steps > 15 ? 1e-4 : 1e-3), start / 2) } = options;
  checkNumber(where, 'stop', stop, (t) => t >= 0 && t < start, `a time >= 0 and before the start, ${start}`);
  return { steps, start, stop, power: checkPower(where, power) };
}

function checkPower(where: string, power: number): number {
  return checkNumber(where, 'power', power, (p) => p > 0 && p < Infinity, 'a number > 0');
}

/** The log-SNR of one end of a grid. */
function finiteSnr(where: string, option: 'start' | 'stop', schedule: NoiseSchedule, time: number): number {
  const logSnr = schedule.logSnr(time);
  if (Number.isFinite(logSnr)) return logSnr;
  const lacking = logSnr < 0 ? 'signal' : 'noise';
  throw new OptionError({
    where,
    option,
    value: time,
    found: `there is no ${lacking} in ${schedule.name} at time ${time}, its \`${option}\``,
    expected: 'both signal and noise',
    fix: option === 'start' ? `Try start: ${0.999 * time}.` : `Try stop: ${1e-3 * schedule.end}, or edmGrid.`,
  });
}

interface Levels {
  readonly steps: number;
  readonly largest: number;
  readonly smallest: number;
  readonly power: number;
  readonly toData: boolean;
}

function levelsOf(
  where: string,
  schedule: NoiseSchedule,
  options: NoiseLevelGridOptions,
  usual: number,
): Levels {
  checkOptionNames(where, options, ['steps', 'largest', 'smallest', 'power', 'toData']);
  checkSchedule(where, 'schedule', schedule);
  const { steps, power = usual, smallest = 0.002, toData = true } = options;
  const most = levelAt(schedule, schedule.end);
  const { largest = most < Infinity ? most : 80 } = options;
  checkFlag(where, 'toData', toData);
  checkCount(where, 'steps', steps, { min: 1 });
  const upper = `a noise level of ${schedule.name}, in (0, ${most}]`;
  checkNumber(where, 'largest', largest, (level) => level > 0 && level <= most && level < Infinity, upper);
  checkNumber(where, 'smallest', smallest, (s) => s > 0 && s < largest, `a number > 0 and < ${largest}`);
  return { steps, largest, smallest, power: checkPower(where, power), toData };
}

/** Levels of noise as a grid, with time 0 behind them where it is wanted. */
function ofLevels(
  name: string,
  schedule: NoiseSchedule,
  { steps, largest, toData }: Levels,
  levels: (intervals: number) => readonly number[],
): Grid {
  const intervals = toData ? steps - 1 : steps;
  const found = intervals === 0 ? [largest] : levels(intervals);
  const times = found.map((level) => timeOfLevel(schedule, level));
  return between(name, schedule, toData ? [...times, 0] : times);
}

/** sigma / alpha */
function levelAt(schedule: NoiseSchedule, time: number): number {
  return schedule.noise(time) / schedule.signal(time);
}

/** The time of sigma / alpha: the end itself for its own level, and never behind it. */
function timeOfLevel(schedule: NoiseSchedule, level: number): number {
  if (level === levelAt(schedule, schedule.end)) return schedule.end;
  return Math.min(schedule.end, schedule.timeOf(-Math.log(level)));
}
