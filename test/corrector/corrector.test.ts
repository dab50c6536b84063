import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { leftPointBias } from '../../estimators/corrector/left-point.ts';
import type { Row } from '../../estimators/corrector/state.ts';
import type { StepTerms } from '../../estimators/corrector/terms.ts';
import {
  anneal,
  type CorrectorOptions,
  type CorrectorResult,
  corrector,
  type Denoiser,
  exactTarget,
  gaussianDenoiser,
  guide,
  importanceAtEnd,
  linearReward,
  OptionError,
  product,
  quadraticReward,
  type RewardTilt,
  rectifiedFlow,
  reward,
  richardson,
  run,
  timeGrid,
  veLinear,
  vpCosine,
  vpLinear,
} from '../../estimators/index.ts';
import { contract } from '../contract/sampler.ts';
import { broad, mixture, narrow, network, vp } from './laws.ts';
import { caseOf, targetOf } from './reference-cases.ts';

const SEED = 20_250_302;
const IDENTITY = [
  [1, 0],
  [0, 1],
];
function go(options: CorrectorOptions, seed = SEED): Promise<CorrectorResult> {
  return run(corrector(options), { seed, backend: jsBackend() });
}

function codes({ diagnostics }: CorrectorResult): readonly string[] {
  return diagnostics.warnings.map(({ code }) => code);
}

const SMALL = { particles: 200, steps: 6, runs: 2 };

contract(
  'corrector',
  () => corrector({ target: reward(anneal(mixture, 1.5), linearReward([1, -0.5])), ...SMALL }),
  {
    backends: {
      WebAssembly: () => hostBackend({ threads: 1 }),
      'WebAssembly, 2 threads': () => hostBackend({ threads: 2 }),
    },
    bad: {
      'an unknown option': () => corrector({ target: anneal(mixture, 2), particle: 3 } as never),
      'no target': () => corrector({} as never),
      'no particles': () => corrector({ target: anneal(mixture, 2), particles: 0 }),
    },
  },
);

for (const [name, options] of Object.entries({
  'birth and death by clocks, exact start': { resample: { clocks: true } },
  'exact weights with the transport control': { weights: 'exact', control: 'transport' },
} as const))
  contract(`corrector, ${name}`, () => corrector({ target: anneal(mixture, 2), ...SMALL, ...options }), {
    backends: { WebAssembly: () => hostBackend({ threads: 1 }) },
    bad: {},
  });

contract(
  'corrector, exponents that follow untold log densities, a probed transport',
  () =>
    corrector({
      target: { experts: [network(mixture), network(mixture)], exponents: (t) => [2 - t, 0.5 * t] },
      ...{ ...SMALL, control: 'transport', denoise: true },
    }),
  { backends: { WebAssembly: () => hostBackend({ threads: 1 }) }, bad: {} },
);

describe('warnings, with their numbers', () => {
  test('a law that does not exist, of models that do not tell: particles run away, and log Z is not trusted', async () => {
    const target = guide({ ...network(narrow), name: 'narrow' }, network(broad), 2);
    const result = await go({ target, particles: 400, steps: 100, control: 'none' });
    expect(codes(result)).toContain('particles-run-away');
    expect(result.logNormalizer.trusted).toBe(false);
    expect(result.logNormalizer.reason).toMatch(/ran away/);
  });

  test('few steps and a bad proposal: long steps, thin weights, one weight, few ancestors', async () => {
    const target = anneal(mixture, 8);
    const result = await go({ target, particles: 200, steps: 12, control: 'none', resample: { ess: 0 } });
    expect(codes(result)).toEqual(expect.arrayContaining(['thin-weights', 'one-weight', 'steps-too-long']));
    expect(result.logNormalizer.trusted).toBe(false);
    const again = await go({ target, particles: 1000, steps: 60, control: 'none', resample: { every: 1 } });
    expect(codes(again)).toEqual(expect.arrayContaining(['many-resamplings', 'few-ancestors']));
    expect(again.resamplings).toBe(59);
  });

  test('networks: approximate scores; data in the start that is taken for normal', async () => {
    const grid = timeGrid(vp, { steps: 6, start: 0.5, stop: 0 });
    const result = await go({ target: anneal(network(mixture), 2), grid, particles: 100 });
    expect(codes(result)).toEqual(expect.arrayContaining(['scores-approximate', 'start-not-normal']));
    expect(codes(await go({ target: anneal(mixture, 2), grid, particles: 100 }))).not.toContain(
      'start-not-normal',
    );
  });

  test('a log Z that varies much from run to run says that it is skewed, one under a control does not', async () => {
    const options = {
      target: targetOf(caseOf('gauss-anneal-b3-vp')),
      particles: 64,
      steps: 50,
      runs: 4,
    } as const;
    expect(codes(await go({ ...options, control: 'none' }))).toContain('skewed-normalizer');
    expect(codes(await go(options))).not.toContain('skewed-normalizer');
  });

  test('guidance alone has no log Z, and says so', async () => {
    const result = await go({ target: anneal(mixture, 2), weights: 'none', ...SMALL });
    expect(result.logNormalizer).toMatchObject({ value: Number.NaN, method: 'none', trusted: false });
    expect(result.sample.logWeight.every((l) => l === result.sample.logWeight[0])).toBe(true);
    expect(result.resamplings).toBe(0);
    expect(codes(result)).toContain('not-corrected');
    // One model as it is needs no correction.
    expect(codes(await go({ target: anneal(mixture, 1), weights: 'none', ...SMALL }))).not.toContain(
      'not-corrected',
    );
  });
});

describe('schedules whose drift grows without bound at the end', () => {
  const law = { mean: [0.5], covariance: [[0.6]] };
  // (2 pi 0.6)^((1 - 2) / 2) / sqrt(2)
  const logZ = -0.5 * Math.log(2 * Math.PI * 0.6) - 0.5 * Math.LN2;

  for (const schedule of [rectifiedFlow(), vpCosine({ end: 1 }), vpCosine()])
    test(`${schedule.describe()} to ${schedule.end} runs as it is, from a little before its end`, async () => {
      const target = anneal(gaussianDenoiser(law, schedule), 2);
      const { logNormalizer, mean, trace } = await go({ target, steps: 200, particles: 400, runs: 4 });
      expect(trace.time[0]).toBeCloseTo(0.96 * schedule.end, 12);
      expect(Math.max(...trace.stability)).toBeLessThan(0.6);
      expect(Math.abs(logNormalizer.value - logZ)).toBeLessThan(0.02);
      expect(Math.abs(mean.value[0]! - 0.5)).toBeLessThan(4.892 * mean.standardError[0]!);
    });

  test('a schedule whose time is its noise is not gone through in even times', async () => {
    const target = anneal(gaussianDenoiser(law, veLinear()), 2);
    const { logNormalizer, trace } = await go({
      target,
      steps: 150,
      particles: 400,
      runs: 24,
      weights: 'exact',
    });
    expect(Math.max(...trace.stability)).toBeLessThan(0.3);
    // Seven deviations of 24 runs; the left point's weights would be 0.085 off, and 0.021 with four times the steps.
    expect(Math.abs(logNormalizer.value - logZ)).toBeLessThan(0.05);
    const steered = await run(importanceAtEnd({ denoiser: target.experts[0]!, reward: linearReward([1]) }), {
      seed: SEED,
      backend: jsBackend(),
    });
    expect(Math.abs(steered.logNormalizer.value - 0.8)).toBeLessThan(0.15);
  });

  test('a reward is faded in from where such a run begins at the latest, so that a network may begin in noise', async () => {
    const flow = network(gaussianDenoiser(law, rectifiedFlow()));
    const target = reward(flow, linearReward([1]));
    const { mean } = await go({ target, steps: 100, particles: 400, runs: 4 });
    expect(Math.abs(mean.value[0]! - 1.1)).toBeLessThan(0.1);
    const { ramp } = target.tilts![0] as RewardTilt;
    expect([0, 0.45, 0.9, 0.95].map((time) => ramp.at(time))).toEqual([1, 0.5, 0, 0]);
    expect([0.45, 0.95].map((time) => ramp.rate(time))).toEqual([-1 / 0.9, 0]);
  });
});

describe('what a result tells', () => {
  const target = anneal(mixture, 2);

  test('increments and the start add up to log Z; every expert is asked once a particle and step', async () => {
    const { trace, logNormalizer, scoreEvaluations, runs } = await go({ target, particles: 300, steps: 50 });
    const total = trace.increment.reduce((sum, each) => sum + each, trace.start);
    expect(total).toBeCloseTo(logNormalizer.value, 10);
    expect(runs.logNormalizer[0]).toBe(logNormalizer.value);
    expect(scoreEvaluations).toBe(300 * 50);
    for (const column of [trace.time, trace.ess, trace.rateVariance, trace.largestWeight, trace.stability])
      expect(column.length).toBe(50);
    expect(trace.time[0]).toBe(1);
    // h B g^2 / (v + alpha^2 m), m the smallest eigenvalue of a component: 0.3.
    const [t, m] = [trace.time[40]!, 0.3];
    const stiff = (2 * 0.02 * vp.diffusion(t)) / (vp.noise(t) ** 2 + vp.signal(t) ** 2 * m);
    expect(trace.stability[40]).toBeCloseTo(stiff, 10);
  });

  test('a reward without a gradient is told, with what it costs', async () => {
    const [x, options] = [linearReward([1, -0.5]), { particles: 100, steps: 4 }];
    const { provenance } = await go({ target: reward(mixture, { value: x.value }), ...options });
    expect(provenance.notes.join()).toContain('without a gradient: differences, 5 evaluations each');
    expect((await go({ target: reward(mixture, x), ...options })).provenance.notes.join()).not.toContain(
      'gradient',
    );
  });

  test('resampling keeps to its window, and to every n steps', async () => {
    const options = { target, particles: 100, steps: 20, control: 'none' } as const;
    const within = await go({ ...options, resample: { every: 1, window: { from: 0.62, to: 0.28 } } });
    // Times 0.6, 0.55, .., 0.3.
    expect(Array.from(within.trace.resampled.keys()).filter((k) => within.trace.resampled[k] === 1)).toEqual([
      8, 9, 10, 11, 12, 13, 14,
    ]);
    const third = await go({ ...options, resample: { every: 6 } });
    expect(Array.from(third.trace.resampled.keys()).filter((k) => third.trace.resampled[k] === 1)).toEqual([
      6, 12, 18,
    ]);
  });

  test('the affine control leaves a rate that does not vary where the flow can follow the target', async () => {
    // A normal law with another mean and unequal variances: x and the axes are not enough, yet nearly.
    const law = gaussianDenoiser(
      {
        mean: [0.8, -0.5],
        covariance: [
          [0.6, 0],
          [0, 0.6],
        ],
      },
      vp,
    );
    const [none, affine] = [
      await go({ target: anneal(law, 3), particles: 300, steps: 40, control: 'none' }),
      await go({ target: anneal(law, 3), particles: 300, steps: 40, control: 'affine' }),
    ];
    expect(none.rateVariance).toBeGreaterThan(1);
    expect(affine.rateVariance).toBeLessThan(1e-12);
  });

  test('the analytic control is exact for centred normal experts, of one or of two schedules', async () => {
    const isotropic = (variance: number, schedule = vp): Denoiser =>
      gaussianDenoiser(
        {
          mean: [0, 0],
          covariance: [
            [variance, 0],
            [0, variance],
          ],
        },
        schedule,
      );
    const options = { particles: 60, steps: 30, control: 'analytic' } as const;
    for (const each of [
      anneal(isotropic(0.5), 3),
      product([isotropic(0.5), isotropic(2, vpLinear({ betaEnd: 12 }))], [1.3, 0.4]),
    ])
      expect((await go({ target: each, ...options })).rateVariance).toBeLessThan(1e-11);
  });

  test('no single-run error of log Z under clocks; several runs give one', async () => {
    const options = { target, particles: 100, steps: 10, resample: { clocks: true } } as const;
    const single = await go(options);
    expect(single.logNormalizer.method).toBe('none');
    expect(single.logNormalizer.standardError).toBeNaN();
    expect(single.mean.standardError.every(Number.isNaN)).toBe(true);
    const several = await go({ ...options, runs: 4 });
    expect(several.logNormalizer.method).toBe('replicates');
    expect(several.logNormalizer.standardError).toBeGreaterThan(0);
    expect(several.logNormalizer.trusted).toBe(false);
  });

  test('experts in another order: the same bits; an expert in two halves: the bits of plain sampling, log Z 0', async () => {
    const options = { particles: 100, steps: 20 } as const;
    const other = gaussianDenoiser(
      {
        mean: [0.5, 1],
        covariance: [
          [1, 0],
          [0, 2],
        ],
      },
      vp,
    );
    const [one, two] = [
      await go({ target: product([mixture, other], [1.2, 0.4]), ...options }),
      await go({ target: product([other, mixture], [0.4, 1.2]), ...options }),
    ];
    expect(two.sample).toEqual(one.sample);
    const halves = await go({ target: product([mixture, mixture], [0.5, 0.5]), ...options });
    const plain = await go({ target: anneal(mixture, 1), weights: 'none', ...options });
    expect(halves.sample.points).toEqual(plain.sample.points);
    expect(halves.rateVariance).toBe(0);
    // What is left are the weights of the start.
    expect(halves.logNormalizer.value).toBe(halves.trace.start);
  });

  test('richardson() takes out the error of first order in the step', async () => {
    const each = caseOf('anneal-b2-1d-vp');
    const options = { target: targetOf(each), particles: 3000 } as const;
    const [coarse, fine] = [await go({ ...options, steps: 25 }), await go({ ...options, steps: 50 })];
    const off = (value: number): number => Math.abs(value - each.exact.logZ);
    // 0.19 and 0.09 without, to 0.01 and 0.01 of chance.
    expect(off(fine.logNormalizer.value)).toBeGreaterThan(0.05);
    expect(off(richardson(coarse, fine).value[0]!)).toBeLessThan(0.6 * off(fine.logNormalizer.value));
    expect(() => richardson(fine, coarse)).toThrow(OptionError);
    expect(() => richardson(coarse, corrector({ target: anneal(mixture, 2) }) as never)).toThrow(/fine` is/);
  });

  test('log Z whose left-point bias shows above its error is not trusted, and the bias is told', async () => {
    // One normal law and a quadratic reward: the control leaves no variance, and only the bias of the steps.
    const one = gaussianDenoiser({ mean: [0, 0], covariance: IDENTITY }, vp);
    const wanted = quadraticReward(
      [2, 1],
      [
        [6, 0],
        [0, 6],
      ],
    );
    const exact = exactTarget({ experts: [one.mixture!], exponents: [1], reward: wanted }).logNormalizer;
    const options = { target: reward(one, wanted), particles: 400, steps: 100, runs: 2 } as const;
    const { value, trusted, reason } = (await go(options)).logNormalizer;
    const told = Number(/by about (-?[0-9.]+),/.exec(reason)![1]);
    expect(trusted).toBe(false);
    expect(value - exact).toBeLessThan(-0.05);
    expect(told / (value - exact)).toBeGreaterThan(0.7);
    expect(told / (value - exact)).toBeLessThan(1.4);
    const right = (await go({ ...options, weights: 'exact' })).logNormalizer;
    expect(right).toMatchObject({ trusted: true });
  });

  test('the left point of a rate that falls evenly is off by half a step times the fall, on any grid', () => {
    const times = [1, 0.8, 0.5, 0.3, 0.2, 0];
    const terms = times.map((time, k) => ({ time, step: time - (times[k + 1] ?? time) }) as StepTerms);
    const rows = terms
      .slice(0, -1)
      .map(({ time, step }) => ({ increment: step * (3 + 2 * time), rateVariance: 0 }));
    const exact = 3 + 1;
    const left = rows.reduce((sum, { increment }) => sum + increment, 0);
    expect(leftPointBias({ terms }, rows as unknown as Row[])).toBeCloseTo(left - exact, 12);
    expect(leftPointBias({ terms }, (rows as unknown as Row[]).slice(0, 2))).toBeNaN();
  });

  test('the last denoising replaces particles by what the experts make of them', async () => {
    const options = { target: anneal(network(mixture), 1), particles: 50, denoise: true } as const;
    const { sample } = await go({ ...options, grid: timeGrid(vp, { steps: 30, stop: 0.3 }) });
    // E[x_0 | x_t] varies less than x_0: a part of the variance is not known at time 0.3.
    const spread = Math.sqrt(sample.points.reduce((sum, x) => sum + x * x, 0) / 100);
    expect(spread).toBeLessThan(1.1);
    expect(spread).toBeGreaterThan(0.4);
  });
});
