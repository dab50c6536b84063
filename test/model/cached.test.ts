import { expect, test } from 'vitest';
import { cached } from '../../engine/model/cached.ts';
import { named, pointwise } from '../../engine/model/model.ts';

test('cached(): the same inputs are evaluated once, other inputs again', async () => {
  let runs = 0;
  const model = cached(
    named(({ a, b }) => {
      runs++;
      return a! + b!;
    }),
  );
  expect([
    model.evaluate({ a: 1, b: 2 }),
    model.evaluate({ a: 1, b: 2 }),
    model.evaluate({ a: 2, b: 1 }),
  ]).toEqual([3, 3, 3]);
  expect(runs).toBe(2);
});

test('cached(): answers are copies, promises are awaited, and failures are tried again', async () => {
  const buffer = Float64Array.of(1, 2);
  let fail = true;
  const model = cached(
    pointwise(async ([a]) => {
      if (fail) throw new Error('not yet');
      buffer[0] = a!;
      return buffer;
    }),
  );
  await expect(model.evaluate(Float64Array.of(7))).rejects.toThrow('not yet');
  fail = false;
  expect(await model.evaluate(Float64Array.of(7))).toEqual(Float64Array.of(7, 2));
  await model.evaluate(Float64Array.of(8));
  expect(await model.evaluate(Float64Array.of(7))).toEqual(Float64Array.of(7, 2));
});

test('cached(): the oldest answer is forgotten when there is no more room', () => {
  let runs = 0;
  const model = cached(
    pointwise(([a]) => {
      runs++;
      return a!;
    }),
    2,
  );
  for (const a of [1, 2, 3, 1]) model.evaluate(Float64Array.of(a));
  expect(runs).toBe(4);
});
