import { expect, test } from 'vitest';
import { chainMemory } from '../../engine/diagnostics/autocorrelation.ts';
import {
  chainMeans,
  chainsTooShort,
  logNormalizerStepVariance,
  longRunVariance,
} from '../../engine/diagnostics/chain-variance.ts';
import { coverage, type Interval, normalInterval } from '../../engine/diagnostics/standard-error.ts';
import { ShapeError } from '../../engine/errors.ts';
import type { Rng } from '../../engine/random/rng.ts';
import { expectCoverage, expectRejected, replicate } from '../support/law.ts';

const SEED = 7401;

/** M stationary autoregressions of variance 1 and length P, position major. */
function chains(rng: Rng, positions: number, count: number, rho: number): Float64Array {
  const x = new Float64Array(positions * count);
  for (let m = 0; m < count; m++) {
    const stream = rng.stream({ purpose: 32, particle: m });
    x[m] = stream.normal();
    for (let p = 1; p < positions; p++)
      x[p * count + m] = rho * x[(p - 1) * count + m]! + Math.sqrt(1 - rho * rho) * stream.normal();
  }
  return x;
}

/** [P, M] to [M, P]. */
function turned(x: Float64Array, count: number): Float64Array {
  const positions = x.length / count;
  return x.map((_, i) => x[(i % positions) * count + Math.floor(i / positions)]!);
}

test('longRunVariance(): by hand on two chains of three', () => {
  // Chains (0, 2, 4) and (2, 2, 2), mean 2: c_0 = 8/6, c_1 = 0, so v = 2 (c_0 + c_1) - c_0 with two lags.
  expect(longRunVariance(Float64Array.of(0, 2, 2, 2, 4, 2), 2)).toEqual({ variance: 8 / 6, lags: 2 });
});

test('longRunVariance(): is that of chainMemory() on the same chains', () => {
  const [values] = [replicate(1, SEED, (rng) => chains(rng, 60, 7, 0.8)).values];
  const byChain = turned(values, 7);
  const memory = chainMemory(Array.from({ length: 7 }, (_, m) => byChain.subarray(60 * m, 60 * m + 60)));
  const { variance, lags } = longRunVariance(values, 7);
  expect(variance / (memory.variance * memory.time)).toBeCloseTo(1, 12);
  expect(lags).toBe(memory.lags);
});

test('longRunVariance(): one position is independent points, a constant has none', () => {
  expect(longRunVariance(Float64Array.of(1, 2, 4, 5), 4)).toEqual({ variance: 2.5, lags: 0 });
  expect(longRunVariance(new Float64Array(40).fill(3), 4)).toEqual({ variance: 0, lags: 0 });
  expect(() => longRunVariance(new Float64Array(10), 4)).toThrow(ShapeError);
});

test('logNormalizerStepVariance(), chainMeans(): the scale of the weights does not matter', () => {
  const { values } = replicate(1, SEED, (rng) => chains(rng, 30, 4, 0.5));
  const weight = values.map((x) => Math.exp(x));
  const scaled = weight.map((w) => w * 1024);
  expect(logNormalizerStepVariance(scaled, 4)).toEqual(logNormalizerStepVariance(weight, 4));
  expect(chainMeans(scaled, values, 4)).toEqual(chainMeans(weight, values, 4));
});

test('chainMeans(): dead rows are not read, and each column stands for itself', () => {
  const weight = Float64Array.of(1, 0, 2, 1, 3, 1);
  const first = chainMeans(weight, Float64Array.of(1, Number.NaN, 3, 4, 5, 6), 2);
  const second = chainMeans(weight, Float64Array.of(2, Number.NaN, 1, 0, 1, 3), 2);
  const both = chainMeans(weight, Float64Array.of(1, 2, Number.NaN, Number.NaN, 3, 1, 4, 0, 5, 1, 6, 3), 2);
  expect([...both.value]).toEqual([first.value[0], second.value[0]]);
  expect([...both.standardError]).toEqual([first.standardError[0], second.standardError[0]]);
  expect(first.value[0]).toBe((1 + 6 + 4 + 15 + 6) / 8);
});

test('chain variances: 95 % intervals for the log mean weight and for a weighted mean cover', () => {
  // w = exp(x / 2) on autoregressions of variance 1: mean exp(1/8), and x has mean 1/2 under the weights.
  const intervals: Record<'log' | 'mean' | 'turned' | 'independent', Interval[]> = {
    log: [],
    mean: [],
    turned: [],
    independent: [],
  };
  replicate(1000, SEED, (rng) => {
    const x = chains(rng, 120, 10, 0.6);
    const w = x.map((y) => Math.exp(y / 2));
    const estimate = Math.log(w.reduce((a, b) => a + b, 0) / w.length);
    const interval = (weight: Float64Array, m: number): Interval =>
      normalInterval(estimate, Math.sqrt(logNormalizerStepVariance(weight, m).variance));
    intervals.log.push(interval(w, 10));
    intervals.turned.push(interval(turned(w, 10), 10));
    intervals.independent.push(interval(w, w.length));
    const { value, standardError } = chainMeans(w, x, 10);
    intervals.mean.push(normalInterval(value[0]!, standardError[0]!));
    return 0;
  });
  expectCoverage(coverage(intervals.log, 1 / 8).hits);
  expectCoverage(coverage(intervals.mean, 1 / 2).hits);
  // Chain-major weights read as position-major, and points taken for independent, are both too sure.
  expectRejected(() => expectCoverage(coverage(intervals.turned, 1 / 8).hits));
  expectRejected(() => expectCoverage(coverage(intervals.independent, 1 / 8).hits));
});

test('chainsTooShort(): said above P / 4 lags or below 10 moves, with the number and the threshold', () => {
  expect(chainsTooShort(100, 24, 0.3)).toBeUndefined();
  expect(chainsTooShort(100, 25, 0.1)).toBeUndefined();
  expect(chainsTooShort(100, 26, 0.3)).toMatchObject({ code: 'chains-too-short', value: 26, threshold: 25 });
  expect(chainsTooShort(10, 2, 0.3)).toMatchObject({ value: 3, threshold: 10 });
  expect(chainsTooShort(10, 2, 0.3)!.message.length).toBeLessThan(240);
});
