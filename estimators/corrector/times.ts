import { checkCount, show } from '../../engine/check.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { OptionError } from '../../engine/errors.ts';
import type { CorrectorOptions } from './types.ts';

const WHERE = 'corrector';
/** Where networks are asked last, as a share of the noisiest time. */
const LAST_SHARE = 1e-3;
/** Steps by which a grid stays away from an end at which drifts grow without bound: these are as stiff as 2 B / 8. */
const STEPS_OFF = 8;
/** The most of the time that is left out so. */
const MOST_OFF = 0.1;
/** How much stiffer the end is than the time before it, where drifts do. 1.1 for linear rates. */
const STEEP = 4;

/**
 * [N + 1] falling times: those of `grid`, or even ones from the end of the first schedule to 0 (to 1e-3 of it when a last step
 * denoises). Where drifts grow without bound
 * towards the end (rectified flow, cosine) they begin 8 steps, at most a tenth of the time, before it.
 * @throws OptionError when they do not fall, are none of every schedule, or drifts are infinite at one.
 */
export function checkTimes(
  { steps, grid }: Pick<CorrectorOptions, 'steps' | 'grid'>,
  schedules: readonly NoiseSchedule[],
  denoise: boolean,
): readonly number[] {
  const [first] = schedules;
  const times = grid === undefined ? evenTimes(steps, schedules, denoise) : gridTimes(grid, steps, first!);
  const latest = times[0]!;
  const short = schedules.find(({ end }) => latest > end * (1 + 1e-12));
  if (short !== undefined)
    throw badGrid(grid, `the first time is ${latest}, and ${short.describe()} ends at ${short.end}`);
  const odd = times.slice(0, -1).find((time) => endless(schedules, time) !== undefined);
  if (odd !== undefined)
    throw badGrid(
      grid,
      `the drift of ${endless(schedules, odd)!.describe()} is infinite at time ${odd} of the grid`,
      'times at which something of the signal is left',
      `Begin a little later: timeGrid(schedule, { steps: 400, start: ${0.98 * odd}, stop: 0 }).`,
    );
  if (denoise && schedules.some((schedule) => schedule.noise(times.at(-1)!) === 0))
    throw badGrid(
      grid,
      'the last time is without noise, so there is nothing to denoise',
      'a last time above 0',
    );
  return times;
}

/** A schedule that has no Euler step from a time, since nothing of its signal is left there. */
function endless(schedules: readonly NoiseSchedule[], time: number): NoiseSchedule | undefined {
  return schedules.find(
    (schedule) => !Number.isFinite(schedule.drift(time)) || !Number.isFinite(schedule.diffusion(time)),
  );
}

/** The time at which a reward begins to be faded in: every default grid begins there or before. */
export function fadeInTime(schedules: readonly NoiseSchedule[]): number {
  const { end } = schedules[0]!;
  return isSteep(schedules, end) ? (1 - MOST_OFF) * end : end;
}

/** Whether a schedule has g^2 / sigma^2, which Euler steps must resolve, shoot up at the end. */
function isSteep(schedules: readonly NoiseSchedule[], end: number): boolean {
  return schedules.some((schedule) => {
    const [before, last] = [(1 - MOST_OFF) * end, end].map(
      (time) => schedule.diffusion(time) / schedule.noise(time) ** 2,
    );
    return !(last! <= STEEP * before!);
  });
}

function evenTimes(steps: unknown, schedules: readonly NoiseSchedule[], denoise: boolean): readonly number[] {
  const n = checkCount(WHERE, 'steps', steps ?? 400, { min: 1, max: 2 ** 24 });
  const { end } = schedules[0]!;
  const off = isSteep(schedules, end) ? Math.min(MOST_OFF, STEPS_OFF / n) : 0;
  const first = (1 - off) * end;
  const last = denoise ? LAST_SHARE * end : 0;
  return Array.from({ length: n + 1 }, (_, k) => first - ((first - last) * k) / n);
}

function gridTimes(grid: Grid, steps: unknown, schedule: NoiseSchedule): readonly number[] {
  const { points } = grid ?? {};
  if (steps !== undefined) {
    throw new OptionError({
      where: WHERE,
      option: 'steps',
      value: steps,
      found: 'options `steps` and `grid` are given together',
      expected: 'one of them',
    });
  }
  if (!Array.isArray(points) || points.length < 2)
    throw badGrid(
      grid,
      `option \`grid\` is ${show(grid)}`,
      'a grid such as timeGrid(schedule, { steps: 400 })',
    );
  if (grid.schedule.describe() !== schedule.describe())
    throw badGrid(
      grid,
      `the grid is of ${grid.schedule.describe()}`,
      `times of ${schedule.describe()}, the schedule of the first expert`,
    );
  const times = points.map(({ time }) => time);
  const odd = times.findIndex((time, k) => !(time >= 0 && (k === 0 || time < times[k - 1]!)));
  if (odd < 0) return times;
  throw badGrid(grid, `time ${odd} of the grid is ${times[odd]}${odd > 0 ? ` after ${times[odd - 1]}` : ''}`);
}

function badGrid(
  value: unknown,
  found: string,
  expected = 'falling times from noise to data',
  fix?: string,
): OptionError {
  const option = 'grid';
  return new OptionError({
    where: WHERE,
    option,
    value,
    found,
    expected,
    ...(fix === undefined ? {} : { fix }),
  });
}
