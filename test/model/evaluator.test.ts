import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { ModelError, OptionError } from '../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../engine/model/evaluator.ts';
import { modelFailure } from '../../engine/model/missing.ts';
import { batch, type ModelLike, named, pointwise } from '../../engine/model/model.ts';

const x = Float64Array.of(1, 10, 2, 20, 3, 30);

function open(model: ModelLike, outputs?: readonly string[]): Promise<Evaluator> {
  const known = outputs === undefined ? {} : { outputs };
  const signal = new AbortController().signal;
  const names = ['a', 'b'];
  return openEvaluator({ where: 'test', model, names, ...known, planned: 3, backend: jsBackend(), signal });
}

function addRows(points: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = points[2 * i]! + points[2 * i + 1]!;
}

test.each<[string, ModelLike]>([
  ['a function of a batch', addRows],
  ['batch()', batch(addRows)],
  ['pointwise()', pointwise(([a, b]) => a! + b!)],
  ['named()', named(({ a, b }) => a! + b!)],
  ['an asynchronous function', named(async ({ a, b }) => a! + b!)],
  ['a function that returns an array of one', pointwise((p) => [p[0]! + p[1]!])],
])('openEvaluator(): %s is evaluated at every row and counted', async (_, model) => {
  const evaluator = await open(model);
  const { y, failures } = await evaluator.evaluate(x, 3);
  expect([...y]).toEqual([11, 22, 33]);
  expect(failures).toEqual([]);
  expect(evaluator.outputs).toEqual(['y']);
  expect(evaluator.evaluations).toBe(3);
});

test('openEvaluator(): the number of outputs is found from the first answer, without an extra run', async () => {
  let runs = 0;
  const model = pointwise(([a, b]) => {
    runs++;
    return [a! * b!, a! - b!];
  });
  const evaluator = await open(model);
  const { y } = await evaluator.evaluate(x, 3);
  expect([...y]).toEqual([10, -9, 40, -18, 90, -27]);
  expect(evaluator.outputs).toEqual(['y1', 'y2']);
  expect(runs).toBe(3);
});

test('openEvaluator(): a point that fails is NaN and told with its reason, its inputs and its index in the run', async () => {
  const answers: (() => unknown)[] = [
    () => Number.NaN,
    () => undefined,
    () => [1, 2],
    () => {
      throw new RangeError('too hot');
    },
    () => Promise.reject(new Error('later')),
    () => Infinity,
    () => '5',
  ];
  const evaluator = await open(
    pointwise((p) => answers[p[0]!]!() as number),
    ['y'],
  );
  await evaluator.evaluate(Float64Array.of(0, 0), 1);
  const points = Float64Array.from({ length: 14 }, (_, i) => (i % 2 === 0 ? i / 2 : 0.5));
  const { y, failures } = await evaluator.evaluate(points, 7);
  expect([...y].every(Number.isNaN)).toBe(true);
  expect(failures.map(({ reason }) => reason)).toEqual([
    'returned NaN',
    'returned undefined',
    'returned 2 numbers, expected 1',
    'threw RangeError: too hot',
    'threw Error: later',
    'returned Infinity',
    'returned "5"',
  ]);
  expect(failures.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect([...failures[3]!.input]).toEqual([3, 0.5]);
});

test('openEvaluator(): when the first point fails the next answer tells how many outputs there are', async () => {
  const evaluator = await open(
    pointwise(([a]) => {
      if (a === 1) throw new Error('no');
      return [a!, 2 * a!, 3 * a!];
    }),
  );
  const { y, failures } = await evaluator.evaluate(x, 3);
  expect(evaluator.outputs.length).toBe(3);
  expect(failures.map(({ index }) => index)).toEqual([0]);
  expect([...y.slice(3)]).toEqual([2, 4, 6, 3, 6, 9]);
});

test('openEvaluator(): what is no model is refused by name', async () => {
  await expect(open({ kind: 'named' } as unknown as ModelLike)).rejects.toBeInstanceOf(OptionError);
  await expect(open(undefined as unknown as ModelLike)).rejects.toThrow(
    /option `model` is undefined; expected a function/,
  );
  const missing = open({
    kind: 'module',
    url: new URL('./nowhere.mjs', import.meta.url).href,
    exportName: 'default',
  });
  await expect(missing).rejects.toBeInstanceOf(ModelError);
});

test('openEvaluator(): a long synchronous model lets timers fire and can be aborted', async () => {
  const slow = pointwise(() => {
    const until = performance.now() + 2;
    while (performance.now() < until);
    return 1;
  });
  const signal = AbortSignal.timeout(60);
  const evaluator = await openEvaluator({
    where: 'test',
    model: slow,
    names: ['a'],
    planned: 2000,
    backend: jsBackend(),
    signal,
  });
  const start = performance.now();
  await expect(evaluator.evaluate(new Float64Array(2000), 2000)).rejects.toThrow('aborted due to timeout');
  expect(performance.now() - start).toBeLessThan(2000);
});

test('modelFailure(): says how many points failed, the first with its inputs, and what to do', () => {
  const failures = [{ index: 71, input: Float64Array.of(2.9e7, 0.04), reason: 'returned NaN' }];
  const error = modelFailure('beam.ts', ['E', 'X'], failures, 3, 163_840);
  expect(error.message).toBe(
    "beam.ts: the model returned NaN at 3 of 163840 points; expected finite numbers. First: point 71, E = 29000000, X = 0.04. Fix the model there, or leave those rows out with missing: 'drop-row'.",
  );
});

test('modelFailure(): of many inputs the first eight are shown, and a console does not print all points', () => {
  const names = Array.from({ length: 500 }, (_, i) => `x${i}`);
  const failures = [{ index: 3, input: new Float64Array(500), reason: 'returned NaN' }];
  const error = modelFailure('test', names, failures, 1, 9);
  expect(error.message).toContain('x7 = 0, and 492 more. Fix');
  expect(error.failures).toEqual(failures);
  expect(Object.keys(error)).not.toContain('failures');
});

test('openEvaluator(): a plain function of one argument is refused with the way to wrap it', async () => {
  const forPoints = (({ a }: { a: number }) => a) as unknown as ModelLike;
  await expect(open(forPoints)).rejects.toThrow(/a function of one argument; .* Wrap it: named\(/);
});

test('openEvaluator(): a named model with hundreds of inputs gets the right values at every row', async () => {
  const names = Array.from({ length: 300 }, (_, c) => `x${c}`);
  const model = named((point) => names.reduce((total, name, c) => total + point[name]! * (c + 1), 0));
  const signal = new AbortController().signal;
  const evaluator = await openEvaluator({
    where: 'test',
    model,
    names,
    planned: 2,
    backend: jsBackend(),
    signal,
  });
  const points = Float64Array.from({ length: 600 }, (_, i) => (i < 300 ? 1 : 2));
  const { y } = await evaluator.evaluate(points, 2);
  expect([...y]).toEqual([45_150, 90_300]);
});
