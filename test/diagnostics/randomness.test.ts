import { expect, test } from 'vitest';
import { chiSquareTest, kolmogorovSmirnov, serialCorrelation } from '../../engine/diagnostics/randomness.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import reference from '../reference/randomness.json' with { type: 'json' };
import { expectLaw, expectRejected, replicate } from '../support/law.ts';

const SEED = 43;

test.each(reference.chi_square)('chiSquareTest(): reference value for $counts', (c) => {
  const found = chiSquareTest(c.counts, c.probability);
  expect(found.statistic).toBeCloseTo(c.statistic, 12);
  expect(Math.abs(found.pValue / c.p - 1)).toBeLessThan(1e-11);
  expect(found.degrees).toBe(c.counts.length - 1);
});

test('chiSquareTest(): impossible cells, one cell, and wrong lengths', () => {
  expect(chiSquareTest([5, 0, 5], [0.5, 0, 0.5])).toEqual({ statistic: 0, pValue: 1, degrees: 1 });
  expect(chiSquareTest([5, 1, 5], [0.5, 0, 0.5]).pValue).toBe(0);
  expect(chiSquareTest([8], [1]).pValue).toBe(1);
  expect(() => chiSquareTest([1, 2], [1])).toThrow(ShapeError);
});

test.each(reference.kolmogorov)(
  'kolmogorovSmirnov(): p-value at n = $n, D = $d within 4 %',
  ({ n, d, p }) => {
    // Values whose largest distance from the uniform law is d: an even grid moved down by d - 1 / n.
    const values = Float64Array.from({ length: n }, (_, i) => Math.max(0, (i + 1) / n - d));
    const found = kolmogorovSmirnov(values, (x) => x);
    expect(found.statistic).toBeCloseTo(d, 12);
    expect(Math.abs(found.pValue / p - 1)).toBeLessThan(0.04);
  },
);

test('p-values of true hypotheses are uniform', () => {
  // 2000 p-values: a distribution function off by 0.1 anywhere is caught with 99 % probability.
  const pValues = (test: (uniforms: Float64Array) => number, size: number): Float64Array =>
    replicate(2000, SEED, (rng) => {
      const stream = rng.stream({ purpose: 32 });
      return test(Float64Array.from({ length: size }, () => stream.uniform()));
    }).values;
  expectLaw(
    pValues((u) => kolmogorovSmirnov(u, (x) => x).pValue, 200),
    (p) => p,
  );
  expectLaw(
    pValues((u) => serialCorrelation(u, 2).pValue, 300),
    (p) => p,
  );
  expectRejected(() =>
    expectLaw(
      pValues((u) => kolmogorovSmirnov(u, (x) => x * x).pValue, 200),
      (p) => p,
    ),
  );
});

test('serialCorrelation(): finds a dependence at its lag only, and wants enough values', () => {
  const x = Float64Array.from({ length: 400 }, (_, i) => [1, 1, -1, -1][i % 4]!);
  expect(serialCorrelation(x, 2).statistic).toBeCloseTo(-0.995, 10);
  expect(serialCorrelation(x, 2).pValue).toBeLessThan(1e-9);
  expect(serialCorrelation(x, 1).pValue).toBeGreaterThan(0.9);
  expect(() => serialCorrelation(new Float64Array(30))).toThrow(OptionError);
});
