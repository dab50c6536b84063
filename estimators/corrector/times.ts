import { chosenGrid, type GridChoice, isNoiseLevel } from '../../engine/diffusion/check-grid.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { edmGrid, timeGrid } from '../../engine/diffusion/grids.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { OptionError } from '../../engine/errors.ts';

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
 * denoises). Where drifts grow without bound towards the end (rectified flow, cosine) they begin 8 steps, at most a tenth of the
 * time, before it. Where the time is the level of the noise itself they are those of EDM.
 * @throws OptionError when they do not fall, are none of every schedule, or drifts are infinite at one.
 */
export function checkTimes(
  choice: GridChoice,
  schedules: readonly NoiseSchedule[],
  denoise: boolean,
): readonly number[] {
  const schedule = schedules[0]!;
  const grid = chosenGrid(WHERE, choice, {
    schedule,
    owner: 'the first expert',
    steps: 400,
    make: (steps) => evenGrid(steps, schedules, denoise),
  });
  const times = grid.points.map(({ time }) => time);
  const latest = times[0]!;
  const short = schedules.find(({ end }) => latest > end * (1 + 1e-12));
  if (short !== undefined)
    throw badGrid(
      grid,
      `the first time is ${latest}, and ${short.describe()} ends at ${short.end}`,
      'times of all schedules',
    );
  const odd = times.slice(0, -1).find((time) => endless(schedules, time) !== undefined);
  if (odd !== undefined)
    throw badGrid(
      grid,
      `the drift of ${endless(schedules, odd)!.describe()} is infinite at time ${odd} of the grid`,
      'times at which something of the signal is left',
      `Begin a little later: timeGrid(schedule, { steps: 400, start: ${0.98 * odd}, stop: 0 }).`,
    );
  if (denoise && schedules.some((each) => each.noise(times.at(-1)!) === 0))
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

function evenGrid(steps: number, schedules: readonly NoiseSchedule[], denoise: boolean): Grid {
  const schedule = schedules[0]!;
  const { end } = schedule;
  if (isNoiseLevel(schedule)) return edmGrid(schedule, { steps, toData: !denoise });
  const off = isSteep(schedules, end) ? Math.min(MOST_OFF, STEPS_OFF / steps) : 0;
  return timeGrid(schedule, { steps, start: (1 - off) * end, stop: denoise ? LAST_SHARE * end : 0 });
}

function badGrid(value: unknown, found: string, expected: string, fix?: string): OptionError {
  const rest = fix === undefined ? {} : { fix };
  return new OptionError({ where: WHERE, option: 'grid', value, found, expected, ...rest });
}
