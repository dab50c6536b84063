import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import {
  type Backend,
  checkGradient,
  ibis,
  logisticRegression,
  OptionError,
  rngFromSeed,
  run,
  ShapeError,
  smcSampler,
} from '../../../estimators/index.ts';
import { logistic, logisticLikelihood, logisticPrior } from '../samplers/problems.ts';

const { X, y } = logistic;
const d = 3;
const n = 21;
const { normal } = rngFromSeed(8).stream({ purpose: 40 });
const x = Float64Array.from({ length: n * d }, () => 2 * normal());

/** Naive, and good to 1e-13 at these margins. */
function direct(i: number, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) {
    const z = X[k]!.reduce((total, value, c) => total + value * x[i * d + c]!, 0);
    sum -= Math.log1p(Math.exp(y[k] === 1 ? -z : z));
  }
  return sum;
}

describe('logisticRegression()', () => {
  test('the log likelihood of all data and of a range', () => {
    const out = new Float64Array(n);
    for (const [from, to] of [
      [0, y.length],
      [7, 8],
      [11, 40],
      [5, 5],
    ] as const) {
      logisticLikelihood.logDensity(x, out, from, to);
      for (let i = 0; i < n; i++) expect(out[i]).toBeCloseTo(direct(i, from, to), 11);
    }
  });

  test('huge margins: as steep as they are, and never NaN', () => {
    const out = new Float64Array(2);
    const gradient = new Float64Array(2 * d);
    const far = Float64Array.of(1e5, 0, 0, -1e5, 0, 0);
    logisticLikelihood.gradient(far, out, gradient);
    const ones = y.reduce((sum, value) => sum + value, 0);
    expect(out[0]).toBe(-1e5 * (y.length - ones));
    expect(out[1]).toBe(-1e5 * ones);
    expect(gradient[0]).toBeCloseTo(ones - y.length, 9);
    expect(gradient[3]).toBeCloseTo(ones, 9);
  });

  test('the gradient is that of the log likelihood', async () => {
    await checkGradient(logisticLikelihood, x, d, 1e-7);
  });

  const backends: Readonly<Record<string, () => Promise<Backend>>> = {
    js: async () => jsBackend(),
    'WASM, 1 thread': () => hostBackend({ threads: 1 }),
    'WASM, 2 threads': () => hostBackend({ threads: 2 }),
  };
  test.each(Object.keys(backends))('its kernels give the bits of its functions: %s', async (name) => {
    const backend = await backends[name]!();
    try {
      const kernels = logisticLikelihood.kernels.open(backend);
      const arena = backend.arena();
      const points = arena.f64(n * d);
      points.set(x);
      const [out, slope] = [arena.f64(n), arena.f64(n * d)];
      const [wanted, wantedSlope] = [new Float64Array(n), new Float64Array(n * d)];
      // A smaller batch after a larger one, and a larger one after that.
      for (const rows of [8, 3, n]) {
        logisticLikelihood.gradient(
          x.subarray(0, rows * d),
          wanted.subarray(0, rows),
          wantedSlope.subarray(0, rows * d),
          4,
          50,
        );
        await kernels.evaluate(points, rows, out, undefined, 4, 50);
        expect(out.subarray(0, rows)).toEqual(wanted.subarray(0, rows));
        await kernels.evaluate(points, rows, out, slope, 4, 50);
        expect(slope.subarray(0, rows * d)).toEqual(wantedSlope.subarray(0, rows * d));
      }
      kernels.release();
      arena.release();
    } finally {
      await backend.dispose();
    }
  });

  test('samplers give the same bits by its kernels and by its functions', async () => {
    const { logDensity, gradient, terms } = logisticLikelihood;
    const functions = { logDensity, gradient };
    const shared = { prior: logisticPrior, particles: 60, moveCount: 2 };
    const one = run(smcSampler({ ...shared, logLikelihood: logisticLikelihood }), { seed: 1 });
    const two = run(smcSampler({ ...shared, logLikelihood: functions }), { seed: 1 });
    expect((await two).sample).toEqual((await one).sample);
    const data = { ...shared, terms, batch: 'adaptive' } as const;
    const three = run(ibis({ ...data, logLikelihood: logisticLikelihood }), { seed: 1 });
    const four = run(ibis({ ...data, logLikelihood: functions }), { seed: 1 });
    expect((await four).sample).toEqual((await three).sample);
  });

  test('data that are none are refused', () => {
    expect(() => logisticRegression({ X: [], y: [] })).toThrow(OptionError);
    expect(() => logisticRegression({ X: [[1], [Number.NaN]], y: [0, 1] })).toThrow(ShapeError);
    expect(() => logisticRegression({ X: [[1, 2], [1]], y: [0, 1] })).toThrow(ShapeError);
    expect(() => logisticRegression({ X: [[1]], y: [0, 1] })).toThrow(ShapeError);
    expect(() => logisticRegression({ X: [[1], [1]], y: [0, 2] })).toThrow(OptionError);
  });
});
