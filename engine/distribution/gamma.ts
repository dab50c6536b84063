import { gammaQuantile } from '../math/gamma-quantile.ts';
import { gammaConstant, gammaLower, gammaUpper, logGammaKernel } from '../math/incomplete-gamma.ts';
import { checkScale, endpoint, type Law, outside } from './law.ts';

/**
 * Gamma law: density proportional to x^(shape - 1) exp(-x / scale), mean shape * scale.
 * @throws OptionError unless shape and scale are finite and above 0.
 */
export function gamma(shape: number, scale: number): Law {
  checkScale('gamma', 'shape', shape);
  checkScale('gamma', 'scale', scale);
  const constant = gammaConstant(shape);
  const solve = gammaQuantile(shape);
  const logDensity = (x: number): number => {
    if (!(x > 0)) return x === 0 ? atZero(shape, scale) : outside(x);
    if (x === Infinity) return -Infinity;
    return logGammaKernel(shape, x / scale, constant) + Math.log(shape / x);
  };
  return {
    name: 'gamma',
    parameters: { shape, scale },
    discrete: false,
    support: [0, Infinity],
    mean: shape * scale,
    variance: shape * scale * scale,
    logDensity,
    cdf: (x) => gammaLower(shape, x / scale),
    survival: (x) => gammaUpper(shape, x / scale),
    quantile: (p) => (p > 0 && p < 1 ? scale * solve(p, 1 - p) : endpoint(p, 0, Infinity)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? scale * solve(1 - q, q) : endpoint(q, Infinity, 0)),
    describe: () => `gamma, shape ${shape}, scale ${scale}`,
  };
}

function atZero(shape: number, scale: number): number {
  return shape === 1 ? -Math.log(scale) : shape < 1 ? Infinity : -Infinity;
}
