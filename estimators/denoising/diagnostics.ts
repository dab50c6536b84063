import { autocovariance, chainMemory } from '../../engine/diagnostics/autocorrelation.ts';
import { gammaUpper } from '../../engine/math/incomplete-gamma.ts';
import { tell } from './chain-summary.ts';
import type { ChainPlan } from './plan.ts';
import type { DenoisingChain, LevelTest } from './types.ts';

/*
 * How the levels of chains went: against their prior, up and down, and whether they drift. Histories are [cycles, n].
 */

/** Sweeps of kept states that are denoised when `cycle` cycles are done. */
export function denoisedSweeps({ warmup, kept, together }: ChainPlan, cycle: number, skip: number): number {
  const sweeps = skip > 0 ? Math.floor(Math.max(0, cycle - warmup) / skip) : 0;
  return sweeps >= kept ? kept : sweeps - (sweeps % together);
}

/** What levels [cycles, n] tell of chains, whatever moved their points. */
export type LevelHistory = Pick<
  DenoisingChain,
  | 'levels'
  | 'prior'
  | 'histogram'
  | 'levelDistance'
  | 'levelTest'
  | 'autocorrelation'
  | 'memory'
  | 'rHat'
  | 'roundTrips'
  | 'drift'
>;

export function describeLevels(
  levels: Float64Array,
  prior: Float64Array,
  history: Uint32Array,
  n: number,
): LevelHistory {
  const logLevels = logLevelChains(levels, n, history);
  const { time, ess, rHat } = tell(logLevels);
  const histogram = new Float64Array(levels.length);
  for (const level of history) histogram[level]! += 1 / history.length;
  const distance = 0.5 * prior.reduce((sum, p, g) => sum + Math.abs(p - histogram[g]!), 0);
  return {
    levels: levels.slice(),
    prior: prior.slice(),
    histogram,
    levelDistance: history.length === 0 ? Number.NaN : distance,
    levelTest: levelTest(histogram, prior, ess),
    autocorrelation: autocorrelation(logLevels),
    memory: time,
    rHat,
    roundTrips: roundTrips(prior, history, n),
    drift: driftOf(logLevels),
  };
}

/** log sigma of each chain, from levels [cycles, n]. */
export function logLevelChains(levels: Float64Array, n: number, history: Uint32Array): Float64Array[] {
  const logs = levels.map(Math.log);
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: history.length / n }, (_, t) => logs[history[t * n + i]!]!),
  );
}

/** Most blocks of levels that are compared, and the fewest states, by effective number, in one. */
const BLOCKS = 16;
const FEWEST = 5;

/**
 * Chi-square of a histogram [G] against the prior over contiguous blocks of about the same probability.
 * @param effective number of independent states.
 */
export function levelTest(histogram: Float64Array, prior: Float64Array, effective: number): LevelTest {
  const most = Math.min(BLOCKS, prior.length, Math.floor(effective / FEWEST));
  if (!(most >= 2)) return { statistic: Number.NaN, degrees: 0, probability: Number.NaN };
  const expected = new Float64Array(most);
  const found = new Float64Array(most);
  let below = 0;
  prior.forEach((p, g) => {
    const block = Math.min(most - 1, Math.floor(most * (below + p / 2)));
    expected[block]! += p;
    found[block]! += histogram[g]!;
    below += p;
  });
  let [statistic, degrees] = [0, -1];
  expected.forEach((p, block) => {
    if (p === 0) return;
    degrees++;
    statistic += (effective * (found[block]! - p) ** 2) / p;
  });
  return {
    statistic,
    degrees,
    probability: degrees > 0 ? gammaUpper(degrees / 2, statistic / 2) : Number.NaN,
  };
}

/** [n] ways of each chain from the lowest tenth of the prior to the highest and back. */
export function roundTrips(prior: Float64Array, history: Uint32Array, n: number): Uint32Array {
  const TENTH = 0.1;
  let [low, high, below, above] = [0, prior.length - 1, prior[0]!, prior[prior.length - 1]!];
  while (below + prior[low + 1]! <= TENTH) below += prior[++low]!;
  while (above + prior[high - 1]! <= TENTH) above += prior[--high]!;
  const trips = new Uint32Array(n);
  const been = new Uint8Array(n);
  // 0: not at the low end yet; 1: from there; 2: at the high end since.
  history.forEach((level, at) => {
    const i = at % n;
    if (level <= low) {
      if (been[i] === 2) trips[i]!++;
      been[i] = 1;
    } else if (level >= high && been[i] === 1) been[i] = 2;
  });
  return trips;
}

/** Mean over chains of the least-squares slopes of their log sigma in the cycle number, with its error. */
export function driftOf(chains: readonly Float64Array[]): DenoisingChain['drift'] {
  const length = chains[0]?.length ?? 0;
  if (length < 2 || chains.length < 2) return { slope: Number.NaN, standardError: Number.NaN };
  const middle = (length - 1) / 2;
  const square = (length * (length * length - 1)) / 12;
  const slopes = chains.map((chain) => chain.reduce((sum, y, t) => sum + (t - middle) * y, 0) / square);
  const slope = slopes.reduce((sum, own) => sum + own, 0) / slopes.length;
  const variance = slopes.reduce((sum, own) => sum + (own - slope) ** 2, 0) / (slopes.length - 1);
  return { slope, standardError: Math.sqrt(variance / slopes.length) };
}

/** Lags of an autocorrelation that are given: twice the memory, but no more than this. */
const MOST_LAGS = 200;

/** Autocorrelation of chains at lags 0, 1, ...; empty for chains shorter than 4 or that never move. */
export function autocorrelation(chains: readonly Float64Array[]): Float64Array {
  const length = chains[0]?.length ?? 0;
  if (length < 4) return new Float64Array(0);
  const { time, variance } = chainMemory(chains);
  if (!(time > 0)) return new Float64Array(0);
  const lags = Math.min(MOST_LAGS, length - 1, Math.ceil(2 * time));
  return Float64Array.from({ length: lags + 1 }, (_, lag) => autocovariance(chains, lag) / variance);
}
