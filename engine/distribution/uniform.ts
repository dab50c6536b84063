import { checkParameter, endpoint, type Law, outside } from './law.ts';

/**
 * Uniform law on [low, high].
 * @throws OptionError unless both ends and their distance are finite and low < high.
 */
export function uniform(low: number, high: number): Law {
  checkParameter('uniform', 'low', low);
  const reachable = (x: number): boolean => x > low && Number.isFinite(x - low);
  checkParameter('uniform', 'high', high, reachable, `a finite number above low = ${low}`);
  const width = high - low;
  const logDensity = -Math.log(width);
  return {
    name: 'uniform',
    parameters: { low, high },
    discrete: false,
    support: [low, high],
    mean: low + width / 2,
    variance: (width * width) / 12,
    logDensity: (x) => (x >= low && x <= high ? logDensity : outside(x)),
    cdf: (x) => Math.min(1, Math.max(0, (x - low) / width)),
    survival: (x) => Math.min(1, Math.max(0, (high - x) / width)),
    // The width is rounded, so the sum may pass `high` by a bit.
    quantile: (p) => (p >= 0 && p < 1 ? Math.min(high, low + width * p) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q >= 0 && q < 1 ? Math.max(low, high - width * q) : endpoint(q, high, low)),
    describe: () => `uniform on [${low}, ${high}]`,
  };
}
