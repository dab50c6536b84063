import { expect, test } from 'vitest';
import {
  kalmanFilter,
  kalmanSmoother,
  type LinearGaussian,
  linearGaussian,
  rngFromSeed,
} from '../../../estimators/index.ts';
import { linearCase, modelOf } from './reference-models.ts';

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, most = 1e-10): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++)
    expect(Math.abs(found[i]! - expected[i]!), `element ${i}`).toBeLessThanOrEqual(most);
}

/** Diagonals of matrices [T, d, d]. */
function diagonals(matrices: Float64Array, d: number): Float64Array {
  return matrices.filter((_, at) => (at % (d * d)) % (d + 1) === 0);
}

for (const name of ['lg1', 'lg5']) {
  const one = linearCase(name);
  const model = modelOf(one);
  const d = one.dim_x;

  test(`kalmanFilter, ${name}: evidence, means and variances of the reference to 1e-10`, () => {
    const found = kalmanFilter(model, one.y);
    expectClose([found.logNormalizer], [one.loglik]);
    expectClose(found.increments, one.loglik_increments);
    expectClose(found.mean, one.filter_mean.flat());
    expectClose(diagonals(found.covariance, d), one.filter_var_diag.flat());
    expectClose(found.covariance.subarray(-d * d), one.final_filter_cov.flat());
  });

  test(`kalmanSmoother, ${name}: means, variances and additive functionals of the reference to 1e-10`, () => {
    const found = kalmanSmoother(model, one.y);
    expectClose(found.mean, one.smooth_mean.flat());
    expectClose(diagonals(found.covariance, d), one.smooth_var_diag.flat());
    let [square, cross] = [0, 0];
    const trace = (of: Float64Array, t: number): number =>
      diagonals(of.subarray(t * d * d, (t + 1) * d * d), d).reduce((sum, value) => sum + value, 0);
    for (let t = 0; t < one.T; t++) {
      square += trace(found.covariance, t);
      if (t + 1 < one.T) cross += trace(found.crossCovariance, t);
      for (let c = 0; c < d; c++) {
        square += found.mean[t * d + c]! ** 2;
        if (t + 1 < one.T) cross += found.mean[t * d + c]! * found.mean[(t + 1) * d + c]!;
      }
    }
    expectClose(
      [cross, square],
      [one.additive_smoothing['sum_t>=1 of x_{t-1}.x_t'], one.additive_smoothing['sum_t of x_t.x_t']],
      1e-9,
    );
  });
}

/** A model in which every matrix matters: d = 3, k = 2, shifts, correlated noises. */
function awkward(): LinearGaussian {
  return linearGaussian({
    transition: [
      [0.8, 0.3, -0.1],
      [-0.2, 0.5, 0.2],
      [0.1, 0, 0.9],
    ],
    transitionShift: [0.3, -0.5, 0.2],
    transitionCovariance: [
      [1, 0.3, 0],
      [0.3, 0.5, -0.1],
      [0, -0.1, 0.4],
    ],
    observation: [
      [1, 0.5, 0],
      [0, -1, 2],
    ],
    observationShift: [2, -1],
    observationCovariance: [
      [0.7, 0.2],
      [0.2, 0.9],
    ],
    initialMean: [1, 2, 3],
    initialCovariance: [
      [2, 0.5, 0],
      [0.5, 1, 0.1],
      [0, 0.1, 3],
    ],
  });
}

/** Mean [T d] and covariance of all states, and the same of all observations, by writing the model out as one law. */
function jointLaw(model: LinearGaussian, steps: number) {
  const { linear } = model;
  const { dimension: d, observed: k } = linear;
  const size = steps * d;
  const mean = new Float64Array(size);
  const covariance = Array.from({ length: size }, () => new Float64Array(size));
  const a = (i: number, j: number): number => linear.transition[i * d + j]!;
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < d; i++) {
      const row = t * d + i;
      mean[row] = t === 0 ? linear.initialMean[i]! : linear.transitionShift[i]!;
      if (t > 0) for (let j = 0; j < d; j++) mean[row]! += a(i, j) * mean[row - i - d + j]!;
      for (let other = 0; other < t * d; other++) {
        let sum = 0;
        for (let j = 0; j < d; j++) sum += a(i, j) * covariance[row - i - d + j]![other]!;
        covariance[row]![other] = covariance[other]![row] = sum;
      }
      for (let i2 = 0; i2 < d; i2++) {
        let sum = (t === 0 ? linear.initialCovariance : linear.transitionCovariance)[i * d + i2]!;
        if (t > 0)
          for (let j = 0; j < d; j++)
            for (let l = 0; l < d; l++)
              sum += a(i, j) * covariance[row - i - d + j]![row - i - d + l]! * a(i2, l);
        covariance[row]![t * d + i2] = sum;
      }
    }
  }
  const h = (t: number, c: number, at: number): number =>
    Math.floor(at / d) === t ? linear.observation[c * d + (at % d)]! : 0;
  return { d, k, size, mean, covariance, h };
}

/** E and Var of all states given the observations that are there, and log p of those, by elimination. */
function conditioned(model: LinearGaussian, y: readonly (readonly number[] | null)[]) {
  const { d, k, size, mean, covariance, h } = jointLaw(model, y.length);
  const m = Float64Array.from(mean);
  const v = covariance.map((row) => Float64Array.from(row));
  let logDensity = 0;
  // One scalar observation after another, after the noise of each vector is made independent.
  const [r00, r01, , r11] = model.linear.observationCovariance as unknown as [number, number, number, number];
  const slope = r01 / r00;
  y.forEach((seen, t) => {
    if (seen === null) return;
    for (let c = 0; c < k; c++) {
      const g = Float64Array.from({ length: size }, (_, at) =>
        c === 0 ? h(t, 0, at) : h(t, 1, at) - slope * h(t, 0, at),
      );
      const residual = (of: number): number => seen[of]! - model.linear.observationShift[of]!;
      const value = c === 0 ? residual(0) : residual(1) - slope * residual(0);
      const noise = c === 0 ? r00 : r11 - slope * r01;
      const vg = v.map((row) => row.reduce((sum, value, at) => sum + value * g[at]!, 0));
      const variance = vg.reduce((sum, value, at) => sum + value * g[at]!, noise);
      const error = value - m.reduce((sum, x, at) => sum + x * g[at]!, 0);
      logDensity -= 0.5 * (Math.log(2 * Math.PI * variance) + (error * error) / variance);
      for (let i = 0; i < size; i++) {
        m[i]! += (vg[i]! * error) / variance;
        for (let j = 0; j < size; j++) v[i]![j]! -= (vg[i]! * vg[j]!) / variance;
      }
    }
  });
  return { d, mean: m, covariance: v, logDensity };
}

const draw = rngFromSeed(7).stream({ purpose: 32 });
const series = Array.from({ length: 6 }, () => [2 + draw.normal(), 3 * draw.normal()]);

for (const missing of [[], [0], [2, 3], [5], [0, 1, 2, 3, 4, 5]]) {
  test(`kalmanSmoother: equals conditioning the joint law of all states, observations ${missing.join(', ') || 'none'} missing`, () => {
    const model = awkward();
    const y = series.map((row, t) => (missing.includes(t) ? null : row));
    const truth = conditioned(model, y);
    const found = kalmanSmoother(model, y);
    expectClose([found.logNormalizer], [truth.logDensity], 1e-11);
    expectClose(found.mean, truth.mean, 1e-11);
    const { d } = truth;
    y.forEach((_, t) => {
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) {
          const at = (t * d + i) * d + j;
          expect(found.covariance[at]!).toBeCloseTo(truth.covariance[t * d + i]![t * d + j]!, 11);
          if (t + 1 < y.length)
            expect(found.crossCovariance[at]!).toBeCloseTo(
              truth.covariance[t * d + i]![(t + 1) * d + j]!,
              11,
            );
        }
      }
    });
  });
}

test('kalmanFilter: a missing observation adds nothing to the evidence and leaves the prediction as it is', () => {
  const { increments, mean, predictedMean, covariance, predictedCovariance } = kalmanFilter(awkward(), [
    series[0]!,
    null,
    series[2]!,
  ]);
  expect(increments[1]).toBe(0);
  expect(mean.subarray(3, 6)).toEqual(predictedMean.subarray(3, 6));
  expect(covariance.subarray(9, 18)).toEqual(predictedCovariance.subarray(9, 18));
});

test('kalmanFilter: no observation at all is evidence 1', () => {
  expect(kalmanFilter(awkward(), []).logNormalizer).toBe(0);
  expect(kalmanSmoother(awkward(), []).mean.length).toBe(0);
  expect(kalmanFilter(awkward(), [null, null]).logNormalizer).toBe(0);
});

test('kalmanSmoother: a state that moves without noise, known at the start, is known at every time', () => {
  const still = linearGaussian({
    transition: [
      [1, 1],
      [0, 1],
    ],
    transitionCovariance: [
      [0, 0],
      [0, 0],
    ],
    observation: [[1, 0]],
    observationCovariance: 1,
    initialMean: [0, 2],
    initialCovariance: [
      [0, 0],
      [0, 0],
    ],
  });
  const { mean, covariance } = kalmanSmoother(still, [5, 5, 5]);
  expect([...mean]).toEqual([0, 2, 2, 2, 4, 2]);
  expect(covariance.every((value) => value === 0)).toBe(true);
});

test('kalmanSmoother: a constant seen through noise has the mean and variance of a sample, at every time', () => {
  const constant = linearGaussian({
    transition: 1,
    transitionCovariance: 0,
    observationCovariance: 4,
    initialCovariance: 1e6,
  });
  const y = [3, 5, 10];
  const precision = 1e-6 + 3 / 4;
  const { mean, covariance } = kalmanSmoother(constant, y);
  expectClose(mean, Array(3).fill(18 / 4 / precision), 1e-9);
  expectClose(covariance, Array(3).fill(1 / precision), 1e-9);
});

test('kalmanFilter: an observation of the wrong length or not finite is refused with its step', () => {
  expect(() => kalmanFilter(awkward(), [[1, 2], [3]])).toThrow(/observation 1 has 1 number; expected 2/);
  expect(() => kalmanFilter(awkward(), [[1, Number.NaN]])).toThrow(/number 1 of observation 0 is NaN/);
});
