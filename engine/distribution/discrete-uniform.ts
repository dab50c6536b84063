import { rankLeaving, rankReaching } from './lattice.ts';
import { checkParameter, endpoint, type Law, outside } from './law.ts';

/**
 * Uniform law on the integers low, low + 1, ..., high.
 * @throws OptionError unless both are integers of at most 2^52 in size and low <= high.
 */
export function discreteUniform(low: number, high: number): Law {
  const integer = (x: number): boolean => Number.isInteger(x) && Math.abs(x) <= 2 ** 52;
  checkParameter('discreteUniform', 'low', low, integer, 'an integer');
  const fits = (x: number): boolean => integer(x) && x >= low;
  checkParameter('discreteUniform', 'high', high, fits, `an integer >= low = ${low}`);
  const count = high - low + 1;
  const rank = (x: number): number => Math.min(count, Math.max(0, Math.floor(x) - low + 1));
  return {
    name: 'discreteUniform',
    parameters: { low, high },
    discrete: true,
    support: [low, high],
    mean: low + (high - low) / 2,
    variance: ((count - 1) * (count + 1)) / 12,
    logDensity: (x) => (Number.isInteger(x) && x >= low && x <= high ? -Math.log(count) : outside(x)),
    cdf: (x) => rank(x) / count,
    survival: (x) => (count - rank(x)) / count,
    quantile: (p) => (p > 0 && p < 1 ? low - 1 + rankReaching(p, count) : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? low - 1 + rankLeaving(q, count) : endpoint(q, high, low)),
    describe: () => `uniform on the integers ${low} to ${high}`,
  };
}
