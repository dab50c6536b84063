import { expect, test } from 'vitest';
import { erfc, erfcx, logNormalCdf, normalCdf } from '../../engine/math/erfc.ts';
import { deviance, logGamma, logGamma1p, logGammaCurvature, stirlingError } from '../../engine/math/gamma.ts';
import { gammaQuantile } from '../../engine/math/gamma-quantile.ts';
import { logBeta } from '../../engine/math/incomplete-beta.ts';
import { gammaLower, gammaUpper } from '../../engine/math/incomplete-gamma.ts';
import { cholesky, solveLinear, solveLower, symmetricEigen } from '../../engine/math/linear-algebra.ts';
import { nextDown, nextUp } from '../../engine/math/neighbour.ts';
import { integrate, integrateProbability } from '../../engine/math/quadrature.ts';
import { bracketedRoot, firstReaching } from '../../engine/math/root.ts';
import reference from '../reference/special.json' with { type: 'json' };

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  erfc,
  normalCdf,
  logNormalCdf,
  logGamma,
  logGamma1p,
  logGammaCurvature,
  deviance: (r) => deviance(r, r - 1),
  stirlingError,
};
// A few ulps for each; stirlingError promises an absolute error, its value being of order 1 / (12 x).
const RELATIVE = 5e-15;

for (const [name, points] of Object.entries(reference.values)) {
  test(`${name}(): agrees with 40-digit values`, () => {
    for (const [x, truth] of points as [number, number][]) {
      const scale = name === 'stirlingError' ? 1 : Math.abs(truth);
      const bound = name === 'stirlingError' ? 2e-15 : RELATIVE * scale;
      expect(Math.abs(FUNCTIONS[name]!(x) - truth), `at ${x}`).toBeLessThanOrEqual(bound);
    }
  });
}

test('erfcx(): is 1 / (x sqrt(pi)) far out and equals exp(x^2) erfc(x) near', () => {
  expect(erfcx(1e8) * 1e8 * Math.sqrt(Math.PI)).toBeCloseTo(1, 14);
  expect(erfcx(1)).toBeCloseTo(Math.E * erfc(1), 14);
});

test('special functions: the ends of the line', () => {
  expect([erfc(-Infinity), erfc(0), erfc(Infinity)]).toEqual([2, 1, 0]);
  expect([normalCdf(-Infinity), normalCdf(0), normalCdf(Infinity)]).toEqual([0, 0.5, 1]);
  expect([logGamma(0), logGamma(Infinity), logGamma(-1), logGamma(1), logGamma(2)]).toEqual([
    Infinity,
    Infinity,
    Number.NaN,
    0,
    0,
  ]);
  expect([gammaLower(2, 0), gammaLower(2, Infinity), gammaUpper(2, 0), gammaUpper(2, Infinity)]).toEqual([
    0, 1, 1, 0,
  ]);
  expect(gammaLower(2, Number.NaN)).toBeNaN();
  expect(gammaQuantile(0.01)(1e-40, 1)).toBe(0);
  expect(logBeta(2, 3)).toBeCloseTo(-Math.log(12), 14);
});

test('gammaLower(), gammaUpper(): the recurrence P(a + 1, x) = P(a, x) - x^a exp(-x) / Gamma(a + 1) holds at every border', () => {
  // DLMF 8.8.5. The shapes straddle the borders of the methods: 10 (Stirling) and 20 (uniform expansion).
  for (const a of [0.1, 0.7, 1.2, 9.5, 9.9, 18.7, 19.3, 19.9]) {
    for (const x of [0.2, 1.49, 1.51, a * 0.4, a * 0.99, a * 1.01, a * 2]) {
      const kernel = Math.exp(a * Math.log(x) - x - logGamma1p(a));
      expect(Math.abs(gammaLower(a, x) - kernel - gammaLower(a + 1, x))).toBeLessThan(1e-14);
      expect(Math.abs(gammaUpper(a, x) + kernel - gammaUpper(a + 1, x))).toBeLessThan(1e-14);
    }
  }
});

test('integrate(): polynomials, a corner and an endpoint singularity', () => {
  expect(integrate((x) => x ** 13, 0, 2)).toBeCloseTo(2 ** 14 / 14, 9);
  expect(integrate(Math.abs, -1, 2)).toBeCloseTo(2.5, 11);
  expect(integrate((x) => 1 / Math.sqrt(x), 0, 1)).toBeCloseTo(2, 9);
});

test('integrateProbability(): unbounded quantile functions up to a barely finite moment', () => {
  expect(integrateProbability((_, q) => -Math.log(q))).toBeCloseTo(1, 13);
  expect(integrateProbability((_, q) => q ** -0.95)).toBeCloseTo(20, 11);
});

test('bracketedRoot(): finds roots to the last bit and says NaN where there is no change of sign', () => {
  expect(bracketedRoot((x) => x ** 3 - 2, 0, 5)).toBeCloseTo(Math.cbrt(2), 15);
  expect(bracketedRoot((x) => Math.atan(x - 1e-5), -1e3, 1e9)).toBeCloseTo(1e-5, 18);
  expect(bracketedRoot((x) => x, 0, 1)).toBe(0);
  expect(bracketedRoot((x) => x * x + 1, -1, 1)).toBeNaN();
});

test('firstReaching(): the left end of a flat stretch, and the place of a jump', () => {
  const flat = (x: number): number => Math.min(0, x - 1) + Math.max(0, x - 2);
  expect(firstReaching(flat, 0, 5)).toBeCloseTo(1, 14);
  expect(firstReaching((x) => (x >= 3 ? 1 : -1), 0, 10)).toBe(3);
  expect(firstReaching(() => -1, 0, 1)).toBe(1);
  expect(firstReaching(() => 1, 0, 1)).toBe(0);
});

test('nextUp(), nextDown(): the neighbouring doubles', () => {
  expect(nextUp(1)).toBe(1 + 2 ** -52);
  expect(nextDown(1)).toBe(1 - 2 ** -53);
  expect([nextUp(0), nextDown(0), nextUp(-1)]).toEqual([5e-324, -5e-324, -1 + 2 ** -53]);
  expect([nextUp(Infinity), nextDown(Infinity), nextUp(-Infinity)]).toEqual([
    Infinity,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
  ]);
});

test("cholesky(): L L' = a, and the pivot that fails is named", () => {
  const a = Float64Array.of(4, 1, -2, 1, 3, 0.5, -2, 0.5, 5);
  const result = cholesky(a, 3);
  if (result.kind !== 'factor') throw new Error('expected a factor');
  const { lower } = result;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) sum += lower[3 * i + k]! * lower[3 * j + k]!;
      expect(sum).toBeCloseTo(a[3 * i + j]!, 14);
    }
  }
  expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toEqual({
    kind: 'not-positive-definite',
    pivot: 1,
    value: -3,
  });
  expect(cholesky(Float64Array.of(1, 1, 1, 1), 2).kind).toBe('not-positive-definite');
  expect(cholesky(Float64Array.of(Number.NaN), 1).kind).toBe('not-positive-definite');
});

test('solveLower(), solveLinear(), symmetricEigen(): solve what they say', () => {
  expect([...solveLower(Float64Array.of(2, 0, 1, 4), 2, Float64Array.of(2, 9))]).toEqual([1, 2]);
  const x = solveLinear(Float64Array.of(0, 2, 1, 1), 2, Float64Array.of(4, 5));
  expect(x[0]).toBeCloseTo(3, 14);
  expect(x[1]).toBeCloseTo(2, 14);
  const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
  expect(values[0]).toBeCloseTo(1, 14);
  expect(values[1]).toBeCloseTo(3, 14);
  expect(Math.abs(vectors[0]! + vectors[2]!)).toBeLessThan(1e-14);
});
