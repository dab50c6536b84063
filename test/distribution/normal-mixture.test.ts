import { expect, test } from 'vitest';
import {
  independent,
  mixtureParameters,
  multivariateMixture,
  multivariateNormal,
  normal,
  OptionError,
} from '../../engine/index.ts';

const cov = [
  [4, 1.2],
  [1.2, 1],
];
const unit = [
  [1, 0],
  [0, 1],
];

test('mixtureParameters(): the rows of W give back the inverse covariance, and the constant its determinant', () => {
  const { whiten, logConstant, means, dimension, components } = mixtureParameters({
    means: [[1, -2]],
    covariances: [cov],
  });
  const [a, b, c] = whiten as unknown as [number, number, number];
  const determinant = 4 - 1.2 ** 2;
  expect([dimension, components, ...means]).toEqual([2, 1, 1, -2]);
  expect(a * a + b * b).toBeCloseTo(1 / determinant, 14);
  expect(b * c).toBeCloseTo(-1.2 / determinant, 14);
  expect(c * c).toBeCloseTo(4 / determinant, 14);
  expect(logConstant[0]!).toBeCloseTo(-Math.log(2 * Math.PI) - 0.5 * Math.log(determinant), 14);
});

test('mixtureParameters(): laws and numbers give the same bits, mixtures of mixtures are laid flat', () => {
  const [one, two] = [multivariateNormal([1, 2], cov), multivariateNormal([0, 0], unit)];
  const numbers = {
    means: [
      [1, 2],
      [0, 0],
      [1, 2],
    ],
    covariances: [cov, unit, cov],
  };
  const law = multivariateMixture([multivariateMixture([one, two], [1, 3]), one], [1, 1]);
  expect(mixtureParameters(law)).toEqual(mixtureParameters({ ...numbers, weights: [0.125, 0.375, 0.5] }));
  expect(mixtureParameters(two)).toEqual(mixtureParameters({ means: [[0, 0]], covariances: [unit] }));
});

test('mixtureParameters(): weight 0 is a constant of -Infinity', () => {
  const { logConstant } = mixtureParameters({
    means: [[0], [1]],
    covariances: [[[1]], [[1]]],
    weights: [0, 2],
  });
  expect(logConstant[0]).toBe(-Infinity);
  expect(logConstant[1]!).toBeCloseTo(-0.5 * Math.log(2 * Math.PI), 15);
});

test('mixtureParameters(): other laws, counts that differ, bad weights and matrices are refused', () => {
  const bad: [() => unknown, RegExp][] = [
    [() => mixtureParameters(independent([normal(0, 1)])), /expected normal laws/],
    [() => mixtureParameters({ means: [], covariances: [] }), /0 means/],
    [() => mixtureParameters({ means: [[0], [1, 2]], covariances: [[[1]], [[1]]] }), /`means\[1\]`/],
    [() => mixtureParameters({ means: [[0]], covariances: [] }), /0 covariances/],
    [() => mixtureParameters({ means: [[0]], covariances: [[[1]]], weights: [1, 2] }), /2 weights/],
    [() => mixtureParameters({ means: [[0]], covariances: [[[1]]], weights: [-1] }), /weights\[0\]/],
    [() => mixtureParameters({ means: [[0]], covariances: [[[-1]]] }), /eigenvalue/],
    [() => mixtureParameters({ means: [[Number.NaN]], covariances: [[[1]]] }), /means\[0\]\[0\]/],
  ];
  for (const [make, message] of bad) {
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  }
});
