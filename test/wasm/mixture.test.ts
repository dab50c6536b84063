import { expect, test } from 'vitest';
import type { MixtureParameters } from '../../engine/distribution/normal-mixture.ts';
import type { Rows } from '../../engine/index.ts';
import {
  mixtureParameters,
  multivariateMixture,
  multivariateNormal,
  rngFromSeed,
} from '../../engine/index.ts';
import { mixtureLogDensity, mixtureScore } from '../../engine/wasm/twins/mixture.ts';
import { langevin, randomWalk } from '../../engine/wasm/twins/moves.ts';
import { normal } from '../../engine/wasm/twins/normal.ts';

const SEED = 31;

/** Mixtures whose components are correlated, far apart, and of one to five numbers. */
function mixture(d: number, components: number): { means: Rows; covariances: Rows[]; weights: number[] } {
  const draw = rngFromSeed(SEED).stream({ purpose: 32, particle: d });
  const square = (): Rows => {
    const a = Array.from({ length: d }, () => Array.from({ length: d }, draw.normal));
    return a.map((row, i) =>
      a.map((other, j) => row.reduce((s, v, k) => s + v * other[k]!, i === j ? 0.3 : 0)),
    );
  };
  return {
    means: Array.from({ length: components }, () => Array.from({ length: d }, () => 4 * draw.normal())),
    covariances: Array.from({ length: components }, square),
    weights: Array.from({ length: components }, draw.uniform),
  };
}

function points(d: number, n: number): Float64Array {
  const draw = rngFromSeed(SEED).stream({ purpose: 32, particle: 100 + d });
  return Float64Array.from({ length: n * d }, () => 4 * draw.normal());
}

function scored(p: MixtureParameters, x: Float64Array): { logDensity: Float64Array; score: Float64Array } {
  const n = x.length / p.dimension;
  const [logDensity, score] = [new Float64Array(n), new Float64Array(x.length)];
  mixtureScore(x, p.dimension, p.means, p.whiten, p.logConstant, p.components, logDensity, score, 0, n);
  return { logDensity, score };
}

const law = ({ means, covariances, weights }: ReturnType<typeof mixture>) =>
  multivariateMixture(
    means.map((mean, k) => multivariateNormal(mean, covariances[k]!)),
    weights,
  );

for (const d of [1, 2, 3, 5]) {
  const given = mixture(d, 7);
  const p = mixtureParameters(given);
  const x = points(d, 50);

  test(`mixtureScore, d = ${d}: the log density is that of multivariateMixture to 1e-12`, () => {
    const expected = new Float64Array(50);
    law(given).logDensity(x, expected);
    scored(p, x).logDensity.forEach((found, i) => {
      expect(Math.abs(found - expected[i]!)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected[i]!)));
    });
  });

  test(`mixtureScore, d = ${d}: the score is the slope of the log density, by differences to 1e-7 of it`, () => {
    const { score } = scored(p, x);
    const step = 2 ** -17;
    for (let c = 0; c < d; c++) {
      const moved = (by: number): Float64Array =>
        scored(
          p,
          x.map((value, at) => (at % d === c ? value + by : value)),
        ).logDensity;
      const [up, down] = [moved(step), moved(-step)];
      for (let i = 0; i < 50; i++) {
        const slope = (up[i]! - down[i]!) / (2 * step);
        // Rounding of log densities up to 1e3 and the third derivative: both below 1e-7 of the scale here.
        expect(Math.abs(score[i * d + c]! - slope)).toBeLessThan(1e-7 * Math.max(10, Math.abs(slope)));
      }
    }
  });
}

test('mixtureScore: a single normal law has the score -precision (x - mean)', () => {
  const p = mixtureParameters(
    multivariateNormal(
      [1, -2],
      [
        [4, 1.2],
        [1.2, 1],
      ],
    ),
  );
  const determinant = 4 - 1.2 ** 2;
  const { score, logDensity } = scored(p, Float64Array.of(3, -1, 1, -2));
  expect(score[0]!).toBeCloseTo(-(2 * 1 - 1.2 * 1) / determinant, 14);
  expect(score[1]!).toBeCloseTo(-(4 * 1 - 1.2 * 2) / determinant, 14);
  expect(Math.abs(score[2]!) + Math.abs(score[3]!)).toBe(0);
  expect(logDensity[1]!).toBeCloseTo(-Math.log(2 * Math.PI * Math.sqrt(determinant)), 14);
});

test('mixtureScore: far in the tail, where every density underflows, log density and score stay right', () => {
  const p = mixtureParameters({ means: [[0], [1]], covariances: [[[1]], [[1]]] });
  const { score, logDensity } = scored(p, Float64Array.of(1e5, -1e5));
  // From 1e5 only the nearer component is seen.
  expect(logDensity[0]! / (Math.log(0.5) - 0.5 * Math.log(2 * Math.PI) - 0.5 * 99999 ** 2)).toBeCloseTo(
    1,
    15,
  );
  expect([...score]).toEqual([-99999, 1e5]);
});

test('mixtureScore: -Infinity where the distance overflows, NaN at NaN, weight 0 leaves a component out', () => {
  const p = mixtureParameters({ means: [[0], [5]], covariances: [[[1]], [[1]]], weights: [1, 0] });
  const { logDensity, score } = scored(p, Float64Array.of(1e200, Number.NaN, 5));
  expect([...logDensity.subarray(0, 2)]).toEqual([-Infinity, Number.NaN]);
  expect(logDensity[2]!).toBeCloseTo(-12.5 - 0.5 * Math.log(2 * Math.PI), 14);
  expect([...score]).toEqual([Number.NaN, Number.NaN, -5]);
});

test('mixtureLogDensity: the bits of mixtureScore', () => {
  for (const d of [1, 2, 4]) {
    const p = mixtureParameters(mixture(d, 5));
    const x = points(d, 33);
    const out = new Float64Array(33);
    mixtureLogDensity(x, d, p.means, p.whiten, p.logConstant, p.components, out, 0, 33);
    expect(out).toEqual(scored(p, x).logDensity);
  }
});

test('mixtureScore: one component at its mean has the log constant itself', () => {
  const p = mixtureParameters(multivariateNormal([3], [[2]]));
  expect(scored(p, Float64Array.of(3)).logDensity[0]).toBe(p.logConstant[0]);
});

test('randomWalk: x + scale z with the z of `normal` at the same address', () => {
  const [n, d] = [37, 3];
  const x = points(d, n);
  const scale = Float64Array.of(0.5, 2, 0);
  const [next, z] = [new Float64Array(n * d), new Float64Array(n * d)];
  randomWalk(x, next, scale, d, 1, 2, 5, 6, 7, 0, n);
  normal(z, d, 1, 2, 5, 6, 7, 0, n);
  expect(next).toEqual(x.map((value, at) => value + scale[at % d]! * z[at]!));
});

test('langevin: x + h/2 score + sqrt(h) z, and log density and score of x are left behind', () => {
  const [n, d, h] = [37, 2, 0.3];
  const p = mixtureParameters(mixture(d, 4));
  const x = points(d, n);
  const [next, z, score] = [new Float64Array(n * d), new Float64Array(n * d), new Float64Array(n * d)];
  const logDensity = new Float64Array(n);
  const { means, whiten, logConstant, components } = p;
  langevin(x, next, h, d, means, whiten, logConstant, components, logDensity, score, 1, 2, 5, 6, 7, 0, n);
  normal(z, d, 1, 2, 5, 6, 7, 0, n);
  const expected = scored(p, x);
  expect({ logDensity, score }).toEqual(expected);
  expect(next).toEqual(x.map((value, at) => value + 0.5 * h * score[at]! + Math.sqrt(h) * z[at]!));
});
