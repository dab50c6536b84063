import { expect, test } from 'vitest';
import { evaluateRows, type LocalModel } from '../../engine/pool/evaluate-rows.mjs';

const names = ['a', 'b'];
const x = Float64Array.of(1, 10, 2, 20, 3, 30, 4, 40);

async function answers(model: LocalModel, k = 1): Promise<{ out: number[]; failures: unknown }> {
  const out = new Float64Array(4 * k).fill(-1);
  const failures = await evaluateRows(model, names, k, x, 0, 4, out);
  return { out: [...out], failures };
}

test('evaluateRows(): named, pointwise and batch forms of one model give the same numbers', async () => {
  const expected = { out: [11, 22, 33, 44], failures: [] };
  expect(await answers({ kind: 'named', evaluate: ({ a, b }) => a! + b! })).toEqual(expected);
  expect(await answers({ kind: 'pointwise', evaluate: (p) => p[0]! + p[1]! })).toEqual(expected);
  const batch = (points: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = points[2 * i]! + points[2 * i + 1]!;
  };
  expect(await answers({ kind: 'batch', evaluate: batch })).toEqual(expected);
});

test('evaluateRows(): only rows lo to hi - 1 are touched, and failures carry their row', async () => {
  const out = new Float64Array(4).fill(-1);
  const failures = await evaluateRows(
    { kind: 'pointwise', evaluate: (p) => (p[0] === 3 ? Number.NaN : p[0]) },
    names,
    1,
    x,
    1,
    3,
    out,
  );
  expect([...out]).toEqual([-1, 2, Number.NaN, -1]);
  expect(failures).toEqual([{ row: 2, reason: 'returned NaN' }]);
});

test('evaluateRows(): promises and several outputs', async () => {
  const model = { kind: 'named', evaluate: async ({ a }: { a?: number }) => [a, 2 * a!] } as const;
  expect(await answers(model, 2)).toEqual({ out: [1, 2, 2, 4, 3, 6, 4, 8], failures: [] });
});

test('evaluateRows(): every unusable answer is a failure of its row alone, with the reason', async () => {
  const cases: readonly (readonly [unknown, number, string])[] = [
    [Number.NaN, 1, 'returned NaN'],
    [-Infinity, 1, 'returned -Infinity'],
    [undefined, 1, 'returned undefined'],
    [null, 1, 'returned null'],
    ['12', 1, 'returned "12"'],
    [{}, 1, 'returned an object'],
    [[1, 2, 3], 2, 'returned 3 numbers, expected 2'],
    [5, 2, 'returned 1 number, expected 2'],
    [[1, Number.NaN], 2, 'returned NaN as output 1'],
    [Promise.resolve(Number.NaN), 1, 'returned NaN'],
  ];
  for (const [value, k, reason] of cases) {
    const good = k === 1 ? 1 : [1, 1];
    const { out, failures } = await answers(
      { kind: 'pointwise', evaluate: (p) => (p[0] === 2 ? value : good) },
      k,
    );
    expect(failures).toEqual([{ row: 1, reason }]);
    expect(out.slice(k, 2 * k).every(Number.isNaN)).toBe(true);
    expect(out.filter(Number.isNaN).length).toBe(k);
  }
});

test('evaluateRows(): a throw and a rejection are told alike', async () => {
  const wrong = (): never => {
    throw new RangeError('too deep\nsecond line');
  };
  const reason = 'threw RangeError: too deep';
  const expected = [0, 1, 2, 3].map((row) => ({ row, reason }));
  expect((await answers({ kind: 'named', evaluate: wrong })).failures).toEqual(expected);
  expect((await answers({ kind: 'named', evaluate: async () => wrong() })).failures).toEqual(expected);
  expect((await answers({ kind: 'batch', evaluate: wrong })).failures).toEqual(expected);
  const text = (): never => {
    throw 'text';
  };
  expect((await answers({ kind: 'named', evaluate: text })).failures).toContainEqual({
    row: 0,
    reason: 'threw "text"',
  });
});

test('evaluateRows(): a batch that throws at one row fails at that row alone, however it is cut', async () => {
  const evaluate = (points: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) {
      if (points[2 * i] === 3) throw new Error('three');
      out[i] = points[2 * i]!;
    }
  };
  const expected = { out: [1, 2, Number.NaN, 4], failures: [{ row: 2, reason: 'threw Error: three' }] };
  expect(await answers({ kind: 'batch', evaluate })).toEqual(expected);
});

test('evaluateRows(): a slow model lets others have a turn', async () => {
  let turns = 0;
  const slow = (p: Float64Array): number => {
    const end = performance.now() + 6;
    while (performance.now() < end);
    return p[0]!;
  };
  const pause = async (): Promise<void> => {
    turns++;
  };
  const out = new Float64Array(4);
  await evaluateRows({ kind: 'pointwise', evaluate: slow }, names, 1, x, 0, 4, out, { pause });
  expect(turns).toBeGreaterThan(0);
});
