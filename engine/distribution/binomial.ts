import { checkCount } from '../check.ts';
import { betaLower, logBetaKernel } from '../math/incomplete-beta.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { countGuess, firstInteger, upperNormal } from './lattice.ts';
import { checkParameter, endpoint, type Law, outside } from './law.ts';

/**
 * Binomial law of the number of successes: P(X <= k) = I_{1 - probability}(trials - k, k + 1) (DLMF 8.17.5).
 * @throws OptionError unless trials is an integer >= 1 and probability is in [0, 1].
 */
export function binomial(trials: number, probability: number): Law {
  checkCount('binomial', 'trials', trials, { min: 1 });
  const inUnit = (x: number): boolean => x >= 0 && x <= 1;
  checkParameter('binomial', 'probability', probability, inUnit, 'a number in [0, 1]');
  const failure = 1 - probability;
  const mean = trials * probability;
  const variance = mean * failure;
  const sd = Math.sqrt(variance);
  const skewness = sd > 0 ? (failure - probability) / sd : 0;
  const low = probability === 1 ? trials : 0;
  const high = probability === 0 ? 0 : trials;
  const cdf = (x: number): number => {
    const k = Math.floor(x);
    return k < 0 ? 0 : k >= trials ? 1 : betaLower(trials - k, k + 1, failure, probability);
  };
  const survival = (x: number): number => {
    const k = Math.floor(x);
    return k < 0 ? 1 : k >= trials ? 0 : betaLower(k + 1, trials - k, probability, failure);
  };
  const logDensity = (k: number): number => {
    if (!(Number.isInteger(k) && k >= low && k <= high)) return outside(k);
    if (low === high) return 0;
    const kernel = logBetaKernel(k + 1, trials - k + 1, probability, failure);
    return kernel - Math.log(trials + 1) - Math.log(probability) - Math.log(failure);
  };
  const at = (z: number, reached: (k: number) => boolean): number =>
    firstInteger(reached, countGuess(z, mean, sd, skewness), low, high);
  return {
    name: 'binomial',
    parameters: { trials, probability },
    discrete: true,
    support: [low, high],
    mean,
    variance,
    logDensity,
    cdf,
    survival,
    quantile: (p) => (p > 0 && p < 1 ? at(normalQuantile(p), (k) => cdf(k) >= p) : endpoint(p, low, high)),
    survivalQuantile: (q) =>
      q > 0 && q < 1 ? at(upperNormal(q), (k) => survival(k) <= q) : endpoint(q, high, low),
    describe: () => `binomial, ${trials} trials, probability ${probability}`,
  };
}
