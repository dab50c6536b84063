import { expect, test } from 'vitest';
import { empiricalDenoiser } from '../../engine/diffusion/analytic/empirical-denoiser.ts';
import { gaussianDenoiser, mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import type { Denoiser, Times } from '../../engine/diffusion/denoiser.ts';
import type { NoiseSchedule } from '../../engine/diffusion/schedule.ts';
import {
  rectifiedFlow,
  veGeometric,
  veLinear,
  vpCosine,
  vpLinear,
} from '../../engine/diffusion/schedules.ts';
import { multivariateMixture } from '../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import type { NormalMixture } from '../../engine/distribution/normal-mixture.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import cases from '../reference/noised-mixtures.json' with { type: 'json' };
import { problemGrid } from '../support/diffusion.ts';
import { givenSchedule } from '../support/noised-mixtures.ts';

const LAW: NormalMixture = {
  weights: [0.25, 0.45, 0.3],
  means: [
    [1.5, 0.5],
    [-1, 1.2],
    [0.2, -1.6],
  ],
  covariances: [
    [
      [0.3, 0.1],
      [0.1, 0.2],
    ],
    [
      [0.15, -0.05],
      [-0.05, 0.25],
    ],
    [
      [0.4, 0],
      [0, 0.1],
    ],
  ],
};
const POINTS = [
  [0.5, 0.1],
  [-1.2, 0.8],
  [0.3, -1.6],
  [1.9, 1.1],
  [0.3, -1.5],
];
const SCHEDULES = [vpLinear(), vpCosine(), veGeometric(), veLinear({ end: 1 }), rectifiedFlow()];

/** Where the denoisers are asked, [5, 2]. */
const X = Float64Array.of(0.4, -0.3, -1.2, 0.9, 2.5, -1.1, 0.02, 0.01, -4, 3);
const DIRECTION = Float64Array.of(1, 0, -0.3, 0.7, 2, 1, 0.5, 0.5, -1, 1);

function scores(denoiser: Denoiser, x: Float64Array, time: Times): Float64Array {
  const out = new Float64Array(x.length);
  void denoiser.predict(x, time, out);
  if (denoiser.prediction === 'score') return out;
  const { schedule } = denoiser;
  return out.map((clean, at) => {
    const t = typeof time === 'number' ? time : time[Math.floor(at / denoiser.dimension)]!;
    return (schedule.signal(t) * clean - x[at]!) / schedule.noise(t) ** 2;
  });
}

function filled(
  of: ((x: Float64Array, time: Times, out: Float64Array) => unknown) | undefined,
  n: number,
  time: Times,
  x: Float64Array = X,
): Float64Array {
  const out = new Float64Array(n);
  of!(x, time, out);
  return out;
}

/** Within `slack` of the largest expected number, or of 1. */
function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, slack: number): void {
  const size = Math.max(...Array.from(expected, Math.abs), 1);
  const errors = Array.from(expected, (value, i) => Math.abs(found[i]! - value) / size);
  expect(Math.max(...errors)).toBeLessThan(slack);
}

/** Central differences of f in coordinate `axis` of every row. */
function difference(f: (x: Float64Array) => Float64Array, axis: number, h: number): Float64Array {
  const moved = (sign: number): Float64Array =>
    f(X.map((value, at) => (at % 2 === axis ? value + sign * h : value)));
  const [up, down] = [moved(1), moved(-1)];
  return up.map((value, i) => (value - down[i]!) / (2 * h));
}

test.each([
  ['mixture', (schedule: NoiseSchedule) => mixtureDenoiser(LAW, schedule)],
  ['empirical', (schedule: NoiseSchedule) => empiricalDenoiser(POINTS, schedule)],
])('%s: score, divergence and tangent are derivatives of the log density', (_name, make) => {
  for (const schedule of SCHEDULES) {
    const denoiser = make(schedule);
    for (const time of [0.3, 0.6, 0.95]) {
      const score = scores(denoiser, X, time);
      // Differences: h^2 times a third derivative, which grows with the noise to the power -4, and rounding over h.
      const h = 1e-5 * Math.min(1, schedule.noise(time) ** 2);
      const slack = 1e-6;
      let divergence = new Float64Array(5);
      for (const axis of [0, 1]) {
        const slope = difference((x) => filled(denoiser.logDensity, 5, time, x), axis, h);
        expectClose(
          slope,
          score.filter((_, at) => at % 2 === axis),
          slack,
        );
        const turned = difference((x) => scores(denoiser, x, time), axis, h);
        divergence = divergence.map((sum, row) => sum + turned[2 * row + axis]!);
        const unit = X.map((_, at) => (at % 2 === axis ? 1 : 0));
        expectClose(
          filled((x, t, out) => denoiser.tangent!(x, t, unit, out), 10, time),
          turned,
          slack,
        );
      }
      expectClose(filled(denoiser.divergence, 5, time), divergence, slack);
    }
  }
});

test('mixtureDenoiser: log density and score of every point of the corrector reference', () => {
  let points = 0;
  for (const { schedule: given, experts, pointwise } of cases.cases) {
    const schedule = givenSchedule(given);
    experts.forEach(({ weights, means, covs }, i) => {
      const denoiser = mixtureDenoiser({ weights, means, covariances: covs }, schedule);
      for (const { t, x, logq, scores: expected } of pointwise) {
        points++;
        for (const time of [t, Float64Array.of(t)]) {
          const at = Float64Array.from(x);
          const found = [...scores(denoiser, at, time), ...filled(denoiser.logDensity, 1, time, at)];
          [...expected[i]!, logq[i]!].forEach((value, c) => {
            // 12 digits are printed.
            expect(Math.abs(found[c]! - value)).toBeLessThan(1e-11 * Math.max(Math.abs(value), 0.1));
          });
        }
      }
    });
  }
  expect(points).toBeGreaterThan(80);
});

test('mixtureDenoiser: E[x_0], noise, score and v of every problem of the integrator reference', () => {
  for (const problem of reference.problems) {
    const { schedule } = problemGrid(problem);
    const { t, x, x0, eps, score } = problem.model_check;
    const denoiser = mixtureDenoiser(problem.gmm, schedule);
    const points = Float64Array.from(x.flat());
    // Theirs follows from the noise, which magnifies roundings by sigma / alpha, up to 68.
    expectClose(filled(denoiser.clean, 8, t, points), x0.flat(), 1e-13);
    expectClose(scores(denoiser, points, t), score.flat(), 1e-14);
    expectClose(
      scores(denoiser, points, t).map((s) => -s * schedule.noise(t)),
      eps.flat(),
      1e-14,
    );
  }
});

test('mixtureDenoiser: rows at their own times are rows at one time each', () => {
  for (const schedule of SCHEDULES) {
    for (const denoiser of [mixtureDenoiser(LAW, schedule), empiricalDenoiser(POINTS, schedule)]) {
      const time = Float64Array.of(0.9, 0.3, 0.3, 0.05, 0.6);
      const rows = (of: (x: Float64Array, time: Times, row: number) => Float64Array): number[] =>
        Array.from(time, (t, row) => [...of(X.subarray(2 * row, 2 * row + 2), t, row)]).flat();
      expectClose(
        scores(denoiser, X, time),
        rows((x, t) => scores(denoiser, x, t)),
        1e-13,
      );
      for (const name of ['logDensity', 'divergence'] as const)
        expectClose(
          filled(denoiser[name], 5, time),
          rows((x, t) => filled(denoiser[name], 1, t, x)),
          1e-13,
        );
      const turned = filled((x, t, out) => denoiser.tangent!(x, t, DIRECTION, out), 10, time);
      const each = rows((x, t, row) =>
        filled((at, when, out) => denoiser.tangent!(at, when, DIRECTION.subarray(2 * row), out), 2, t, x),
      );
      expectClose(turned, each, 1e-13);
    }
  }
});

test('mixtureDenoiser: without noise it is the law itself; without signal it is the noise', () => {
  const parts = LAW.means.map((mean, k) => ({
    law: multivariateNormal(mean, LAW.covariances[k]!),
    weight: LAW.weights![k]!,
  }));
  const law = multivariateMixture(
    parts.map(({ law }) => law),
    parts.map(({ weight }) => weight),
  );
  const denoiser = mixtureDenoiser(law, rectifiedFlow());
  const expected = new Float64Array(5);
  law.logDensity(X, expected);
  for (const time of [0, new Float64Array(5)]) {
    expectClose(filled(denoiser.logDensity, 5, time), expected, 1e-14);
    expectClose(filled(denoiser.clean, 10, time), X, 1e-14);
    expect(filled(denoiser.divergence, 5, time).every(Number.isFinite)).toBe(true);
  }
  for (const time of [1, new Float64Array(5).fill(1)]) {
    expectClose(
      scores(denoiser, X, time),
      X.map((value) => -value),
      1e-15,
    );
    const mean = filled(denoiser.clean, 10, time);
    expectClose(
      mean,
      Array.from(X, (_, at) => law.mean[at % 2]!),
      1e-15,
    );
    expectClose(filled(denoiser.divergence, 5, time), new Float64Array(5).fill(-2), 1e-14);
  }
  expect([...denoiser.moments!.mean]).toEqual([...law.mean].map((value) => expect.closeTo(value, 14)));
  const { covariance, mean } = law;
  const second = (covariance[0]! + covariance[3]! + mean[0]! ** 2 + mean[1]! ** 2) / 2;
  expect(denoiser.moments!.secondMoment).toBeCloseTo(second, 13);
});

test('mixtureDenoiser: far from all means nothing underflows, overflows or cancels', () => {
  const denoiser = mixtureDenoiser({ means: [[-3], [3]], covariances: [[[0.01]], [[0.04]]] }, veLinear());
  const x = Float64Array.of(1e5, -1e5);
  const time = 0.1;
  for (const at of [time, new Float64Array(2).fill(time)]) {
    const [right, left] = scores(denoiser, x, at);
    // The broad component on the right, of variance 0.05; on the left too, for its tail is the heavier.
    expect(right).toBeCloseTo(-(1e5 - 3) / 0.05, 7);
    expect(left).toBeCloseTo((1e5 + 3) / 0.05, 7);
    expectClose(filled(denoiser.divergence, 2, at, x), [-20, -20], 1e-14);
    expect(filled(denoiser.logDensity, 2, at, x).every(Number.isFinite)).toBe(true);
  }
});

test('gaussianDenoiser: E[x_0] shrinks to the mean along every axis by e / (e + level^2)', () => {
  const covariance = [
    [2, 0.9],
    [0.9, 1],
  ];
  const denoiser = gaussianDenoiser({ mean: [1, -2], covariance }, veLinear());
  // (C (C + I)^-1) (x - mean) by hand: C + I = [[3, 0.9], [0.9, 2]], determinant 5.19.
  const [u, v] = [3 - 1, 1 + 2];
  const [a, b] = [(2 * u - 0.9 * v) / 5.19, (-0.9 * u + 3 * v) / 5.19];
  const expected = [1 + 2 * a + 0.9 * b, -2 + 0.9 * a + b];
  expectClose(filled(denoiser.clean, 2, 1, Float64Array.of(3, 1)), expected, 1e-15);
  expect(denoiser.name).toBe('normal law');
});

test('mixtureDenoiser: many dimensions, against sums over coordinates of independent normal laws', () => {
  const d = 30;
  const diagonal = Array.from({ length: d }, (_, i) =>
    Array.from({ length: d }, (_, j) => (i === j ? 0.5 + i / d : 0)),
  );
  const denoiser = mixtureDenoiser(
    { means: [Array.from({ length: d }, (_, i) => i / 10)], covariances: [diagonal] },
    vpLinear(),
  );
  const time = 0.4;
  const [signal, noise] = [vpLinear().signal(time), vpLinear().noise(time)];
  const x = Float64Array.from({ length: d }, (_, i) => Math.sin(i));
  const variance = Array.from({ length: d }, (_, i) => signal ** 2 * (0.5 + i / d) + noise ** 2);
  const expected = variance.map((c, i) => -(x[i]! - (signal * i) / 10) / c);
  const logDensity = variance.reduce(
    (sum, c, i) => sum - 0.5 * (Math.log(2 * Math.PI * c) + c * expected[i]! ** 2),
    0,
  );
  for (const at of [time, Float64Array.of(time)]) {
    expectClose(scores(denoiser, x, at), expected, 1e-14);
    expectClose(filled(denoiser.logDensity, 1, at, x), [logDensity], 1e-14);
  }
  expectClose(filled(denoiser.divergence, 1, time, x), [-variance.reduce((sum, c) => sum + 1 / c, 0)], 1e-14);
});

test('empiricalDenoiser: points are the limit of narrow normal laws, the nearest one without noise', () => {
  const schedule = vpLinear();
  const narrow = mixtureDenoiser(
    {
      means: POINTS,
      covariances: POINTS.map(() => [
        [1e-9, 0],
        [0, 1e-9],
      ]),
    },
    schedule,
  );
  const denoiser = empiricalDenoiser(POINTS, schedule);
  for (const time of [0.05, 0.4, 1]) {
    expectClose(filled(denoiser.predict, 10, time), filled(narrow.clean, 10, time), 1e-5);
    expectClose(filled(denoiser.logDensity, 5, time), filled(narrow.logDensity, 5, time), 1e-5);
  }
  expect([...filled(denoiser.predict, 10, 0)]).toEqual([0.5, 0.1, -1.2, 0.8, 0.3, -1.5, 0.5, 0.1, -1.2, 0.8]);
  expect(filled(denoiser.logDensity, 5, 0).every(Number.isNaN)).toBe(true);
  expect([...denoiser.moments!.mean]).toEqual([expect.closeTo(0.36, 14), expect.closeTo(-0.22, 14)]);
  expect(denoiser.moments!.secondMoment).toBeCloseTo(1.215, 13);
  expect(empiricalDenoiser([new Float32Array([1, 2])], schedule).name).toBe('one point');
});

test('analytic denoisers: bad laws name what is wrong', () => {
  const vp = vpLinear();
  expect(() =>
    mixtureDenoiser(
      {
        means: [[0, 0]],
        covariances: [
          [
            [1, 2],
            [2, 1],
          ],
        ],
      },
      vp,
    ),
  ).toThrow('positive definite');
  expect(() => mixtureDenoiser({ means: [[0]], covariances: [] }, vp)).toThrow('0 covariances');
  // @ts-expect-error no list
  expect(() => gaussianDenoiser({ mean: 0, covariance: [[1]] }, vp)).toThrow(
    'gaussianDenoiser: option `mean` is 0',
  );
  expect(() => empiricalDenoiser([], vp)).toThrow('at least one point');
  expect(() => empiricalDenoiser([[1], [1, 2]], vp)).toThrow(
    '`points[1]` is an array of 2; expected 1 numbers',
  );
  expect(() => empiricalDenoiser([[1], [Number.NaN]], vp)).toThrow('`points[1][0]` is NaN');
});

test('denoisers: a law and a schedule in the wrong order, or none, are named with the right one', () => {
  const vp = vpLinear();
  const swapped =
    (make: (...given: never[]) => unknown): (() => unknown) =>
    () =>
      make(...([vp, LAW] as unknown as never[]));
  expect(swapped(mixtureDenoiser)).toThrow(
    'mixtureDenoiser: the first argument is the schedule vp-linear(0.1, 20); expected mixtureDenoiser(mixture, schedule). Swap the two.',
  );
  expect(swapped(gaussianDenoiser)).toThrow('expected gaussianDenoiser(law, schedule)');
  expect(swapped(empiricalDenoiser)).toThrow('expected empiricalDenoiser(points, schedule)');
  expect(() => mixtureDenoiser(LAW, vpLinear as never)).toThrow(
    /expected a noise schedule.*vpLinear\(\), not/,
  );
  expect(() => empiricalDenoiser(undefined as never, vp)).toThrow(/first argument is undefined/);
});
