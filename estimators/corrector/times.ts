import { checkCount, show } from '../../engine/check.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import { OptionError } from '../../engine/errors.ts';
import type { CorrectorOptions } from './types.ts';

const WHERE = 'corrector';
/** Where networks are asked last, as a share of the noisiest time. */
const LAST_SHARE = 1e-3;

/**
 * [N + 1] falling times: those of `grid`, or even ones from the end of the first schedule to 0 (to 1e-3 of it when a last step
 * denoises).
 * @throws OptionError when they do not fall, or are none of every schedule.
 */
export function checkTimes(
  { steps, grid }: Pick<CorrectorOptions, 'steps' | 'grid'>,
  schedules: readonly NoiseSchedule[],
  denoise: boolean,
): readonly number[] {
  const [first] = schedules;
  const times = grid === undefined ? evenTimes(steps, first!.end, denoise) : gridTimes(grid, steps, first!);
  const latest = times[0]!;
  const short = schedules.find(({ end }) => latest > end * (1 + 1e-12));
  if (short !== undefined)
    throw badGrid(grid, `the first time is ${latest}, and ${short.describe()} ends at ${short.end}`);
  if (denoise && schedules.some((schedule) => schedule.noise(times.at(-1)!) === 0))
    throw badGrid(
      grid,
      'the last time is without noise, so there is nothing to denoise',
      'a last time above 0',
    );
  return times;
}

function evenTimes(steps: unknown, end: number, denoise: boolean): readonly number[] {
  const n = checkCount(WHERE, 'steps', steps ?? 400, { min: 1, max: 2 ** 24 });
  const last = denoise ? LAST_SHARE * end : 0;
  return Array.from({ length: n + 1 }, (_, k) => end - ((end - last) * k) / n);
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

function badGrid(value: unknown, found: string, expected = 'falling times from noise to data'): OptionError {
  return new OptionError({ where: WHERE, option: 'grid', value, found, expected });
}
