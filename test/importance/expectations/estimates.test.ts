import { expect, test } from 'vitest';
import { studentT } from '../../../engine/distribution/student-t.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import { estimatesOf, intervalsOf } from '../../../estimators/importance/expectations/estimates.ts';
import {
  checkFunctionals,
  deltaMethod,
  gradientOf,
  gradientsOf,
} from '../../../estimators/importance/expectations/functional.ts';
import type { AnswerPoints } from '../../../estimators/importance/expectations/state.ts';

const SEED = 314;

/** Points of given summands [n, J]. */
function pointsOf(summand: Float64Array, J: number, more: Partial<AnswerPoints> = {}): AnswerPoints {
  const n = summand.length / J;
  return {
    final: true,
    n,
    planned: n,
    perReplicate: n,
    independent: true,
    term: summand,
    summand,
    constant: new Float64Array(J),
    logWeight: new Float64Array(n),
    inputs: new Float64Array(n),
    outputs: new Float64Array(n),
    hits: new Uint32Array(J).fill(n),
    ...more,
  };
}

/** [n, 2] with normal columns of correlation 0.6 and means 1 and 2. */
function correlated(n: number): Float64Array {
  const stream = rngFromSeed(SEED).stream({ purpose: 1, step: 0, particle: 0 });
  const z = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const [u, v] = [normalQuantile(stream.uniform()), normalQuantile(stream.uniform())];
    z[2 * i] = 1 + u;
    z[2 * i + 1] = 2 + 0.6 * u + 0.8 * v;
  }
  return z;
}

test('estimatesOf(): independent rows give mean plus constant and the covariance of the mean', () => {
  const z = Float64Array.of(1, 4, 2, 6, 3, 5, 6, 9);
  const found = estimatesOf(
    pointsOf(z, 2, { constant: Float64Array.of(10, 0), hits: Uint32Array.of(40, 40) }),
    2,
  );
  expect([...found.value]).toEqual([13, 6]);
  // Sums of squares and products about the means: 14, 14, 12; over n (n - 1) = 12. Four rows tell no tail.
  expect([...found.variance]).toEqual([14 / 3, 14 / 3]);
  expect(found.degrees).toBe(3);
  const many = estimatesOf(pointsOf(correlated(4000), 2), 2);
  const [a, b, c, d] = many.covariance;
  expect(b).toBe(c);
  expect(4000 * a!).toBeCloseTo(1, 1);
  expect(4000 * b!).toBeCloseTo(0.6, 1);
  expect(4000 * d!).toBeCloseTo(1, 1);
});

test('estimatesOf(): nets are compared as wholes, an unfinished one left out, and one alone has no error', () => {
  const z = Float64Array.from({ length: 100 }, (_, i) => (i % 7) + Math.floor(i / 30));
  const nets = { independent: false, perReplicate: 30, planned: 120 };
  const found = estimatesOf(pointsOf(z, 1, nets), 1);
  const means = [0, 1, 2].map((r) => z.subarray(30 * r, 30 * r + 30).reduce((a, b) => a + b, 0) / 30);
  const mean = (means[0]! + means[1]! + means[2]!) / 3;
  const variance = means.reduce((total, m) => total + (m - mean) ** 2, 0) / 2 / 3;
  expect(found.value[0]).toBeCloseTo(mean, 13);
  expect(found.covariance[0]).toBeCloseTo(variance, 13);
  expect(found.degrees).toBe(2);
  const one = estimatesOf(pointsOf(z, 1, { ...nets, perReplicate: 64 }), 1);
  expect(one.covariance[0]).toBeNaN();
  const { standardError, low } = intervalsOf(
    ['m'],
    one.value,
    Float64Array.of(Number.NaN),
    one.degrees,
    0.95,
  );
  expect([standardError[0], low[0]]).toEqual([Number.NaN, Number.NaN]);
});

test('estimatesOf(): what was never seen is NaN, and what few summands decide has no variance', () => {
  const n = 2000;
  const z = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    z[3 * i] = (i + 0.5) / n;
    z[3 * i + 1] = 0.25;
    // A Pareto tail of shape 0.9 by its quantiles.
    z[3 * i + 2] = ((i + 0.5) / n) ** -0.9;
  }
  const { value, covariance, trust } = estimatesOf(pointsOf(z, 3, { hits: Uint32Array.of(n, 0, n) }), 3);
  expect(trust.map(({ status }) => status)).toEqual(['estimated', 'unseen', 'heavy']);
  expect(trust[2]!.paretoShape).toBeGreaterThan(0.8);
  expect(value[1]).toBeNaN();
  expect(value[2]).toBeGreaterThan(0);
  expect(covariance[0]).toBeGreaterThan(0);
  for (const at of [1, 2, 3, 4, 5, 6, 7, 8]) expect(covariance[at]).toBeNaN();
});

test('estimatesOf(): fewer than ten points at which a function is not 0 tell no spread', () => {
  const n = 1000;
  const z = Float64Array.from({ length: n }, (_, i) => (i % 125 === 0 ? 1 : 0));
  const few = estimatesOf(pointsOf(z, 1, { hits: Uint32Array.of(8) }), 1);
  expect(few.trust[0]).toMatchObject({ status: 'heavy', paretoShape: Infinity });
  expect(few.value[0]).toBe(0.008);
  expect(few.covariance[0]).toBeNaN();
});

test('estimatesOf(): a shift of all summands, which controls may leave, changes no diagnostic', () => {
  const z = correlated(2000);
  const shifted = z.map((x) => x - 1e3);
  const [own, other] = [z, shifted].map((summand) => estimatesOf(pointsOf(summand, 2), 2).trust[0]!);
  expect(own!.paretoShape).toBeLessThan(0.3);
  expect(other!.paretoShape).toBeCloseTo(own!.paretoShape, 6);
  expect(other!.ess).toBeCloseTo(own!.ess, 6);
});

test('estimatesOf(): a step in size that controls leave is no heavy tail, and a heavy tail that controls leave is', () => {
  const n = 2000;
  const step = Float64Array.from({ length: n }, (_, i) =>
    i % 20 === 0 ? 1 + (i % 7) / 7 : 1e-3 * ((i * 0.618034) % 1),
  );
  const bounded = Float64Array.from({ length: n }, (_, i) => 1 + (i % 13) / 13);
  const status = (summand: Float64Array, term: Float64Array) =>
    estimatesOf(pointsOf(summand, 1, { term }), 1).trust[0]!.status;
  expect(status(step, step)).toBe('heavy');
  expect(status(step, bounded)).toBe('estimated');
  const pareto = Float64Array.from({ length: n }, (_, i) => ((i + 0.5) / n) ** -0.9);
  expect(
    status(
      pareto.map((z) => z - 1.5),
      pareto,
    ),
  ).toBe('heavy');
});

test('estimatesOf(): summands that differ by rounding alone are trusted, and have no error of 0', () => {
  const n = 500;
  const z = Float64Array.from({ length: n }, (_, i) => 1e-17 * (i % 3) ** 30);
  const found = estimatesOf(pointsOf(z, 1, { constant: Float64Array.of(3e8) }), 1);
  expect(found.trust[0]).toMatchObject({ status: 'estimated', paretoShape: -Infinity, ess: n });
  const exact = estimatesOf(pointsOf(new Float64Array(n), 1, { constant: Float64Array.of(2) }), 1);
  expect(exact.value[0]).toBe(2);
  expect(intervalsOf(['m'], exact.value, Float64Array.of(0), n - 1, 0.95).standardError[0]).toBeNaN();
});

test("intervalsOf(): Student's ends", () => {
  const { low, high } = intervalsOf(['m'], Float64Array.of(2), Float64Array.of(0.5), 7, 0.9);
  const t = studentT(7).quantile(0.95);
  expect(low[0]).toBeCloseTo(2 - 0.5 * t, 14);
  expect(high[0]).toBeCloseTo(2 + 0.5 * t, 14);
});

const ratio = { value: ([a, b]: Float64Array) => a! / b! };
const withGradient = {
  ...ratio,
  gradient: ([a, b]: Float64Array, out: Float64Array) => {
    out[0] = 1 / b!;
    out[1] = -a! / b! ** 2;
  },
};
const covariance = Float64Array.of(0.04, 0.01, 0.01, 0.09);

test('deltaMethod(): the variance of a ratio is its closed form, with its gradient or by differences', () => {
  const value = Float64Array.of(3, 5);
  const exact = Math.sqrt((0.04 - (2 * 3 * 0.01) / 5 + (9 * 0.09) / 25) / 25);
  for (const functional of [ratio, withGradient]) {
    const found = deltaMethod(functional, value, covariance);
    expect(found.value).toBe(0.6);
    expect(found.standardError).toBeCloseTo(exact, 11);
  }
  // Cancelling errors: a - a has none, and none is not 0.
  const difference = { value: ([a, b]: Float64Array) => a! - b! };
  expect(deltaMethod(difference, value, Float64Array.of(1, 1, 1, 1)).standardError).toBeNaN();
});

test('gradientOf(): differences keep nine digits over scales of 1e-30 to 1e30, and at 0 by the standard error', () => {
  const out = new Float64Array(2);
  for (const [a, b] of [
    [1e-30, 2e30],
    [3, 1e-12],
    [-5e20, 7e-20],
  ] as const) {
    gradientOf(ratio, Float64Array.of(a, b), out);
    expect(out[0]! * b).toBeCloseTo(1, 9);
    expect((out[1]! * b * b) / -a).toBeCloseTo(1, 9);
  }
  gradientOf(
    { value: ([a]: Float64Array) => Math.sin(1e6 * a!) },
    Float64Array.of(0),
    out,
    Float64Array.of(1e-7),
  );
  expect(out[0]! / 1e6).toBeCloseTo(1, 9);
});

test('deltaMethod(): what is unknown is NaN, unless the functional does not depend on it', () => {
  const value = Float64Array.of(3, Number.NaN);
  const unknown = Float64Array.of(0.04, Number.NaN, Number.NaN, Number.NaN);
  expect(deltaMethod(ratio, value, unknown)).toEqual({ value: Number.NaN, standardError: Number.NaN });
  const double = { value: ([a]: Float64Array) => 2 * a! };
  const found = deltaMethod(double, value, unknown);
  expect(found.value).toBe(6);
  expect(found.standardError).toBeCloseTo(0.4, 11);
  // Heavy: the value is known, its error is not.
  const heavy = deltaMethod(ratio, Float64Array.of(3, 5), unknown);
  expect(heavy.value).toBe(0.6);
  expect(heavy.standardError).toBeNaN();
  expect(deltaMethod(ratio, Float64Array.of(1, 0), covariance)).toEqual({
    value: Number.NaN,
    standardError: Number.NaN,
  });
});

test('gradientsOf(): slopes that are not finite have no say in how a sample is spent', () => {
  const out = new Float64Array(4);
  const sum = { value: ([a, b]: Float64Array) => a! + b! };
  gradientsOf([ratio, sum], Float64Array.of(0, 0), out);
  expect([...out.subarray(0, 2)].every(Number.isFinite)).toBe(true);
  expect(out[2]).toBeCloseTo(1, 9);
  expect(checkFunctionals('test', { ratio }).map(({ name }) => name)).toEqual(['ratio']);
});
