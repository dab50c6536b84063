import { chainMemory, splitRHat } from '../../../engine/diagnostics/autocorrelation.ts';
import { batchMean } from '../../../engine/diagnostics/standard-error.ts';
import type { Sample } from '../../../engine/sampler.ts';
import type { Estimate } from '../../../engine/types.ts';

/** Draws of C chains of p numbers as they come, in room for n each: [C, n, p]. */
export interface ChainRecord {
  readonly chains: number;
  readonly width: number;
  /** n */
  readonly capacity: number;
  /** Draws kept of each chain. */
  count: number;
  readonly draws: Float64Array;
}

export function makeChainRecord(chains: number, width: number, capacity: number): ChainRecord {
  return { chains, width, capacity, count: 0, draws: new Float64Array(chains * width * capacity) };
}

/** Keep the draw of every chain, [p] each. */
export function keepDraws(record: ChainRecord, draw: (chain: number) => ArrayLike<number>): void {
  const { chains, width, capacity, count, draws } = record;
  for (let c = 0; c < chains; c++) draws.set(draw(c), (c * capacity + count) * width);
  record.count++;
}

/** What chains say about one number. */
export interface ChainAnswer {
  /**
   * Means over all draws after the warm-up; standard errors by batch means, floor(sqrt n) batches a chain. NaN before there
   * are enough draws, and where nothing moves.
   */
  readonly estimate: Estimate;
  /** [p] variances of the draws. */
  readonly variance: Float64Array;
  /** [p] effective number of independent draws, by the initial monotone sequence (Geyer 1992). */
  readonly ess: Float64Array;
  /** [p] split R-hat: near 1 when the halves of all chains agree, above 1.01 run longer. */
  readonly rHat: Float64Array;
  /** [p] lags that `ess` summed, as a share of a chain; above 1/4 the chains are too short to trust it. */
  readonly memory: Float64Array;
}

/** Fewest draws of a chain that say something about its memory. */
const FEWEST = 4;

export function chainAnswer(record: ChainRecord, names: readonly string[]): ChainAnswer {
  const columns = names.map((_, j) => columnAnswer(columnOf(record, j)));
  const pick = (key: keyof ColumnAnswer): Float64Array => Float64Array.from(columns, (c) => c[key]);
  return {
    estimate: { names, value: pick('value'), standardError: pick('standardError') },
    variance: pick('variance'),
    ess: pick('ess'),
    rHat: pick('rHat'),
    memory: pick('memory'),
  };
}

/** Column j of each chain, [C][count]. */
function columnOf({ chains, width, capacity, count, draws }: ChainRecord, j: number): Float64Array[] {
  return Array.from({ length: chains }, (_, c) =>
    Float64Array.from({ length: count }, (_, i) => draws[(c * capacity + i) * width + j]!),
  );
}

interface ColumnAnswer {
  readonly value: number;
  readonly standardError: number;
  readonly variance: number;
  readonly ess: number;
  readonly rHat: number;
  readonly memory: number;
}

function columnAnswer(chains: readonly Float64Array[]): ColumnAnswer {
  const count = chains[0]!.length;
  if (count < FEWEST) {
    const value = chains.flatMap((x) => [...x]).reduce((sum, x) => sum + x, 0) / (count * chains.length);
    const { NaN: none } = Number;
    return { value, standardError: none, variance: none, ess: none, rHat: none, memory: none };
  }
  const means = chains.map((x) => batchMean(x));
  const value = means.reduce((sum, mean) => sum + mean.value, 0) / chains.length;
  const squared = means.reduce((sum, mean) => sum + mean.standardError ** 2, 0);
  const standardError = Math.sqrt(squared) / chains.length || Number.NaN;
  const { ess, variance, lags } = chainMemory(chains);
  return { value, standardError, variance, ess, rHat: splitRHat(chains), memory: lags / count };
}

/** All draws as equally weighted points, [C count, p], chain after chain. */
export function recordSample({ chains, width, capacity, count, draws }: ChainRecord): Sample {
  const points = new Float64Array(chains * count * width);
  for (let c = 0; c < chains; c++) {
    const from = c * capacity * width;
    points.set(draws.subarray(from, from + count * width), c * count * width);
  }
  return { points, shape: [chains * count, width], logWeight: new Float64Array(chains * count) };
}

/** The draws kept so far, for a snapshot. */
export function savedRecord(record: ChainRecord): Float64Array {
  return recordSample(record).points;
}

/** Take back what `savedRecord` wrote after `count` draws. */
export function restoreRecord(record: ChainRecord, saved: ArrayLike<number>, count: number): void {
  const { chains, width, capacity, draws } = record;
  for (let c = 0; c < chains; c++)
    for (let i = 0; i < count * width; i++) draws[c * capacity * width + i] = saved[c * count * width + i]!;
  record.count = count;
}
