import { expect, test } from 'vitest';
import { essOfFunction } from '../../engine/diagnostics/effective-size.ts';
import { paretoSmooth } from '../../engine/diagnostics/pareto.ts';
import { DegeneracyError, ShapeError, ValueError } from '../../engine/errors.ts';
import { ess } from '../../engine/particles/log-weight.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import reference from '../reference/pareto.json' with { type: 'json' };

/** Quantiles of a Pareto law with shape k, as log-weights. */
const quantiles = (k: number, n: number, offset = 0): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => offset - k * Math.log(1 - (i + 0.5) / n));

test.each(reference.cases)('paretoSmooth(): reference fit, n = $S, k = $k_true', (c) => {
  const l = quantiles(c.k_true, c.S);
  const fit = paretoSmooth(l);
  const close = (found: number, wanted: number): void =>
    expect(Math.abs(found / wanted - 1)).toBeLessThan(1e-10);
  expect(fit.tail).toBe(c.tail_length);
  close(fit.shape, c.k_hat);
  close(fit.scale, c.sigma_hat);
  close(fit.ess, c.ess_psis);
  close(
    fit.weight.reduce((a, b) => Math.max(a, b)),
    c.max_weight_psis,
  );
  close(ess(l), c.ess_raw);
});

test('paretoSmooth(): offsets and order change nothing; smoothed weights sum to 1 and keep their order', () => {
  const l = quantiles(0.7, 1000);
  const fit = paretoSmooth(l);
  const moved = paretoSmooth(quantiles(0.7, 1000, 600).reverse());
  expect(moved.shape).toBeCloseTo(fit.shape, 8);
  expect(moved.weight.reverse().every((w, i) => Math.abs(w / fit.weight[i]! - 1) < 1e-8)).toBe(true);
  expect(fit.weight.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  expect(fit.weight.every((w, i) => i === 0 || w >= fit.weight[i - 1]!)).toBe(true);
});

test('paretoSmooth(): the reading follows the shape and the sample size', () => {
  expect(paretoSmooth(quantiles(0.3, 1000)).reading).toBe('fine');
  expect(paretoSmooth(quantiles(0.6, 10000)).reading).toBe('usable');
  expect(paretoSmooth(quantiles(0.7, 100)).reading).toBe('biased'); // 0.61 > 1 - 1 / log10 100
  expect(paretoSmooth(quantiles(0.9, 1000)).reading).toBe('biased');
  expect(paretoSmooth(quantiles(1.4, 1000)).reading).toBe('no-mean');
  expect(paretoSmooth(quantiles(0.5, 1000)).neededSize).toBeCloseTo(10 ** (1 / 0.5029149), 0);
});

test('paretoSmooth(): equal weights have no tail, and too few distinct ones cannot be judged', () => {
  const equal = paretoSmooth(new Float64Array(500).fill(-3));
  expect([equal.shape, equal.reading, equal.tail]).toEqual([-Infinity, 'fine', 0]);
  expect(equal.ess).toBeCloseTo(500, 8);
  const spike = new Float64Array(500);
  spike[77] = 40;
  expect(paretoSmooth(spike)).toMatchObject({ shape: Infinity, reading: 'no-mean', neededSize: Infinity });
  expect(paretoSmooth(Float64Array.of(0, 1, 2)).shape).toBe(Infinity);
  // Many dead particles leave the fit of the others alone.
  const alive = quantiles(0.5, 1000);
  const sparse = Float64Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? alive[i / 3]! : -Infinity));
  expect(Number.isFinite(paretoSmooth(sparse).shape)).toBe(true);
});

test('paretoSmooth(): no mass is a DegeneracyError, NaN a ValueError', () => {
  expect(() => paretoSmooth(new Float64Array(9).fill(-Infinity))).toThrow(DegeneracyError);
  expect(() => paretoSmooth(Float64Array.of(0, Number.NaN))).toThrow(ValueError);
});

test('essOfFunction(): n for equal weights, and by hand for two values', () => {
  const stream = rngFromSeed(2).stream({ purpose: 32 });
  const h = Float64Array.from({ length: 1500 }, () => stream.normal());
  expect(essOfFunction(new Float64Array(1500), h)).toBeCloseTo(1500, 8);
  // W = (1/4, 3/4), h = (0, 1): mean 3/4, var 3/16, sum W^2 (h - mean)^2 = 9/256 + 9/256.
  const l = Float64Array.of(0, Math.log(3), -Infinity);
  expect(essOfFunction(l, Float64Array.of(0, 1, Number.NaN))).toBeCloseTo(3 / 16 / (18 / 256), 12);
  expect(essOfFunction(l, new Float64Array(3))).toBeNaN();
  expect(essOfFunction(new Float64Array(3).fill(-Infinity), h.subarray(0, 3))).toBe(0);
  expect(() => essOfFunction(l, h)).toThrow(ShapeError);
});
