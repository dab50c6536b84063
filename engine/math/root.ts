type Bracket = readonly [a: number, b: number, fa: number, fb: number];

/** A root of `f` in [low, high] to the last bit, where f has opposite signs (or is zero) at the ends; NaN otherwise. */
export function bracketedRoot(f: (x: number) => number, low: number, high: number): number {
  const [a, b, fa, fb] = shrink(f, low, high);
  if (fa !== 0 && fb !== 0 && fa > 0 === fb > 0) return Number.NaN;
  return Math.abs(fa) < Math.abs(fb) ? a : b;
}

/**
 * The smallest x in [low, high], to the last bits, with f(x) >= 0, for a non-decreasing f that may be flat or jump;
 * `high` when there is none.
 */
export function firstReaching(f: (x: number) => number, low: number, high: number): number {
  // A zero counts as above, so that a flat stretch at zero is entered from the left.
  const above = (x: number): number => f(x) || Number.MIN_VALUE;
  if (above(low) > 0) return low;
  const [a, b, fa, fb] = shrink(above, low, high);
  if (fa < 0 && fb < 0) return high;
  return fa > 0 ? a : b;
}

/**
 * Shrink a bracket to neighbouring doubles (or an exact zero): inverse quadratic interpolation where it is safe,
 * else bisection. Source: T. R. Chandrupatla (1997), Advances in Engineering Software 28, 145-149.
 */
function shrink(f: (x: number) => number, low: number, high: number): Bracket {
  let [a, b, c] = [high, low, high];
  let [fa, fb] = [f(a), f(b)];
  let fc = fa;
  if (fa === 0 || fb === 0 || fa > 0 === fb > 0) return [a, b, fa, fb];
  let t = 0.5;
  for (let i = 0; i < 2200; i++) {
    const x = a + t * (b - a);
    const fx = f(x);
    if (fx > 0 === fa > 0) [c, fc] = [a, fa];
    else [c, b, fc, fb] = [b, a, fb, fa];
    [a, fa] = [x, fx];
    const size = Math.abs(b - a);
    const least = 2 ** -53 * Math.min(Math.abs(a), Math.abs(b)) + Number.MIN_VALUE;
    if (fa === 0 || size <= 2 * least) break;
    t = interpolation(a, b, c, fa, fb, fc, least / size);
  }
  return [a, b, fa, fb];
}

/** Position of the next point between a (0) and b (1). */
function interpolation(
  a: number,
  b: number,
  c: number,
  fa: number,
  fb: number,
  fc: number,
  least: number,
): number {
  const xi = (a - b) / (c - b);
  const phi = (fa - fb) / (fc - fb);
  if (!(phi * phi < xi && (1 - phi) * (1 - phi) < 1 - xi)) return 0.5;
  const t = (fa / (fb - fa)) * (fc / (fb - fc)) + ((c - a) / (b - a)) * (fa / (fc - fa)) * (fb / (fc - fb));
  return Math.min(1 - least, Math.max(least, t));
}
