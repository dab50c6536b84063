import { normalCdf } from '../math/erfc.ts';
import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { checkParameter, checkScale, type Law, outside } from './law.ts';

/**
 * Log-normal law: log X is normal with mean `mu` and standard deviation `sigma` (both of log X, not of X).
 * `logNormalFromMean` takes the mean and the coefficient of variation of X.
 * @throws OptionError unless mu is finite and sigma finite and above 0.
 */
export function logNormal(mu: number, sigma: number): Law {
  checkParameter('logNormal', 'mu', mu);
  checkScale('logNormal', 'sigma', sigma);
  const constant = -HALF_LOG_TWO_PI - Math.log(sigma);
  const mean = Math.exp(mu + 0.5 * sigma * sigma);
  const standard = (x: number): number => (Math.log(x) - mu) / sigma;
  const logDensity = (x: number): number => {
    if (!(x > 0)) return outside(x);
    const z = standard(x);
    return x === Infinity ? -Infinity : constant - Math.log(x) - 0.5 * z * z;
  };
  return {
    name: 'logNormal',
    parameters: { mu, sigma },
    discrete: false,
    support: [0, Infinity],
    mean,
    variance: mean * mean * Math.expm1(sigma * sigma),
    logDensity,
    cdf: (x) => (x <= 0 ? 0 : normalCdf(standard(x))),
    survival: (x) => (x <= 0 ? 1 : normalCdf(-standard(x))),
    quantile: (p) => Math.exp(mu + sigma * normalQuantile(p)),
    survivalQuantile: (q) => Math.exp(mu - sigma * normalQuantile(q)),
    describe: () => `log-normal, mu ${mu}, sigma ${sigma} of the logarithm`,
  };
}

/**
 * The log-normal law with this mean and coefficient of variation (standard deviation / mean) of X itself:
 * sigma^2 = log(1 + cv^2), mu = log(mean) - sigma^2 / 2.
 * @throws OptionError unless both are finite and above 0.
 */
export function logNormalFromMean(mean: number, coefficientOfVariation: number): Law {
  checkScale('logNormalFromMean', 'mean', mean);
  checkScale('logNormalFromMean', 'coefficientOfVariation', coefficientOfVariation);
  const square = Math.log1p(coefficientOfVariation * coefficientOfVariation);
  return logNormal(Math.log(mean) - square / 2, Math.sqrt(square));
}
