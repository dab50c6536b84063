import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { ModelError, ShapeError } from '../../engine/errors.ts';
import { run } from '../../engine/run.ts';
import { sobolAnalyze, sobolDesign } from '../../estimators/sensitivity/ask-tell.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import { numbers } from '../contract/sampler.ts';
import { inputsOf, ishigami } from '../support/functions.ts';

const { model, inputs } = ishigami();
const at = { seed: 21, backend: jsBackend() };

async function outputsOf(x: Float64Array, rows: number): Promise<Float64Array> {
  const y = new Float64Array(rows);
  await model(x, y);
  return y;
}

test('sobolAnalyze of a design evaluated elsewhere equals the direct run bit for bit', async () => {
  for (const options of [
    { points: 512 },
    { points: 512, secondOrder: true, superset: true, closed: [['x1', 'x3']] },
    { points: 512, design: 'iid' as const },
    { points: 512, design: 'lhs' as const, replicates: 2 },
    { points: 512, estimator: 'owen' as const },
    { points: 512, groups: { g: ['x3', 'x1'] } },
  ]) {
    const design = await sobolDesign({ inputs, ...options }, at);
    const told = await sobolAnalyze({ inputs, ...options }, await outputsOf(design.x, design.rows), at);
    const direct = await run(sobolIndices({ model, inputs, ...options }), at);
    expect(numbers(told)).toEqual(numbers(direct));
  }
});

test("rows stand in SALib's order: A, AB^i, BA^i, B, base point after base point", async () => {
  const { x, rows, names, header } = await sobolDesign(
    { inputs, points: 16, replicates: 2, secondOrder: true },
    at,
  );
  expect([rows, names]).toEqual([16 * 8, ['x1', 'x2', 'x3']]);
  expect(header).toMatch(/^ensample .* sobol design: sobol, 2 x 8 base points, 8 rows each, .*seed 21$/);
  for (let p = 0; p < 16; p++) {
    const row = (j: number): number[] => [...x.subarray((p * 8 + j) * 3, (p * 8 + j + 1) * 3)];
    const [a, b] = [row(0), row(7)];
    for (let i = 0; i < 3; i++) {
      expect(row(1 + i)).toEqual(a.map((v, c) => (c === i ? b[c] : v)));
      expect(row(4 + i)).toEqual(b.map((v, c) => (c === i ? a[c] : v)));
      expect(a[i]).not.toBe(b[i]);
    }
  }
});

test('a wrong number of outputs is told with the formula and both numbers', async () => {
  const options = { inputs, points: 512 };
  const few = sobolAnalyze(options, new Float64Array(100), at);
  await expect(few).rejects.toBeInstanceOf(ShapeError);
  await expect(few).rejects.toThrow(
    /`y` has 100 numbers; expected N\(D \+ 2\) = 2560, N = 512 points and D = 3 inputs/,
  );
  const other = sobolAnalyze(options, new Float64Array(512 * 8), at);
  await expect(other).rejects.toThrow(/length for secondOrder: true/);
  const second = sobolAnalyze({ ...options, secondOrder: true }, new Float64Array(512 * 5), at);
  await expect(second).rejects.toThrow(/N\(2D \+ 2\) = 4096.*length for secondOrder: false/);
});

test('missing outputs fail with their points and inputs, or are left out', async () => {
  const options = { inputs, points: 512 };
  const design = await sobolDesign(options, at);
  const y = await outputsOf(design.x, design.rows);
  y[71] = Number.NaN;
  y[1000] = Infinity;
  const failed = await sobolAnalyze(options, y, at).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(ModelError);
  const { message, failures } = failed as ModelError;
  expect(message).toMatch(
    /returned NaN at 2 of 2560 points; expected finite numbers. First: point 71, x1 = /,
  );
  expect(failures.map(({ index, input }) => [index, [...input]])).toEqual([
    [71, [...design.x.subarray(213, 216)]],
    [1000, [...design.x.subarray(3000, 3003)]],
  ]);
  const left = await sobolAnalyze({ ...options, missing: 'drop-row' }, y, at);
  expect([left.failed, left.dropped, left.base.n]).toEqual([2, 2, 510]);
  expect(left.design.interval).toBe('asymptotic');
});

test('a design that does not fit into memory is refused before any work', async () => {
  await expect(sobolDesign({ inputs: inputsOf(3, uniform(0, 1)), points: 2 ** 40 }, at)).rejects.toThrow(
    /GiB/,
  );
});
