import { normalQuantile } from '../wasm/twins/normal.ts';

/**
 * The smallest integer k in [low, high] at which `reached` holds, by doubling steps from a guess, then bisection;
 * `reached` never turns false again, and holds at `high`.
 */
export function firstInteger(
  reached: (k: number) => boolean,
  guess: number,
  low: number,
  high: number,
): number {
  let below = low - 1;
  let above = high;
  let k = Math.min(high, Math.max(low, guess));
  for (let stride = 1; below + 1 < above; stride *= 2) {
    if (reached(k)) {
      above = k;
      if (below >= low) break;
      k = Math.max(low, k - stride);
      if (above === low) return low;
    } else {
      below = k;
      if (above < high) break;
      k = Math.min(high, k + stride);
      if (k === high) break;
    }
  }
  while (above - below > 1) {
    const middle = below + Math.floor((above - below) / 2);
    if (reached(middle)) above = middle;
    else below = middle;
  }
  return above;
}

/** Where to look for the quantile of a counting law: the normal one corrected for skewness (Cornish & Fisher 1938). */
export function countGuess(z: number, mean: number, sd: number, skewness: number): number {
  return Math.floor(mean + sd * (z + (skewness * (z * z - 1)) / 6));
}

/** Normal quantile at upper tail probability q. */
export function upperNormal(q: number): number {
  return -normalQuantile(q);
}

/** The smallest rank m in 1..n with m / n >= p in double arithmetic: what makes cdf(quantile(p)) >= p exact. */
export function rankReaching(p: number, n: number): number {
  const m = Math.min(n, Math.max(1, Math.ceil(p * n)));
  if (m > 1 && (m - 1) / n >= p) return m - 1;
  return m < n && m / n < p ? m + 1 : m;
}

/** The smallest rank m in 1..n with (n - m) / n <= q in double arithmetic. */
export function rankLeaving(q: number, n: number): number {
  const m = Math.min(n, Math.max(1, n - Math.floor(q * n)));
  if (m > 1 && (n - m + 1) / n <= q) return m - 1;
  return m < n && (n - m) / n > q ? m + 1 : m;
}

/** How many entries of a sorted array are <= x. */
export function countUpTo(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
