import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { ModelError } from '../../engine/errors.ts';
import { pointwise } from '../../engine/model/model.ts';
import { run } from '../../engine/run.ts';
import { sobolDesign } from '../../estimators/sensitivity/ask-tell.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { ishigami, ishigamiAt } from '../support/functions.ts';

const { inputs } = ishigami();
const SEED = 4;

/** Fails in a corner of the cube: about 0.2 % of points. */
const fragile = pointwise((x) => (x[0]! > 3 && x[1]! > 2.9 ? Number.NaN : ishigamiAt(x)));

function sobol(options: Partial<SobolOptions>): Promise<SobolResult> {
  return run(sobolIndices({ model: fragile, inputs, points: 4096, ...options }), {
    seed: SEED,
    backend: jsBackend(),
  });
}

test('after dropped rows the points that are advised are still a power of two, and an interval asked for is no news', async () => {
  const { dropped, diagnostics } = await sobol({ missing: 'drop-row', points: 512, interval: 'asymptotic' });
  expect(dropped).toBeGreaterThan(0);
  const messages = new Map(diagnostics.warnings.map(({ code, message }) => [code, message]));
  const advised = /([\d ]+) points would bring/.exec(messages.get('interval-wide')!)![1]!;
  expect(Math.log2(Number(advised.replaceAll(' ', ''))) % 1).toBe(0);
  expect(messages.get('rows-dropped')).not.toContain('instead');
});

test('by default a failing point fails the run, with its number and inputs', async () => {
  const error = await sobol({}).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ModelError);
  const { failures, message } = error as ModelError;
  expect(message).toMatch(
    /returned NaN at \d+ of \d+ points; expected finite numbers. First: point \d+, x1 = 3\./,
  );
  const design = await sobolDesign({ inputs, points: 4096 }, { seed: SEED, backend: jsBackend() });
  for (const { index, input } of failures) {
    expect([...input]).toEqual([...design.x.subarray(3 * index, 3 * index + 3)]);
  }
});

test('drop-row leaves the base point out of A, B, AB and BA together and turns to the interval of independent rows', async () => {
  const options = { missing: 'drop-row', secondOrder: true } as const;
  const result = await sobol(options);
  expect(result.failed).toBeGreaterThanOrEqual(result.dropped);
  expect(result.dropped).toBeGreaterThan(0);
  expect(result.base.n).toBe(4096 - result.dropped);
  expect(result.base.y.every(Number.isFinite)).toBe(true);
  expect(result.design.interval).toBe('asymptotic');
  expect(result.firstOrder.low.every(Number.isFinite)).toBe(true);
  const warning = result.diagnostics.warnings.find(({ code }) => code === 'rows-dropped')!;
  expect(warning.message).toMatch(
    /^\d+ of 4 096 rows \(\d.* %\) were left out because the model failed there;/,
  );
  expect(warning.message).toMatch(/ Intervals are asymptotic instead: gaps spoil replicates\.$/);
  // The estimate is that of the rows which stayed, however they were found.
  const design = await sobolDesign(
    { inputs, points: 4096, secondOrder: true },
    { seed: SEED, backend: jsBackend() },
  );
  let kept = 0;
  let sum = 0;
  for (let p = 0; p < 4096; p++) {
    const ys = Array.from({ length: 8 }, (_, j) => {
      const x = design.x.subarray((8 * p + j) * 3, (8 * p + j + 1) * 3);
      return x[0]! > 3 && x[1]! > 2.9 ? Number.NaN : ishigamiAt(x);
    });
    if (ys.some(Number.isNaN)) continue;
    kept++;
    sum += (ys[0]! + ys[7]!) / 2;
  }
  expect(kept).toBe(result.base.n);
  expect(result.outputs[0]!.mean).toBeCloseTo(sum / kept, 12);
});

test('a number in place of missing outputs keeps every row', async () => {
  const result = await sobol({ missing: 0 });
  expect(result.failed).toBeGreaterThan(0);
  expect(result.dropped).toBe(0);
  expect(result.design.interval).toBe('replicates');
  const same = pointwise((x) => (x[0]! > 3 && x[1]! > 2.9 ? 0 : ishigamiAt(x)));
  const whole = await sobol({ model: same });
  expect([...result.estimate.value]).toEqual([...whole.estimate.value]);
});

test('a model that fails everywhere fails under drop-row too', async () => {
  await expect(sobol({ model: pointwise(() => Number.NaN), missing: 'drop-row' })).rejects.toBeInstanceOf(
    ModelError,
  );
});

test('dropped rows survive a snapshot', async () => {
  const options = { model: fragile, inputs, points: 4096, missing: 'drop-row' as const };
  const { iterate, resume } = await import('../../engine/run.ts');
  let bytes = new Uint8Array(0);
  for await (const at of iterate(sobolIndices(options), { seed: SEED, backend: jsBackend() })) {
    bytes = new Uint8Array(await at.snapshot());
    if (at.step === 3) break;
  }
  const resumed = await resume(sobolIndices(options), bytes, { seed: SEED, backend: jsBackend() });
  const whole = await sobol({ missing: 'drop-row' });
  expect([resumed.failed, resumed.dropped]).toEqual([whole.failed, whole.dropped]);
  expect([...resumed.estimate.value]).toEqual([...whole.estimate.value]);
  expect(resumed.failures.map(({ index }) => index)).toEqual(whole.failures.map(({ index }) => index));
});
