import { log } from '../wasm/twins/elementary.ts';
import { checkParameter, type Law } from './law.ts';

/**
 * Uniform law on [low, high].
 * @throws OptionError unless both ends are finite and low < high.
 */
export function uniform(low: number, high: number): Law {
  checkParameter('uniform', 'low', low);
  checkParameter('uniform', 'high', high, (x) => x > low, `a finite number above low = ${low}`);
  const width = high - low;
  return {
    name: 'uniform',
    parameters: { low, high },
    discrete: false,
    support: [low, high],
    mean: low + width / 2,
    variance: (width * width) / 12,
    logDensity: (x) => (x >= low && x <= high ? -log(width) : -Infinity),
    cdf: (x) => Math.min(1, Math.max(0, (x - low) / width)),
    survival: (x) => Math.min(1, Math.max(0, (high - x) / width)),
    quantile: (p) => (p >= 0 && p <= 1 ? low + width * p : Number.NaN),
    describe: () => `uniform on [${low}, ${high}]`,
  };
}
