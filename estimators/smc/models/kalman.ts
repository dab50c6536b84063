import { HALF_LOG_TWO_PI } from '../../../engine/math/gamma.ts';
import {
  cholesky,
  product,
  solveCholesky,
  solveLower,
  symmetricEigen,
  transpose,
} from '../../../engine/math/linear-algebra.ts';
import { readObservations } from '../filter/observations.ts';
import type { Observation } from '../state-space.ts';
import type { LinearGaussian, LinearGaussianMatrices } from './linear-gaussian.ts';
import { josephForm, symmetric } from './optimal-proposal.ts';

/*
 * Exact answers for a linear Gaussian model, for checking filters and smoothers against.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | E, Var of x_t given y_0..y_{t-1} | predictedMean, predictedCovariance | [T, d], [T, d, d] |
 * | E, Var of x_t given y_0..y_t | mean, covariance | [T, d], [T, d, d] |
 * | log p(y_t | y_0..y_{t-1}) | increments | [T] |
 *
 * Sources: Kalman (1960); Rauch, Tung & Striebel (1965).
 */
export interface KalmanFilter {
  /** log p(y_0..y_{T-1}) */
  readonly logNormalizer: number;
  /** [T]; 0 where the observation is missing. */
  readonly increments: Float64Array;
  /** [T, d] given the observations up to t. */
  readonly mean: Float64Array;
  /** [T, d, d] */
  readonly covariance: Float64Array;
  /** [T, d] given the observations before t. */
  readonly predictedMean: Float64Array;
  /** [T, d, d] */
  readonly predictedCovariance: Float64Array;
}

export interface KalmanSmoother {
  /** [T, d] given all observations. */
  readonly mean: Float64Array;
  /** [T, d, d] */
  readonly covariance: Float64Array;
  /** Cov(x_t, x_{t+1}) given all observations, [T - 1, d, d]. */
  readonly crossCovariance: Float64Array;
  readonly logNormalizer: number;
}

/**
 * Filter a series exactly. The covariance is updated in the form of Joseph, (I - K H) P (I - K H)' + K R K'.
 * @param observations y_0..y_{T-1}; null where one is missing.
 * @throws ShapeError, with the step, for an observation of another length or not finite.
 */
export function kalmanFilter(model: LinearGaussian, observations: readonly Observation[]): KalmanFilter {
  const y = readObservations('kalmanFilter', model, observations);
  const { linear } = model;
  const { dimension: d } = linear;
  const steps = y.length;
  const vectors = (): Float64Array => new Float64Array(steps * d);
  const squares = (): Float64Array => new Float64Array(steps * d * d);
  const [mean, predictedMean, covariance, predictedCovariance] = [vectors(), vectors(), squares(), squares()];
  const increments = new Float64Array(steps);
  let at: Gaussian = { mean: linear.initialMean, covariance: linear.initialCovariance };
  for (let t = 0; t < steps; t++) {
    if (t > 0) at = predict(linear, at);
    predictedMean.set(at.mean, t * d);
    predictedCovariance.set(at.covariance, t * d * d);
    const seen = y[t]!;
    if (seen !== null) [at, increments[t]] = update(linear, at, seen);
    mean.set(at.mean, t * d);
    covariance.set(at.covariance, t * d * d);
  }
  const logNormalizer = increments.reduce((sum, value) => sum + value, 0);
  return { logNormalizer, increments, mean, covariance, predictedMean, predictedCovariance };
}

interface Gaussian {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

function predict(linear: LinearGaussianMatrices, from: Gaussian): Gaussian {
  const { dimension: d, transition: a, transitionShift: b, transitionCovariance: q } = linear;
  const moved = product(product(a, from.covariance, d, d, d), transpose(a, d, d), d, d, d);
  return {
    mean: product(a, from.mean, d, d, 1).map((value, c) => value + b[c]!),
    covariance: symmetric(
      moved.map((value, at) => value + q[at]!),
      d,
    ),
  };
}

/** The law after an observation, and the log density of that observation. */
function update(
  linear: LinearGaussianMatrices,
  prior: Gaussian,
  y: Float64Array,
): [posterior: Gaussian, increment: number] {
  const { dimension: d, observed: k, observation: h, observationShift, observationCovariance: r } = linear;
  const { mean: m, covariance: p } = prior;
  const hp = product(h, p, k, d, d);
  const s = product(hp, transpose(h, k, d), k, d, k).map((value, at) => value + r[at]!);
  const factor = cholesky(s, k);
  if (factor.kind !== 'factor')
    throw new RangeError('the covariance of an observation is not positive definite');
  const expected = product(h, m, k, d, 1);
  const residual = y.map((value, c) => value - observationShift[c]! - expected[c]!);
  const gain = transpose(solveCholesky(factor.lower, k, hp, d), k, d);
  const kept = product(gain, h, d, k, d).map((value, at) => (at % (d + 1) === 0 ? 1 : 0) - value);
  const pull = product(gain, residual, d, k, 1);
  const whitened = solveLower(factor.lower, k, residual);
  let increment = -k * HALF_LOG_TWO_PI;
  for (let c = 0; c < k; c++)
    increment -= Math.log(factor.lower[c * k + c]!) + 0.5 * whitened[c]! * whitened[c]!;
  const mean = m.map((value, c) => value + pull[c]!);
  return [{ mean, covariance: josephForm(linear, kept, gain, p) }, increment];
}

/** Smooth a series exactly, by the backward recursion of Rauch, Tung and Striebel; otherwise as `kalmanFilter`. */
export function kalmanSmoother(model: LinearGaussian, observations: readonly Observation[]): KalmanSmoother {
  const filter = kalmanFilter(model, observations);
  const { dimension: d, transition: a } = model.linear;
  const steps = filter.increments.length;
  const mean = filter.mean.slice();
  const covariance = filter.covariance.slice();
  const crossCovariance = new Float64Array(Math.max(0, steps - 1) * d * d);
  const square = (of: Float64Array, t: number): Float64Array => of.subarray(t * d * d, (t + 1) * d * d);
  const vector = (of: Float64Array, t: number): Float64Array => of.subarray(t * d, (t + 1) * d);
  for (let t = steps - 2; t >= 0; t--) {
    const next = square(filter.predictedCovariance, t + 1);
    // C = P A' N^-1, by N C' = A P with N the predicted covariance.
    const back = solveSemidefinite(next, d, product(a, square(covariance, t), d, d, d));
    const gain = transpose(back, d, d);
    const surprise = vector(mean, t + 1).map((value, c) => value - vector(filter.predictedMean, t + 1)[c]!);
    const excess = square(covariance, t + 1).map((value, at) => value - next[at]!);
    const pull = product(gain, surprise, d, d, 1);
    const change = product(product(gain, excess, d, d, d), back, d, d, d);
    square(crossCovariance, t).set(product(gain, square(covariance, t + 1), d, d, d));
    mean.set(
      vector(mean, t).map((value, c) => value + pull[c]!),
      t * d,
    );
    const smoothed = square(covariance, t).map((value, at) => value + change[at]!);
    covariance.set(symmetric(smoothed, d), t * d * d);
  }
  return { mean, covariance, crossCovariance, logNormalizer: filter.logNormalizer };
}

/** X [d, d] with N X = B for a covariance N, by its pseudo-inverse where it is singular. */
function solveSemidefinite(n: Float64Array, d: number, b: Float64Array): Float64Array {
  const factor = cholesky(n, d);
  if (factor.kind === 'factor') return solveCholesky(factor.lower, d, b, d);
  const { values, vectors } = symmetricEigen(n, d);
  const least = d * 2 ** -52 * Math.max(...values);
  const turned = product(transpose(vectors, d, d), b, d, d, d);
  const scaled = turned.map((value, at) => {
    const eigenvalue = values[Math.floor(at / d)]!;
    return eigenvalue > least ? value / eigenvalue : 0;
  });
  return product(vectors, scaled, d, d, d);
}
