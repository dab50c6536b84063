import { expect, test } from 'vitest';
import { autocovariance, chainMemory, splitRHat } from '../../engine/diagnostics/autocorrelation.ts';
import {
  batchMean,
  coverage,
  type Interval,
  normalInterval,
  replicateMean,
  studentInterval,
} from '../../engine/diagnostics/standard-error.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { type Rng, rngFromSeed } from '../../engine/random/rng.ts';
import { expectCoverage, expectRejected, replicate } from '../support/law.ts';

const SEED = 41;

/** Stationary autoregression of variance 1 / (1 - rho^2): memory (1 + rho) / (1 - rho). */
function autoregression(n: number, rho: number, rng: Rng): Float64Array {
  const stream = rng.stream({ purpose: 32 });
  const x = new Float64Array(n);
  x[0] = stream.normal() / Math.sqrt(1 - rho * rho);
  for (let t = 1; t < n; t++) x[t] = rho * x[t - 1]! + stream.normal();
  return x;
}

test('autocovariance(): by hand on four numbers, divisor n', () => {
  const x = [Float64Array.of(1, 2, 4, 5)];
  expect([0, 1, 2, 3].map((lag) => autocovariance(x, lag))).toEqual([2.5, 0.75, -1, -1]);
});

test('chainMemory(): independent draws have time 1, autoregressions (1 + rho) / (1 - rho)', () => {
  for (const rho of [-0.5, 0, 0.6, 0.9]) {
    const chains = [0, 1, 2, 3].map((c) => autoregression(20_000, rho, rngFromSeed(SEED).child(1, c)));
    const { time, variance, ess, standardError, lags } = chainMemory(chains);
    const wanted = (1 + rho) / (1 - rho);
    expect(Math.abs(time / wanted - 1)).toBeLessThan(0.15);
    expect(ess).toBeCloseTo(80_000 / time, 6);
    expect(standardError).toBeCloseTo(Math.sqrt((variance * time) / 80_000), 12);
    expect(lags).toBeLessThan(5000);
  }
});

test('chainMemory(): a chain that never moves has no standard error; odd chains are ShapeErrors', () => {
  expect(chainMemory([new Float64Array(50).fill(3)]).standardError).toBeNaN();
  expect(() => chainMemory([])).toThrow(ShapeError);
  expect(() => chainMemory([new Float64Array(9), new Float64Array(8)])).toThrow('chains of length 9 and 8');
});

test('chainMemory(): 95 % intervals from its standard error cover the mean of an autoregression', () => {
  // 2000 draws of memory 3 are 667 independent ones: the error of the standard error is small next to the band.
  const runs = replicate(1000, SEED, (rng) => {
    const x = autoregression(2000, 0.5, rng);
    return [x.reduce((a, b) => a + b, 0) / 2000, chainMemory([x]).standardError];
  });
  const intervals = (scale: number): Interval[] =>
    Array.from({ length: 1000 }, (_, r) =>
      normalInterval(runs.values[2 * r]!, scale * runs.values[2 * r + 1]!),
    );
  expectCoverage(coverage(intervals(1), 0).hits);
  // What forgetting the autocorrelation does: sqrt 3 too short.
  expectRejected(() => expectCoverage(coverage(intervals(1 / Math.sqrt(3)), 0).hits));
});

test('studentInterval(): replicates of a normal estimate are covered at 95 %, normal quantiles cover too rarely', () => {
  const student: Interval[] = [];
  const normal: Interval[] = [];
  replicate(1000, SEED, (rng) => {
    const stream = rng.stream({ purpose: 32 });
    const mean = replicateMean(Float64Array.from({ length: 4 }, () => 5 + 2 * stream.normal()));
    student.push(studentInterval(mean));
    normal.push(normalInterval(mean.value, mean.standardError));
    return 0;
  });
  expectCoverage(coverage(student, 5).hits);
  expectRejected(() => expectCoverage(coverage(normal, 5).hits));
});

test('batchMean(): 95 % intervals of long batches cover the mean of an autoregression', () => {
  const intervals: Interval[] = [];
  replicate(1000, SEED, (rng) => {
    intervals.push(studentInterval(batchMean(autoregression(2003, 0.5, rng), 20)));
    return 0;
  });
  expectCoverage(coverage(intervals, 0).hits);
});

test('standard errors: by hand, and NaN where one number cannot tell', () => {
  expect(replicateMean(Float64Array.of(1, 3))).toEqual({ value: 2, standardError: 1, degrees: 1 });
  expect(replicateMean(Float64Array.of(7)).standardError).toBeNaN();
  expect(studentInterval(replicateMean(Float64Array.of(7)))).toEqual({ low: Number.NaN, high: Number.NaN });
  expect(batchMean(Float64Array.of(9, 1, 1, 3, 3), 2)).toEqual({ value: 3.4, standardError: 1, degrees: 1 });
  const { low, high } = studentInterval({ value: 0, standardError: 1, degrees: 7 });
  expect(high).toBeCloseTo(2.3646242515927844, 12);
  expect(low).toBe(-high);
  expect(normalInterval(1, 2).high).toBeCloseTo(1 + 2 * 1.959963984540054, 12);
  expect(() => batchMean(new Float64Array(5), 6)).toThrow(OptionError);
  expect(() => normalInterval(0, 1, 95)).toThrow('strictly between 0 and 1');
});

test('coverage(): ends count, NaN intervals hold nothing', () => {
  const intervals = [
    { low: 0, high: 1 },
    { low: 1, high: 2 },
    { low: 1.5, high: 2 },
    { low: Number.NaN, high: Number.NaN },
  ];
  expect(coverage(intervals, 1)).toEqual({ hits: 2, runs: 4, rate: 0.5, standardError: 0.25 });
});

test('splitRHat(): near 1 for chains of one law, above 1.01 for one that drifts or sits elsewhere', () => {
  const chain = (c: number): Float64Array => autoregression(2000, 0.3, rngFromSeed(SEED).child(1, c));
  const same = [0, 1, 2, 3].map(chain);
  expect(splitRHat(same)).toBeLessThan(1.01);
  expect(splitRHat([...same.slice(1), same[0]!.map((x) => x + 1)])).toBeGreaterThan(1.05);
  expect(splitRHat([same[0]!.map((x, t) => x + t / 1000)])).toBeGreaterThan(1.05);
  expect(splitRHat([new Float64Array(10)])).toBeNaN();
  // By hand: halves (0, 2) and (2, 4) have variance 2 and means 1, 3: sqrt(1/2 + 2/2).
  expect(splitRHat([Float64Array.of(0, 2, 2, 4)])).toBeCloseTo(Math.sqrt(1.5), 14);
});
