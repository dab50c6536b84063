import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { nextDown, nextUp } from '../math/neighbour.ts';
import { integrate } from '../math/quadrature.ts';
import { endpoint, type Law, outside, upperQuantile } from './law.ts';
import { atomMoments, nextAtom, quantileMoments } from './moments.ts';

/** The interval in the terms of the law that is cut. */
export interface Cut {
  readonly low: number;
  readonly high: number;
  /** P(X < low), P(X > high), and P(low <= X <= high) of the law that is cut. */
  readonly below: number;
  readonly above: number;
  readonly mass: number;
}

/**
 * A law given that its value is in [lower, upper], both ends included; either may be left out.
 *
 * Everything is read from the tail of the base law that is small, so far tails keep their digits:
 * `truncated(normal(0, 1), 8)` is accurate. The quantile is one call of the base quantile; mean and variance
 * are computed on first use (quadrature to 1e-12, or sums over atoms).
 * @throws OptionError when the bounds are out of order, not numbers, or hold no mass of the law.
 */
export function truncated(law: Law, lower: number = -Infinity, upper: number = Infinity): Law {
  checkBounds(law, lower, upper);
  const cut = cutOf(law, lower, upper);
  const { low, high, mass } = cut;
  const inside = (x: number): number => portion(law, cut, x, false);
  const beyond = (x: number): number => portion(law, cut, x, true);
  const cdf = (x: number): number => (x < low ? 0 : x >= high ? 1 : Math.min(1, inside(x) / mass));
  const survival = (x: number): number => (x < low ? 1 : x >= high ? 0 : Math.min(1, beyond(x) / mass));
  const clamp = (x: number): number => Math.min(high, Math.max(low, x));
  const [quantile, survivalQuantile] = law.discrete
    ? snapped(law, cut, cdf, survival)
    : [(p: number) => clamp(smooth(law, cut, p, 1 - p)), (q: number) => clamp(smooth(law, cut, 1 - q, q))];
  let known: readonly [number, number] | undefined;
  const moments = (): readonly [number, number] => {
    known ??= law.discrete
      ? atomMoments(law, low, high, mass)
      : quantileMoments(law, (p, q) => clamp(smooth(law, cut, p, q)), low, high);
    return known;
  };
  return {
    name: 'truncated',
    base: law,
    parameters: { ...law.parameters, lower, upper },
    discrete: law.discrete,
    support: [low, high],
    get mean() {
      return moments()[0];
    },
    get variance() {
      return moments()[1];
    },
    logDensity: (x) => (x >= low && x <= high ? law.logDensity(x) - Math.log(mass) : outside(x)),
    cdf,
    survival,
    quantile: (p) => (p > 0 && p < 1 ? quantile(p) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? survivalQuantile(q) : endpoint(q, high, low)),
    describe: () => `${law.describe()}, ${interval(lower, upper)}`,
  };
}

function interval(lower: number, upper: number): string {
  if (lower === -Infinity) return upper === Infinity ? 'not truncated' : `truncated above ${upper}`;
  return upper === Infinity ? `truncated below ${lower}` : `truncated to [${lower}, ${upper}]`;
}

function checkBounds(law: Law, lower: number, upper: number): void {
  const ordered = law.discrete ? lower <= upper : lower < upper;
  if (typeof lower === 'number' && typeof upper === 'number' && ordered) return;
  throw new OptionError({
    where: 'truncated',
    option: 'upper',
    value: upper,
    found: `\`lower\` is ${show(lower)} and \`upper\` is ${show(upper)}`,
    expected: 'two numbers, lower below upper (infinite or left out for no bound)',
  });
}

/** Where [lower, upper] cuts a law; throws as `truncated` when it holds no mass. */
export function cutOf(law: Law, lower: number, upper: number): Cut {
  const before = law.discrete ? nextDown(lower) : lower;
  const below = law.cdf(before);
  const above = law.survival(upper);
  let mass = 1 - below - above;
  if (below > 0.5) mass = law.survival(before) - above;
  else if (above > 0.5) mass = law.cdf(upper) - below;
  if (!law.discrete && mass < 0.01 * Math.min(below, above)) {
    // The difference of two tails loses digits over a narrow interval, the integral of the density does not.
    mass = integrate((x) => Math.exp(law.logDensity(x)), lower, upper);
  }
  if (!(mass > 0)) throw noMass(law, lower, upper);
  const [least, greatest] = law.support;
  const low = lower <= least ? least : law.discrete ? firstAtom(law, below, before) : lower;
  const high = upper >= greatest ? greatest : law.discrete ? lastAtom(law, upper) : upper;
  return { low, high, below, above, mass };
}

/** Smallest atom above `before`, at or below which the mass is `below`. */
function firstAtom(law: Law, below: number, before: number): number {
  return below <= 0.5 ? law.quantile(nextUp(below)) : upperQuantile(law, nextDown(law.survival(before)));
}

/** Largest atom at or below `upper`. */
function lastAtom(law: Law, upper: number): number {
  const p = law.cdf(upper);
  return p <= 0.5 ? law.quantile(p) : upperQuantile(law, law.survival(upper));
}

function noMass(law: Law, lower: number, upper: number): OptionError {
  return new OptionError({
    where: 'truncated',
    option: 'lower',
    value: lower,
    found: `[${lower}, ${upper}] holds no mass of ${law.describe()}`,
    expected: 'an interval of positive probability (at least about 1e-300)',
  });
}

/** P(low <= X <= x), or P(x < X <= high) where `upper`, for low <= x < high, from the smaller tail of the base law. */
function portion(law: Law, cut: Cut, x: number, upper: boolean): number {
  const { below, above, mass } = cut;
  if (above > 0.5) return upper ? mass - (law.cdf(x) - below) : law.cdf(x) - below;
  if (below > 0.5) return upper ? law.survival(x) - above : mass - (law.survival(x) - above);
  const tail = law.cdf(x);
  if (tail <= 0.5) return upper ? mass - (tail - below) : tail - below;
  const rest = law.survival(x) - above;
  return upper ? rest : mass - rest;
}

/** Smallest normal number: a tail that underflows is taken as this, so that its quantile stays finite. */
const TINY = 2 ** -1022;

/** Quantile of a continuous law inside the cut, p + q = 1. */
function smooth(law: Law, cut: Cut, p: number, q: number): number {
  const { below, above, mass } = cut;
  const lower = below + p * mass;
  if (above > 0.5 || (below <= 0.5 && lower <= 0.5)) return law.quantile(Math.max(TINY, lower));
  return upperQuantile(law, Math.max(TINY, above + q * mass));
}

/**
 * Quantile functions of a discrete law inside the cut. The base probability of the answer is known to a few ulps,
 * so the search starts a few ulps early and takes the first atom that the truncated cdf (or survival) accepts:
 * jumps are exact.
 */
function snapped(
  law: Law,
  cut: Cut,
  cdf: (x: number) => number,
  survival: (x: number) => number,
): readonly [(p: number) => number, (q: number) => number] {
  const { low, high, below, above, mass } = cut;
  const search = (p: number, q: number, byCdf: boolean): number => {
    const lower = below + p * mass;
    const useLower = above > 0.5 || (below <= 0.5 && lower <= 0.5);
    const tail = useLower ? lower : above + q * mass;
    // The complement of the given probability is known to an ulp of 1 only, not of itself.
    const slack = 8 * Number.EPSILON * (useLower === byCdf ? tail : Math.max(tail, mass));
    let x = useLower
      ? law.quantile(Math.max(TINY, tail - slack))
      : upperQuantile(law, Math.min(1, tail + slack));
    x = Math.min(high, Math.max(low, x));
    while (x < high && !(byCdf ? cdf(x) >= p : survival(x) <= q)) x = nextAtom(law, x);
    return x;
  };
  return [(p) => search(p, 1 - p, true), (q) => search(1 - q, q, false)];
}
