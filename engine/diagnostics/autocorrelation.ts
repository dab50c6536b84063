import { ShapeError } from '../errors.ts';
import { sum } from '../wasm/twins/sums.ts';

/** Chains of one quantity, all of the same length, [chains][n]. */
export type Chains = readonly Float64Array[];

/** How slowly chains forget. */
export interface ChainMemory {
  /** Integrated autocorrelation time, in steps: the variance of the mean is `variance * time / draws`. */
  readonly time: number;
  /** Variance of one draw. */
  readonly variance: number;
  /** Effective number of independent draws, draws / time. */
  readonly ess: number;
  /** Monte Carlo standard error of the overall mean, in the unit of the draws. */
  readonly standardError: number;
  /** Lags summed. More than a quarter of a chain: the chains are too short to trust this. */
  readonly lags: number;
}

/**
 * Autocovariance at a lag, averaged over chains: sum of (x_t - mean)(x_{t+lag} - mean) over all chains divided by the
 * number of draws, with the mean of all draws. Divisor n, not n - lag, which keeps the sequence positive definite.
 */
export function autocovariance(chains: Chains, lag: number, mean: number = meanOf(chains)): number {
  let total = 0;
  for (const x of chains) {
    const products = new Float64Array(Math.max(0, x.length - lag));
    for (let t = 0; t < products.length; t++) products[t] = (x[t]! - mean) * (x[t + lag]! - mean);
    total += sum(products);
  }
  return total / drawsOf(chains);
}

/**
 * Integrated autocorrelation time by the initial monotone sequence: pairs c_2k + c_2k+1 are summed while positive,
 * each held at or below the one before. For stationary reversible chains; it estimates from above. All NaN for
 * chains that never move.
 *
 * @param chains one or more chains of at least 4 draws each.
 * @throws ShapeError when there is no chain, or lengths differ, or a chain is shorter than 4.
 * Source: Geyer (1992), section 3.3.
 */
export function chainMemory(chains: Chains): ChainMemory {
  checkChains('chainMemory', chains);
  const draws = drawsOf(chains);
  const mean = meanOf(chains);
  const length = chains[0]!.length;
  const variance = autocovariance(chains, 0, mean);
  const { total: pairs, lags } = initialMonotoneSum((lag) => autocovariance(chains, lag, mean), length);
  const time = (2 * pairs) / variance - 1;
  return { time, variance, ess: draws / time, standardError: Math.sqrt((variance * time) / draws), lags };
}

/**
 * Initial monotone sequence: the pairs c_2k + c_2k+1 of autocovariances summed while positive, each held at or below
 * the one before. The long-run variance is `2 total - c_0`. Source: Geyer (1992), section 3.3.
 * @param autocovariance c at a lag.
 * @param length of the chains: lags below it are asked for.
 */
export function initialMonotoneSum(
  autocovariance: (lag: number) => number,
  length: number,
): { readonly total: number; readonly lags: number } {
  let bound = Infinity;
  let total = 0;
  let lags = 0;
  while (lags + 1 < length) {
    const pair = autocovariance(lags) + autocovariance(lags + 1);
    if (!(pair > 0)) break;
    bound = Math.min(bound, pair);
    total += bound;
    lags += 2;
  }
  return { total, lags };
}

/**
 * Split R-hat: every chain is cut into halves, and the spread between the means of the halves is compared with
 * the spread inside them. Near 1 when all halves tell the same story; above 1.01 run longer. NaN when nothing moves.
 *
 * @throws ShapeError as `chainMemory`.
 * Source: Gelman et al. (2013), "Bayesian Data Analysis", section 11.4.
 */
export function splitRHat(chains: Chains): number {
  checkChains('splitRHat', chains);
  const half = chains[0]!.length >> 1;
  const halves = chains.flatMap((x) => [x.subarray(0, half), x.subarray(x.length - half)]);
  const means = Float64Array.from(halves, (x) => sum(x) / half);
  const within = sum(Float64Array.from(halves, sampleVariance)) / halves.length;
  const between = sampleVariance(means);
  return Math.sqrt((half - 1) / half + between / within);
}

/** Variance with divisor n - 1. */
export function sampleVariance(x: Float64Array): number {
  const mean = sum(x) / x.length;
  return sum(x.map((y) => (y - mean) ** 2)) / (x.length - 1);
}

function meanOf(chains: Chains): number {
  return chains.reduce((total, x) => total + sum(x), 0) / drawsOf(chains);
}

function drawsOf(chains: Chains): number {
  return chains.reduce((total, x) => total + x.length, 0);
}

function checkChains(where: string, chains: Chains): void {
  const length = chains[0]?.length ?? 0;
  const odd = chains.find((x) => x.length !== length);
  if (odd === undefined && length >= 4) return;
  throw new ShapeError({
    where,
    found:
      odd === undefined
        ? `${chains.length} chains of length ${length}`
        : `chains of length ${length} and ${odd.length}`,
    expected: 'chains of one length, at least 4',
  });
}
