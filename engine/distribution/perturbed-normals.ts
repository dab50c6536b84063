import { normalCdf } from '../math/erfc.ts';
import { bracketedRoot } from '../math/root.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import { normalScore } from './joint-parts.ts';
import { endpoint, type Law } from './law.ts';
import { perturbedName } from './perturbed-name.ts';
import { fromScore, type StandardPoints } from './perturbed-tilt.ts';

/** How far the score may be moved, and how much narrowed or widened, in logs. */
const FAR = 12;
const WIDE = 2;

/** Mean and sd of the normal law of the score z, and what x = F^-1(Phi(z)) has then. */
interface Scores {
  readonly mu: number;
  readonly sigma: number;
  readonly mean: number;
  readonly variance: number;
}

/** x = F^-1(Phi(z)), z ~ N(mu, sigma^2), with the moments wanted; undefined when there is none. */
export function perturbedInNormals(
  law: Law,
  points: StandardPoints,
  mean: number,
  variance: number | undefined,
): Law | undefined {
  const found = solve(points, mean, variance);
  if (found === undefined) return undefined;
  const { mu, sigma } = found;
  const [low, high] = law.support;
  const score = (x: number): number => (normalScore(law, x) - mu) / sigma;
  const at = (z: number): number => Math.min(high, Math.max(low, fromScore(law, mu + sigma * z)));
  return {
    ...perturbedName(law, mean, variance, ' in standard-normal space'),
    discrete: false,
    support: law.support,
    mean,
    variance: found.variance,
    logDensity: (x) => {
      const before = law.logDensity(x);
      if (!Number.isFinite(before)) return before;
      const z = normalScore(law, x);
      return before + 0.5 * (z * z - ((z - mu) / sigma) ** 2) - Math.log(sigma);
    },
    cdf: (x) => (x <= low ? 0 : x >= high ? 1 : normalCdf(score(x))),
    survival: (x) => (x <= low ? 1 : x >= high ? 0 : normalCdf(-score(x))),
    quantile: (p) => (p > 0 && p < 1 ? at(normalQuantile(p)) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? at(-normalQuantile(q)) : endpoint(q, high, low)),
  };
}

function solve(points: StandardPoints, mean: number, variance: number | undefined): Scores | undefined {
  const target = (mean - points.centre) / points.scale;
  const centred = (sigma: number): Scores | undefined => {
    const mu = bracketedRoot((at) => scoresAt(points, at, sigma).mean - target, -FAR, FAR);
    return Number.isNaN(mu) ? undefined : scoresAt(points, mu, sigma);
  };
  const inUnits = (found: Scores | undefined): Scores | undefined =>
    found && { ...found, variance: found.variance * points.scale * points.scale };
  if (variance === undefined) return inUnits(centred(1));
  const wanted = variance / (points.scale * points.scale);
  const excess = (logSigma: number): number => {
    const found = centred(Math.exp(logSigma));
    // A law spread too widely for its mean is spread too widely.
    return found === undefined ? Math.sign(logSigma) : Math.log(found.variance / wanted);
  };
  const logSigma = bracketedRoot(excess, -WIDE, WIDE);
  if (Number.isNaN(logSigma) || Math.abs(excess(logSigma)) > 1e-8) return undefined;
  return inUnits(centred(Math.exp(logSigma)));
}

/** Moments of y when the score is N(mu, sigma^2), over the nodes at which y is a number. */
function scoresAt({ panels, logMass }: StandardPoints, mu: number, sigma: number): Scores {
  const { nodes, values } = panels;
  let [m0, m1, m2] = [0, 0, 0];
  for (let i = 0; i < nodes.length; i++) {
    const z = nodes[i]!;
    const y = values[i]!;
    const score = (z - mu) / sigma;
    if (score * score > 1400 || !Number.isFinite(y)) continue;
    const w = Math.exp(logMass[i]! + 0.5 * (z * z - score * score));
    m0 += w;
    m1 += w * y;
    m2 += w * y * y;
  }
  m1 /= m0;
  return { mu, sigma, mean: m1, variance: m2 / m0 - m1 * m1 };
}
