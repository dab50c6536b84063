import { normalCdf } from '../math/erfc.ts';
import { exponentialTilt } from '../math/exponential-tilt.ts';
import { HALF_LOG_TWO_PI } from '../math/gamma.ts';
import { cumulate, type Panels, panelsOf, panelWeights } from '../math/piecewise-chebyshev.ts';
import { normalScore } from './joint-parts.ts';
import { endpoint, type Law, upperQuantile } from './law.ts';
import { perturbedName } from './perturbed-name.ts';

/** Beyond it normal tail probabilities are no longer normal numbers. */
export const REACH = 37;
const PANEL = 0.5;

/** A continuous law at standard-normal scores z: x = F^-1(Phi(z)) as polynomials on panels of z. */
export interface StandardPoints {
  /** Values y = (x - centre) / scale at the nodes. */
  readonly panels: Panels;
  readonly centre: number;
  readonly scale: number;
  /** [nodes] log of the mass of each node. */
  readonly logMass: Float64Array;
}

/** The value at standard-normal score z, by the smaller tail. */
export function fromScore(law: Law, z: number): number {
  const tail = normalCdf(Math.max(-REACH, -Math.abs(z)));
  return z < 0 ? law.quantile(tail) : upperQuantile(law, tail);
}

/** Tabulate a continuous law, centred at its mean and scaled by its standard deviation where that exists. */
export function standardPoints(law: Law): StandardPoints {
  const { mean: centre, variance } = law;
  const scale = Number.isFinite(variance) && variance > 0 ? Math.sqrt(variance) : quartileRange(law);
  const f = (z: number): number => (fromScore(law, z) - centre) / scale;
  const panels = panelsOf(f, -REACH, REACH, PANEL);
  const weight = panelWeights(panels);
  const logMass = weight.map((w, i) => Math.log(w) - HALF_LOG_TWO_PI - 0.5 * panels.nodes[i]! ** 2);
  return { panels, centre, scale, logMass };
}

function quartileRange(law: Law): number {
  return law.quantile(0.75) - law.quantile(0.25);
}

/**
 * The power of log(1 / tail) with which x grows in the heavier tail: 1/2 for normal tails, 1 for exponential ones, more for heavier
 * ones; 0 for a bounded support.
 */
export function tailPower(law: Law): number {
  const middle = law.quantile(0.5);
  const power = (far: number, near: number): number => Math.log2((far - middle) / (near - middle));
  const [low, high] = law.support;
  const below = low === -Infinity ? power(law.quantile(1e-300), law.quantile(1e-150)) : 0;
  const above = high === Infinity ? power(upperQuantile(law, 1e-300), upperQuantile(law, 1e-150)) : 0;
  // The powers of two infinities are NaN, of something that grows without measure.
  return Number.isNaN(below + above) ? Infinity : Math.max(below, above);
}

/** Tilted mass at an unbounded end, in logs below the largest, under which nothing of it is missed. */
const NEGLIGIBLE = 20;

/** exp(l_1 y + l_2 y^2 - K) f with the moments wanted; undefined when there is none. */
export function perturbedByTilt(
  law: Law,
  points: StandardPoints,
  mean: number,
  variance: number | undefined,
): Law | undefined {
  const { panels, centre, scale, logMass } = points;
  const first = (mean - centre) / scale;
  const second = variance === undefined ? undefined : first * first + variance / (scale * scale);
  const ends = [
    law.support[0] === -Infinity ? [0] : [],
    law.support[1] === Infinity ? [logMass.length - 1] : [],
  ].flat();
  const admissible = (tilted: Float64Array): boolean => {
    const most = tilted.reduce((a, b) => Math.max(a, b), -Infinity);
    return ends.every((i) => tilted[i]! < most - NEGLIGIBLE);
  };
  const tilt = exponentialTilt(panels.values, logMass, [first, second], admissible);
  if (tilt === undefined) return undefined;
  const [l1, l2] = tilt.multipliers;
  const logRatio = (y: number): number => y * (l1 + l2 * y) - tilt.logNormalizer;
  const density = panels.nodes.map((z, i) =>
    Math.exp(logRatio(panels.values[i]!) - 0.5 * z * z - HALF_LOG_TWO_PI),
  );
  const scores = cumulate(panels, density);
  const [low, high] = law.support;
  return {
    ...perturbedName(law, mean, variance, ''),
    discrete: false,
    support: law.support,
    mean,
    variance: variance ?? (tilt.moments[1] - tilt.moments[0] ** 2) * scale * scale,
    logDensity: (x) => {
      const before = law.logDensity(x);
      return Number.isFinite(before) ? before + logRatio((x - centre) / scale) : before;
    },
    cdf: (x) => (x <= low ? 0 : x >= high ? 1 : Number.isNaN(x) ? x : scores.below(normalScore(law, x))),
    survival: (x) => (x <= low ? 1 : x >= high ? 0 : Number.isNaN(x) ? x : scores.above(normalScore(law, x))),
    quantile: (p) => (p > 0 && p < 1 ? fromScore(law, scores.fromBelow(p)) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? fromScore(law, scores.fromAbove(q)) : endpoint(q, high, low)),
  };
}
