import { EULER_GAMMA } from '../math/gamma.ts';
import { checkParameter, checkScale, type Law } from './law.ts';

/**
 * Gumbel law of maxima: P(X <= x) = exp(-exp(-(x - location) / scale)), long tail to the right.
 * Mean location + 0.5772 scale. For minima negate a Gumbel variable.
 * @throws OptionError unless location is finite and scale finite and above 0.
 */
export function gumbel(location: number, scale: number): Law {
  checkParameter('gumbel', 'location', location);
  checkScale('gumbel', 'scale', scale);
  const decay = (x: number): number => Math.exp((location - x) / scale);
  return {
    name: 'gumbel',
    parameters: { location, scale },
    discrete: false,
    support: [-Infinity, Infinity],
    mean: location + EULER_GAMMA * scale,
    variance: (Math.PI * scale) ** 2 / 6,
    logDensity: (x) => {
      const e = decay(x);
      return e === Infinity ? -Infinity : (location - x) / scale - e - Math.log(scale);
    },
    cdf: (x) => Math.exp(-decay(x)),
    survival: (x) => -Math.expm1(-decay(x)),
    quantile: (p) => location - scale * Math.log(-Math.log(p)),
    survivalQuantile: (q) => location - scale * Math.log(-Math.log1p(-q)),
    describe: () => `Gumbel (maxima), location ${location}, scale ${scale}`,
  };
}
