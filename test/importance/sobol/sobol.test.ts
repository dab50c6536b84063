import { expect, test } from 'vitest';
import {
  gpuKernel,
  type ImportanceSobolOptions,
  importanceSobol,
  ModelError,
  normal,
  pointwise,
  run,
  uniform,
} from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';

// y = a + 2 b + a c: V = 1 + 4 + 1, S = 1/6, 2/3, 0, S^T = 1/3, 2/3, 1/6.
const inputs = { a: normal(0, 1), b: normal(0, 1), c: normal(0, 1) };
const model = pointwise(([a, b, c]) => a! + 2 * b! + a! * c! + 1);
const options: ImportanceSobolOptions = { model, inputs, points: 2048 };
const first = [1 / 6, 2 / 3, 0];
const total = [1 / 3, 2 / 3, 1 / 6];

function expectNear(found: { value: Float64Array; standardError: Float64Array }, truth: number[]): void {
  truth.forEach((value, i) => {
    const off = Math.abs(found.value[i]! - value) / found.standardError[i]!;
    expect(off, `${i}: ${found.value[i]}`).toBeLessThan(6); // Student, 7 degrees
    expect(found.standardError[i]!).toBeLessThan(0.1);
  });
}

test('importanceSobol: both forms find the indices, each point at the cost of two runs and one for each input', async () => {
  for (const form of ['difference', 'product'] as const) {
    const found = await run(importanceSobol({ ...options, form, points: 8192 }), { seed: 1 });
    expectNear(found.firstOrder, first);
    expectNear(found.totalOrder, total);
    expectNear({ ...found.variance, value: found.variance.value.map((v) => v / 6) }, [1]);
    expect(found.firstOrder.names).toEqual(['a', 'b', 'c']);
    expect(found.estimate.names).toEqual(['S1 a', 'S1 b', 'S1 c', 'ST a', 'ST b', 'ST c']);
    expect(found.runsPerPoint).toBe(5);
    expect(found.diagnostics.evaluations).toBe(5 * found.expectations.diagnostics.evaluations);
  }
});

test('importanceSobol: a large mean does not disturb the difference form', async () => {
  const high = pointwise(([a, b, c]) => 1e6 + a! + 2 * b! + a! * c!);
  const near = await run(importanceSobol(options), { seed: 2 });
  const far = await run(importanceSobol({ ...options, model: high }), { seed: 2 });
  near.estimate.value.forEach((value, i) => {
    expect(far.estimate.value[i]).toBeCloseTo(value, 5);
  });
});

test('importanceSobol: an input without influence, and a constant model, are told and not taken for rare events', async () => {
  const inputs = { a: normal(0, 1), b: normal(0, 1) };
  const of = async (model: ImportanceSobolOptions['model']) =>
    await run(importanceSobol({ model, inputs, points: 512 }), { seed: 7 });
  const inert = await of(pointwise(([a]) => 10 + a!));
  expect(inert.firstOrder.value).toEqual(Float64Array.of(Number.NaN, 0));
  expect(inert.totalOrder.value).toEqual(Float64Array.of(1, Number.NaN));
  expect(inert.diagnostics.warnings.map(({ message }) => message)).toEqual([
    'At all points changing `b` alone never changed the output: total index probably 0; changing all but `a` never did: first-order index probably 1. The points bound neither, so these are left out; sobolIndices gives them.',
  ]);
  const constant = await of(pointwise(() => 5));
  expect(constant.diagnostics.warnings.map(({ message }) => message)).toEqual([
    'The output was the same at all points, so there is no variance to share out.',
  ]);
});

test('importanceSobol: groups are treated together, and a named output is the one looked at', async () => {
  const two = pointwise(([a, b, c]) => [7, a! + 2 * b! + a! * c!]);
  const more = { groups: { ac: ['a', 'c'] }, outputs: ['seven', 'y'], output: 'y', points: 8192 };
  const found = await run(importanceSobol({ ...options, ...more, model: two }), { seed: 3 });
  expect(found.firstOrder.names).toEqual(['ac', 'b']);
  expect(found.output).toBe('y');
  expectNear(found.firstOrder, [1 / 3, 2 / 3]);
  expectNear(found.totalOrder, [1 / 3, 2 / 3]);
});

test('importanceSobol: a kernel gives the numbers of its function', async () => {
  const kernel = gpuKernel('(x) => x[0] + 2 * x[1] + x[0] * x[2] + 1', { dims: 3 });
  const plain = await run(importanceSobol(options), { seed: 4 });
  const other = await run(importanceSobol({ ...options, model: kernel }), { seed: 4 });
  expect([...other.estimate.value]).toEqual([...plain.estimate.value]);
});

test('importanceSobol: a model that fails ends the run with the inputs of the failed row, or counts as a number', async () => {
  const failing = pointwise(([a, b, c]) => (a! > 2.5 ? Number.NaN : a! + 2 * b! + a! * c!));
  const caught = await run(importanceSobol({ ...options, model: failing }), { seed: 5 }).catch(
    (error) => error,
  );
  expect(caught).toBeInstanceOf(ModelError);
  expect((caught as ModelError).message).toContain('importanceSobol');
  expect((caught as ModelError).failures[0]!.input.length).toBe(3);
  expect((caught as ModelError).failures[0]!.input[0]!).toBeGreaterThan(2.5);
  const found = await run(importanceSobol({ ...options, model: failing, missing: 0 }), { seed: 5 });
  expect(found.failed).toBeGreaterThan(10);
  expect(found.failures[0]!.input[0]!).toBeGreaterThan(2.5);
});

contract('importanceSobol', () => importanceSobol({ ...options, points: 1024 }), {
  bad: {
    'one input': () => importanceSobol({ model, inputs: { a: uniform(0, 1) } }),
    'a group of all': () => importanceSobol({ ...options, groups: { all: ['a', 'b', 'c'] } }),
    'an input in two groups': () => importanceSobol({ ...options, groups: { u: ['a'], v: ['a'] } }),
    'a misspelt option': () => importanceSobol({ ...options, formm: 'product' } as never),
    'a form that is not there': () => importanceSobol({ ...options, form: 'sum' } as never),
    'too few points': () => importanceSobol({ ...options, points: 8 }),
    'rows to drop': () => importanceSobol({ ...options, missing: 'drop-row' } as never),
    'an unknown output': () => importanceSobol({ ...options, outputs: ['y'], output: 'z' }),
  },
});
