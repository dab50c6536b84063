import { logGamma1p, logGammaCurvature } from '../math/gamma.ts';
import { checkParameter, checkScale, endpoint, type Law } from './law.ts';

/**
 * Weibull law: P(X > x) = exp(-((x - location) / scale)^shape) for x >= location.
 * @throws OptionError unless shape and scale are finite and above 0 and location is finite.
 */
export function weibull(shape: number, scale: number, location = 0): Law {
  checkScale('weibull', 'shape', shape);
  checkScale('weibull', 'scale', scale);
  checkParameter('weibull', 'location', location);
  const excess = scale * Math.exp(logGamma1p(1 / shape));
  const power = (x: number): number => ((x - location) / scale) ** shape;
  const at = (exponent: number): number => location + scale * exponent ** (1 / shape);
  const logDensity = (x: number): number => {
    if (x < location || x === Infinity) return -Infinity;
    const z = (x - location) / scale;
    // At shape 1 the density is finite at its end, where 0 * log 0 would be NaN.
    const rise = shape === 1 ? 0 : (shape - 1) * Math.log(z);
    return Math.log(shape / scale) + rise - z ** shape;
  };
  return {
    name: 'weibull',
    parameters: { shape, scale, location },
    discrete: false,
    support: [location, Infinity],
    mean: location + excess,
    variance: excess * excess * Math.expm1(logGammaCurvature(1 / shape)),
    logDensity,
    cdf: (x) => (x <= location ? 0 : -Math.expm1(-power(x))),
    survival: (x) => (x <= location ? 1 : Math.exp(-power(x))),
    quantile: (p) => (p > 0 && p < 1 ? at(-Math.log1p(-p)) : endpoint(p, location, Infinity)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? at(-Math.log(q)) : endpoint(q, Infinity, location)),
    describe: () =>
      `Weibull, shape ${shape}, scale ${scale}${location === 0 ? '' : `, location ${location}`}`,
  };
}
