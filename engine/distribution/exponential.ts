import { checkScale, endpoint, type Law } from './law.ts';

/**
 * Exponential law of the given rate, mean 1 / rate: `exponential(1 / m)` has mean m.
 * @throws OptionError unless rate is finite and above 0.
 */
export function exponential(rate: number): Law {
  checkScale('exponential', 'rate', rate);
  const mean = 1 / rate;
  return {
    name: 'exponential',
    parameters: { rate },
    discrete: false,
    support: [0, Infinity],
    mean,
    variance: mean * mean,
    logDensity: (x) => (x < 0 ? -Infinity : Math.log(rate) - rate * x),
    cdf: (x) => (x <= 0 ? 0 : -Math.expm1(-rate * x)),
    survival: (x) => (x <= 0 ? 1 : Math.exp(-rate * x)),
    quantile: (p) => (p > 0 && p < 1 ? -Math.log1p(-p) / rate : endpoint(p, 0, Infinity)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? -Math.log(q) / rate : endpoint(q, Infinity, 0)),
    describe: () => `exponential, rate ${rate} (mean ${mean})`,
  };
}
