import { gamma } from '../../engine/distribution/gamma.ts';
import { independent } from '../../engine/distribution/multivariate.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { normal } from '../../engine/distribution/normal.ts';
import type { Problem } from './targets.ts';

/*
 * Prior Gamma(3, scale 1) x N(0, 1), likelihood e^{-x_1 - (x_2 - 1)^2 / 2}, inverse temperature lambda = 0.7. The target is
 * Gamma(3, scale 1 / (1 + lambda)) x N(lambda / (1 + lambda), 1 / (1 + lambda)): skewed, with an edge at x_1 = 0.
 */
const LAMBDA = 0.7;

export const PRIOR = independent([gamma(3, 1), normal(0, 1)]);

function logLikelihood(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = -x[2 * i]! - 0.5 * (x[2 * i + 1]! - 1) ** 2;
}

export const LIKELIHOOD = {
  logDensity: logLikelihood,
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array): void {
    logLikelihood(x, out);
    for (let i = 0; i < out.length; i++) {
      gradient[2 * i] = -1;
      gradient[2 * i + 1] = 1 - x[2 * i + 1]!;
    }
  },
};

export const SKEWED: Problem = { prior: PRIOR, likelihood: LIKELIHOOD, inverseTemperature: LAMBDA };

/** The two laws of the target, which are independent. */
export const MARGINALS = [
  gamma(3, 1 / (1 + LAMBDA)),
  normal(LAMBDA / (1 + LAMBDA), Math.sqrt(1 / (1 + LAMBDA))),
] as const;

export const POSTERIOR = independent(MARGINALS);

/** A covariance that is not the target's, with correlation: no kernel may depend on a good one. */
export const SHAPE = [
  [1, 0.3],
  [0.3, 0.5],
] as const;

/** A normal prior of unit variance with correlation 0.5, and a likelihood that is N(1, 1/2) in each coordinate. */
export function correlated(d: number): Problem {
  const covariance = Array.from({ length: d }, (_, i) =>
    Array.from({ length: d }, (_, j) => (i === j ? 1 : 0.5)),
  );
  const logDensity = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum -= (x[i * d + c]! - 1) ** 2;
      out[i] = sum;
    }
  };
  const gradient = (x: Float64Array, out: Float64Array, slopes: Float64Array): void => {
    logDensity(x, out);
    for (let at = 0; at < x.length; at++) slopes[at] = 2 - 2 * x[at]!;
  };
  const prior = multivariateNormal(Array(d).fill(0), covariance);
  return { prior, likelihood: { logDensity, gradient }, inverseTemperature: 1 };
}
