import { expect, test } from 'vitest';
import type { Prediction } from '../../engine/diffusion/denoiser.ts';
import { conversion, convert, scalesAt } from '../../engine/diffusion/prediction.ts';
import {
  rectifiedFlow,
  veGeometric,
  veLinear,
  vpCosine,
  vpLinear,
} from '../../engine/diffusion/schedules.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { problemGrid } from '../support/diffusion.ts';

const FORMS: readonly Prediction[] = ['clean', 'noise', 'score', 'v', 'flow'];
const SCHEDULES = [vpLinear(), vpCosine(), veLinear(), rectifiedFlow()];

/** x, and every form, of some data and noise. */
function forms(
  schedule: (typeof SCHEDULES)[number],
  time: number,
  x0: number,
  e: number,
): Record<Prediction | 'x', number> {
  const { signal, noise, signalSlope, noiseSlope } = scalesAt(schedule, time);
  return {
    x: signal * x0 + noise * e,
    clean: x0,
    noise: e,
    score: -e / noise,
    v: signal * e - noise * x0,
    flow: signalSlope * x0 + noiseSlope * e,
  };
}

test('conversion: every form gives every other form, on four schedules', () => {
  for (const schedule of SCHEDULES) {
    for (const share of [0.05, 0.3, 0.6, 0.9]) {
      const time = share * Math.min(1, schedule.end);
      const scales = scalesAt(schedule, time);
      const given = forms(schedule, time, 0.8, -1.3);
      for (const from of FORMS) {
        for (const to of FORMS) {
          const { onX, onValue } = conversion(from, to, scales);
          const found = onX * given.x + onValue * given[from];
          // Roundings of x and of the value, as large as the sum of what is added.
          const size = Math.abs(onX * given.x) + Math.abs(onValue * given[from]);
          expect(Math.abs(found - given[to]), `${schedule.name} ${time} ${from} ${to}`).toBeLessThan(
            1e-15 * (size + Math.abs(given[to])) * 4,
          );
        }
      }
    }
  }
});

test('conversion: there and back loses no more than 1e-15 of what is added', () => {
  for (const schedule of SCHEDULES) {
    const time = 0.4;
    const scales = scalesAt(schedule, time);
    const { x, noise } = forms(schedule, time, 0.8, -1.3);
    for (const form of FORMS) {
      const there = conversion('noise', form, scales);
      const back = conversion(form, 'noise', scales);
      const found = back.onX * x + back.onValue * (there.onX * x + there.onValue * noise);
      const size =
        Math.abs(back.onX * x) +
        Math.abs(back.onValue) * (Math.abs(there.onX * x) + Math.abs(there.onValue * noise));
      expect(Math.abs(found - noise), `${schedule.name} ${form}`).toBeLessThan(1e-15 * Math.max(1, size));
    }
  }
});

test('conversion: the forms of the reference, at every problem', () => {
  for (const problem of reference.problems) {
    const { schedule } = problemGrid(problem);
    const { t, x, x0, eps, score, v } = problem.model_check;
    const given = { clean: x0, noise: eps, score, v };
    for (const from of ['clean', 'noise', 'score', 'v'] as const) {
      for (const to of ['clean', 'noise', 'score', 'v'] as const) {
        const out = new Float64Array(8);
        const points = Float64Array.from(x.flat());
        expect(convert(from, to, schedule, points, Float64Array.from(given[from].flat()), t, 4, 2, out)).toBe(
          -1,
        );
        // The given forms are rounded: E[x_0] from noise at sigma / alpha = 68 magnifies 1e-16 of x by that.
        given[to].flat().forEach((value, i) => void expect(out[i]!).toBeCloseTo(value, 12));
      }
    }
  }
});

test('conversion: flow by drift and g^2 alone is that by slopes', () => {
  for (const schedule of [...SCHEDULES, veGeometric()]) {
    const { signalSlope, noiseSlope, ...bare } = schedule;
    for (const time of [0.01, 0.3, 0.9]) {
      const [own, derived] = [scalesAt(schedule, time), scalesAt(bare, time)];
      expect(derived.signalSlope).toBeCloseTo(own.signalSlope, 11);
      expect(derived.noiseSlope / own.noiseSlope).toBeCloseTo(1, 11);
    }
  }
});

test('conversion: velocities give the data where no signal is left, and where there is no noise', () => {
  const flow = rectifiedFlow();
  const ends = (time: number, to: Prediction): number[] => {
    const { onX, onValue } = conversion('flow', to, scalesAt(flow, time));
    return [onX, onValue];
  };
  expect(ends(1, 'clean')).toEqual([1, -1]);
  expect(ends(0, 'noise')).toEqual([1, 1]);
  expect(conversion('v', 'clean', scalesAt(vpCosine(), 1))).toEqual({ onX: 0, onValue: -1 });
});

test('convert: rows have their own times, and the first at which nothing follows is told', () => {
  const schedule = vpLinear();
  const time = new Float64Array([0.2, 0.7, 0.7, 0]);
  const x = new Float64Array([1, -2, 0.5, 3]);
  const values = new Float64Array([0.3, 0.1, -1, 2]);
  const out = new Float64Array(4);
  expect(convert('noise', 'clean', schedule, x, values, time, 4, 1, out)).toBe(-1);
  const one = new Float64Array(1);
  time.forEach((t, i) => {
    convert('noise', 'clean', schedule, x.subarray(i), values.subarray(i), t, 1, 1, one);
    expect(out[i]).toBe(one[0]);
  });
  expect(convert('noise', 'score', schedule, x, values, time, 4, 1, out)).toBe(3);
  expect(convert('score', 'score', schedule, x, values, time, 4, 1, out)).toBe(-1);
});
