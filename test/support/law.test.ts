import { expect, test } from 'vitest';
import {
  binomialBounds,
  columnMoments,
  detectableBias,
  expectCounts,
  expectCoverage,
  expectLaw,
  expectMeans,
  expectProportion,
  expectRejected,
  replicate,
} from './law.ts';

const SEED = 20240611;
const draws = (rng: { stream(a: { purpose: number }): { uniform(): number; normal(): number } }) =>
  rng.stream({ purpose: 9 });

test('replicate(): run r depends on the seed and r only, and rows keep their width', () => {
  const few = replicate(3, SEED, (rng) => [draws(rng).uniform(), 2]);
  const many = replicate(5, SEED, (rng) => [draws(rng).uniform(), 2]);
  expect(many.values.subarray(0, 6)).toEqual(few.values);
  expect(few.width).toBe(2);
  expect(columnMoments(few).sd[1]).toBe(0);
  expect(() => replicate(2, SEED, (_, run) => new Float64Array(run + 1))).toThrow(RangeError);
});

test('expectMeans(): the true mean passes, a bias of the stated detectable size is rejected', () => {
  const runs = 4000;
  const samples = replicate(runs, SEED, (rng) => [draws(rng).normal(), 7]);
  expectMeans(samples, [0, 7]);
  expectRejected(() => expectMeans(samples, [detectableBias(runs) * 1.2, 7]));
  expectRejected(() => expectMeans(samples, [0, 7.001])); // a constant column has no slack
  expect(() => expectMeans(samples, [0])).toThrow(RangeError);
  expect(52.1 / detectableBias(1) ** 2).toBeCloseTo(1, 3);
});

test('expectMeans(): NaN is rejected', () => {
  const samples = replicate(200, SEED, (_, run) => (run === 7 ? Number.NaN : run));
  expectRejected(() => expectMeans(samples, 99.5));
});

test('expectRejected(): a twin that passes fails the test, and other errors are passed on', () => {
  expect(() => expectRejected(() => {})).toThrow('broken twin passed');
  expect(() =>
    expectRejected(() => {
      throw new TypeError('other');
    }),
  ).toThrow(TypeError);
});

test('binomialBounds(): 913 to 980 of 1000 at 95 %, and exact at the ends', () => {
  expect(binomialBounds(1000, 0.95)).toEqual({ low: 913, high: 980 });
  expect(binomialBounds(1000, 0.05)).toEqual({ low: 20, high: 87 });
  expect(binomialBounds(10, 0.5, 0.01)).toEqual({ low: 1, high: 9 }); // P(0) = 1/1024 <= 0.005 < 11/1024
  expect(binomialBounds(10, 0)).toEqual({ low: 0, high: 0 });
  expect(binomialBounds(10, 1)).toEqual({ low: 10, high: 10 });
});

test('expectCoverage(): accepts the ends of its band and rejects the next counts', () => {
  expectCoverage(913);
  expectCoverage(980);
  expectRejected(() => expectCoverage(912));
  expectRejected(() => expectCoverage(981));
  expectProportion(5, 10, 0.5);
});

test('expectLaw(): uniforms follow the uniform law, their squares do not', () => {
  const uniforms = replicate(2000, SEED, (rng) => draws(rng).uniform()).values;
  expectLaw(uniforms, (x) => x);
  expectRejected(() => expectLaw(uniforms, (x) => Math.sqrt(x)));
});

test('expectCounts(): a fair die passes, a loaded one and an impossible face do not', () => {
  const faces = new Float64Array(6);
  const rolls = replicate(3000, SEED, (rng) => Math.floor(draws(rng).uniform() * 6)).values;
  for (const face of rolls) faces[face] = faces[face]! + 1;
  expectCounts(faces, new Float64Array(6).fill(1 / 6));
  expectRejected(() => expectCounts(faces, [0.1, 0.2, 0.2, 0.2, 0.2, 0.1]));
  expectRejected(() => expectCounts([10, 20, 3], [0.4, 0.6, 0]));
  expectCounts([10, 20, 0], [0.4, 0.6, 0]);
  expect(() => expectCounts([1, 2], [0.5, 0.5])).toThrow(RangeError);
});
