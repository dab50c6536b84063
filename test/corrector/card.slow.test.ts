import { afterAll, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { openDevice } from '../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../engine/backend/gpu/device.ts';
import { gpuBackend } from '../../engine/backend/gpu.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { DeviceLostError } from '../../engine/errors.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { openCardTarget } from '../../estimators/corrector/card-target.ts';
import { openTarget } from '../../estimators/corrector/open-target.ts';
import { checkCorrector } from '../../estimators/corrector/plan.ts';
import {
  anneal,
  type CorrectorOptions,
  type CorrectorTarget,
  corrector,
  type Grid,
  gaussianDenoiser,
  gridPoint,
  guide,
  iterate,
  linearReward,
  mixtureDenoiser,
  type NoiseSchedule,
  quadraticReward,
  resume,
  reward,
  run,
  veGeometric,
  vpLinear,
} from '../../estimators/index.ts';
import { describeGpu, hasCard, withGpu } from '../support/gpu.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { CASES, caseOf, targetOf } from './reference-cases.ts';

const SEED = 20_261_126;
/** What is stated for scores, drifts and rates in float32, relative above 1. */
const STATED = 1e-4;

const card: Backend | undefined = hasCard ? await gpuBackend({ allowSoftware: true, threads: 1 }) : undefined;
afterAll(() => card?.dispose());

/** Bytes on the card. */
async function used(): Promise<number> {
  return (await card!.card(1)).gpu!.used;
}

function near(found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = STATED): void {
  expect(found.length).toBe(wanted.length);
  for (let i = 0; i < found.length; i++) {
    const error = Math.abs(found[i]! - wanted[i]!) / Math.max(1, Math.abs(wanted[i]!));
    if (!(error <= tolerance || Object.is(found[i], wanted[i])))
      throw new Error(`number ${i} is ${found[i]} for ${wanted[i]}`);
  }
}

function gridOf(schedule: NoiseSchedule, times: readonly number[]): Grid {
  return { name: 'times', schedule, points: times.map((t) => gridPoint(schedule, t)) };
}

/** Drift, features (S, h, g) and scores on the card and in float64, of points at a time. */
async function ratesAt(target: CorrectorTarget, time: number, points: readonly (readonly number[])[]) {
  const d = points[0]!.length;
  const rows = Array.from({ length: 10 * (d + 1) }, (_, i) => points[i % points.length]!);
  const { schedule } = target.experts[0]!;
  const grid = gridOf(schedule, [time, 0.9 * time]);
  const plan = checkCorrector({ target, grid, particles: rows.length, control: 'affine' });
  const x = Float64Array.from(rows.flat());
  const opened = await openTarget(plan, { backend: jsBackend(), signal: new AbortController().signal }, 0);
  await opened.evaluate(plan.terms[0]!, x, { densities: true, tilt: true });
  const [u, features] = [new Float64Array(x.length), new Float64Array(rows.length * plan.width)];
  await opened.rates(plan.terms[0]!, x, rngFromSeed(SEED), { u, features });
  const onCard = await withGpu(async (gpu) => {
    const there = openCardTarget(plan, gpu);
    const arena = gpu.arena();
    const [state, told] = [arena.f32(2 * x.length), arena.f32(features.length)];
    gpu.write(state, Float32Array.from(rows.flatMap((row) => [...row, ...row.map(() => 0)])));
    there.evaluate(0, state, told);
    const numbers = await gpu.read(state);
    return {
      u: Float64Array.from(u, (_, at) => numbers[at + d * (1 + Math.floor(at / d))]!),
      ...{ features: await gpu.read(told), scores: await gpu.read(there.scores) },
      densities: await gpu.read(there.densities),
    };
  });
  const { scores, densities } = opened.evaluated;
  return { d, K: rows.length, onCard, exact: { u, features, scores, densities } };
}

describeGpu('corrector() on a card', () => {
  test('scores, drift, rate and cost of the control are those of float64 to 1e-4', async () => {
    for (const each of CASES.filter(({ tilt }) => tilt?.kind !== 'tanh')) {
      const { t, x, scores, drift_a2_eq_g2, weightRate_g, linearControl_h, targetScore } = each.pointwise[1]!;
      const { d, K, onCard } = await ratesAt(targetOf(each), t, [x]);
      near(onCard.u.subarray(0, d), drift_a2_eq_g2);
      near(onCard.features.subarray(0, d + 2), [...targetScore, linearControl_h, weightRate_g]);
      for (const [e, score] of scores.entries())
        near(onCard.scores.subarray(e * K * d, e * K * d + d), score);
    }
    const points = Array.from({ length: 12 }, (_, i) => [2 * Math.sin(i), 1.5 * Math.cos(3 * i)]);
    const { onCard, exact } = await ratesAt(MIXED, 0.3, points);
    for (const name of ['u', 'features', 'scores', 'densities'] as const) near(onCard[name], exact[name]);
  });

  test('takes the draws of the host, and its log Z within what that tolerance allows', async () => {
    for (const options of RUNS) {
      const method = corrector({ particles: 200, steps: 12, ...options });
      const [a, b] = [await run(method, { seed: SEED, backend: card! }), await run(method, { seed: SEED })];
      expect(a.trace.resampled).toEqual(b.trace.resampled);
      // A card normal is the host's to 1e-5, and Euler steps of these laws contract.
      near(a.sample.points, b.sample.points);
      near(a.sample.logWeight, b.sample.logWeight, 10 * STATED);
      near([a.trace.start], [b.trace.start]);
      // An increment is the mean of h times rates, each known to 1e-4 of its size: mean |g| <= |mean| + sd.
      for (const [k, wanted] of b.trace.increment.entries()) {
        const size = Math.abs(wanted) + (1 + Math.sqrt(b.trace.rateVariance[k]!)) / 12;
        expect(Math.abs(a.trace.increment[k]! - wanted)).toBeLessThan(STATED * size);
      }
      near(a.trace.rateVariance, b.trace.rateVariance, 10 * STATED);
      near(a.estimate.value, b.estimate.value, 10 * STATED);
      expect([a.scoreEvaluations, a.resamplings]).toEqual([b.scoreEvaluations, b.resamplings]);
      expect(a.uniqueAncestors).toBe(b.uniqueAncestors);
      expect(a.sample.points.every((x) => x === Math.fround(x))).toBe(true);
      expect(a.provenance).toMatchObject({ backend: 'webgpu', precision: 'float32', adapter: card!.adapter });
      expect(a.provenance.notes[0]).toBe("Ran on the GPU: backend 'webgpu' was asked for.");
    }
    expect(await used()).toBe(0);
  });

  test('is unbiased for the integral and the mean of the chain it runs, resampled', async () => {
    const [runs, particles, b] = [100, 64, 1.25];
    const schedule = vpLinear();
    const times = [0.4, 0.3, 0.2, 0.1, 0.05, 0];
    const law = gaussianDenoiser({ mean: [0.7], covariance: [[0.5]] }, schedule);
    const settings = { grid: gridOf(schedule, times), control: 'none' } as const;
    const estimates = async (tried: typeof law): Promise<Replicates> => {
      const method = corrector({
        ...settings,
        target: anneal(tried, b),
        runs,
        particles,
        resample: { ess: 0.9 },
      });
      const { sample, resamplings } = await run(method, { seed: SEED, backend: card! });
      expect(resamplings).toBeGreaterThan(runs);
      const values = new Float64Array(2 * runs);
      for (let i = 0; i < runs * particles; i++) {
        const r = Math.floor(i / particles);
        const share = Math.exp(sample.logWeight[i]! - exact.logZ) / particles;
        values[2 * r] = values[2 * r]! + share;
        values[2 * r + 1] = values[2 * r + 1]! + share * sample.points[i]!;
      }
      return { runs, width: 2, values };
    };
    const exact = normalChain(checkCorrector({ ...settings, target: anneal(law, b) }), 0.7, 0.5);
    // Relative spreads of 0.1 and 0.15: biases of 7 % and 11 % are caught 99 times in 100.
    expectMeans(await estimates(law), [1, exact.mean]);
    // The card is told of another law.
    const other = gaussianDenoiser({ mean: [0.4], covariance: [[0.6]] }, schedule);
    const broken = await estimates({ ...law, mixture: other.mixture! });
    expectRejected(() => expectMeans(broken, [1, exact.mean]));
  });

  test('a resumed run is the uninterrupted one bit for bit, and the host goes on from a card', async () => {
    const method = corrector({
      target: targetOf(caseOf('anneal-b2-2d-ve')),
      particles: 128,
      runs: 2,
      steps: 12,
    });
    const whole = await run(method, { seed: SEED, backend: card! });
    expect(whole.resamplings).toBeGreaterThan(0);
    let bytes = new Uint8Array();
    for await (const at of iterate(method, { seed: SEED, backend: card! }))
      if (at.step === 7) {
        bytes = new Uint8Array(await at.snapshot());
        break;
      }
    expect(await used()).toBe(0);
    expect(await resume(method, bytes, { seed: SEED, backend: card! })).toEqual(whole);
    const onHost = await resume(method, bytes, { seed: SEED, backend: jsBackend() });
    near(onHost.trace.increment, whole.trace.increment, 10 * STATED);
    expect(onHost.provenance.precision).toBe('float32');
    expect(onHost.provenance.notes).toEqual([
      `The points before it was resumed were evaluated on ${card!.adapter}, in float32.`,
    ]);
  });

  test('a card that goes away leaves the step before, from which another gives the bits of the whole run', async () => {
    const method = corrector({ target: MIXED, particles: 64, runs: 3, steps: 6, resample: { every: 1 } });
    const opened = await openDevice(true);
    const backend: Backend = {
      ...{ ...jsBackend(), name: 'webgpu' },
      card: async () => ({ gpu }),
    };
    const gpu = makeGpu(opened);
    let steps = 0;
    const watching = (async () => {
      for await (const at of iterate(method, { seed: SEED, backend })) {
        steps = at.step;
        if (at.step === 3) opened.device.destroy();
      }
    })();
    const error = await watching.catch((reason: unknown) => reason);
    if (!(error instanceof DeviceLostError)) throw error;
    expect([steps, error.seed]).toEqual([3, SEED]);
    const rest = await resume(method, error.snapshot!, { seed: SEED, backend: card! });
    const whole = await run(method, { seed: SEED, backend: card! });
    expect(rest.sample).toEqual(whole.sample);
    expect(rest.trace).toEqual(whole.trace);
  });
});

const BROAD = mixtureDenoiser(
  {
    weights: [0.4, 0.6, 0],
    means: [
      [-1, 0.5],
      [1, 0],
      [9, 9],
    ],
    covariances: [1, 1.5, 1].map((s) => [
      [s, 0.3],
      [0.3, 1],
    ]),
  },
  vpLinear(),
);
const NARROW = gaussianDenoiser(
  {
    mean: [0.5, -0.5],
    covariance: [
      [0.4, 0.1],
      [0.1, 0.3],
    ],
  },
  veGeometric({ smallest: 0.05, largest: 3 }),
);

/** Exponents that change, schedules that differ, and two tilts. */
const MIXED: CorrectorTarget = reward(
  reward(
    { experts: [BROAD, NARROW], exponents: (t) => [0.5 + 0.3 * t, 1 - 0.2 * t] },
    quadraticReward(
      [0.3, -0.2],
      [
        [0.8, 0.2],
        [0.2, 0.5],
      ],
    ),
  ),
  linearReward([0.5, -1]),
);

const RUNS: readonly CorrectorOptions[] = [
  { target: MIXED, runs: 2, resample: { every: 5 } },
  { target: targetOf(caseOf('cfg-b3-class-1d-vp')), control: 'analytic', noiseRatio: 0.5 },
  { target: targetOf(caseOf('gauss-anneal-b3-vp')), control: 'linear', prior: 'gaussian' },
  { target: guide(BROAD, BROAD, 3), weights: 'none' },
];

/** log Z and mean times Z / Z of the weighted Euler chain of N(m, s)^b: measures stay normal, C N(mean, variance). */
function normalChain(
  { terms }: ReturnType<typeof checkCorrector>,
  m: number,
  s: number,
): { readonly logZ: number; readonly mean: number } {
  const law = (k: number): readonly [mean: number, variance: number] => {
    const { signals, variances } = terms[k]!;
    return [signals[0]! * m, signals[0]! ** 2 * s + variances[0]!];
  };
  const [mu0, V0] = law(0);
  const b = terms[0]!.total;
  let logZ = 0.5 * Math.log((2 * Math.PI * V0) / b) - 0.5 * b * Math.log(2 * Math.PI * V0);
  let [mean, variance] = [mu0, V0 / b];
  for (const [k, { step: h, drift: f, diffusion, noise }] of terms.slice(0, -1).entries()) {
    const [mu, V] = law(k);
    // The weight exp(h ((b - 1) f + c (x - mu)^2)).
    const c = (0.5 * diffusion * b * (b - 1)) / (V * V);
    const precision = 1 / variance - 2 * h * c;
    const moved = (mean / variance - 2 * h * c * mu) / precision;
    logZ += h * (b - 1) * f - 0.5 * Math.log(variance * precision);
    logZ += 0.5 * (moved * moved * precision - (mean * mean) / variance + 2 * h * c * mu * mu);
    // The move x + h (-f x - pull (x - mu)) + noise.
    const pull = (0.5 * (diffusion + noise) * b) / V;
    mean = moved + h * (-f * moved - pull * (moved - mu));
    variance = (1 - h * (f + pull)) ** 2 / precision + noise * h;
  }
  return { logZ, mean };
}
