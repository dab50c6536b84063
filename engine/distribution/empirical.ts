import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { countUpTo, rankLeaving, rankReaching } from './lattice.ts';
import { endpoint, type Law, outside } from './law.ts';

/**
 * The law of data: mass 1 / n at each of n values (more at repeated ones), so a discrete law.
 *
 * cdf is the empirical distribution function; quantile(p) is the order statistic of rank ceil(n p), never an
 * interpolation. The variance divides by n, being that of this law and not an estimate of another one.
 * @param data [n], copied and sorted.
 * @throws OptionError unless there is at least one value and all are finite.
 */
export function empirical(data: ArrayLike<number>): Law {
  const sorted = checkData(data).sort();
  const n = sorted.length;
  const [low, high] = [sorted[0]!, sorted[n - 1]!];
  const mean = sorted.reduce((sum, x) => sum + (x - low), 0) / n + low;
  const variance = sorted.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / n;
  const logDensity = (x: number): number => {
    const end = countUpTo(sorted, x);
    if (end === 0 || sorted[end - 1] !== x) return outside(x);
    let start = end;
    while (start > 0 && sorted[start - 1] === x) start--;
    return Math.log((end - start) / n);
  };
  const nanOr = (x: number, value: number): number => (Number.isNaN(x) ? x : value);
  return {
    name: 'empirical',
    parameters: { data: Array.from(sorted) },
    discrete: true,
    support: [low, high],
    mean,
    variance,
    logDensity,
    cdf: (x) => nanOr(x, countUpTo(sorted, x) / n),
    survival: (x) => nanOr(x, (n - countUpTo(sorted, x)) / n),
    quantile: (p) => (p > 0 && p < 1 ? sorted[rankReaching(p, n) - 1]! : endpoint(p, low, high)),
    survivalQuantile: (q) => (q > 0 && q < 1 ? sorted[rankLeaving(q, n) - 1]! : endpoint(q, high, low)),
    describe: () => `empirical, ${n} values from ${low} to ${high}`,
  };
}

function checkData(data: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(data ?? []);
  const bad = values.findIndex((x) => !Number.isFinite(x));
  if (values.length > 0 && bad < 0) return values;
  throw new OptionError({
    where: 'empirical',
    option: 'data',
    value: data,
    found: bad < 0 ? '`data` is empty' : `\`data[${bad}]\` is ${show(data[bad])}`,
    expected: 'at least one finite number, and no other',
  });
}
