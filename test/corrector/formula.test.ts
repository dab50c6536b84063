import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { openTarget } from '../../estimators/corrector/open-target.ts';
import { checkCorrector } from '../../estimators/corrector/plan.ts';
import { logTargets } from '../../estimators/corrector/prior.ts';
import {
  type CorrectorOptions,
  type CorrectorTarget,
  corrector,
  type Grid,
  gridPoint,
  mixtureDenoiser,
  type NoiseSchedule,
  product,
  run,
  type Tilt,
  veGeometric,
  vpLinear,
} from '../../estimators/index.ts';
import { CASES, caseOf, expertsOf, targetOf } from './reference-cases.ts';

const SEED = 20_250_301;

interface Rates {
  readonly u: Float64Array;
  /** [n, d + 2]: S, h, g. */
  readonly features: Float64Array;
  readonly logTarget: Float64Array;
  readonly scores: Float64Array;
  readonly densities: Float64Array;
  readonly rho: Float64Array;
}

/** Drift, features and log target of points at a time. */
async function ratesAt(
  target: CorrectorTarget,
  time: number,
  points: readonly (readonly number[])[],
  options: Partial<CorrectorOptions> = {},
  next = 0,
): Promise<Rates> {
  const d = points[0]!.length;
  // Enough rows for an affine control.
  const rows = Array.from({ length: 10 * (d + 1) }, (_, i) => points[i % points.length]!);
  const schedule = target.experts[0]!.schedule;
  const grid: Grid = {
    name: 'one step',
    schedule,
    points: [gridPoint(schedule, time), gridPoint(schedule, next)],
  };
  const plan = checkCorrector({ target, grid, particles: rows.length, control: 'affine', ...options });
  const backend = jsBackend();
  const opened = await openTarget(plan, { backend, signal: new AbortController().signal }, 0);
  const x = Float64Array.from(rows.flat());
  const at = plan.terms[0]!;
  await opened.evaluate(at, x, { densities: true, tilt: true });
  const [u, features] = [new Float64Array(x.length), new Float64Array(rows.length * plan.width)];
  await opened.rates(at, x, rngFromSeed(SEED), { u, features });
  const logTarget = new Float64Array(rows.length);
  const { densities, tilt, scores } = opened.evaluated;
  logTargets(at.exponents, densities, tilt, logTarget);
  return { u, features, logTarget, scores, densities, rho: tilt };
}

function close(found: number, expected: number): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
}

describe('the formula at the points of the reference', () => {
  for (const each of CASES) {
    test(`${each.id}: scores, log target, drift, rate and cost of the linear control, to 1e-9`, async () => {
      const d = each.dimension;
      const target = targetOf(each);
      const K = 10 * (d + 1);
      for (const point of each.pointwise) {
        const found = await ratesAt(target, point.t, [point.x]);
        for (const [e, score] of point.scores.entries()) {
          for (let c = 0; c < d; c++) close(found.scores[e * K * d + c]!, score[c]!);
          close(found.densities[e * K]!, point.logq[e]!);
        }
        if (each.tilt !== null) close(found.rho[0]!, point.rho);
        close(found.logTarget[0]!, point.logGamma);
        for (let c = 0; c < d; c++) {
          close(found.u[c]!, point.drift_a2_eq_g2[c]!);
          close(found.features[c]!, point.targetScore[c]!);
        }
        close(found.features[d]!, point.linearControl_h);
        close(found.features[d + 1]!, point.weightRate_g);
      }
    });
  }
});

describe('Euler traces of the reference', () => {
  for (const each of CASES) {
    test(`${each.id}: particles and log weights, to 1e-9`, async () => {
      for (const trace of each.traces) {
        const d = each.dimension;
        const target = targetOf(each);
        const n = trace.xStart.length;
        const schedule = target.experts[0]!.schedule;
        const B = each.exponents.reduce((sum, b) => sum + b, 0);
        const spread = schedule.noise(schedule.end) / Math.sqrt(B);
        const method = corrector({
          ...{ target, particles: n, steps: trace.steps, noiseRatio: trace.noiseRatio_a2_over_g2 },
          ...{ control: 'none', prior: 'gaussian', resample: { ess: 0 } },
          noise(step, _run, normals) {
            for (let i = 0; i < n; i++)
              for (let c = 0; c < d; c++)
                normals[i * d + c] =
                  step === 0
                    ? trace.xStart[i]![c]! / spread
                    : Math.SQRT2 * Math.sin(1.7 * step + 0.9 * (c + 1) + 2.3 * i);
          },
        });
        const { sample, trace: found } = await run(method, { seed: SEED, backend: jsBackend() });
        for (let i = 0; i < n; i++) {
          for (let c = 0; c < d; c++) close(sample.points[i * d + c]!, trace.xEnd[i]![c]!);
          close(sample.logWeight[i]! - found.start, trace.logW[i]!);
        }
      }
    });
  }
});

/** A tilt rho = (1 - t^2) sin(a . x) for the test of the formula. */
function wavyTilt(a: readonly number[]): Tilt {
  const d = a.length;
  const phase = (x: Float64Array, i: number): number => a.reduce((sum, k, c) => sum + k * x[i * d + c]!, 0);
  return {
    value(x, time, out) {
      for (let i = 0; i < out.length; i++) out[i] = (1 - time * time) * Math.sin(phase(x, i));
    },
    gradient(x, time, out) {
      for (let at = 0; at < out.length; at++)
        out[at] = (1 - time * time) * Math.cos(phase(x, Math.floor(at / d))) * a[at % d]!;
    },
    rate(x, time, out) {
      for (let i = 0; i < out.length; i++) out[i] = -2 * time * Math.sin(phase(x, i));
    },
  };
}

/** A random mixture of 2-D normal laws. */
function randomMixture(index: number, schedule: NoiseSchedule): ReturnType<typeof mixtureDenoiser> {
  const draw = rngFromSeed(SEED).stream({ purpose: 32, particle: index });
  const components = 2 + draw.below(2);
  const list = <T>(make: () => T): T[] => Array.from({ length: components }, make);
  return mixtureDenoiser(
    {
      weights: list(() => 0.2 + draw.uniform()),
      means: list(() => [1.5 * draw.normal(), 1.5 * draw.normal()]),
      covariances: list(() => {
        const [a, b, c] = [0.5 + draw.uniform(), 0.4 * draw.normal(), 0.5 + draw.uniform()];
        return [
          [a * a, a * b],
          [a * b, b * b + c * c],
        ];
      }),
    },
    schedule,
  );
}

/** The identity d log gamma / d tau + div u + u . S - (a^2 / 2)(div S + |S|^2) = g by central differences, relative to its terms. */
async function residual(
  target: CorrectorTarget,
  time: number,
  x: readonly [number, number],
  options: Partial<CorrectorOptions>,
): Promise<number> {
  const schedule = target.experts[0]!.schedule;
  const [e, dt] = [1e-4, 1e-5];
  const points = [x, [x[0] + e, x[1]], [x[0] - e, x[1]], [x[0], x[1] + e], [x[0], x[1] - e]] as const;
  // Exponents change by the increments of steps: short ones here.
  const at = (t: number): Promise<Rates> => ratesAt(target, t, points, options, t - 1e-7);
  const [now, before, after] = [await at(time), await at(time + dt), await at(time - dt)];
  const K = now.logTarget.length;
  const width = now.features.length / K;
  const divergence = (values: Float64Array, stride: number): number =>
    (values[stride]! - values[2 * stride]! + values[3 * stride + 1]! - values[4 * stride + 1]!) / (2 * e);
  const [s0, s1] = [now.features[0]!, now.features[1]!];
  const ratio = (options.noiseRatio as number | undefined) ?? 1;
  const half = 0.5 * ratio * schedule.diffusion(time);
  const terms = [
    (after.logTarget[0]! - before.logTarget[0]!) / (2 * dt),
    divergence(now.u, 2),
    now.u[0]! * s0 + now.u[1]! * s1,
    -half * divergence(now.features, width),
    -half * (s0 * s0 + s1 * s1),
  ];
  const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
  return Math.abs(terms.reduce((sum, term) => sum + term, 0) - now.features[width - 1]!) / size;
}

describe('g is what keeps the target (2.1), by central differences on random mixtures', () => {
  const tilts = [wavyTilt([0.7, -0.4])];
  const [vp, ve] = [vpLinear(), veGeometric({ largest: 10 })];
  const shared = [randomMixture(1, vp), randomMixture(2, vp)];
  const apart = [randomMixture(3, vp), randomMixture(4, ve)];
  const moving = (time: number): readonly number[] => [1.5 - 0.5 * time, 0.3 + 0.7 * time * time];
  const targets: Readonly<Record<string, CorrectorTarget>> = {
    'a guided pair': { experts: shared, exponents: [-0.4, 1.6] },
    'a product with a tilt': { experts: shared, exponents: [0.8, 1.7], tilts },
    'a variance exploding product with a tilt': {
      experts: [randomMixture(5, ve), randomMixture(6, ve)],
      exponents: [0.6, 0.9],
      tilts,
    },
    'experts of different schedules with a tilt': { experts: apart, exponents: [1.2, 0.5], tilts },
    'exponents that change, different schedules, a tilt': { experts: apart, exponents: moving, tilts },
  };
  for (const [name, target] of Object.entries(targets)) {
    test(`${name}: relative residual below 1e-6 for any noise`, async () => {
      for (const [noiseRatio, time, x] of [
        [1, 0.3, [0.4, -0.7]],
        [0.5, 0.6, [-1.1, 0.9]],
        [2, 0.15, [1.3, 0.2]],
      ] as const)
        expect(await residual(target, time, x, { noiseRatio })).toBeLessThan(1e-6);
    });
  }

  test('another target than the one of the weights is noticed', async () => {
    const [target] = [targets['experts of different schedules with a tilt']!];
    const broken = {
      ...target,
      tilts: [{ ...tilts[0]!, rate: (_x: Float64Array, _t: number, out: Float64Array) => void out.fill(0) }],
    };
    expect(await residual(broken, 0.6, [-1.1, 0.9], {})).toBeGreaterThan(1e-4);
  });
});

describe('what the formula must give', () => {
  const each = caseOf('product-2d-vp');
  const [first, second] = expertsOf(each);
  const points = [
    [0.3, -0.4],
    [1.9, 0.7],
    [-2.2, 0.1],
  ];

  test('exponent 1 without a tilt: g is 0, not merely small', async () => {
    const { features } = await ratesAt({ experts: [first!], exponents: [1] }, 0.4, points);
    for (let i = 0; i < features.length; i += 4) expect(features[i + 3]).toBe(0);
  });

  test('an expert that stands twice with exponent 1/2 is asked once, and is the expert', async () => {
    const twice = await ratesAt(product([first!, first!], [0.5, 0.5]), 0.4, points);
    const once = await ratesAt({ experts: [first!], exponents: [1] }, 0.4, points);
    expect(twice).toEqual(once);
  });

  test('two denoisers of one law with exponents 1/2: g is 0 and the drift is that of the law', async () => {
    const [copy] = expertsOf(each);
    const twice = await ratesAt(product([first!, copy!], [0.5, 0.5]), 0.4, points);
    const once = await ratesAt({ experts: [first!], exponents: [1] }, 0.4, points);
    for (let i = 0; i < twice.features.length; i += 4) expect(twice.features[i + 3]).toBe(0);
    expect(twice.u).toEqual(once.u);
  });

  test('g does not depend on the noise ratio', async () => {
    const target = product([first!, second!], [1.5, 0.7]);
    const [none, much] = [
      await ratesAt(target, 0.4, points, { noiseRatio: 0, resample: { ess: 0 } }),
      await ratesAt(target, 0.4, points, { noiseRatio: 2 }),
    ];
    expect(much.features).toEqual(none.features);
    expect(much.u).not.toEqual(none.u);
  });

  test('the order of two experts changes no bit', async () => {
    const one = await ratesAt(product([first!, second!], [1.5, -0.2]), 0.4, points);
    const other = await ratesAt(product([second!, first!], [-0.2, 1.5]), 0.4, points);
    expect([other.u, other.features]).toEqual([one.u, one.features]);
  });
});
