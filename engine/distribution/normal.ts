import { normalCdf } from '../math/erfc.ts';
import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { checkParameter, checkScale, type Law } from './law.ts';

/**
 * Normal law with the given mean and standard deviation. The quantile is AS 241, the distribution function
 * `normalCdf`; both keep their relative accuracy in both tails.
 * @throws OptionError unless mean is finite and sd finite and above 0.
 */
export function normal(mean: number, sd: number): Law {
  checkParameter('normal', 'mean', mean);
  checkScale('normal', 'sd', sd);
  const constant = -HALF_LOG_TWO_PI - Math.log(sd);
  const logDensity = (x: number): number => {
    const z = (x - mean) / sd;
    return constant - 0.5 * z * z;
  };
  return {
    name: 'normal',
    parameters: { mean, sd },
    discrete: false,
    support: [-Infinity, Infinity],
    mean,
    variance: sd * sd,
    logDensity,
    cdf: (x) => normalCdf((x - mean) / sd),
    survival: (x) => normalCdf((mean - x) / sd),
    quantile: (p) => mean + sd * normalQuantile(p),
    survivalQuantile: (q) => mean - sd * normalQuantile(q),
    describe: () => `normal, mean ${mean}, sd ${sd}`,
  };
}
