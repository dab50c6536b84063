import type { LogisticRegression, MultivariateLaw, TermsFn } from '../../../estimators/index.ts';
import { logisticRegression, multivariateNormal } from '../../../estimators/index.ts';
import reference from '../../reference/tempering.json' with { type: 'json' };

/** Posteriors whose evidence is known. */

/** theta ~ N(0, 4 I_5), y_k ~ N(x_k theta, 1/4), k < 30. */
export const regression = reference.linearRegression;
export const regressionPrior: MultivariateLaw = isotropic(regression.d, regression.prior_var);

/** Terms from..to-1 of the log likelihood of the linear regression, all of them unless told. */
export const regressionTerms: TermsFn = gaussianTerms(regression.X, regression.y, regression.noise_var);
export const regressionLikelihood = (x: Float64Array, out: Float64Array): void =>
  void regressionTerms(x, out, 0, regression.y.length);

/** y_k ~ N(x_k theta, variance). */
export function gaussianTerms(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  variance: number,
): TermsFn {
  const d = rows[0]!.length;
  const X = Float64Array.from(rows.flat());
  const constant = -0.5 * Math.log(2 * Math.PI * variance);
  return (x, out, from, to) => {
    for (let i = 0; i < out.length; i++) {
      let squares = 0;
      for (let k = from; k < to; k++) {
        let rest = y[k]!;
        for (let c = 0; c < d; c++) rest -= X[k * d + c]! * x[i * d + c]!;
        squares += rest * rest;
      }
      out[i] = constant * (to - from) - (0.5 * squares) / variance;
    }
  };
}

export function isotropic(d: number, variance: number): MultivariateLaw {
  const rows = Array.from({ length: d }, (_, i) =>
    Array.from({ length: d }, (_, j) => (i === j ? variance : 0)),
  );
  return multivariateNormal(new Array<number>(d).fill(0), rows);
}

/** rate ~ Gamma(2, rate 1.5), y_k ~ Poisson(rate). */
export const counts = reference.gammaPoisson;
export function countsLikelihood(x: Float64Array, out: Float64Array): void {
  const total = counts.y.reduce((sum, y) => sum + y, 0);
  const constant = counts.y.reduce((sum, y) => sum + logFactorial(y), 0);
  for (let i = 0; i < out.length; i++) out[i] = total * Math.log(x[i]!) - counts.y.length * x[i]! - constant;
}

function logFactorial(n: number): number {
  return n < 2 ? 0 : Math.log(n) + logFactorial(n - 1);
}

/** N(0, 9 I_2) times 0.3 N(-4, I / 4) + 0.7 N(4, I / 4). */
export const bimodal = reference.bimodal;
export const bimodalPrior: MultivariateLaw = isotropic(2, 9);
export function bimodalLikelihood(x: Float64Array, out: Float64Array): void {
  const half = (at: number, centre: number): number =>
    -2 * ((x[at]! - centre) ** 2 + (x[at + 1]! - centre) ** 2) - Math.log(Math.PI / 2);
  for (let i = 0; i < out.length; i++) {
    const low = Math.log(0.3) + half(2 * i, -4);
    const high = Math.log(0.7) + half(2 * i, 4);
    const most = Math.max(low, high);
    out[i] = most + Math.log(Math.exp(low - most) + Math.exp(high - most));
  }
}

/** theta_j ~ N(0, scale_j^2), P(y_k = 1) = 1 / (1 + exp(-x_k theta)), d = 3. */
export const logistic = reference.logistic;
export const logisticLikelihood: LogisticRegression = logisticRegression({ X: logistic.X, y: logistic.y });
export const logisticPrior: MultivariateLaw = multivariateNormal(
  [0, 0, 0],
  logistic.prior_scales.map((s, i) => logistic.prior_scales.map((_, j) => (i === j ? s * s : 0))),
);
