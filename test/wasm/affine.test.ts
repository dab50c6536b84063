import { expect, test } from 'vitest';
import { multivariateNormal, rngFromSeed } from '../../engine/index.ts';
import {
  affineLogDensity,
  affineNormal,
  affineRows,
  volatilityLogDensity,
} from '../../engine/wasm/twins/affine.ts';
import { normal } from '../../engine/wasm/twins/normal.ts';

const SEED = 41;
const ADDRESS = [1, 2, 5, 6, 7] as const;

function draws(n: number, particle: number): Float64Array {
  const { normal: next } = rngFromSeed(SEED).stream({ purpose: 32, particle });
  return Float64Array.from({ length: n }, next);
}

for (const [d, p, noise] of [
  [1, 1, 1],
  [3, 3, 3],
  [3, 0, 2],
  [2, 4, 1],
  [2, 2, 0],
] as const) {
  const n = 37;
  const parent = draws(n * p, 1);
  const rows = draws((1 + p + noise) * d, 2).map((value, at) =>
    Math.floor(at / d) - 1 - p > at % d ? 0 : value,
  );
  const [next, z] = [new Float64Array(n * d), new Float64Array(n * noise)];
  affineNormal(parent, p, next, d, noise, rows, ...ADDRESS, 0, n);
  if (noise > 0) normal(z, noise, ...ADDRESS, 0, n);

  test(`affineNormal, ${p} to ${d} numbers with ${noise} normals: b + A parent + L z with the z of \`normal\` there`, () => {
    for (let i = 0; i < n; i++) {
      for (let c = 0; c < d; c++) {
        let expected = rows[c]!;
        for (let j = 0; j < p; j++) expected += rows[(1 + j) * d + c]! * parent[i * p + j]!;
        for (let k = 0; k < noise; k++) expected += rows[(1 + p + k) * d + c]! * z[i * noise + k]!;
        expect(next[i * d + c]).toBe(expected);
      }
    }
  });

  test(`affineRows, ${p} to ${d} numbers with ${noise} normals: the bits of affineNormal from normals that are given`, () => {
    const found = new Float64Array(n * d);
    affineRows(parent, p, z, noise, rows, found, d);
    expect(found).toEqual(next);
  });
}

test('affineLogDensity: with e = W y, G = -W it is the normal law with precision W W, to rounding', () => {
  const covariance = [
    [2, 0.6, 0.2],
    [0.6, 1, 0.3],
    [0.2, 0.3, 0.5],
  ];
  const law = multivariateNormal([0, 0, 0], covariance);
  // Columns of the inverse of the Cholesky factor by differences of the density would be roundabout: by hand.
  const l = Math.sqrt(2);
  const m = 0.6 / l;
  const o = Math.sqrt(1 - m * m);
  const q = 0.2 / l;
  const r = (0.3 - q * m) / o;
  const s = Math.sqrt(0.5 - q * q - r * r);
  const whiten = [
    [1 / l, 0, 0],
    [-m / (l * o), 1 / o, 0],
    [(m * r - q * o) / (l * o * s), -r / (o * s), 1 / s],
  ];
  const y = [0.3, -1, 2];
  const rows = new Float64Array(12);
  for (let c = 0; c < 3; c++) {
    for (let j = 0; j < 3; j++) {
      rows[c]! += whiten[c]![j]! * y[j]!;
      rows[3 * (1 + j) + c] = -whiten[c]![j]!;
    }
  }
  const x = draws(60, 3);
  const found = new Float64Array(20);
  const constant = -1.5 * Math.log(2 * Math.PI) - Math.log(l * o * s);
  affineLogDensity(x, 3, rows, 3, constant, found, 0, 20);
  const expected = new Float64Array(20);
  law.logDensity(
    x.map((value, at) => y[at % 3]! - value),
    expected,
  );
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-12);
  });
});

test('volatilityLogDensity: the normal law with variance e^x; -Infinity or finite, never NaN, however far x is', () => {
  const x = Float64Array.of(-3, 0, 2.5, -800, 800, Infinity);
  const out = new Float64Array(6);
  volatilityLogDensity(x, 1.7, out, 0, 6);
  for (let i = 0; i < 3; i++) {
    const law = multivariateNormal([0], [[Math.exp(x[i]!)]]);
    const expected = new Float64Array(1);
    law.logDensity(Float64Array.of(1.7), expected);
    expect(out[i]!).toBeCloseTo(expected[0]!, 13);
  }
  expect(out[3]).toBeLessThan(-1e300);
  expect([...out.subarray(4)]).toEqual([-0.5 * (2 * 0.9189385332046728 + 800), -Infinity]);
  volatilityLogDensity(x, 0, out, 0, 6);
  expect(out.some(Number.isNaN)).toBe(false);
});
