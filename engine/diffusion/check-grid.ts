import { checkCount, show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { isSchedule } from './check-schedule.ts';
import { type Grid, gridPoint } from './grid.ts';
import { logSnrGrid } from './grids.ts';
import type { NoiseSchedule } from './schedule.ts';
import type { Integrator } from './solver/program.ts';

/*
 * What samplers and solvers are given, checked before any work.
 */

/** @throws OptionError unless an option is a solver. */
export function checkIntegrator(where: string, integrator: Integrator): void {
  if (typeof integrator?.program === 'function') return;
  throw new OptionError({
    where,
    option: 'integrator',
    value: integrator,
    found: `option \`integrator\` is ${show(integrator)}`,
    expected: 'a solver: dpmSolverPlusPlus(), ddim({ eta: 1 }), ...',
  });
}

/** Of a sampler that takes one of them. */
export interface GridChoice {
  readonly steps?: number;
  readonly grid?: Grid;
}

/** What a grid is to a sampler: its schedule, and what it is without one. */
export interface GridUse {
  readonly schedule: NoiseSchedule;
  /** Whose schedule that is: 'the denoiser'. */
  readonly owner: string;
  /** Steps, by default. */
  readonly steps: number;
  make(steps: number): Grid;
}

/** More steps are a mistake. */
const MOST_STEPS = 1_000_000;

/**
 * The grid that was given, or one of as many steps as asked for.
 * @throws OptionError when both are given, a count is bad, or the grid is none of this schedule.
 */
export function chosenGrid(where: string, { steps, grid }: GridChoice, use: GridUse): Grid {
  if (grid === undefined)
    return use.make(checkCount(where, 'steps', steps ?? use.steps, { min: 1, max: MOST_STEPS }));
  if (steps === undefined) {
    checkGrid(where, 'grid', grid, use.schedule, use.owner);
    return grid;
  }
  throw new OptionError({
    where,
    option: 'steps',
    value: steps,
    found: 'options `steps` and `grid` are given together',
    expected: 'one of them',
  });
}

/**
 * Whether the time of a schedule is the standard deviation of its noise. Even times would then step over the data, and levels of
 * noise are the better grid.
 */
export function isNoiseLevel({ end, noise, signal }: NoiseSchedule): boolean {
  return end > 1 && [end, end / 2].every((time) => noise(time) === time && signal(time) === 1);
}

/** The grid of plain sampling: even in log-SNR, with a step more out of signal 0, to where there is a little. */
export function evenGrid(schedule: NoiseSchedule, steps: number): Grid {
  const end = gridPoint(schedule, schedule.end);
  if (end.signal > 0) return logSnrGrid(schedule, { steps });
  const rest = logSnrGrid(schedule, { steps, start: 0.999 * schedule.end });
  return { ...rest, points: [end, ...rest.points] };
}

/** @throws OptionError unless an option is a grid of a schedule, whose times fall. */
export function checkGrid(
  where: string,
  option: string,
  grid: Grid,
  schedule: NoiseSchedule,
  owner: string,
): void {
  const { points, schedule: own } = grid ?? {};
  if (!Array.isArray(points) || points.length < 2 || !isSchedule(own)) {
    const found = Array.isArray(points) ? `has ${points.length} points` : `is ${show(grid)}`;
    throw badGrid(where, option, grid, `\`${option}\` ${found}`, 'a grid of two points or more', TRY);
  }
  if (own !== schedule && own.describe() !== schedule.describe()) {
    const expected = `times of ${schedule.describe()}, the schedule of ${owner}`;
    throw badGrid(where, option, grid, `\`${option}\` is of ${own.describe()}`, expected, TRY);
  }
  const odd = points.findIndex(({ time }, k) => !(time >= 0 && (k === 0 || time < points[k - 1]!.time)));
  if (odd < 0) return;
  const found = `time ${odd} of \`${option}\` is ${points[odd]!.time}${odd === 0 ? '' : ` after ${points[odd - 1]!.time}`}`;
  throw badGrid(where, option, grid, found, 'strictly falling times, from noise to data', SORTED);
}

const TRY = 'Try timeGrid(denoiser.schedule, { steps: 50 }).';
const SORTED = 'Make the grid with gridOf(schedule, times).';

function badGrid(
  where: string,
  option: string,
  value: unknown,
  found: string,
  expected: string,
  fix: string,
): OptionError {
  return new OptionError({ where, option, value, found, expected, fix });
}

/**
 * The log-SNR of a time, where the flow needs a finite one.
 * @throws OptionError for a time without signal or without noise.
 */
export function finiteLogSnr(where: string, option: string, schedule: NoiseSchedule, time: number): number {
  const logSnr = typeof time === 'number' ? schedule.logSnr(time) : Number.NaN;
  if (Number.isFinite(logSnr)) return logSnr;
  throw new OptionError({
    where,
    option,
    value: time,
    found: `option \`${option}\` is ${show(time)}, where log(signal / noise) of ${schedule.describe()} is ${logSnr}`,
    expected: 'a time with some signal and some noise',
  });
}
