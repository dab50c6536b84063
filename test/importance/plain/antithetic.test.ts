import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { named } from '../../../engine/model/model.ts';
import { antithetic } from '../../../engine/random/point-set.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import { pairCorrelation, pairedInterval } from '../../../estimators/importance/plain/antithetic.ts';
import { monteCarlo } from '../../../estimators/importance/plain/monte-carlo.ts';
import type { MonteCarloOptions } from '../../../estimators/importance/plain/monte-carlo-types.ts';
import { contract } from '../../contract/sampler.ts';

const SEED = 1956;
const backend = jsBackend();
const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
const model = named(({ a, b }) => Math.exp(a! + b!));
const base = { model, inputs, design: 'antithetic' } satisfies MonteCarloOptions;

contract('monteCarlo on antithetic pairs', () => monteCarlo({ ...base, points: 400, replicates: 4 }), {
  bad: { 'a single point': () => monteCarlo({ ...base, points: 1 }) },
});

test('antithetic(): in whatever pieces, pairs add up to 1 exactly and never reach 0 or 1', async () => {
  const set = antithetic({ dimension: 3, rng: rngFromSeed(SEED) });
  const whole = new Float64Array(3 * 501);
  await set.fill(whole, 0, 501);
  for (let i = 0; i < 500; i += 2) {
    for (let c = 0; c < 3; c++) {
      expect(whole[3 * i + c]! + whole[3 * i + 3 + c]!).toBe(1);
      expect(whole[3 * i + c]! * whole[3 * i + 3 + c]!).toBeGreaterThan(0);
    }
  }
  const parts = new Float64Array(3 * 501);
  const cuts = [0, 1, 2, 5, 100, 333, 501];
  for (let p = 1; p < cuts.length; p++)
    await set.fill(parts.subarray(3 * cuts[p - 1]!), cuts[p - 1]!, cuts[p]! - cuts[p - 1]!);
  expect(parts).toEqual(whole);
});

test('pairedInterval(): the hand-made pairs 0 2 and 4 6 have the error of their two means, 1 and 5', () => {
  const data = { y: Float64Array.of(0, 2, 4, 6), k: 1, output: 0, rows: 4 };
  const of = (kind: 'mean' | 'variance') =>
    pairedInterval({ name: 'y', output: 0, what: { kind } }, data, 0.95);
  expect([of('mean').value, of('mean').standardError]).toEqual([3, 2]);
  // m2 = 5, and 4 more for the variance of the mean.
  expect(of('variance').value).toBeCloseTo(9, 12);
  // Two pairs do not tell how squares are spread.
  expect(of('variance').low).toBeNaN();
});

// E e^(a+b) = (e-1)^2, E e^(2(a+b)) = ((e^2-1)/2)^2, and e^(a+b) e^(2-a-b) = e^2 always.
const MEAN = (Math.E - 1) ** 2;
const VARIANCE = ((Math.E ** 2 - 1) / 2) ** 2 - MEAN ** 2;
const RHO = (Math.E ** 2 - MEAN ** 2) / VARIANCE;

describe('monteCarlo() on antithetic pairs', () => {
  test('the standard error is that of (1 + rho) V / n, rho exact, and mean and variance are right', async () => {
    const points = 20_000;
    const { mean, variance, diagnostics, outputs } = await run(monteCarlo({ ...base, points }), {
      seed: SEED,
      backend,
    });
    // A standard deviation from 10 000 pairs is off by less than 5 % but once in a million.
    expect(mean.standardError[0]! / Math.sqrt(((1 + RHO) * VARIANCE) / points)).toBeCloseTo(1, 1);
    expect(Math.abs(mean.value[0]! - MEAN) / mean.standardError[0]!).toBeLessThan(4.892);
    expect(Math.abs(variance.value[0]! - VARIANCE) / variance.standardError[0]!).toBeLessThan(4.892);
    expect(diagnostics.warnings).toEqual([]);
    expect(pairCorrelation({ y: outputs.values, k: 1, output: 0, rows: points })).toBeCloseTo(RHO, 2);
  });

  test('a model that is not monotone is told its correlation, which is 1 for an even one', async () => {
    const even = named(({ z }) => z! ** 2);
    const method = monteCarlo({ ...base, model: even, inputs: { z: normal(0, 1) }, points: 1000 });
    const { diagnostics, mean } = await run(method, { seed: SEED, backend });
    const told = diagnostics.warnings.find(({ code }) => code === 'pairs-correlated')!;
    expect(told.value).toBeCloseTo(1, 9);
    expect(told.message).toMatch(/of 500 independent points, not of 1000/);
    // E z^4 - 1 = 2 over 500 points, not 1000: the error is told, not hidden.
    expect(mean.standardError[0]).toBeGreaterThan(0.8 * Math.sqrt(2 / 500));
  });

  test('pairs that cancel exactly give the mean and no error, never an error of rounding', async () => {
    const method = monteCarlo({ ...base, model: named(({ a }) => 3 + a! / 3), points: 2000 });
    const { mean } = await run(method, { seed: SEED, backend });
    expect(mean.value[0]).toBeCloseTo(3 + 1 / 6, 13);
    expect([mean.standardError[0], mean.low[0], mean.high[0]]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  test('quantiles and probabilities are n/a on one set of pairs, which is told; replicates give intervals', async () => {
    const wanted = { quantiles: [0.5], probabilities: { large: { above: 4 } } };
    const one = await run(monteCarlo({ ...base, ...wanted, points: 4000 }), { seed: SEED, backend });
    expect(one.quantiles.value[0]).toBeGreaterThan(2);
    expect([one.quantiles.low[0], one.probabilities.low[0]]).toEqual([Number.NaN, Number.NaN]);
    expect(one.diagnostics.warnings.map(({ code }) => code)).toEqual(['one-replicate']);
    const eight = monteCarlo({ ...base, ...wanted, points: 4000, replicates: 8 });
    const { quantiles, probabilities } = await run(eight, { seed: SEED, backend });
    expect(quantiles.low[0]).toBeLessThan(quantiles.high[0]!);
    expect(probabilities.low[0]).toBeLessThan(probabilities.high[0]!);
  });

  test('an odd number of points is cut to whole pairs, and said', async () => {
    const { diagnostics, sample } = await run(monteCarlo({ ...base, points: 15, replicates: 2 }), {
      seed: SEED,
      backend,
    });
    expect(sample.shape).toEqual([12, 2]);
    expect(diagnostics.warnings[0]!.message).toMatch(/pairs in 2 replicates; 12 are used/);
  });

  test('points that were left out keep the error that of a ratio over pairs', async () => {
    const gaps = named(({ a, b }) => (b! < 0.1 ? Number.NaN : a!));
    const method = monteCarlo({ ...base, model: gaps, points: 8000, missing: 'drop-row' });
    const { mean } = await run(method, { seed: SEED, backend });
    // Of 4000 pairs 800 keep one point, and the others cancel: 800 free values of variance 1/12 in a sum of 7200.
    expect(mean.standardError[0]! / Math.sqrt(800 / 12 / 7200 ** 2)).toBeCloseTo(1, 1);
    expect(Math.abs(mean.value[0]! - 0.5) / mean.standardError[0]!).toBeLessThan(4.892);
  });
});
