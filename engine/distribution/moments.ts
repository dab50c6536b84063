import { nextDown, nextUp } from '../math/neighbour.ts';
import { integrateProbability } from '../math/quadrature.ts';
import { type Law, upperQuantile } from './law.ts';

/**
 * Mean and variance of a continuous law from its quantile function, E[g(X)] = int_0^1 g(quantile(p)) dp.
 *
 * @param base the law that was cut to [low, high]; its own moments say which tails are too heavy.
 * @param quantile of p and q = 1 - p.
 */
export function quantileMoments(
  base: Law,
  quantile: (p: number, q: number) => number,
  low: number,
  high: number,
): readonly [number, number] {
  const bounded = Number.isFinite(low) && Number.isFinite(high);
  if (!bounded && !Number.isFinite(base.mean)) return heavyMoments(low, high);
  const centre = quantile(0.5, 0.5);
  const shift = integrateProbability((p, q) => quantile(p, q) - centre);
  const mean = centre + shift;
  if (!bounded && !Number.isFinite(base.variance)) return [mean, Infinity];
  const square = integrateProbability((p, q) => (quantile(p, q) - centre - shift) ** 2);
  return [mean, square];
}

/** Moments where the mean of the base law does not exist and at least one tail is left whole. */
function heavyMoments(low: number, high: number): readonly [number, number] {
  if (Number.isFinite(low)) return [Infinity, Infinity];
  return Number.isFinite(high) ? [-Infinity, Infinity] : [Number.NaN, Number.NaN];
}

/** Mean and variance of a discrete law over its atoms in [low, high], which hold `mass`. */
export function atomMoments(law: Law, low: number, high: number, mass: number): readonly [number, number] {
  let total = 0;
  let first = 0;
  let second = 0;
  // West's update of weighted mean and sum of squares (1979), over the atoms in order.
  for (let x = low; x <= high; x = nextAtom(law, x)) {
    const weight = Math.exp(law.logDensity(x));
    total += weight;
    const step = ((x - first) * weight) / total;
    second += weight * (x - first) * (x - first - step);
    first += step;
    if (!(law.survival(x) > mass * 1e-18)) break;
  }
  return [first, second / total];
}

/** The smallest atom above x: where the cdf next rises, found from the smaller tail. */
export function nextAtom(law: Law, x: number): number {
  const below = law.cdf(x);
  if (below <= 0.5) return law.quantile(nextUp(below));
  const above = law.survival(x);
  return above > 0 ? upperQuantile(law, nextDown(above)) : Infinity;
}
