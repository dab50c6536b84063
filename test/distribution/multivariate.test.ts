import { expect, test } from 'vitest';
import {
  drawLaw,
  drawPoints,
  exponential,
  gaussianCopula,
  independent,
  inputSpace,
  type MultivariateLaw,
  multivariateMixture,
  multivariateNormal,
  normal,
  rngFromSeed,
  uniform,
} from '../../engine/index.ts';
import { expectMeans, expectRejected, replicate } from '../support/law.ts';

const SEED = 20;
const planar = multivariateNormal(
  [1, -2],
  [
    [4, 1.2],
    [1.2, 1],
  ],
);
const two = multivariateMixture([planar, independent([normal(6, 1), exponential(2)])], [1, 3]);

/** Columns x, y, xx, xy, yy of one draw, about the stated mean. */
function products(law: MultivariateLaw, x: Float64Array): number[] {
  const [a, b] = [x[0]! - law.mean[0]!, x[1]! - law.mean[1]!];
  return [a, b, a * a, a * b, b * b];
}

for (const law of [planar, two]) {
  test(`${law.describe()}: draws have the stated mean and covariance`, () => {
    // 20 000 draws: catches a bias of 0.05 sd of any column with 99 % probability.
    const draws = replicate(20_000, SEED, (rng) => products(law, drawPoints(law, rng, 1)));
    const [xx, xy, , yy] = law.covariance;
    expectMeans(draws, [0, 0, xx!, xy!, yy!]);
    expectRejected(() => expectMeans(draws, [0, 0, xx!, xy! + 0.2 * Math.sqrt(xx! * yy!), yy!]));
  });

  test(`${law.describe()}: the density integrates to 1`, () => {
    // Midpoint rule on a grid of step 0.05, which the corner of the exponential density leaves 1e-3 off.
    const step = 0.05;
    const x = new Float64Array(2 * 400 * 400);
    for (let i = 0; i < 400 * 400; i++) {
      x[2 * i] = -9 + step * ((i % 400) + 0.5);
      x[2 * i + 1] = -10 + step * (Math.floor(i / 400) + 0.5);
    }
    const out = new Float64Array(400 * 400);
    law.logDensity(x, out);
    expect(out.reduce((sum, l) => sum + Math.exp(l) * step * step, 0)).toBeCloseTo(1, 3);
  });
}

test('multivariateNormal(): the log density at the mean is -log(2 pi sqrt(det))', () => {
  const out = new Float64Array(2);
  planar.logDensity(Float64Array.of(1, -2, 3, -2), out);
  const determinant = 4 - 1.2 ** 2;
  expect(out[0]).toBeCloseTo(-Math.log(2 * Math.PI) - 0.5 * Math.log(determinant), 14);
  expect(out[0]! - out[1]!).toBeCloseTo((0.5 * 4) / determinant, 14);
});

test('multivariateMixture(): the first uniform chooses the component and is stretched back', () => {
  const law = multivariateMixture([independent([uniform(0, 1)]), independent([uniform(10, 14)])], [1, 3]);
  const u = Float64Array.of(0.125, 0.2499, 0.25, 0.625, 0.9999);
  const x = new Float64Array(5);
  law.transport(u, x);
  expect([...x].map((v) => Number(v.toFixed(12)))).toEqual([0.5, 0.9996, 10, 12, 13.999466666667]);
  law.transport(u, u);
  expect(u).toEqual(x);
});

test('drawLaw(), drawPoints(): a draw depends on its own address only', () => {
  const rng = rngFromSeed(SEED);
  const all = drawLaw(normal(0, 1), rng, 10, { step: 3 });
  expect(drawLaw(normal(0, 1), rng, 4, { step: 3, particle: 6 })).toEqual(all.slice(6));
  expect(drawLaw(normal(0, 1), rng, 4, { step: 4 })).not.toEqual(all.slice(0, 4));
  const points = drawPoints(planar, rng, 10);
  expect(drawPoints(planar, rng, 3, { particle: 7 })).toEqual(points.slice(14));
});

test('gaussianCopula(): the correlation of the underlying normals is the one asked for', () => {
  const copula = gaussianCopula({
    names: ['a', 'b', 'c'],
    pairs: [
      ['c', 'a', -0.6],
      ['a', 'b', 0.3],
    ],
  });
  const space = inputSpace('test', { a: normal(0, 1), b: normal(0, 1), c: normal(0, 1) }, copula);
  const cube = independent([uniform(0, 1), uniform(0, 1), uniform(0, 1)]);
  // 20 000 draws: catches 0.05 in any correlation with 99 % probability.
  const draws = replicate(20_000, SEED + 1, (rng) => {
    const x = drawPoints(cube, rng, 1);
    space.transport(x, x, 1);
    const [a, b, c] = x as unknown as [number, number, number];
    return [a * b, a * c, b * c, a * a, b * b, c * c];
  });
  expectMeans(draws, [0.3, -0.6, 0, 1, 1, 1]);
  expectRejected(() => expectMeans(draws, [0.3, 0.6, 0, 1, 1, 1]));
});

test('gaussianCopula(): the margins stay uniform and rank correlation is 6 / pi asin(r / 2)', () => {
  const r = 0.7;
  const copula = gaussianCopula([
    [1, r],
    [r, 1],
  ]);
  const spearman = (6 / Math.PI) * Math.asin(r / 2);
  const draws = replicate(20_000, SEED + 2, (rng) => {
    const v = drawLaw(uniform(0, 1), rng, 2);
    copula.transport(v, v, 1);
    return [v[1]!, v[1]! ** 2, 12 * (v[0]! - 0.5) * (v[1]! - 0.5)];
  });
  expectMeans(draws, [1 / 2, 1 / 3, spearman]);
  expectRejected(() => expectMeans(draws, [1 / 2, 1 / 3, r + 0.03]));
});

test('gaussianCopula(): independence leaves uniforms alone, and values stay inside (0, 1)', () => {
  const copula = gaussianCopula([
    [1, 0],
    [0, 1],
  ]);
  const u = Float64Array.of(2 ** -53, 0.3, 0.9, 1 - 2 ** -53);
  const v = new Float64Array(4);
  copula.transport(u, v, 2);
  for (let i = 0; i < 4; i++) expect(Math.abs(v[i]! / u[i]! - 1)).toBeLessThan(1e-13);
  const tight = gaussianCopula([
    [1, 0.8],
    [0.8, 1],
  ]);
  tight.transport(Float64Array.of(1 - 2 ** -53, 1 - 2 ** -53), v, 1);
  expect(v[1]).toBeLessThan(1);
});

test('gaussianCopula(): inputs are linked through chains of nonzero correlations', () => {
  const copula = gaussianCopula({
    names: ['a', 'b', 'c', 'd'],
    pairs: [
      ['a', 'c', 0.4],
      ['c', 'd', 0.4],
    ],
  });
  expect([copula.linked(0, 3), copula.linked(0, 2), copula.linked(0, 1), copula.linked(1, 1)]).toEqual([
    true,
    true,
    false,
    true,
  ]);
});
