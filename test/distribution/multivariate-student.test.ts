import { expect, test } from 'vitest';
import { densityMixture } from '../../engine/distribution/multivariate-mixture.ts';
import { multivariateStudent } from '../../engine/distribution/multivariate-student.ts';
import { multivariateMixture, multivariateNormal, studentT } from '../../engine/index.ts';

const law = multivariateStudent(
  4,
  [1, -2, 0],
  [
    [4, 1.2, 0.3],
    [1.2, 1, -0.2],
    [0.3, -0.2, 2],
  ],
);

test('multivariateStudent(): in one dimension it is studentT', () => {
  const one = multivariateStudent(3.5, [2], [[9]]);
  const plain = studentT(3.5, 2, 3);
  for (const u of [0.001, 0.3, 0.5, 0.98]) {
    const x = new Float64Array(1);
    one.transport(Float64Array.of(u), x);
    expect(x[0]).toBeCloseTo(plain.quantile(u), 11);
    const out = new Float64Array(1);
    one.logDensity(x, out);
    expect(out[0]).toBeCloseTo(plain.logDensity(x[0]!), 12);
  }
  expect(one.covariance[0]).toBeCloseTo(plain.variance, 12);
  expect(multivariateStudent(2, [0], [[1]]).covariance[0]).toBe(Infinity);
});

test('multivariateStudent(): the density is the inverse of the volume that the transport makes of uniforms', () => {
  const h = 1e-6;
  for (const u of [
    [0.2, 0.7, 0.4],
    [0.95, 0.1, 0.02],
    [0.5, 0.5, 0.99],
  ]) {
    const at = (c: number, step: number): Float64Array => {
      const x = Float64Array.from(u, (v, i) => (i === c ? v + step : v));
      law.transport(x, x);
      return x;
    };
    const [a, b, c] = [0, 1, 2].map((k) => {
      const [high, low] = [at(k, h), at(k, -h)];
      return high.map((v, r) => (v - low[r]!) / (2 * h));
    }) as [Float64Array, Float64Array, Float64Array];
    const determinant =
      a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) -
      b[0]! * (a[1]! * c[2]! - a[2]! * c[1]!) +
      c[0]! * (a[1]! * b[2]! - a[2]! * b[1]!);
    const out = new Float64Array(1);
    law.logDensity(at(0, 0), out);
    expect(out[0]! + Math.log(determinant)).toBeCloseTo(0, 6);
  }
});

test('densityMixture(): densities and points are those of multivariateMixture', () => {
  const parts = [
    law,
    multivariateNormal(
      [0, 0, 0],
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    ),
  ];
  const [plain, whole] = [densityMixture(parts, [1, 4]), multivariateMixture(parts, [1, 4])];
  const u = Float64Array.of(0.1, 0.4, 0.9, 0.7, 0.2, 0.3);
  const [x, y] = [u.slice(), u.slice()];
  plain.transport(x, x);
  whole.transport(y, y);
  expect(x).toEqual(y);
  const [p, q] = [new Float64Array(2), new Float64Array(2)];
  plain.logDensity(x, p);
  whole.logDensity(x, q);
  expect(p).toEqual(q);
});
