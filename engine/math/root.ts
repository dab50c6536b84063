/**
 * A root of `f` in [low, high], at the ends of which it has opposite signs (or is zero), to the last bit or
 * to `tolerance` times the size of the root. Inverse quadratic interpolation where it is safe, else bisection.
 *
 * Returns NaN when the signs are equal. Source: T. R. Chandrupatla (1997), Advances in Engineering Software 28, 145-149.
 */
export function bracketedRoot(
  f: (x: number) => number,
  low: number,
  high: number,
  tolerance = 2 ** -52,
): number {
  let [a, b, c] = [high, low, high];
  let [fa, fb, fc] = [f(a), f(b), 0];
  if (fa === 0) return a;
  if (fb === 0) return b;
  if (!(fa > 0 !== fb > 0)) return Number.NaN;
  fc = fa;
  let t = 0.5;
  for (let i = 0; i < 400; i++) {
    const x = a + t * (b - a);
    const fx = f(x);
    if (fx > 0 === fa > 0) [c, fc] = [a, fa];
    else [c, b, fc, fb] = [b, a, fb, fa];
    [a, fa] = [x, fx];
    const best = Math.abs(fa) < Math.abs(fb) ? a : b;
    const size = Math.abs(b - a);
    const least = tolerance * Math.abs(best) + Number.MIN_VALUE;
    if (fa === 0 || size <= 2 * least) return best;
    t = interpolation(a, b, c, fa, fb, fc, least / size);
  }
  return a;
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
