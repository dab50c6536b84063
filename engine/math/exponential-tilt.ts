/**
 * The law nearest to a given one, in Kullback-Leibler divergence, that has prescribed moments.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | y_i, log f_i | y, logMass: points and their masses under the given law | [n] |
 * | lambda_1, lambda_2 | multipliers of y and y^2 | [1] or [2] |
 * | K = log sum f_i exp(lambda_1 y_i + lambda_2 y_i^2) | logNormalizer | |
 *
 * The multipliers minimise the convex K(lambda) - lambda . target (Csiszar 1975, Annals of Probability 3(1), 146-158):
 * Newton's method with step halving.
 */
export interface Tilt {
  readonly multipliers: readonly [number, number];
  readonly logNormalizer: number;
  /** E[y] and E[y^2] under the tilted law. */
  readonly moments: readonly [number, number];
}

interface At extends Tilt {
  readonly value: number;
  readonly gradient: readonly [number, number];
  /** Covariance of y and y^2: entries 11, 12, 22. */
  readonly hessian: readonly [number, number, number];
}

const MOST_STEPS = 300;

/**
 * @param y [n], best standardised; @param logMass [n].
 * @param target E[y] wanted, and E[y^2] or undefined when y alone is tilted.
 * @param admissible says of log masses after tilting (up to a constant) whether they are a law at all: not when most of the mass runs out at an
 * end where there is more to come.
 * @returns undefined when no law of the family has these moments.
 */
export function exponentialTilt(
  y: Float64Array,
  logMass: Float64Array,
  target: readonly [number, number | undefined],
  admissible: (tilted: Float64Array) => boolean = () => true,
): Tilt | undefined {
  const tilted = new Float64Array(y.length);
  const at = (l1: number, l2: number): At | undefined =>
    evaluate(y, logMass, [l1, l2], target, tilted, admissible);
  let here = at(0, 0);
  for (let step = 0; here !== undefined && step < MOST_STEPS; step++) {
    const direction = newton(here, target[1] !== undefined);
    if (direction === undefined) return undefined;
    const slope = here.gradient[0] * direction[0] + here.gradient[1] * direction[1];
    if (-slope < 1e-24) return settled(here, target);
    const next = descend(here, direction, slope, at);
    if (next === undefined) return settled(here, target);
    here = next;
  }
  return here === undefined ? undefined : settled(here, target);
}

/** The state, if its moments are those wanted. */
function settled(here: At, [first, second]: readonly [number, number | undefined]): Tilt | undefined {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-8 * (1 + Math.abs(b));
  const good = near(here.moments[0], first) && (second === undefined || near(here.moments[1], second));
  return good ? here : undefined;
}

/** First point along the direction that lowers the value; undefined when rounding hides any. */
function descend(
  here: At,
  [d1, d2]: readonly [number, number],
  slope: number,
  at: (l1: number, l2: number) => At | undefined,
): At | undefined {
  const [l1, l2] = here.multipliers;
  for (let s = 1; s > 1e-12; s /= 2) {
    const next = at(l1 + s * d1, l2 + s * d2);
    if (next === undefined) continue;
    if (next.value <= here.value + 1e-4 * s * slope) return next;
    // Near the minimum values agree to rounding while gradients still fall.
    const size = (g: At): number => Math.hypot(...g.gradient);
    if (-slope < 1e-12 * (1 + Math.abs(here.value)) && size(next) < 0.5 * size(here)) return next;
  }
  return undefined;
}

function newton({ gradient: [g1, g2], hessian: [a, b, c] }: At, two: boolean): [number, number] | undefined {
  if (!two) return a > 0 ? [-g1 / a, 0] : undefined;
  const determinant = a * c - b * b;
  if (!(determinant > 1e-14 * a * c)) return undefined;
  return [(-c * g1 + b * g2) / determinant, (b * g1 - a * g2) / determinant];
}

function evaluate(
  y: Float64Array,
  logMass: Float64Array,
  multipliers: readonly [number, number],
  [first, second]: readonly [number, number | undefined],
  tilted: Float64Array,
  admissible: (tilted: Float64Array) => boolean,
): At | undefined {
  const [l1, l2] = multipliers;
  let most = -Infinity;
  for (let i = 0; i < y.length; i++) {
    const h = logMass[i]! + y[i]! * (l1 + l2 * y[i]!);
    tilted[i] = h;
    if (h > most) most = h;
  }
  if (!Number.isFinite(most) || !admissible(tilted)) return undefined;
  let m0 = 0;
  let m1 = 0;
  let m2 = 0;
  for (let i = 0; i < y.length; i++) {
    const w = Math.exp(tilted[i]! - most);
    m0 += w;
    m1 += w * y[i]!;
    m2 += w * y[i]! * y[i]!;
  }
  m1 /= m0;
  m2 /= m0;
  const hessian = covariance(y, tilted, most, m0, m1, m2);
  const logNormalizer = most + Math.log(m0);
  const value = logNormalizer - l1 * first - (second === undefined ? 0 : l2 * second);
  const gradient = [m1 - first, second === undefined ? 0 : m2 - second] as const;
  return { multipliers, logNormalizer, moments: [m1, m2], value, gradient, hessian };
}

function covariance(
  y: Float64Array,
  tilted: Float64Array,
  most: number,
  m0: number,
  m1: number,
  m2: number,
): readonly [number, number, number] {
  let [a, b, c] = [0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    const w = Math.exp(tilted[i]! - most) / m0;
    const u = y[i]! - m1;
    const v = y[i]! * y[i]! - m2;
    a += w * u * u;
    b += w * u * v;
    c += w * v * v;
  }
  return [a, b, c];
}
