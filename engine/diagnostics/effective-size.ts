import { checkSameLength, summarise } from '../particles/log-weight.ts';
import { sum } from '../wasm/twins/sums.ts';

/**
 * Effective sample size for the mean of one function, in particles: equal weights on that many would be as accurate,
 *
 *   (sum w)^2 var(h) / sum w^2 (h - mean)^2,   mean = sum W h,   var = sum W (h - mean)^2
 *
 * Larger than `ess` where heavy weights sit near the mean of h, smaller where they sit far out. Equals n for equal
 * weights. NaN when h does not vary over the live particles, 0 when all are dead.
 *
 * @param logWeight [n] natural log, unnormalised.
 * @param values [n] h at each particle; those of dead particles are not read.
 * @throws ShapeError when the lengths differ; ValueError at NaN or +Infinity in logWeight.
 */
export function essOfFunction(logWeight: Float64Array, values: Float64Array): number {
  const n = logWeight.length;
  checkSameLength('essOfFunction', 'values', values.length, n);
  const w = new Float64Array(n);
  const total = summarise('essOfFunction', logWeight, w).sum;
  if (total === 0) return 0;
  const over = (term: (w: number, h: number) => number): number =>
    sum(w.map((x, i) => (x > 0 ? term(x, values[i]!) : 0)));
  const mean = over((x, h) => x * h) / total;
  const spread = over((x, h) => x * (h - mean) ** 2);
  return (total * spread) / over((x, h) => (x * (h - mean)) ** 2);
}
