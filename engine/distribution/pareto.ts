import { checkScale, endpoint, type Law } from './law.ts';

/**
 * Pareto law: P(X > x) = (scale / x)^shape for x >= scale. Mean Infinity for shape <= 1, variance for shape <= 2.
 * @throws OptionError unless shape and scale are finite and above 0.
 */
export function pareto(shape: number, scale: number): Law {
  checkScale('pareto', 'shape', shape);
  checkScale('pareto', 'scale', scale);
  const mean = shape > 1 ? (shape * scale) / (shape - 1) : Infinity;
  const constant = Math.log(shape) - Math.log(scale);
  return {
    name: 'pareto',
    parameters: { shape, scale },
    discrete: false,
    support: [scale, Infinity],
    mean,
    variance: shape > 2 ? (mean / (shape - 1)) * (scale / (shape - 2)) : Infinity,
    logDensity: (x) => (x < scale ? -Infinity : constant - (shape + 1) * Math.log(x / scale)),
    // log1p keeps the digits of a small excess over the scale.
    cdf: (x) => (x <= scale ? 0 : -Math.expm1(-shape * Math.log1p((x - scale) / scale))),
    survival: (x) => (x <= scale ? 1 : (x / scale) ** -shape),
    quantile: (p) =>
      p > 0 && p < 1 ? scale * Math.exp(-Math.log1p(-p) / shape) : endpoint(p, scale, Infinity),
    survivalQuantile: (q) => (q > 0 && q < 1 ? scale * q ** (-1 / shape) : endpoint(q, Infinity, scale)),
    describe: () => `Pareto, shape ${shape}, scale ${scale}`,
  };
}
