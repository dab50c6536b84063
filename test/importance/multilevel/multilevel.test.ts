import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { ModelError, OptionError } from '../../../engine/errors.ts';
import { pointwise } from '../../../engine/model/model.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import {
  batchMoments,
  consistency,
  correctionVariance,
  kurtosis,
  mergedMoments,
  NO_MOMENTS,
} from '../../../estimators/importance/multilevel/level-moments.ts';
import {
  decay,
  optimalSamples,
  remainingBias,
} from '../../../estimators/importance/multilevel/level-rates.ts';
import { multilevel } from '../../../estimators/importance/multilevel/multilevel.ts';
import type { MultilevelOptions } from '../../../estimators/importance/multilevel/multilevel-types.ts';
import { contract } from '../../contract/sampler.ts';
import { brownianLevel, CALL } from './brownian-levels.ts';

const SEED = 2008;
const backend = jsBackend();
const levels = (l: number) => brownianLevel(l);
const base = { levels, accuracy: 0.005, pilot: 200 } satisfies MultilevelOptions;

contract('multilevel', () => multilevel(base), {
  backends: {
    'WASM, one thread': () => hostBackend({ threads: 1 }),
    'WASM, two threads': () => hostBackend({ threads: 2 }),
  },
  bad: {
    'no levels': () => multilevel({ accuracy: 1 } as never),
    'neither accuracy nor samples': () => multilevel({ levels }),
    'accuracy and samples': () => multilevel({ levels, accuracy: 1, samples: [10, 10] }),
    'accuracy: 0': () => multilevel({ levels, accuracy: 0 }),
    'accuracy: NaN': () => multilevel({ levels, accuracy: Number.NaN }),
    'no samples': () => multilevel({ levels, samples: [] }),
    'a single sample of a level': () => multilevel({ levels, samples: [10, 1] }),
    'pilot: 1': () => multilevel({ ...base, pilot: 1 }),
    'deepest: 1': () => multilevel({ ...base, deepest: 1 }),
    'biasShare: 1': () => multilevel({ ...base, biasShare: 1 }),
    'a share of the bias in a fixed hierarchy': () => multilevel({ ...base, finest: 2, biasShare: 0.5 }),
    'a rate of 0': () => multilevel({ ...base, rates: { alpha: 0 } }),
    'level: 1': () => multilevel({ ...base, level: 1 }),
    'a level without a cost': () => multilevel({ ...base, levels: () => ({ ...levels(0), cost: 0 }) }),
    'a level without inputs': () => multilevel({ ...base, levels: () => ({ ...levels(0), inputs: 0 }) }),
    'an unknown option': () => multilevel({ ...base, epsilon: 1 } as never),
  },
});

test('moments of batches merge to those of all samples', () => {
  const stream = rngFromSeed(SEED).stream({ purpose: PURPOSE.design });
  const y = Float64Array.from({ length: 2000 }, () => stream.normal() ** 3 + 5);
  let merged = NO_MOMENTS;
  for (const [lo, hi] of [
    [0, 3],
    [3, 4],
    [4, 700],
    [700, 1000],
  ] as const)
    merged = mergedMoments(merged, batchMoments(y.slice(2 * lo, 2 * hi), hi - lo, 2));
  const whole = batchMoments(y, 1000, 2);
  for (const [name, value] of Object.entries(whole))
    expect(merged[name as keyof typeof merged] / value, name).toBeCloseTo(1, 11);
  // 1, 1, -1, -1 has variance 4/3 and kurtosis 1; its fine values 3, 1, 3, 1.
  const small = batchMoments(Float64Array.of(3, 2, 1, 0, 3, 4, 1, 2), 4, 2);
  expect([correctionVariance(small), kurtosis(small), small.fineMean]).toEqual([4 / 3, 1, 2]);
});

test('consistency(): a gap over three times the sum of the errors, as in the paper', () => {
  const below = { ...NO_MOMENTS, n: 101, fineMean: 1, fineSum2: 100 };
  const own = { ...NO_MOMENTS, n: 401, fineMean: 2, fineSum2: 400 * 4, mean: 0.4, sum2: 400 };
  // Errors sqrt(1/101), sqrt(4/401), sqrt(1/401); gap 1 - 2 + 0.4.
  const spread = Math.sqrt(1 / 101) + Math.sqrt(4 / 401) + Math.sqrt(1 / 401);
  expect(consistency(below, own)).toBeCloseTo(0.6 / (3 * spread), 14);
  expect(consistency(below, { ...own, mean: 1 })).toBe(0);
});

test('decay(), remainingBias(): geometric corrections give their rates and what is left of them', () => {
  const moments = Array.from({ length: 6 }, (_, l) => ({
    ...NO_MOMENTS,
    n: 11,
    mean: l === 0 ? 1 : -3 * 2 ** (-1.5 * l),
    sum2: 10 * (l === 0 ? 1 : 5 * 4 ** -l),
  }));
  const seen = decay(moments, [1, 2, 4, 8, 16, 32]);
  expect(seen.rates.alpha).toBeCloseTo(1.5, 12);
  expect(seen.rates.beta).toBeCloseTo(2, 12);
  expect(seen.rates.gamma).toBeCloseTo(1, 12);
  // sum over l > 5 of 3 2^(-1.5 l).
  const left = (3 * 2 ** (-1.5 * 6)) / (1 - 2 ** -1.5);
  expect(remainingBias(seen)).toBeCloseTo(left, 12);
  // A level that vanishes by chance does not end it: half of what was promised stays, and the one before counts.
  const lucky = decay([...moments.slice(0, 5), { ...moments[5]!, mean: 0, sum2: 0 }], [1, 2, 4, 8, 16, 32], {
    alpha: 1.5,
    beta: 2,
  });
  expect(lucky.size[5]).toBeCloseTo((0.5 * 3) / 2 ** 7.5, 12);
  expect(lucky.variance[5]).toBeCloseTo(2.5 * 4 ** -5, 12);
  expect(remainingBias(lucky)).toBeCloseTo(left, 12);
  expect(remainingBias({ ...seen, size: [1, 2] })).toBeNaN();
});

test('optimalSamples(): the variance is as wanted, at the least cost', () => {
  const variance = [1, 0.1, 0.003];
  const costs = [1, 3, 10];
  const wanted = 1e-6;
  const n = optimalSamples(variance, costs, wanted);
  const achieved = variance.reduce((t, v, l) => t + v / n[l]!, 0);
  expect(achieved / wanted).toBeCloseTo(1, 4);
  const cost = n.reduce((t, m, l) => t + m * costs[l]!, 0);
  expect(cost / (variance.reduce((t, v, l) => t + Math.sqrt(v * costs[l]!), 0) ** 2 / wanted)).toBeCloseTo(
    1,
    4,
  );
});

describe('multilevel() on geometric Brownian motion, Euler steps', () => {
  test('reaches the accuracy, splits the error, and reports its levels and rates', async () => {
    const result = await run(multilevel({ levels, accuracy: 0.002 }), { seed: SEED, backend });
    expect(result.outcome.kind).toBe('converged');
    expect(Math.abs(result.estimate.value[0]! - CALL)).toBeLessThan(4.892 * 0.002);
    expect(result.estimate.low[0]).toBeLessThan(CALL);
    expect(result.estimate.high[0]).toBeGreaterThan(CALL);
    const { variance, bias, rms } = result.error;
    // Targets within a hundredth are left as they are.
    expect(variance).toBeLessThan((0.002 ** 2 / 2) * 1.02);
    expect(bias).toBeLessThan(0.002 / Math.SQRT2);
    expect(rms).toBeCloseTo(Math.hypot(Math.sqrt(variance), bias), 15);
    expect(result.estimate.standardError[0]).toBeCloseTo(Math.sqrt(variance), 15);
    expect(result.rates.gamma).toBeCloseTo(1, 12);
    const { levels: table, cost, diagnostics } = result;
    expect(table.reduce((t, { samples }) => t + samples, 0)).toBe(diagnostics.evaluations);
    expect(table.reduce((t, own) => t + own.samples * own.cost, 0)).toBe(cost);
    expect(diagnostics.warnings).toEqual([]);
    expect(result.unbiased).toBe(false);
  });

  test('a coarse path with too much noise is told: the levels are inconsistent and the outcome degenerate', async () => {
    // Two increments that are added but not brought to unit variance.
    const broken = (l: number) => brownianLevel(l, { coarse: (a, b) => a + b });
    const {
      outcome,
      diagnostics,
      levels: table,
    } = await run(multilevel({ levels: broken, accuracy: 0.005 }), { seed: SEED, backend });
    expect(outcome.kind).toBe('degenerate');
    expect(diagnostics.warnings.map(({ code }) => code)).toContain('levels-inconsistent');
    expect(Math.max(...table.slice(1).map((one) => one.consistency))).toBeGreaterThan(1);
    const { levels: right } = await run(multilevel({ levels, accuracy: 0.005 }), { seed: SEED, backend });
    for (const { consistency: ratio } of right.slice(1)) expect(ratio).toBeLessThan(1);
  });

  test('a coarse path with the right law but half the noise has the right mean, and is told to be a weak coupling', async () => {
    const half = (l: number) => brownianLevel(l, { coarse: (a) => a });
    const { estimate, diagnostics, outcome } = await run(
      multilevel({ levels: half, samples: [2000, 2000, 2000] }),
      { seed: SEED, backend },
    );
    expect(outcome.kind).toBe('converged');
    expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['coupling-weak']);
    expect(Math.abs(estimate.value[0]! - CALL) / estimate.standardError[0]!).toBeLessThan(4.892);
  });

  test('a bias that the deepest level leaves makes the outcome degenerate, with its size', async () => {
    // P_l = u + 2^-l (1 + v / 8): a bias of 17/16 2^-2 is left at level 2.
    const slow = (l: number) => {
      const p = (u: number, v: number, at: number): number => u + 2 ** -at * (1 + v / 8);
      const model = pointwise(([u, v]) => (l === 0 ? p(u!, v!, 0) : [p(u!, v!, l), p(u!, v!, l - 1)]));
      return { model, inputs: { u: uniform(0, 1), v: uniform(0, 1) }, cost: 2 ** l };
    };
    const method = multilevel({ levels: slow, accuracy: 0.1, deepest: 2 });
    const { outcome, diagnostics, error, levels: table } = await run(method, { seed: SEED, backend });
    expect(error.bias).toBeCloseTo(17 / 64, 2);
    expect(outcome.kind).toBe('degenerate');
    const told = diagnostics.warnings.find(({ code }) => code === 'accuracy-not-reached')!;
    expect(told.value).toBe(error.bias);
    expect(error.bias).toBeGreaterThan(told.threshold!);
    expect(table.length).toBe(3);
  });

  test('a fixed hierarchy gives the whole error to sampling, and its interval is of its last level', async () => {
    const {
      error,
      estimate,
      levels: table,
    } = await run(multilevel({ levels, accuracy: 0.003, finest: 3 }), { seed: SEED, backend });
    expect(table.length).toBe(4);
    expect(error.bias).toBeNaN();
    expect(error.variance).toBeLessThan(0.003 ** 2 * 1.02);
    expect(error.variance).toBeGreaterThan(0.003 ** 2 / 4);
    const half = (estimate.high[0]! - estimate.low[0]!) / 2;
    expect(half / (1.96 * Math.sqrt(error.variance))).toBeCloseTo(1, 1);
  });
});

describe('multilevel()', () => {
  const uniformLevel = (l: number) => ({
    // P_l = exp of u to l + 1 terms; inputs by law.
    model: pointwise(([u]) => (l === 0 ? 1 : [partial(u!, l), partial(u!, l - 1)])),
    inputs: { u: uniform(0, 1) },
    cost: 1,
  });
  const partial = (u: number, l: number): number => {
    let [term, total] = [1, 1];
    for (let i = 1; i <= l; i++) {
      term *= u / i;
      total += term;
    }
    return total;
  };

  test('inputs may be laws; a level that never varies has no interval, and it is told', async () => {
    const { estimate, diagnostics } = await run(
      multilevel({ levels: uniformLevel, samples: [10, 500, 500, 500] }),
      { seed: SEED, backend },
    );
    // E e^u to 4 terms: 1 + 1/2 + 1/6 + 1/24.
    expect(estimate.value[0]).toBeCloseTo(1 + 1 / 2 + 1 / 6 + 1 / 24, 1);
    expect([estimate.standardError[0], estimate.low[0]]).toEqual([Number.NaN, Number.NaN]);
    expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['correction-unseen', 'coupling-weak']);
  });

  test('no sample is drawn twice, on one level or on two', async () => {
    const drawn = new Set<number>();
    const kept = (l: number) => ({
      ...uniformLevel(l),
      model: pointwise(([u]) => {
        drawn.add(u!);
        return l === 0 ? u! : [u! + 2 ** -l * u! ** 2, u! + 2 ** (1 - l) * u! ** 2];
      }),
    });
    const { diagnostics } = await run(multilevel({ levels: kept, accuracy: 0.02, finest: 2, pilot: 100 }), {
      seed: SEED,
      backend,
    });
    expect(diagnostics.evaluations).toBeGreaterThan(400);
    expect(drawn.size).toBe(diagnostics.evaluations);
  });

  test('corrections that are nearly always 0 are told to be rough', async () => {
    // P_l - P_{l-1} is 1 with probability 2^-8: kurtosis about 256.
    const rare = (l: number) => ({
      model: pointwise(([u, v]) => (l === 0 ? u! : [u! + (v! < 2 ** -8 ? 1 : 0), u!])),
      inputs: { u: uniform(0, 1), v: uniform(0, 1) },
      cost: 1,
    });
    const { diagnostics } = await run(multilevel({ levels: rare, samples: [4000, 4000] }), {
      seed: SEED,
      backend,
    });
    const told = diagnostics.warnings.find(({ code }) => code === 'kurtosis-high')!;
    expect(told.value! / 256).toBeGreaterThan(0.4);
    expect(told.value! / 256).toBeLessThan(3);
  });

  test('a model that fails at a sample names the level and the sample', async () => {
    const failing = (l: number) => ({
      ...uniformLevel(l),
      model: pointwise(([u]) => (l === 0 ? u! : l === 2 && u! > 0.9 ? [1, Number.NaN] : [u!, u!])),
    });
    const rejected = run(multilevel({ levels: failing, accuracy: 0.1 }), { seed: SEED, backend });
    await expect(rejected).rejects.toThrow(ModelError);
    await expect(rejected).rejects.toThrow(/level 2: the model returned NaN/);
    const one = (l: number) => ({ ...uniformLevel(l), model: pointwise(([u]) => u!) });
    await expect(run(multilevel({ levels: one, accuracy: 0.1 }), { seed: SEED, backend })).rejects.toThrow(
      /level 1/,
    );
    const cheap = (l: number) => (l < 3 ? levels(l) : { ...levels(l), cost: -1 });
    const deeper = multilevel({ levels: cheap, accuracy: 0.01, biasShare: 1e-4, pilot: 100 });
    await expect(run(deeper, { seed: SEED, backend })).rejects.toThrow(OptionError);
  });
});
