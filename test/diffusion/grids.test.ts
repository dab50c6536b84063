import { expect, test } from 'vitest';
import type { Grid } from '../../engine/diffusion/grid.ts';
import {
  deisGrid,
  edmGrid,
  gridOf,
  logSnrGrid,
  polyexponentialGrid,
  timeGrid,
} from '../../engine/diffusion/grids.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import {
  rectifiedFlow,
  veGeometric,
  veLinear,
  vpCosine,
  vpLinear,
} from '../../engine/diffusion/schedules.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { problemGrid } from '../support/diffusion.ts';

function times({ points }: Grid): number[] {
  return points.map((point) => point.time);
}

/** Differences of a quantity along a grid; equal ones are even spacing. */
function gaps(grid: Grid, of: (point: Grid['points'][number]) => number): number[] {
  return grid.points.slice(1).map((point, i) => of(point) - of(grid.points[i]!));
}

function expectEven(differences: readonly number[]): void {
  for (const each of differences) expect(each / differences[0]!).toBeCloseTo(1, 10);
}

test('grids: those of the reference, to 1e-12', () => {
  for (const problem of reference.problems) {
    const expected = problemGrid(problem);
    const { kind, t_start: start, t_end: stop, steps } = problem.grid;
    const found = of(kind, expected.schedule, start, stop, steps);
    expect(found.points).toHaveLength(steps + 1);
    found.points.forEach(({ time, signal, noise, logSnr }, i) => {
      const point = expected.points[i]!;
      for (const [a, b] of [
        [time, point.time],
        [signal, point.signal],
        [noise, point.noise],
        [logSnr, point.logSnr],
      ])
        expect(Math.abs(a! - b!)).toBeLessThan(1e-12 * Math.max(1, Math.abs(b!)));
    });
  }
  const { sigma } = reference.edm[0]!.grid;
  const found = times(edmGrid(veLinear(), { steps: 10 }));
  found.forEach((time, i) => void expect(time).toBeCloseTo(sigma[i]!, 12));
  expect(found[10]).toBe(0);
});

function of(kind: string, schedule: NoiseSchedule, start: number, stop: number, steps: number): Grid {
  if (kind === 'logsnr') return logSnrGrid(schedule, { steps, start, stop });
  if (kind === 'time') return timeGrid(schedule, { steps, start, stop });
  return edmGrid(schedule, { steps, largest: start, smallest: stop, toData: false });
}

test('grids: each is even in its quantity', () => {
  const vp = vpLinear();
  expectEven(gaps(timeGrid(vp, { steps: 7 }), (point) => point.time));
  expectEven(gaps(timeGrid(vp, { steps: 7, power: 2 }), (point) => Math.sqrt(point.time)));
  expectEven(gaps(logSnrGrid(vpCosine(), { steps: 7 }), (point) => point.logSnr));
  const level = (point: Grid['points'][number]): number => point.noise / point.signal;
  expectEven(gaps(edmGrid(vp, { steps: 7, toData: false }), (point) => level(point) ** (1 / 7)));
  expectEven(gaps(polyexponentialGrid(veGeometric(), { steps: 7, toData: false }), (point) => point.logSnr));
  expectEven(gaps(deisGrid(vp, { steps: 7 }), (point) => Math.sqrt(point.time)));
  expectEven(
    gaps(deisGrid(vp, { steps: 7, spacing: 'noise-level', power: 3 }), (point) => Math.cbrt(level(point))),
  );
  expectEven(gaps(deisGrid(vp, { steps: 7, spacing: 'log-noise-level' }), (point) => point.logSnr));
  const curved = polyexponentialGrid(veLinear({ end: 100 }), {
    steps: 4,
    power: 2,
    toData: false,
    largest: 100,
    smallest: 0.01,
  });
  expectEven(gaps(curved, (point) => Math.sqrt(-point.logSnr - Math.log(0.01))));
});

test('grids: N steps are N + 1 points, from start to stop exactly', () => {
  const vp = vpLinear();
  expect(times(timeGrid(vp, { steps: 1 }))).toEqual([1, 1e-3]);
  expect(times(timeGrid(vp, { steps: 20 })).at(-1)).toBe(1e-4);
  expect(times(timeGrid(vp, { steps: 3, stop: 0 })).at(-1)).toBe(0);
  const snr = times(logSnrGrid(vp, { steps: 9, start: 0.9, stop: 0.05 }));
  expect([snr[0], snr[9], snr.length]).toEqual([0.9, 0.05, 10]);
  expect(times(edmGrid(veLinear(), { steps: 1 }))).toEqual([80, 0]);
  expect(times(edmGrid(veLinear(), { steps: 2 }))).toEqual([80, expect.closeTo(0.002, 15), 0]);
  // Rounding in `timeOf` must not lead behind the end of a schedule.
  for (const schedule of [vp, veGeometric(), veLinear({ end: 0.3 })])
    expect(times(edmGrid(schedule, { steps: 5 }))[0]).toBeLessThanOrEqual(schedule.end);
});

test('grids: an end without noise keeps alpha and an infinite log-SNR; a start without signal its noise', () => {
  const last = timeGrid(rectifiedFlow(), { steps: 3, stop: 0 }).points;
  expect(last[3]).toEqual({ time: 0, signal: 1, noise: 0, logSnr: Infinity });
  expect(last[0]).toEqual({ time: 1, signal: 0, noise: 1, logSnr: -Infinity });
});

test('gridOf: the first time that does not fall is named with both values', () => {
  const vp = vpLinear();
  expect(times(gridOf(vp, new Float32Array([1, 0.5, 0])))).toEqual([1, 0.5, 0]);
  expect(() => gridOf(vp, [1, 0.5, 0.5, 0.2])).toThrow(
    'gridOf: `times[2]` is 0.5 after 0.5; expected strictly falling times, from noise to data.',
  );
  expect(() => gridOf(vp, [0.1, 0.5])).toThrow('`times[1]` is 0.5 after 0.1');
  expect(() => gridOf(vp, [1.5, 0.5])).toThrow('`times[0]` is 1.5; expected a time of vp-linear, in [0, 1]');
  expect(() => gridOf(vp, [1, Number.NaN])).toThrow('`times[1]` is NaN');
  expect(() => gridOf(vp, [1])).toThrow('`times` has 1 entries');
});

test('grids: bad options name what is wrong', () => {
  const vp = vpLinear();
  expect(() => timeGrid(vp, { steps: 0 })).toThrow('timeGrid: option `steps` is 0');
  expect(() => timeGrid(vp, { steps: 4, start: 2 })).toThrow(
    'option `start` is 2; expected a time in (0, 1]',
  );
  expect(() => timeGrid(vp, { steps: 4, start: 0.5, stop: 0.5 })).toThrow('option `stop` is 0.5');
  expect(() => timeGrid(vp, { steps: 4, power: 0 })).toThrow('option `power` is 0');
  expect(() => logSnrGrid(rectifiedFlow(), { steps: 4 })).toThrow(
    'there is no signal in rectified-flow at time 1, its `start`; expected both signal and noise. Try start: 0.999.',
  );
  expect(() => logSnrGrid(vp, { steps: 4, stop: 0 })).toThrow('there is no noise in vp-linear at time 0');
  expect(() => edmGrid(veGeometric(), { steps: 4, largest: 80 })).toThrow(
    'option `largest` is 80; expected a noise level',
  );
  expect(() => edmGrid(veLinear(), { steps: 4, smallest: 90 })).toThrow('option `smallest` is 90');
  // @ts-expect-error a misspelt option
  expect(() => edmGrid(veLinear(), { step: 4 })).toThrow('Did you mean steps?');
  // @ts-expect-error a name that is none
  expect(() => deisGrid(vp, { steps: 4, spacing: 'noise' })).toThrow('expected one of time, noise-level');
});
