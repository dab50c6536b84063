import { expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import { logNormal } from '../../../engine/distribution/log-normal.ts';
import { multivariateNormal } from '../../../engine/distribution/multivariate-normal.ts';
import { multivariateStudent } from '../../../engine/distribution/multivariate-student.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { ModelError, ValueError } from '../../../engine/errors.ts';
import { named, pointwise } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import {
  type ImportanceSamplingOptions,
  importanceSampling,
} from '../../../estimators/importance/sampling/importance-sampling.ts';
import { contract } from '../../contract/sampler.ts';

const SEED = 20_261_128;
const backend = jsBackend();
const eye = (d: number, s = 1): number[][] =>
  Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => (i === j ? s : 0)));
const wide = multivariateStudent(4, [0, 0], eye(2, 2));
/** 3 + log of the density of N(1, 1) x N(-1, 1): constant e^3. */
const shifted = pointwise(([a, b]) => 3 - 0.5 * ((a! - 1) ** 2 + (b! + 1) ** 2) - Math.log(2 * Math.PI));
const base = { target: shifted, proposal: wide } satisfies ImportanceSamplingOptions;
const inputs = { a: normal(0, 1), b: logNormal(0, 0.5) };
const sum = named(({ a, b }) => a! + b!);

contract('importanceSampling', () => importanceSampling({ ...base, points: 1024 }), {
  backends: {
    'WASM, one thread': () => hostBackend({ threads: 1 }),
    'WASM, two threads': () => hostBackend({ threads: 2 }),
  },
  bad: {
    'no target': () => importanceSampling({ proposal: wide }),
    'two targets': () => importanceSampling({ ...base, inputs }),
    'no proposal for a log density': () => importanceSampling({ target: shifted }),
    'a proposal that is no law': () => importanceSampling({ ...base, proposal: 3 as never }),
    'a proposal of another dimension': () =>
      importanceSampling({ inputs, proposal: multivariateNormal([0], [[1]]) }),
    'a proposal for an unknown input': () => importanceSampling({ inputs, proposal: { c: normal(0, 1) } }),
    'a discrete input': () =>
      importanceSampling({ inputs: { a: normal(0, 1), n: { ...normal(0, 1), discrete: true } } }),
    'plain weights of an unnormalised target': () => importanceSampling({ ...base, estimator: 'plain' }),
    'an unknown estimator': () => importanceSampling({ ...base, estimator: 'normal' as never }),
    'a defensive share of a target that cannot be drawn': () =>
      importanceSampling({ ...base, defensive: 0.1 }),
    'defensive: 1': () => importanceSampling({ ...base, defensive: 1, defensiveLaw: wide }),
    'outputs without a model': () => importanceSampling({ ...base, outputs: ['y'] }),
    'drop-row': () => importanceSampling({ ...base, missing: 'drop-row' as never }),
    'one name for two coordinates': () => importanceSampling({ ...base, names: ['a'] }),
    'an event without bounds': () => importanceSampling({ ...base, expectations: { e: { event: {} } } }),
    'an expectation of nothing known': () =>
      importanceSampling({ ...base, expectations: { e: { of: 'x3' } } }),
    'both of and event': () =>
      importanceSampling({ ...base, expectations: { e: { of: 'x1', event: { above: 0 } } } }),
    'level: 1': () => importanceSampling({ ...base, level: 1 }),
    'points: 1': () => importanceSampling({ ...base, points: 1 }),
    'an unknown option': () => importanceSampling({ ...base, weights: 'all' } as never),
  },
});

test('importanceSampling(): a log density up to a constant gives means, events and the constant', async () => {
  const method = importanceSampling({
    ...base,
    points: 8192,
    expectations: {
      first: { of: 'x1' },
      product: { of: (_, [a, b]) => a! * b! },
      positive: { event: { output: 'x2', above: 0 } },
    },
  });
  const result = await run(method, { seed: SEED, backend });
  const truth = [1, -1, 0.15865525393145707];
  for (const [j, want] of truth.entries()) {
    const { value, standardError, low, high } = result.estimate;
    expect(Math.abs(value[j]! - want)).toBeLessThan(6 * standardError[j]!);
    expect(standardError[j]).toBeLessThan(0.02);
    expect(low[j]! < value[j]! && value[j]! < high[j]!).toBe(true);
  }
  expect(Math.abs(result.logNormalizer.value - 3)).toBeLessThan(6 * result.logNormalizer.standardError);
  expect(result.logNormalizer.standardError).toBeLessThan(0.01);
  expect([result.unbiased, result.estimator]).toEqual([false, 'self-normalised']);
  expect(result.diagnostics.evaluations).toBe(8192);
});

test('importanceSampling(): inputs, a proposal for one of them, and events of a model', async () => {
  const method = importanceSampling({
    model: sum,
    inputs: { a: normal(0, 1), b: normal(0, 1) },
    dependence: gaussianCopula([
      [1, 0.6],
      [0.6, 1],
    ]),
    proposal: { a: normal(2, 1), b: normal(2, 1) },
    defensive: 0.1,
    points: 8192,
    expectations: { far: { event: { above: 6 } }, mass: { of: () => 1 } },
  });
  const result = await run(method, { seed: SEED, backend });
  // a + b has variance 3.2.
  const p = normal(0, Math.sqrt(3.2)).survival(6);
  const [far, mass] = result.estimate.value;
  expect(Math.abs(far! - p)).toBeLessThan(6 * result.estimate.standardError[0]!);
  expect(result.estimate.standardError[0]!).toBeLessThan(0.05 * p);
  expect(Math.abs(mass! - 1)).toBeLessThan(6 * result.estimate.standardError[1]!);
  expect(result.unbiased).toBe(true);
  // A defensive share of 0.1 bounds every weight by 10.
  expect(Math.max(...result.sample.logWeight)).toBeLessThanOrEqual(Math.log(10) + 1e-12);
});

test('importanceSampling(): the model is not asked where the target has no mass', async () => {
  let asked = 0;
  const method = importanceSampling({
    model: named(({ a }) => {
      asked++;
      if (!(a! > 0 && a! < 1)) throw new Error('outside');
      return a! * a!;
    }),
    inputs: { a: uniform(0, 1) },
    proposal: multivariateNormal([0.5], [[1]]),
    design: 'iid',
    points: 4096,
  });
  const result = await run(method, { seed: SEED, backend });
  expect(asked).toBe(result.diagnostics.evaluations);
  expect(asked).toBeLessThan(2000);
  expect(Math.abs(result.estimate.value[0]! - 1 / 3)).toBeLessThan(6 * result.estimate.standardError[0]!);
});

test('importanceSampling(): a proposal with too light tails gets no interval; a defensive share repairs it', async () => {
  const heavy = {
    target: multivariateStudent(3, [0], [[1]]),
    proposal: multivariateNormal([0], [[0.25]]),
    expectations: { tail: { of: (_: Float64Array, x: Float64Array) => Math.abs(x[0]!) } },
    points: 4096,
  } satisfies ImportanceSamplingOptions;
  const bad = await run(importanceSampling(heavy), { seed: SEED, backend });
  expect(bad.diagnosticsOf[0]!.status).toBe('heavy');
  expect([bad.estimate.low[0], bad.estimate.standardError[0]]).toEqual([Number.NaN, Number.NaN]);
  expect(bad.diagnostics.warnings.map(({ code }) => code)).toContain('pareto-k');
  const smoothed = await run(importanceSampling({ ...heavy, estimator: 'smoothed' }), {
    seed: SEED,
    backend,
  });
  expect(smoothed.unbiased).toBe(false);
  const good = await run(importanceSampling({ ...heavy, defensive: 0.3 }), { seed: SEED, backend });
  // E|T| of 3 degrees of freedom is 2 sqrt 3 / pi.
  expect(Math.abs(good.estimate.value[0]! - (2 * Math.sqrt(3)) / Math.PI)).toBeLessThan(
    6 * good.estimate.standardError[0]!,
  );
});

test('importanceSampling(): an event not seen is n/a, a proposal beside the target is degenerate', async () => {
  const unseen = await run(
    importanceSampling({
      inputs: { a: normal(0, 1) },
      points: 512,
      expectations: { never: { event: { output: 'a', above: 9 } } },
    }),
    { seed: SEED, backend },
  );
  expect(unseen.estimate.value[0]).toBeNaN();
  expect(unseen.diagnostics.warnings.map(({ code }) => code)).toEqual(['event-unseen']);
  const beside = await run(
    importanceSampling({ inputs: { a: uniform(0, 1) }, proposal: { a: uniform(2, 3) }, points: 512 }),
    { seed: SEED, backend },
  );
  expect(beside.outcome.kind).toBe('degenerate');
  expect(beside.estimate.value[0]).toBeNaN();
  const single = await run(
    importanceSampling({ ...base, proposal: multivariateNormal([40, 0], eye(2)), points: 512 }),
    { seed: SEED, backend },
  );
  expect(single.outcome.kind).toBe('degenerate');
  expect(single.diagnostics.warnings.map(({ code }) => code)).toContain('one-weight');
});

test('importanceSampling(): failures of the model, of a density and of a function are told', async () => {
  const failing = {
    inputs: { a: uniform(0, 1) },
    model: pointwise(([a]) => (a! > 0.9 ? Number.NaN : a!)),
    points: 64,
  };
  await expect(run(importanceSampling(failing), { seed: 1, backend })).rejects.toThrow(ModelError);
  const filled = await run(importanceSampling({ ...failing, missing: 0 }), { seed: 1, backend });
  expect(filled.failed).toBe(filled.failures.length);
  expect(filled.failures.every(({ input }) => input[0]! > 0.9)).toBe(true);
  expect(filled.outputs.values[filled.failures[0]!.index]).toBe(0);
  const nan = { ...base, target: pointwise(() => Number.NaN), points: 64 };
  await expect(run(importanceSampling(nan), { seed: 1, backend })).rejects.toThrow(ValueError);
  const odd = {
    ...base,
    points: 64,
    expectations: { log: { of: (_: Float64Array, [x]: Float64Array) => Math.log(x!) } },
  };
  await expect(run(importanceSampling(odd), { seed: 1, backend })).rejects.toThrow(
    /expectation `log` is NaN/,
  );
});

test('importanceSampling(): a proposal that never reaches a part of the target is told, and what needs it is not given', async () => {
  const one = { x: normal(0, 1) };
  const narrow = { inputs: one, proposal: { x: uniform(-1, 1) }, points: 1024 };
  const expectations = {
    square: { of: (_: Float64Array, [x]: Float64Array) => x! * x! },
    inside: { event: { output: 'x', above: -0.5, below: 0.5 } },
  };
  const found = await run(importanceSampling({ ...narrow, expectations }), { seed: 1 });
  expect(found.unbiased).toBe(false);
  expect(found.diagnostics.warnings.map(({ code }) => code)).toEqual(['mass-missing']);
  expect([found.estimate.value[0], found.estimate.low[0]]).toEqual([Number.NaN, Number.NaN]);
  // The event lies where the proposal is.
  expect(found.estimate.low[1]!).toBeLessThan(0.3829249);
  expect(found.estimate.high[1]!).toBeGreaterThan(0.3829249);
  const alone = { ...narrow, expectations: { inside: expectations.inside } };
  expect((await run(importanceSampling(alone), { seed: 1 })).unbiased).toBe(true);
  // By a ratio the mass that is missing counts everywhere, and a model is not asked outside.
  const ratio = await run(importanceSampling({ ...alone, estimator: 'self-normalised' }), { seed: 1 });
  expect(ratio.estimate.value[0]).toBeNaN();
  const model = pointwise(([x]) => x!);
  const asked = await run(importanceSampling({ ...narrow, model }), { seed: 1 });
  expect([asked.estimate.standardError[0], asked.unbiased]).toEqual([Number.NaN, false]);
  const defended = await run(importanceSampling({ ...narrow, expectations, defensive: 0.2 }), { seed: 1 });
  expect(defended.diagnostics.warnings.map(({ code }) => code)).not.toContain('mass-missing');
  // One standard error is 0.12.
  expect(defended.estimate.value[0]).toBeCloseTo(1, 0);
});

test('importanceSampling(): a log density that is said to be normalised and is not has no interval', async () => {
  const target = pointwise(([x]) => -0.5 * x! * x!);
  const proposal = multivariateStudent(5, [0], [[1.5]]);
  const found = await run(importanceSampling({ target, proposal, normalised: true, points: 1024 }), {
    seed: 1,
  });
  expect(found.diagnostics.warnings.map(({ code, value }) => [code, value])).toEqual([
    ['mass-missing', expect.closeTo(Math.sqrt(2 * Math.PI), 1)],
  ]);
  expect([found.unbiased, found.estimate.low[0]]).toEqual([false, Number.NaN]);
});
