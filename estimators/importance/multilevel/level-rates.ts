import { correctionVariance, type LevelMoments } from './level-moments.ts';

/** Slower rates than these are not believed: they would be chance. */
const LEAST_RATE = 0.5;

/** Rates of decay per level, and of growth of the cost; NaN where there are too few levels. */
export interface Rates {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

/** |mean| and variance of the corrections, kept from vanishing by chance, and the rates they were kept by. */
export interface Decay {
  readonly size: readonly number[];
  readonly variance: readonly number[];
  readonly rates: Rates;
}

/**
 * Means and variances of the corrections as allocation and stopping see them: from level 2 on at least half of what the level
 * before promises at the rate, so that a level that looks finished by chance does not end the run.
 * Source: Giles (2015), algorithm 1 and its code.
 */
export function decay(
  moments: readonly LevelMoments[],
  costs: readonly number[],
  known: { readonly alpha?: number; readonly beta?: number } = {},
): Decay {
  const size = moments.map(({ mean }) => Math.abs(mean));
  const variance = moments.map(correctionVariance);
  const alpha = known.alpha ?? Math.max(LEAST_RATE, -slope(size));
  const beta = known.beta ?? Math.max(LEAST_RATE, -slope(variance));
  for (let l = 2; l < moments.length; l++) {
    if (!Number.isNaN(alpha)) size[l] = Math.max(size[l]!, (0.5 * size[l - 1]!) / 2 ** alpha);
    if (!Number.isNaN(beta)) variance[l] = Math.max(variance[l]!, (0.5 * variance[l - 1]!) / 2 ** beta);
  }
  return { size, variance, rates: { alpha, beta, gamma: slope(costs) } };
}

/** Least-squares slope of log2 over levels 1, 2, ... with a positive value; NaN with fewer than two. */
function slope(values: readonly number[]): number {
  const at = values.flatMap((value, l) => (l > 0 && value > 0 ? [[l, Math.log2(value)] as const] : []));
  if (at.length < 2) return Number.NaN;
  const [ml, mv] = [0, 1].map((i) => at.reduce((t, pair) => t + pair[i]!, 0) / at.length) as [number, number];
  const over = at.reduce((t, [l, v]) => t + (l - ml) * (v - mv), 0);
  return over / at.reduce((t, [l]) => t + (l - ml) ** 2, 0);
}

/** N_l = ceil(sqrt(V_l / C_l) sum_k sqrt(V_k C_k) / wanted): the cheapest samples with sum_l V_l / N_l <= wanted. */
export function optimalSamples(
  variance: readonly number[],
  costs: readonly number[],
  wanted: number,
): readonly number[] {
  const total = variance.reduce((t, v, l) => t + Math.sqrt(v * costs[l]!), 0);
  return variance.map((v, l) => Math.ceil((Math.sqrt(v / costs[l]!) * total) / wanted));
}

/**
 * |E[P] - E[P_L]| by extrapolation: the largest of the last three corrections, each carried to level L at the rate alpha, over
 * 2^alpha - 1. NaN without two corrections. Source: Giles (2015), equation 3.6.
 */
export function remainingBias({ size, rates: { alpha } }: Pick<Decay, 'size' | 'rates'>): number {
  const last = size.length - 1;
  if (last < 2 || Number.isNaN(alpha)) return Number.NaN;
  let largest = 0;
  for (let back = 0; back <= Math.min(2, last - 1); back++)
    largest = Math.max(largest, size[last - back]! / 2 ** (alpha * back));
  return largest / (2 ** alpha - 1);
}
