import { checkParameter, endpoint, type Law, outside } from './law.ts';

/**
 * Triangular law on [low, high] with its peak at `mode`; the mode may be an end.
 * @throws OptionError unless low < high are finite and low <= mode <= high.
 */
export function triangular(low: number, mode: number, high: number): Law {
  checkParameter('triangular', 'low', low);
  const reachable = (x: number): boolean => x > low && Number.isFinite(x - low);
  checkParameter('triangular', 'high', high, reachable, `a finite number above low = ${low}`);
  const inside = (x: number): boolean => x >= low && x <= high;
  checkParameter('triangular', 'mode', mode, inside, `a number in [${low}, ${high}]`);
  const width = high - low;
  const left = mode - low;
  const right = high - mode;
  const peak = left / width; // P(X <= mode)
  const fromLow = (p: number): number => low + Math.sqrt(p * width * left);
  const fromHigh = (q: number): number => high - Math.sqrt(q * width * right);
  const rising = (x: number): number => (((x - low) / width) * (x - low)) / left;
  const falling = (x: number): number => (((high - x) / width) * (high - x)) / right;
  const logDensity = (x: number): number => {
    if (!inside(x)) return outside(x);
    const slope = x < mode ? (x - low) / left : right === 0 ? 1 : (high - x) / right;
    return Math.log((2 / width) * slope);
  };
  return {
    name: 'triangular',
    parameters: { low, mode, high },
    discrete: false,
    support: [low, high],
    mean: mode + (right - left) / 3,
    variance: (width * width - left * right) / 18,
    logDensity,
    cdf: (x) => (x <= low ? 0 : x >= high ? 1 : x < mode ? rising(x) : 1 - falling(x)),
    survival: (x) => (x <= low ? 1 : x >= high ? 0 : x < mode ? 1 - rising(x) : falling(x)),
    quantile: (p) => (p > 0 && p < 1 ? (p < peak ? fromLow(p) : fromHigh(1 - p)) : endpoint(p, low, high)),
    survivalQuantile: (q) =>
      q > 0 && q < 1 ? (q <= 1 - peak ? fromHigh(q) : fromLow(1 - q)) : endpoint(q, high, low),
    describe: () => `triangular on [${low}, ${high}], mode ${mode}`,
  };
}
