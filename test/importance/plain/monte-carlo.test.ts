import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gpuKernel } from '../../../engine/backend/user-kernel.ts';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { ModelError } from '../../../engine/errors.ts';
import { named, pointwise } from '../../../engine/model/model.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import { monteCarlo } from '../../../estimators/importance/plain/monte-carlo.ts';
import type { MonteCarloOptions } from '../../../estimators/importance/plain/monte-carlo-types.ts';
import { sampleQuantile } from '../../../estimators/importance/plain/output-statistics.ts';
import { contract } from '../../contract/sampler.ts';

const SEED = 61_803;
const side = uniform(0, 1);
const product = named(({ a, b }) => a! * b!);
const inputs = { a: side, b: side };
const base = { model: product, inputs } satisfies MonteCarloOptions;

contract('monteCarlo', () => monteCarlo({ ...base, points: 1024, quantiles: [0.5] }), {
  backends: {
    'WASM, one thread': () => hostBackend({ threads: 1 }),
    'WASM, two threads': () => hostBackend({ threads: 2 }),
    'WASM, eight threads': () => hostBackend({ threads: 8 }),
  },
  bad: {
    'points: 2.5': () => monteCarlo({ ...base, points: 2.5 }),
    'points: 0': () => monteCarlo({ ...base, points: 0 }),
    'more replicates than points': () => monteCarlo({ ...base, points: 4, replicates: 8 }),
    'more points than memory': () => monteCarlo({ ...base, points: 1e12 }),
    'no inputs': () => monteCarlo({ model: product, inputs: {} }),
    'an input that is no law': () => monteCarlo({ model: product, inputs: { a: 3 as never } }),
    'a quantile of 1.5': () => monteCarlo({ ...base, quantiles: [1.5] }),
    'an event without bounds': () => monteCarlo({ ...base, probabilities: { never: {} } }),
    'an event about no output': () =>
      monteCarlo({ ...base, outputs: ['y'], probabilities: { big: { output: 'z', above: 1 } } }),
    'level: 1': () => monteCarlo({ ...base, level: 1 }),
    'an unknown design': () => monteCarlo({ ...base, design: 'sobel' as never }),
    'an unknown policy': () => monteCarlo({ ...base, missing: 'ignore' as never }),
    'outputs with one name twice': () => monteCarlo({ ...base, outputs: ['y', 'y'] }),
  },
});

test('a snapshot of inputs with another dependence, or with another policy for failures, is refused', async () => {
  const backend = jsBackend();
  const method = (rho: number, missing: MonteCarloOptions['missing'] = 'error') =>
    monteCarlo({
      ...base,
      points: 64,
      missing,
      dependence: gaussianCopula([
        [1, rho],
        [rho, 1],
      ]),
    });
  let bytes = new Uint8Array(0);
  for await (const at of iterate(method(0.5), { seed: 5, backend }))
    bytes = new Uint8Array(await at.snapshot());
  await expect(resume(method(-0.5), bytes, { seed: 5, backend })).rejects.toThrow(/other inputs/);
  await expect(resume(method(0.5, 0), bytes, { seed: 5, backend })).rejects.toThrow(/other inputs/);
  await expect(resume(method(0.5), bytes, { seed: 5, backend })).resolves.toBeDefined();
});

test('a snapshot of a kernel with other constants is refused', async () => {
  const backend = jsBackend();
  const method = (b: number) => {
    const model = gpuKernel('function (x) { return x[0] * this.constants.b; }', {
      dims: 1,
      constants: { b },
    });
    return monteCarlo({ model, inputs: { a: uniform(0, 1) }, points: 64 });
  };
  let bytes = new Uint8Array(0);
  for await (const at of iterate(method(1), { seed: 5, backend }))
    bytes = new Uint8Array(await at.snapshot());
  await expect(resume(method(2), bytes, { seed: 5, backend })).rejects.toThrow(/another kernel/);
  await expect(resume(method(1), bytes, { seed: 5, backend })).resolves.toBeDefined();
});

// Product of two uniforms: mean 1/4, variance 7/144, P(ab < t) = t (1 - log t).
const EXACT = { mean: 1 / 4, variance: 7 / 144, below: 0.1 * (1 - Math.log(0.1)) };

describe.each(['sobol', 'lattice', 'lhs', 'iid'] as const)('monteCarlo() on %s points', (design) => {
  test('mean, variance, quantile and probability are within five standard errors of the exact values', async () => {
    // |z| < 4.892 is one false alarm in a million under a normal law; with 7 degrees of freedom of eight
    // replicates the same rate is |t| < 14.8 (Student quantile at 1 - 5e-7).
    const limit = design === 'iid' ? 4.892 : 14.8;
    const probabilities = { small: { below: 0.1 } };
    const method = monteCarlo({ ...base, design, points: 16_384, quantiles: [EXACT.below], probabilities });
    const { estimate } = await run(method, { seed: SEED, backend: jsBackend() });
    const exact = [EXACT.mean, EXACT.variance, 0.1, EXACT.below];
    expect(estimate.names).toEqual(['y', 'variance of y', 'y 33.0259 %', 'small']);
    for (const [i, value] of exact.entries()) {
      expect(
        Math.abs(estimate.value[i]! - value) / estimate.standardError[i]!,
        estimate.names[i],
      ).toBeLessThan(limit);
      expect(estimate.low[i]).toBeLessThan(estimate.value[i]!);
      expect(estimate.high[i]).toBeGreaterThan(estimate.value[i]!);
    }
  });
});

test('monteCarlo(): randomised nets beat independent points by far on a smooth model', async () => {
  const error = async (design: 'sobol' | 'iid'): Promise<number> => {
    const method = monteCarlo({ ...base, design, replicates: 8, points: 8192 });
    return (await run(method, { seed: SEED, backend: jsBackend() })).mean.standardError[0]!;
  };
  expect(await error('sobol')).toBeLessThan((await error('iid')) / 20);
});

test('monteCarlo(): several outputs are named by the model or by the caller', async () => {
  const model = pointwise(([a, b]) => [a! + b!, a! - b!]);
  const found = await run(monteCarlo({ model, inputs, points: 256 }), { seed: SEED });
  expect(found.mean.names).toEqual(['y1', 'y2']);
  const given = await run(monteCarlo({ model, inputs, outputs: ['sum', 'gap'], points: 256 }), {
    seed: SEED,
  });
  expect(given.variance.names).toEqual(['variance of sum', 'variance of gap']);
  expect([...given.mean.value]).toEqual([...found.mean.value]);
});

test('the quantile of a stratified sample is exact: no bias to add up over replicates', () => {
  const strata = Float64Array.from({ length: 32 }, (_, i) => (i + 0.5) / 32);
  for (const p of [0.05, 0.3, 0.5, 0.9, 0.95]) expect(sampleQuantile(strata, p)).toBeCloseTo(p, 14);
  expect([sampleQuantile(strata, 1e-6), sampleQuantile(strata, 1 - 1e-6)]).toEqual([1 / 64, 63 / 64]);
});

test('monteCarlo(): a quantile beyond the points of a replicate has a value and no interval', async () => {
  const method = monteCarlo({ ...base, points: 256, quantiles: [0.01, 0.5, 0.99] });
  const { quantiles } = await run(method, { seed: SEED, backend: jsBackend() });
  expect([...quantiles.low].map(Number.isFinite)).toEqual([false, true, false]);
  expect(quantiles.value.every(Number.isFinite)).toBe(true);
  const enough = monteCarlo({ ...base, points: 1024, quantiles: [0.01, 0.99] });
  const found = await run(enough, { seed: SEED, backend: jsBackend() });
  expect(found.quantiles.low.every(Number.isFinite)).toBe(true);
});

test('monteCarlo(): one randomisation gives a value but no interval, and says so', async () => {
  const result = await run(monteCarlo({ ...base, points: 1024, replicates: 1 }), { seed: SEED });
  expect(result.mean.value[0]).toBeCloseTo(0.25, 2);
  expect(result.mean.standardError[0]).toBeNaN();
  expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('one-replicate');
});

describe('monteCarlo() with a model that fails', () => {
  const model = named(({ a, b }) => (a! < 0.25 ? Number.NaN : a! * b!));

  test('stops by default and lists the points', async () => {
    const failing = run(monteCarlo({ model, inputs, points: 1024 }), { seed: SEED });
    await expect(failing).rejects.toBeInstanceOf(ModelError);
    await expect(failing).rejects.toThrow(
      /the model returned NaN at 32 of 128 points; .* First: point \d+, a = 0\.\d+/,
    );
  });

  test('drop-row describes the inputs where it works, and counts what was left out', async () => {
    const result = await run(monteCarlo({ model, inputs, points: 8192, missing: 'drop-row' }), {
      seed: SEED,
    });
    expect(result.mean.value[0]).toBeCloseTo(0.625 * 0.5, 3);
    expect(result.failed).toBe(2048);
    expect(result.failures.length).toBe(1000);
    expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('rows-dropped');
  });

  test('a number stands in for the failed outputs', async () => {
    const result = await run(monteCarlo({ model, inputs, points: 8192, missing: 0 }), { seed: SEED });
    expect(result.mean.value[0]).toBeCloseTo(0.75 * 0.625 * 0.5, 3);
  });
});

test('monteCarlo(): an event that was never seen is told, with an upper end where points are independent', async () => {
  const probabilities = { huge: { above: 2 } };
  const result = await run(monteCarlo({ ...base, design: 'iid', points: 1000, probabilities }), {
    seed: SEED,
  });
  expect(result.probabilities.value[0]).toBe(0);
  expect(result.probabilities.standardError[0]).toBeNaN();
  expect(result.probabilities.high[0]).toBeCloseTo(1 - 0.025 ** (1 / 1000), 8);
  expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('event-unseen');
});

test('monteCarlo(): points that leave the net incomplete are told, with both neighbours', async () => {
  const result = await run(monteCarlo({ ...base, points: 1000 }), { seed: SEED });
  expect(result.diagnostics.warnings[0]).toMatchObject({
    code: 'points-not-power-of-two',
    message: "1 000 points leave the Sobol' net incomplete and cost accuracy. Use 512 or 1 024.",
  });
});

test('monteCarlo(): a probability from few events a replicate is told; exact intervals need no warning', async () => {
  const probabilities = { rare: { below: 0.0005 } };
  const codes = async (options: Partial<MonteCarloOptions>): Promise<string[]> => {
    const result = await run(monteCarlo({ ...base, probabilities, ...options }), { seed: SEED });
    return result.diagnostics.warnings.map(({ code }) => code);
  };
  expect(await codes({ points: 4096 })).toContain('few-events');
  expect(await codes({ points: 65_536 })).not.toContain('few-events');
  expect(await codes({ points: 4096, design: 'iid' })).not.toContain('few-events');
});
