import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { exponential } from '../../../engine/distribution/exponential.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { studentT } from '../../../engine/distribution/student-t.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { OptionError, ShapeError, ValueError } from '../../../engine/errors.ts';
import { named, pointwise } from '../../../engine/model/model.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { run } from '../../../engine/run.ts';
import { controlVariates } from '../../../estimators/importance/controls/control-variates.ts';
import type { ControlVariatesOptions } from '../../../estimators/importance/controls/control-variates-types.ts';
import { controlledMean } from '../../../estimators/importance/controls/controlled-mean.ts';
import { contract } from '../../contract/sampler.ts';
import { columnMoments, expectMeans, expectRejected, replicate } from '../../support/law.ts';

const SEED = 1981;
const backend = jsBackend();
const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
const model = named(({ a, b }) => Math.exp(a! + b!));
const base = { model, inputs } satisfies ControlVariatesOptions;
const MEAN = (Math.E - 1) ** 2;

contract('controlVariates', () => controlVariates({ ...base, points: 128 }), {
  backends: { 'WASM, two threads': () => hostBackend({ threads: 2 }) },
  bad: {
    'an unknown option': () => controlVariates({ ...base, control: {} } as never),
    'an unknown design': () => controlVariates({ ...base, design: 'antithetic' as never }),
    'points left out': () => controlVariates({ ...base, missing: 'drop-row' as never }),
    'crossFit: 1': () => controlVariates({ ...base, crossFit: 1 as never }),
    'a function without its mean': () => controlVariates({ ...base, controls: { c: { of: () => 1 } } }),
    'an output without its mean': () =>
      controlVariates({ ...base, outputs: ['y'], controls: { c: { of: 'y' } } }),
    'a mean of NaN': () => controlVariates({ ...base, controls: { a: { mean: Number.NaN } } }),
    'a control that is no name': () =>
      controlVariates({ ...base, outputs: ['y'], controls: { c: { mean: 1 } } }),
    'an input without a variance': () =>
      controlVariates({ ...base, inputs: { a: studentT(2), b: inputs.b }, controls: { a: {} } }),
    'more controls than points': () => controlVariates({ ...base, points: 4 }),
    'a ratio without a denominator': () =>
      controlVariates({ ...base, ratios: { r: { numerator: 'y' } as never } }),
  },
});

/** y, c [n] with y = c^2, c exponential with mean 1: E[y] = 2, and c is skewed. */
function skewed(
  rng: Parameters<Parameters<typeof replicate>[2]>[0],
  n: number,
): readonly [Float64Array, Float64Array] {
  const stream = rng.stream({ purpose: PURPOSE.design });
  const c = Float64Array.from({ length: n }, () => -Math.log(stream.uniform()));
  return [c.map((x) => x * x), c];
}

describe('controlledMean()', () => {
  test('hand-made case: mean, coefficient and error are those of a regression with its intercept at mu', () => {
    // c = 0 1 2 3, y = 1 3 2 6: slope 7/5, mean(y) 3, mean(c) 3/2; at mu = 1 the fit is 3 - 0.7 = 2.3. Residual squares
    // 14 - 49/5 = 4.2 on 2 degrees of freedom; error^2 = 2.1 (1/4 + (1/2)^2 / 5).
    const found = controlledMean(Float64Array.of(1, 3, 2, 6), [Float64Array.of(0, 1, 2, 3)], [1], {
      crossFit: false,
    });
    expect(found.value).toBeCloseTo(2.3, 13);
    expect(found.coefficients[0]).toBeCloseTo(1.4, 13);
    expect(found.standardError).toBeCloseTo(Math.sqrt(2.1 * 0.3), 13);
    expect(found.high - found.value).toBeCloseTo(studentT(2).quantile(0.975) * Math.sqrt(0.63), 11);
    expect(found.rSquared).toBeCloseTo(0.7, 13);
    expect(found.varianceReduction).toBeCloseTo(1 / 0.3, 12);
    expect([found.rank, found.lossFactor, found.unbiased]).toEqual([1, 2, false]);
  });

  test('cross-fitted hand-made case: each point is corrected by the slope of the others', () => {
    const y = Float64Array.of(1, 3, 2, 6, 4);
    const c = Float64Array.of(0, 1, 2, 3, 5);
    const without = (i: number): number => {
      const kept = [0, 1, 2, 3, 4].filter((j) => j !== i);
      const at = (v: Float64Array): number => kept.reduce((t, j) => t + v[j]!, 0) / 4;
      const [my, mc] = [at(y), at(c)];
      const over = kept.reduce((t, j) => t + (c[j]! - mc) * (y[j]! - my), 0);
      return over / kept.reduce((t, j) => t + (c[j]! - mc) ** 2, 0);
    };
    const expected = [0, 1, 2, 3, 4].reduce((t, i) => t + (y[i]! - without(i) * (c[i]! - 2)) / 5, 0);
    const found = controlledMean(y, [c], [2]);
    expect(found.value).toBeCloseTo(expected, 12);
    expect(found.unbiased).toBe(true);
  });

  test('a value that is a sum of controls is exact, and has no error of rounding', () => {
    const c = [Float64Array.of(1, 4, 2, 8, 5, 7, 3), Float64Array.of(3, 1, 4, 1, 5, 9, 2)];
    const y = c[0]!.map((x, i) => 2 + 3 * x - c[1]![i]! / 3);
    for (const crossFit of [true, false]) {
      const found = controlledMean(y, c, [0.5, 0.25], { crossFit });
      expect(found.value).toBeCloseTo(2 + 1.5 - 0.25 / 3, 12);
      expect(found.low).toBeNaN();
    }
  });

  test('duplicates, sums and constants among controls change nothing but the rank', () => {
    const [y, c] = skewed({ stream: seededStream } as never, 40);
    const other = c.map((x, i) => Math.sin(7 * i) + x);
    const plain = controlledMean(y, [c, other], [1, 1]);
    const more = [c, other, c.map((x) => -2 * x), c.map((x, i) => x + other[i]!), c.map(() => 3)];
    const found = controlledMean(y, more, [1, 1, -2, 2, 3]);
    expect(found.rank).toBe(2);
    expect(found.value).toBeCloseTo(plain.value, 11);
    expect(found.standardError).toBeCloseTo(plain.standardError, 11);
    const fitted = (betas: Float64Array, columns: readonly Float64Array[], i: number): number =>
      columns.reduce((t, column, j) => t + betas[j]! * column[i]!, 0);
    for (const i of [0, 17])
      expect(fitted(found.coefficients, more, i) - fitted(found.coefficients, more, 3)).toBeCloseTo(
        fitted(plain.coefficients, [c, other], i) - fitted(plain.coefficients, [c, other], 3),
        9,
      );
  });

  test('unbiased with cross-fitting at 8 points; the same coefficients for all points are not', () => {
    // 3000 runs: a bias of 0.13 sd of one run is caught 99 % of the time.
    const means = replicate(3000, SEED, (rng) => {
      const [y, c] = skewed(rng, 8);
      return [true, false].map((crossFit) => controlledMean(y, [c], [1], { crossFit }).value);
    });
    const column = (at: number): typeof means => ({
      runs: means.runs,
      width: 1,
      values: means.values.filter((_, i) => i % 2 === at),
    });
    expectMeans(column(0), 2);
    expectRejected(() => expectMeans(column(1), 2));
  });

  test('on normal values the variance is (1 - R^2) V / n times (n - 2) / (n - p - 2), and the error says so', () => {
    // y = c1 + c2 + c3 + e, all standard normal: R^2 = 3/4, V = 4. At n = 12 the factor is 10/7.
    const n = 12;
    const runs = replicate(2500, SEED, (rng) => {
      const stream = rng.stream({ purpose: PURPOSE.design });
      const c = [0, 1, 2].map(() => Float64Array.from({ length: n }, () => stream.normal()));
      const y = Float64Array.from(
        { length: n },
        (_, i) => c[0]![i]! + c[1]![i]! + c[2]![i]! + stream.normal(),
      );
      const found = controlledMean(y, c, [0, 0, 0], { crossFit: false });
      return [found.value, found.value ** 2, found.standardError ** 2];
    });
    const expected = (1 / n) * ((n - 2) / (n - 5));
    expectMeans(runs, [0, expected, expected]);
    expectRejected(() => expectMeans(runs, [0, 1 / n, 1 / n]));
    expect(columnMoments(runs).mean[1]).toBeGreaterThan(1.2 / n);
  });

  test('bad columns are refused', () => {
    const y = Float64Array.of(1, 2, 3, 4, 5);
    expect(() => controlledMean(y, [y.slice(0, 4)], [1])).toThrow(ShapeError);
    expect(() => controlledMean(y, [y], [1, 2])).toThrow(ShapeError);
    expect(() => controlledMean(y, [y], [Number.NaN])).toThrow(ValueError);
    expect(() => controlledMean(Float64Array.of(1, Number.NaN, 3, 4, 5), [y], [1])).toThrow(ValueError);
    expect(() => controlledMean(y, [y, y, y], [1, 1, 1])).toThrow(OptionError);
    expect(() => controlledMean(y, [y], [1], { level: 1 })).toThrow(OptionError);
  });
});

function seededStream(): { uniform: () => number } {
  let at = 0;
  return { uniform: () => (++at * 0.6180339887498949) % 1 };
}

describe('controlVariates()', () => {
  test('independent points: means of laws are known, and the gain is 1 / (1 - R^2) of the exact R^2', async () => {
    const method = controlVariates({ ...base, design: 'iid', points: 4096 });
    const result = await run(method, { seed: SEED, backend });
    // Cov(e^(a+b), a) = (e - 1) (1 - (e - 1) / 2); R^2 = 2 Cov^2 12 / V.
    const covariance = (Math.E - 1) * (1 - (Math.E - 1) / 2);
    const variance = ((Math.E ** 2 - 1) / 2) ** 2 - MEAN ** 2;
    const rSquared = (24 * covariance ** 2) / variance;
    expect(result.rSquared[0]).toBeCloseTo(rSquared, 2);
    expect(result.varianceReduction[0]! * (1 - rSquared)).toBeCloseTo(1, 0);
    expect((result.plain.standardError[0]! / result.estimate.standardError[0]!) ** 2).toBeCloseTo(
      result.varianceReduction[0]!,
      0,
    );
    expect(Math.abs(result.estimate.value[0]! - MEAN) / result.estimate.standardError[0]!).toBeLessThan(
      4.892,
    );
    for (const beta of result.coefficients) expect(beta).toBeCloseTo(12 * covariance, 0);
    expect([result.unbiased, result.rank, result.diagnostics.warnings]).toEqual([true, 2, []]);
    expect([...result.controls.mean]).toEqual([0.5, 0.5]);
  });

  test("Sobol' points: intervals come from replicates, coefficients of each from the others", async () => {
    const controls = {
      a: {},
      b: {},
      ab: { of: (_: Float64Array, x: Float64Array) => x[0]! * x[1]!, mean: 0.25 },
    };
    const method = controlVariates({ ...base, controls, points: 1024 });
    const { estimate, plain, unbiased, varianceReduction } = await run(method, { seed: SEED, backend });
    // Eight replicates: |t| < 14.8 at one false alarm in a million.
    expect(Math.abs(estimate.value[0]! - MEAN) / estimate.standardError[0]!).toBeLessThan(14.8);
    expect(estimate.high[0]! - estimate.value[0]!).toBeCloseTo(
      studentT(7).quantile(0.975) * estimate.standardError[0]!,
      12,
    );
    expect(unbiased).toBe(true);
    expect(varianceReduction[0]).toBe((plain.standardError[0]! / estimate.standardError[0]!) ** 2);
  });

  test('a ratio of means has numerator and denominator controlled together', async () => {
    const both = pointwise(([a, b]) => [a! * (2 + b!), 2 + b!]);
    const ratios = { share: { numerator: 'top', denominator: 'bottom' } };
    const method = controlVariates({
      model: both,
      inputs,
      outputs: ['top', 'bottom'],
      ratios,
      design: 'iid',
      points: 2000,
    });
    const { estimate, plain, varianceReduction } = await run(method, { seed: SEED, backend });
    expect(estimate.names).toEqual(['top', 'bottom', 'share']);
    // bottom is a sum of controls: exact. So r = E[top] / 2.5 = 1/2 with the error of top over 2.5.
    expect(estimate.value[1]).toBeCloseTo(2.5, 12);
    expect(estimate.low[1]).toBeNaN();
    expect(Math.abs(estimate.value[2]! - 0.5) / estimate.standardError[2]!).toBeLessThan(4.892);
    expect(estimate.standardError[2]! / (estimate.standardError[0]! / 2.5)).toBeCloseTo(1, 2);
    // top - r bottom = (a - 1/2)(2 + b) has variance 1/12 (6.25 + 1/12); what controls leave is (1/12)^2.
    expect(varianceReduction[2]! / (12 * (6.25 + 1 / 12))).toBeCloseTo(1, 0);
    expect(plain.standardError[2]! / estimate.standardError[2]!).toBeGreaterThan(5);
  });

  test('numerator and denominator that rise and fall together leave no error in their ratio', async () => {
    const twice = pointwise(([a, b]) => [2 * Math.exp(a! + b!), Math.exp(a! + b!)]);
    const ratios = { two: { numerator: 'y1', denominator: 'y2' } };
    const method = controlVariates({ model: twice, inputs, ratios, design: 'iid', points: 300 });
    const { estimate } = await run(method, { seed: SEED, backend });
    expect(estimate.standardError[1]).toBeGreaterThan(1e-3);
    expect([estimate.value[2], estimate.standardError[2]]).toEqual([2, Number.NaN]);
  });

  test('a ratio whose denominator may be 0 has no interval', async () => {
    const both = pointwise(([a]) => [1 + a!, Math.sin(40 * a!) + 1e-3]);
    const ratios = { r: { numerator: 'y1', denominator: 'y2' } };
    const method = controlVariates({ model: both, inputs, ratios, design: 'iid', points: 200 });
    const { estimate } = await run(method, { seed: SEED, backend });
    expect([estimate.standardError[2], estimate.low[2]]).toEqual([Number.NaN, Number.NaN]);
  });

  test('a wrong mean of a control is told with its size; redundant controls are left out and told', async () => {
    const controls = {
      a: { mean: 0.53 },
      b: {},
      twice: { of: (_: Float64Array, x: Float64Array) => 2 * x[1]!, mean: 1 },
    };
    const method = controlVariates({ ...base, controls, design: 'iid', points: 4000 });
    const { diagnostics, controls: told } = await run(method, { seed: SEED, backend });
    expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['control-mean-off', 'controls-redundant']);
    // 0.03 sqrt(12 x 4000) = 6.6 standard errors, give or take chance.
    expect(Math.abs(told.score[0]! + 6.57)).toBeLessThan(4.892);
    const right = await run(controlVariates({ ...base, design: 'iid', points: 4000 }), {
      seed: SEED,
      backend,
    });
    expect(right.diagnostics.warnings).toEqual([]);
  });

  test('a control that is not finite stops with its point; an unknown output is refused at the first answer', async () => {
    const wild = { c: { of: (_: Float64Array, x: Float64Array) => (x[0]! > 0.9 ? Infinity : 1), mean: 1 } };
    const failing = run(controlVariates({ ...base, controls: wild, points: 64 }), { seed: SEED, backend });
    await expect(failing).rejects.toThrow(ValueError);
    const unknown = controlVariates({ ...base, controls: { c: { of: 'z', mean: 1 } }, points: 64 });
    await expect(run(unknown, { seed: SEED, backend })).rejects.toThrow(OptionError);
  });

  test('without crossFit, or with one scramble, it is not called unbiased; one scramble has no error', async () => {
    const pooled = await run(controlVariates({ ...base, points: 64, crossFit: false }), {
      seed: SEED,
      backend,
    });
    expect(pooled.unbiased).toBe(false);
    const one = await run(controlVariates({ ...base, points: 64, replicates: 1 }), { seed: SEED, backend });
    expect([one.unbiased, one.estimate.standardError[0]]).toEqual([false, Number.NaN]);
    expect(one.diagnostics.warnings.map(({ code }) => code)).toEqual(['one-replicate']);
  });

  test('an output that has the name of an input stays itself; a ratio of that name is refused', async () => {
    const alike = { model: pointwise((x) => Math.exp(x[0]! + x[1]!)), inputs: { y: inputs.a, b: inputs.b } };
    const { estimate } = await run(controlVariates({ ...alike, points: 1024 }), { seed: SEED, backend });
    expect(Math.abs(estimate.value[0]! - MEAN)).toBeLessThan(0.01);
    const ratios = { r: { numerator: 'y', denominator: 'b' } };
    expect(() => controlVariates({ ...alike, outputs: ['y'], ratios })).toThrow('an input and an output');
  });

  test('heavy inputs are no default controls', async () => {
    const heavy = { a: studentT(2), c: exponential(1), z: normal(1, 2) };
    const method = controlVariates({ model: named(({ c, z }) => c! * z!), inputs: heavy, points: 128 });
    const { controls } = await run(method, { seed: SEED, backend });
    expect(controls.names).toEqual(['c', 'z']);
    expect([...controls.mean]).toEqual([1, 1]);
  });
});
