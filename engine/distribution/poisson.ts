import { gammaLower, gammaUpper, logGammaKernel } from '../math/incomplete-gamma.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { countGuess, firstInteger, upperNormal } from './lattice.ts';
import { checkScale, endpoint, type Law } from './law.ts';

/**
 * Poisson law on 0, 1, 2, ...: P(X <= k) = Q(k + 1, mean), the upper incomplete gamma function (DLMF 8.4.10).
 * @throws OptionError unless mean is above 0 and at most 2^52.
 */
export function poisson(mean: number): Law {
  checkScale('poisson', 'mean', mean);
  const sd = Math.sqrt(mean);
  const last = Number.MAX_SAFE_INTEGER;
  const cdf = (x: number): number => (x < 0 ? 0 : x === Infinity ? 1 : gammaUpper(Math.floor(x) + 1, mean));
  const survival = (x: number): number =>
    x < 0 ? 1 : x === Infinity ? 0 : gammaLower(Math.floor(x) + 1, mean);
  const at = (z: number, reached: (k: number) => boolean): number =>
    firstInteger(reached, countGuess(z, mean, sd, 1 / sd), 0, last);
  return {
    name: 'poisson',
    parameters: { mean },
    discrete: true,
    support: [0, Infinity],
    mean,
    variance: mean,
    logDensity: (k) => (Number.isInteger(k) && k >= 0 ? logMass(k, mean) : Number.isNaN(k) ? k : -Infinity),
    cdf,
    survival,
    quantile: (p) => (p > 0 && p < 1 ? at(normalQuantile(p), (k) => cdf(k) >= p) : endpoint(p, 0, Infinity)),
    survivalQuantile: (q) =>
      q > 0 && q < 1 ? at(upperNormal(q), (k) => survival(k) <= q) : endpoint(q, Infinity, 0),
    describe: () => `Poisson, mean ${mean}`,
  };
}

function logMass(k: number, mean: number): number {
  return k === 0 ? -mean : logGammaKernel(k, mean);
}
