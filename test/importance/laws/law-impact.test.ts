import { expect, test } from 'vitest';
import { normalCdf } from '../../../engine/math/erfc.ts';
import {
  gamma,
  gaussianCopula,
  jsBackend,
  type LawImpactOptions,
  lawImpact,
  monteCarlo,
  normal,
  OptionError,
  perturbed,
  pointwise,
  poisson,
  reweight,
  run,
} from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';

// Y = 2 a - b + 3 + 0 c, normal under all perturbed laws: every index has a closed form.
const inputs = { a: normal(1, 1), b: normal(0, 2), c: normal(0, 1) };
const model = pointwise(([a, b]) => 2 * a! - b! + 3);
const perturbations = {
  a: { means: [0, 1.5], variances: [0.25, 2] },
  b: { shifts: [-1, 1] },
  c: { means: [0.7] },
};
const moments = [
  [3, Math.sqrt(8)],
  [6, Math.sqrt(8)],
  [5, Math.sqrt(5)],
  [5, Math.sqrt(12)],
  [7, Math.sqrt(8)],
  [3, Math.sqrt(8)],
  [5, Math.sqrt(8)],
] as const;
const base = [5, Math.sqrt(8)] as const;
const options: LawImpactOptions = { model, inputs, perturbations, points: 4096 };

/** P(Y > 9), and the index of two of them. */
const above = ([mean, sd]: readonly [number, number]): number => normalCdf((mean - 9) / sd);
const indexOf = (P: number, Pd: number): number => (Pd < P ? 1 - P / Pd : Pd / P - 1);

test('lawImpact: indices of a probability, against closed forms', async () => {
  const event = { above: 9 };
  const found = await run(lawImpact({ ...options, quantity: { event } }), { seed: 1 });
  expect(found.estimate.names).toEqual([
    'a to mean 0',
    'a to mean 1.5',
    'a to variance 0.25',
    'a to variance 2',
    'b to mean -2',
    'b to mean 2',
    'c to mean 0.7',
  ]);
  expect(Math.abs(found.base.value[0]! - above(base)) / found.base.standardError[0]!).toBeLessThan(6);
  moments.forEach((law, l) => {
    const truth = indexOf(above(base), above(law));
    const { value, standardError, low, high } = found.estimate;
    const off = Math.abs(value[l]! - truth) / standardError[l]!;
    expect(off, `${found.estimate.names[l]}: ${value[l]} for ${truth}`).toBeLessThan(6); // Student, 7 degrees
    expect(standardError[l]!).toBeLessThan(0.1 * (1 + Math.abs(truth)));
    expect(low[l]! < value[l]! && value[l]! < high[l]!).toBe(true);
    expect(Math.abs(found.values.value[l]! - above(law)) / found.values.standardError[l]!).toBeLessThan(6);
    expect(found.perturbations[l]!.near).toBe(true);
  });
  expect(found.diagnostics.warnings).toEqual([]);
});

test('lawImpact: indices of a mean and of a quantile, against closed forms', async () => {
  const mean = await run(lawImpact(options), { seed: 2 });
  const quantile = await run(lawImpact({ ...options, quantity: { quantile: 0.95 } }), { seed: 2 });
  const q = ([m, sd]: readonly [number, number]): number => m + 1.6448536269514722 * sd;
  moments.forEach((law, l) => {
    const ofMean = law[0] / 5 - 1;
    expect(Math.abs(mean.estimate.value[l]! - ofMean) / mean.estimate.standardError[l]!).toBeLessThan(6);
    const ofQuantile = q(law) / q(base) - 1;
    const off = Math.abs(quantile.estimate.value[l]! - ofQuantile) / quantile.estimate.standardError[l]!;
    expect(off, quantile.estimate.names[l]).toBeLessThan(6);
    expect(quantile.estimate.standardError[l]!).toBeLessThan(0.03);
  });
});

test('lawImpact: points of the law of the inputs alone serve near perturbations and refuse far ones', async () => {
  const far = { a: { means: [1.3, 4.5] } };
  const found = await run(lawImpact({ ...options, perturbations: far, sample: 'base' }), { seed: 3 });
  expect(Math.abs(found.estimate.value[0]! - 0.12) / found.estimate.standardError[0]!).toBeLessThan(6);
  expect(found.perturbations.map(({ near }) => near)).toEqual([true, false]);
  expect(found.estimate.low[1]).toBeNaN();
  expect(found.diagnostics.warnings.map(({ code }) => code)).toEqual(['pareto-k']);
  const balanced = await run(lawImpact({ ...options, perturbations: far }), { seed: 3 });
  expect(balanced.perturbations.map(({ near }) => near)).toEqual([true, true]);
  expect(Math.abs(balanced.estimate.value[1]! - 1.4) / balanced.estimate.standardError[1]!).toBeLessThan(6);
});

test('lawImpact: dependent inputs keep the law of the others given the one that is perturbed', async () => {
  const dependence = gaussianCopula([
    [1, 0.6],
    [0.6, 1],
  ]);
  const two = { a: normal(1, 1), b: normal(0, 2) };
  for (const sample of ['balance', 'base'] as const) {
    const method = lawImpact({
      model,
      inputs: two,
      dependence,
      perturbations: { a: { means: [1.5] } },
      sample,
    });
    const found = await run(method, { seed: 4 });
    // b follows a with slope 0.6 * 2: the mean of Y rises by (2 - 1.2) / 2.
    const { value, standardError } = found.values;
    expect(Math.abs(value[0]! - 5.4) / standardError[0]!, sample).toBeLessThan(6);
  }
});

test('lawImpact: laws of other kinds, by their own numbers', async () => {
  const mixed = { a: gamma(2, 1), b: poisson(3) };
  const sum = pointwise(([a, b]) => a! + b!);
  const both = { a: { means: [3], variances: [3] }, b: { means: [4] } };
  const found = await run(lawImpact({ model: sum, inputs: mixed, perturbations: both, points: 4096 }), {
    seed: 5,
  });
  expect(found.perturbations[1]!.law).toBe(perturbed(gamma(2, 1), { variance: 3 }).describe());
  [6, 5, 6].forEach((truth, l) => {
    expect(Math.abs(found.values.value[l]! - truth) / found.values.standardError[l]!).toBeLessThan(6);
  });
});

test('lawImpact: its points answer further questions', async () => {
  const found = await run(lawImpact(options), { seed: 6 });
  const { laws } = reweight({ result: found, inputs, laws: { again: { inputs: { a: normal(1.5, 1) } } } });
  expect(Math.abs(laws[0]!.mean.value[0]! - 6) / laws[0]!.mean.standardError[0]!).toBeLessThan(6);
  expect(laws[0]!.mass).toBeCloseTo(1, 1);
});

test('lawImpact: an event that no point saw has no index', async () => {
  const method = lawImpact({ ...options, quantity: { event: { above: 60 } }, points: 256 });
  const found = await run(method, { seed: 7 });
  expect(found.estimate.value.every(Number.isNaN)).toBe(true);
  expect(found.diagnostics.warnings.map(({ code }) => code)).toEqual(['event-unseen']);
});

contract('lawImpact', () => lawImpact({ ...options, points: 3 * 512, replicates: 3 }), {
  bad: {
    'an input that is not there': () => lawImpact({ ...options, perturbations: { z: { means: [1] } } }),
    'no perturbation': () => lawImpact({ ...options, perturbations: {} }),
    'a variance below 0': () => lawImpact({ ...options, perturbations: { a: { variances: [-1] } } }),
    'a misspelt option': () => lawImpact({ ...options, point: 3 } as never),
    'two quantities': () => lawImpact({ ...options, quantity: { mean: 'y', quantile: 0.5 } as never }),
    'a level of 2': () => lawImpact({ ...options, level: 2 }),
    'a quantile of 1': () => lawImpact({ ...options, quantity: { quantile: 1 } }),
  },
});

test('lawImpact: without laws of its own the points are those of monteCarlo', async () => {
  const backend = jsBackend();
  const found = await run(lawImpact({ ...options, sample: 'base', points: 1024 }), { seed: 9, backend });
  const plain = await run(monteCarlo({ model, inputs, points: 1024 }), { seed: 9, backend });
  expect(found.sample.points).toEqual(plain.sample.points);
  expect(found.base.value[0]).toBeCloseTo(plain.mean.value[0]!, 12);
  expect(() => lawImpact({ ...options, sample: 'bass' } as never)).toThrow(OptionError);
});
