import { logGamma1p } from './gamma.ts';
import { gammaConstant, gammaLower, gammaUpper, logGammaKernel } from './incomplete-gamma.ts';
import { roughNormalQuantile, type Tail, tailRoot } from './tail-root.ts';

/** Quantile of the gamma law of scale 1 from both tail probabilities, p + q = 1; the smaller one decides. */
export type GammaQuantile = (p: number, q: number) => number;

/** A start: the cube-root normal approximation, or the leading term of the lower tail, or a bound of the upper one. */
function start(a: number, p: number, q: number): number {
  if (a >= 0.8) {
    const root = 1 - 1 / (9 * a) + roughNormalQuantile(p, q) / (3 * Math.sqrt(a));
    if (root > 0.3 || a >= 20) return Math.log(a) + 3 * Math.log(Math.max(root, 0.05)); // Wilson & Hilferty (1931)
  }
  const power = (Math.log(p) + logGamma1p(a)) / a;
  if (power < Math.log(0.3 * (a + 1)) || a >= 0.8) return power;
  return Math.log(Math.max(-Math.log(q), 0.3)); // for shapes below 1, Q(a, x) < exp(-x)
}

/**
 * Inverse of the regularised incomplete gamma functions in x, for shape a > 0, in the coordinate log x, in which
 * the density is log-concave. Relative error of the result: that of P divided by the elasticity x f(x) / P.
 */
export function gammaQuantile(a: number): GammaQuantile {
  const constant = gammaConstant(a);
  const tail = (sign: 1 | -1): Tail => ({
    sign,
    at: (u) => {
      const x = Math.exp(u);
      const kernel = logGammaKernel(a, x, constant);
      const probability = sign > 0 ? gammaLower(a, x, kernel) : gammaUpper(a, x, kernel);
      return { probability, density: a * Math.exp(kernel), slope: a - x };
    },
  });
  const [lower, upper] = [tail(1), tail(-1)];
  return (p, q) => {
    const first = start(a, p, q);
    if (first < -740) return 0; // the leading term is exact there, and below the smallest normal number
    return Math.exp(p <= q ? tailRoot(lower, p, first) : tailRoot(upper, q, first));
  };
}
