import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { ModelError } from '../../../engine/errors.ts';
import { named } from '../../../engine/model/model.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import {
  allocate,
  interleaved,
  makeStrata,
  stratifiedPoints,
} from '../../../estimators/importance/strata/strata.ts';
import { stratified } from '../../../estimators/importance/strata/stratified.ts';
import type { StratifiedOptions } from '../../../estimators/importance/strata/stratified-types.ts';
import { contract } from '../../contract/sampler.ts';

const SEED = 1934;
const backend = jsBackend();
const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
const model = named(({ a, b }) => Math.exp(a! + b!));
const base = { model, inputs, strata: { a: 8 }, points: 512 } satisfies StratifiedOptions;
const MEAN = (Math.E - 1) ** 2;
const correlated = gaussianCopula([
  [1, 0.5],
  [0.5, 1],
]);

contract(
  'stratified',
  () => stratified({ ...base, allocation: 'neyman', probabilities: { big: { above: 3 } } }),
  {
    backends: { 'WASM, two threads': () => hostBackend({ threads: 2 }) },
    bad: {
      'no strata': () => stratified({ model, inputs } as never),
      'strata of no input': () => stratified({ ...base, strata: {} }),
      'strata of an unknown input': () => stratified({ ...base, strata: { c: 4 } }),
      'one stratum': () => stratified({ ...base, strata: { a: 1 } }),
      'edges that do not ascend': () => stratified({ ...base, strata: { a: [0.5, 0.5] } }),
      'an edge of 1': () => stratified({ ...base, strata: { a: [0.5, 1] } }),
      'no edges': () => stratified({ ...base, strata: { a: [] } }),
      'more strata than points': () => stratified({ ...base, strata: { a: 257 } }),
      'a pilot that leaves too little': () => stratified({ ...base, allocation: 'neyman', pilot: 500 }),
      'a pilot without neyman': () => stratified({ ...base, pilot: 100 }),
      'an unknown allocation': () => stratified({ ...base, allocation: 'optimal' as never }),
      'points left out': () => stratified({ ...base, missing: 'drop-row' as never }),
      'strata of a dependent input': () => stratified({ ...base, dependence: correlated }),
    },
  },
);

test('allocate(): whole shares are exact, sums are kept, and every stratum gets its least', () => {
  expect([...allocate(100, Float64Array.of(0.1, 0.2, 0.7), 2)]).toEqual([10, 20, 70]);
  expect([...allocate(10, Float64Array.of(0.001, 0.999), 2)]).toEqual([2, 8]);
  expect([...allocate(7, Float64Array.of(1 / 3, 1 / 3, 1 / 3), 2)]).toEqual([3, 2, 2]);
  const odd = allocate(
    1000,
    Float64Array.from({ length: 7 }, (_, k) => (k + 1) / 28),
    2,
  );
  expect(odd.reduce((a, b) => a + b, 0)).toBe(1000);
  odd.forEach((n, k) => {
    expect(Math.abs(n - (1000 * (k + 1)) / 28)).toBeLessThan(1);
  });
});

test('strata are the combinations of the parts of inputs, and points lie in theirs', async () => {
  const strata = makeStrata([2, 0], [[0.25], [0.1, 0.5]]);
  expect([...strata.probability].map((p) => Number(p.toFixed(12)))).toEqual([
    0.025, 0.1, 0.125, 0.075, 0.3, 0.375,
  ]);
  const order = interleaved(Uint32Array.of(3, 1, 2, 2, 3, 4));
  const set = stratifiedPoints(strata, order, { dimension: 3, rng: rngFromSeed(SEED), stage: 0 });
  const u = new Float64Array(45);
  await set.fill(u, 0, 15);
  order.forEach((k, i) => {
    const last = u[3 * i + 2]! < 0.25 ? 0 : 1;
    const first = u[3 * i]! < 0.1 ? 0 : u[3 * i]! < 0.5 ? 1 : 2;
    expect(3 * last + first).toBe(k);
  });
  // Half of the order holds about half of each stratum.
  const half = [0, 0, 0, 0, 0, 0];
  for (const k of order.subarray(0, 8)) half[k]!++;
  [3, 1, 2, 2, 3, 4].forEach((n, k) => {
    expect(Math.abs(half[k]! - n / 2)).toBeLessThanOrEqual(1);
  });
});

describe('stratified()', () => {
  test('the error is what is left inside the strata: both inputs cut in 16 leave a known share', async () => {
    const method = stratified({ ...base, strata: { a: 16, b: 16 }, points: 2048 });
    const { mean, varianceReduction, strata } = await run(method, { seed: SEED, backend });
    expect(Math.abs(mean.value[0]! - MEAN) / mean.standardError[0]!).toBeLessThan(4.892);
    expect(new Set(strata.points)).toEqual(new Set([8]));
    // Inside a cell of width h: variance m^2 (q^2 - 1), m the mean there and q = E e^(2u) / (E e^u)^2.
    const h = 1 / 16;
    const part = (t: number): number => Math.expm1(t) / t;
    const cell = part(2 * h) / part(h) ** 2;
    const squares = ((Math.E ** 2 - 1) / (Math.exp(2 * h) - 1) / 16) * part(h) ** 2; // of a cell's mean e^(i h) E e^u, averaged
    const exact = Math.sqrt((squares ** 2 * (cell ** 2 - 1)) / 2048);
    // 256 strata with 7 degrees of freedom each: a standard error is off by 6 % once in a million.
    expect(mean.standardError[0]! / exact).toBeCloseTo(1, 1);
    const variance = ((Math.E ** 2 - 1) / 2) ** 2 - MEAN ** 2;
    expect(varianceReduction[0]! / (variance / 2048 / exact ** 2)).toBeCloseTo(1, 0);
    expect(varianceReduction[0]).toBeGreaterThan(100);
  });

  test('neyman sends points where the output varies, keeps a tenth proportional, and is better', async () => {
    const uneven = named(({ a, b }) => (a! < 0.9 ? 0.01 * b! : 10 * b!));
    const options = { model: uneven, inputs, strata: { a: [0.5, 0.9] }, points: 4096 };
    const neyman = await run(stratified({ ...options, allocation: 'neyman' }), { seed: SEED, backend });
    const proportional = await run(stratified(options), { seed: SEED, backend });
    const truth = 0.9 * 0.005 + 0.1 * 5;
    for (const { mean } of [neyman, proportional])
      expect(Math.abs(mean.value[0]! - truth) / mean.standardError[0]!).toBeLessThan(4.892);
    expect([...proportional.strata.points]).toEqual([2048, 1638, 410]);
    expect(neyman.sample.shape[0]).toBe(4096 - 512);
    // Shares 0.9 p sigma / sum + 0.1 p: 0.9 x 0.1 x 10 / 1.009 x 1 + 0.01 in the last stratum.
    const share = (0.9 * 1) / 1.009 + 0.01;
    expect(neyman.strata.points[2]! / 3584).toBeCloseTo(share, 2);
    expect(neyman.strata.points[0]! / 3584).toBeGreaterThanOrEqual(0.05);
    const gain = (proportional.mean.standardError[0]! / neyman.mean.standardError[0]!) ** 2;
    expect(gain / (share * 10 * (3584 / 4096))).toBeCloseTo(1, 0);
  });

  test('log weights make any mean of the sample the stratified one', async () => {
    const method = stratified({ ...base, strata: { a: [0.1, 0.3, 0.95] }, allocation: 'neyman' });
    const { mean, sample, outputs } = await run(method, { seed: SEED, backend });
    const weights = sample.logWeight.map(Math.exp);
    const total = weights.reduce((t, w) => t + w, 0);
    expect(total).toBeCloseTo(sample.shape[0], 9);
    expect(weights.reduce((t, w, i) => t + w * outputs.values[i]!, 0) / total).toBeCloseTo(
      mean.value[0]!,
      12,
    );
  });

  test('an event that strata do not divide is exact without an interval; one seen too seldom is told', async () => {
    const probabilities = { known: { above: 0 }, rare: { below: 1.02 } };
    const signed = named(({ a, b }) => (a! < 0.25 ? -1 : Math.exp(a! - 0.25 + b!)));
    const method = stratified({ model: signed, inputs, strata: { a: 4 }, points: 400, probabilities });
    const { probabilities: found, diagnostics } = await run(method, { seed: SEED, backend });
    expect(found.value[0]).toBeCloseTo(0.75, 13);
    expect(found.low[0]).toBeNaN();
    expect(found.value[1]).toBeGreaterThanOrEqual(0.25);
    expect(found.low[1]).toBeNaN();
    expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['few-events', 'few-events']);
    const never = stratified({ ...base, probabilities: { never: { above: 100 } } });
    const { diagnostics: told } = await run(never, { seed: SEED, backend });
    expect(told.warnings.map(({ code }) => code)).toEqual(['event-unseen']);
  });

  test('an output that is constant inside the strata has no error, and unbounded inputs stay finite', async () => {
    const step = named(({ z }) => Math.sign(z!));
    const method = stratified({
      model: step,
      inputs: { z: normal(0, 1) },
      strata: { z: [0.5] },
      points: 100,
    });
    const { mean } = await run(method, { seed: SEED, backend });
    expect([mean.value[0], mean.standardError[0]]).toEqual([0, Number.NaN]);
    const failing = named(({ z }) => (z! > 3 ? Number.NaN : z!));
    const broken = stratified({
      model: failing,
      inputs: { z: normal(0, 1) },
      strata: { z: [0.999] },
      points: 100,
    });
    await expect(run(broken, { seed: SEED, backend })).rejects.toThrow(ModelError);
  });
});
