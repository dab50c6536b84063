import { expect, test } from 'vitest';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import {
  rectifiedFlow,
  veGeometric,
  veLinear,
  vpCosine,
  vpLinear,
} from '../../engine/diffusion/schedules.ts';
import { iddpmNoiseLevels, vpDiscrete } from '../../engine/diffusion/table-schedules.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import fkc from '../reference/noised-mixtures.json' with { type: 'json' };
import { problemGrid } from '../support/diffusion.ts';
import { givenSchedule } from '../support/noised-mixtures.ts';

const SMOOTH: readonly NoiseSchedule[] = [
  ...[vpLinear(), vpLinear({ betaStart: 2, betaEnd: 2 }), vpLinear({ betaStart: 4, betaEnd: 1 })],
  ...[vpCosine(), vpCosine({ end: 1, offset: 0.02 }), veGeometric(), veLinear(), rectifiedFlow()],
];
const TABLES: readonly NoiseSchedule[] = [
  vpDiscrete(),
  vpDiscrete({ betas: 'scaled-linear' }),
  vpDiscrete({ betas: 'cosine' }),
  vpDiscrete({ betas: [0.1, 0.2, 0.4] }),
];
const ALL = [...SMOOTH, ...TABLES];

/** Times of a schedule from 1e-9 of its end to where 1e-3 of the range is left, and a few in between. */
function times({ end }: NoiseSchedule): number[] {
  return Array.from({ length: 60 }, (_, k) => 0.999 * end * 10 ** (-9 * (k / 59)));
}

function relative(found: number, expected: number): number {
  return Math.abs(found - expected) / Math.abs(expected);
}

// 60 digits by a multiple-precision library: time, signal, noise, log-SNR.
const DIGITS: readonly (readonly [NoiseSchedule, number, number, number, number])[] = [
  [vpLinear(), 1e-12, 0.99999999999995, 3.1622776603256235568e-7, 14.966803104411521956],
  [vpLinear(), 1e-5, 0.99999949950262524885, 0.0010004971259352383737, 6.9072577760755594117],
  [vpLinear(), 0.3, 0.62955000033644884594, 0.77695997134754455635, -0.21038355313124079949],
  [vpLinear(), 0.999999, 0.0065716522110904526502, 0.99997840646046776022, -5.0249684062322986416],
  [vpCosine(), 1e-12, 0.99999999999998057186, 1.9711995263572142558e-7, 15.439453396882711329],
  [vpCosine(), 1e-5, 0.99999980559720181344, 0.0006235427479978262113, 7.3800930394478404553],
  [vpCosine(), 0.3, 0.88707976594601081577, 0.46161617048059599992, 0.6532011601013779483],
  [vpCosine(), 0.999999, 1.5584507926694526849e-6, 0.99999999999878561556, -13.371818311756019934],
  [vpCosine(), 1 - 2 ** -40, 1.417402738866502797e-12, 1, -27.282194976219123523],
  [veGeometric(), 1e-12, 1, 4.1272734805168362711e-8, 17.003063729199371097],
  [veGeometric(), 1e-5, 1, 0.0001305214055885639208, 8.9439733171539911686],
  [veGeometric(), 0.9, 1, 21.334032688559381652, -3.0603035764304561061],
  [rectifiedFlow(), 1e-12, 0.999999999999, 9.9999999999999997989e-13, 27.631021115927548228],
  [rectifiedFlow(), 1 - 2 ** -40, 9.0949470177292823792e-13, 0.9999999999990905053, -27.725887222396902882],
];

test('schedules: signal, noise and log-SNR keep their digits near both ends', () => {
  for (const [schedule, time, signal, noise, logSnr] of DIGITS) {
    const at = `${schedule.describe()} at ${time}`;
    // The decay A is rounded, and up to 10 in size.
    expect(relative(schedule.signal(time), signal), at).toBeLessThan(2e-15);
    expect(relative(schedule.noise(time), noise), at).toBeLessThan(1e-15);
    expect(relative(schedule.logSnr(time), logSnr), at).toBeLessThan(1e-15);
  }
});

test('schedules: time 0 is the data, without noise', () => {
  for (const schedule of ALL) {
    expect(schedule.noise(0), schedule.name).toBe(0);
    expect(schedule.signal(0), schedule.name).toBe(1);
    expect(schedule.logSnr(0), schedule.name).toBe(Infinity);
    expect(schedule.timeOf(Infinity), schedule.name).toBe(0);
  }
});

test('schedules: the time of the log-SNR of a time is that time, over the whole range', () => {
  for (const schedule of ALL) {
    for (const time of times(schedule)) {
      // A rounding of the log-SNR, which is at most 31 here, is 4e-15; its slope in log t is 1/2 or more in size.
      expect(
        relative(schedule.timeOf(schedule.logSnr(time)), time),
        `${schedule.describe()} ${time}`,
      ).toBeLessThan(1e-14);
    }
  }
  const sde = veGeometric({ fromZero: false });
  for (const time of [0, 0.01, 0.5, 1]) expect(sde.timeOf(sde.logSnr(time))).toBeCloseTo(time, 14);
});

test('schedules: log-SNR falls, and is the logarithm of signal over noise', () => {
  for (const schedule of ALL) {
    let before = -Infinity;
    for (const time of times(schedule)) {
      const logSnr = schedule.logSnr(time);
      expect(Math.abs(logSnr - Math.log(schedule.signal(time) / schedule.noise(time)))).toBeLessThan(4e-15);
      expect(logSnr).toBeGreaterThan(before);
      before = logSnr;
    }
  }
});

test('schedules: drift, g^2 and slopes are derivatives of signal and noise', () => {
  const wrong: string[] = [];
  for (const schedule of ALL) {
    for (const time of times(schedule)) {
      if (TABLES.includes(schedule) && nearKnot(schedule, time)) continue;
      const h = 1e-4 * Math.min(time, 1.0001 * schedule.end - time);
      const slope = (f: (t: number) => number): number => (f(time + h) - f(time - h)) / (2 * h);
      const [alpha, sigma] = [schedule.signal, schedule.noise];
      // Truncation is (h / t)^2 = 1e-8 of a derivative, and (17 h)^2 / 6 for 5000^(2 t); rounding is that of a
      // function, over h.
      const near = (found: number, expected: number, size: number): void => {
        const slack = 3e-7 * Math.abs(expected) + (2e-15 * size) / h;
        if (!(Math.abs(found - expected) < slack))
          wrong.push(`${schedule.describe()} at ${time}: ${found}, not ${expected}`);
      };
      const f = slope((t) => Math.log(alpha(t)));
      const g2 = slope((t) => sigma(t) ** 2) - 2 * schedule.drift(time) * sigma(time) ** 2;
      near(f, schedule.drift(time), 1);
      near(g2, schedule.diffusion(time), sigma(time) ** 2);
      near(slope(sigma), schedule.noiseSlope!(time), sigma(time));
      near(slope(alpha), schedule.signalSlope!(time), alpha(time));
    }
  }
  expect(wrong).toEqual([]);
});

/** Whether the difference would reach over a knot of a table, where slopes jump. */
function nearKnot(schedule: NoiseSchedule, time: number): boolean {
  const total = Number(/, (\d+),/.exec(schedule.describe())![1]);
  return (
    Math.abs(time * total - Math.round(time * total)) < 2e-4 * Math.max(1, time * total) && time * total > 0.5
  );
}

test('schedules: the reference grids have these signals, noises and log-SNRs', () => {
  for (const problem of reference.problems) {
    const { schedule, points } = problemGrid(problem);
    for (const { time, signal, noise, logSnr } of points) {
      expect(relative(schedule.signal(time), signal)).toBeLessThan(1e-14);
      // Their sigma is the root of 1 - alpha^2, which cancels at its small end, 0.025 for the cosine.
      expect(relative(schedule.noise(time), noise)).toBeLessThan(1e-12);
      expect(Math.abs(schedule.logSnr(time) - logSnr)).toBeLessThan(1e-12);
      expect(relative(schedule.timeOf(logSnr), time)).toBeLessThan(1e-12);
    }
  }
});

test('schedules: drift and g^2 at the points of the corrector reference', () => {
  for (const { schedule, pointwise } of fkc.cases) {
    const own = givenSchedule(schedule);
    for (const { t, g2, fCoef } of pointwise) {
      expect(own.drift(t)).toBeCloseTo(fCoef, 11);
      expect(relative(own.diffusion(t), g2)).toBeLessThan(1e-11);
    }
  }
});

test('vpDiscrete: at the times of its table, signal is the product of 1 - beta', () => {
  const betas = Array.from({ length: 1000 }, (_, n) => 1e-4 + (n / 999) * (0.02 - 1e-4));
  const schedule = vpDiscrete();
  let product = 1;
  betas.forEach((beta, n) => {
    product *= 1 - beta;
    if (n % 37 === 0) expect(relative(schedule.signal((n + 1) / 1000) ** 2, product)).toBeLessThan(1e-12);
  });
  // The cumulative product of DDPM: 4.04e-5 is left.
  expect(schedule.signal(1) ** 2).toBeCloseTo(4.0358e-5, 8);
  const scaled = vpDiscrete({ betas: 'scaled-linear' });
  expect(scaled.signal(0.001) ** 2).toBeCloseTo(1 - 0.00085, 12);
  expect(scaled.signal(1) ** 2).toBeCloseTo(0.00466, 5);
});

test('vpDiscrete: tables of the user that differ in between are told apart', () => {
  const [one, other] = [0.2, 0.3].map((middle) => vpDiscrete({ betas: [0.1, middle, 0.4] }).describe());
  expect(one).not.toBe(other);
});

test('vpLinear: a rate that begins at 0 is inverted at time 0 too', () => {
  const schedule = vpLinear({ betaStart: 0 });
  expect(schedule.timeOf(schedule.logSnr(0))).toBe(0);
});

test('vpDiscrete: the noisiest entries of the cosine table are left out', () => {
  const schedule = vpDiscrete({ betas: 'cosine' });
  expect(schedule.end).toBeLessThan(1);
  expect(schedule.logSnr(schedule.end)).toBeGreaterThan(-5.1);
  expect(schedule.logSnr(0.5)).toBeCloseTo(vpCosine().logSnr(0.5), 2);
});

test('iddpmNoiseLevels: falls to 0, and the ninth level is the 80 at which EDM begins', () => {
  const table = iddpmNoiseLevels();
  expect(table).toHaveLength(1001);
  expect(table[1000]).toBe(0);
  for (let j = 0; j < 1000; j++) expect(table[j]).toBeGreaterThan(table[j + 1]!);
  expect(table[8]).toBeCloseTo(80.2, 1);
});

test('schedules: bad options name what is wrong', () => {
  expect(() => vpLinear({ betaStart: -1 })).toThrow(
    'vpLinear: option `betaStart` is -1; expected a number >= 0',
  );
  expect(() => vpLinear({ betaStart: 0, betaEnd: 0 })).toThrow('option `betaEnd` is 0');
  expect(() => vpCosine({ offset: 0 })).toThrow('option `offset` is 0');
  expect(() => vpCosine({ end: 1.5 })).toThrow('option `end` is 1.5');
  expect(() => veGeometric({ smallest: 2, largest: 1 })).toThrow(
    'option `largest` is 1; expected a number > 2',
  );
  expect(() => veLinear({ end: Number.NaN })).toThrow('option `end` is NaN');
  expect(() => vpDiscrete({ betas: [0.1, 1] })).toThrow('`betas[1]` is 1');
  expect(() => vpDiscrete({ betas: [0.1] })).toThrow('at least two numbers');
  // @ts-expect-error a misspelt option
  expect(() => vpLinear({ betaEnds: 1 })).toThrow('Did you mean betaEnd?');
});
