import { ShapeError, ValueError } from '../errors.ts';
import { log } from '../wasm/twins/elementary.ts';
import { blockCount, sum, treeSum } from '../wasm/twins/sums.ts';
import { expShiftBlocks, maxBlocks } from '../wasm/twins/weights.ts';

/**
 * What one pass over n log-weights l tells: max = max l, sum = sum exp(l - max), squares = sum exp(l - max)^2.
 * All dead: max = -Infinity, sum = squares = 0.
 */
export interface WeightSummary {
  readonly max: number;
  readonly sum: number;
  readonly squares: number;
}

export const ALL_DEAD: WeightSummary = { max: -Infinity, sum: 0, squares: 0 };

/** log sum exp of the summarised log-weights; -Infinity when all are dead. */
export function logSumOf(summary: WeightSummary): number {
  return summary.sum === 0 ? -Infinity : summary.max + log(summary.sum);
}

/** log of the mean weight; -Infinity when all are dead. */
export function logMeanOf(summary: WeightSummary, n: number): number {
  return summary.sum === 0 ? -Infinity : summary.max + log(summary.sum / n);
}

/** Effective sample size (sum w)^2 / sum w^2 in particles; 0 when all are dead. */
export function essOf(summary: WeightSummary): number {
  return summary.sum === 0 ? 0 : (summary.sum * summary.sum) / summary.squares;
}

/**
 * The largest of the block maxima.
 * @throws ValueError when a log-weight is NaN or +Infinity, with its index.
 */
export function largestLogWeight(
  where: string,
  logWeight: Float64Array,
  n: number,
  maxima: Float64Array,
  blocks: number,
): number {
  let max = -Infinity;
  for (let b = 0; b < blocks; b++) max = Math.max(max, maxima[b]!);
  if (max < Infinity) return max;
  const index = logWeight.subarray(0, n).findIndex((l) => Number.isNaN(l) || l === Infinity);
  throw new ValueError({
    where,
    found: `logWeight is ${logWeight[index]} at particle ${index}`,
    expected: 'a finite number, or -Infinity for a dead particle',
    fix: 'Look at what the density or potential returned there.',
    index,
  });
}

/** Summary of plain log-weights, and exp(logWeight - max) into `weight` [n]. */
export function summarise(where: string, logWeight: Float64Array, weight: Float64Array): WeightSummary {
  const n = logWeight.length;
  const blocks = blockCount(n);
  const sums = new Float64Array(blocks);
  maxBlocks(logWeight, n, sums, 0, blocks);
  const max = largestLogWeight(where, logWeight, n, sums, blocks);
  if (max === -Infinity) {
    weight.fill(0);
    return ALL_DEAD;
  }
  const squares = new Float64Array(blocks);
  expShiftBlocks(logWeight, n, max, weight, sums, squares, 0, blocks);
  return { max, sum: treeSum(sums, blocks), squares: treeSum(squares, blocks) };
}

/**
 * log of the sum of exp(logWeight), by max and fixed tree: no overflow at any offset, same bits on every host.
 * @param logWeight [n] natural log, unnormalised; -Infinity is a dead particle. Not modified.
 * @returns -Infinity when all are dead or n is 0.
 * @throws ValueError at NaN or +Infinity.
 */
export function logSumExp(logWeight: Float64Array): number {
  return logSumOf(summarise('logSumExp', logWeight, new Float64Array(logWeight.length)));
}

/** log of the mean of exp(logWeight) [n]; otherwise as `logSumExp`. */
export function logMeanExp(logWeight: Float64Array): number {
  const { length } = logWeight;
  return logMeanOf(summarise('logMeanExp', logWeight, new Float64Array(length)), length);
}

/**
 * Effective sample size of Kish, (sum w)^2 / sum w^2 with w = exp(logWeight): in particles, 1..n, and 0 when all
 * are dead. n equal weights give n; one live particle gives 1.
 * @param logWeight [n] natural log, unnormalised. Not modified.
 * @throws ValueError at NaN or +Infinity.
 */
export function ess(logWeight: Float64Array): number {
  return essOf(summarise('ess', logWeight, new Float64Array(logWeight.length)));
}

/** The largest normalised weight, 1/n..1; 0 when all are dead. Its inverse is another effective size. */
export function largestWeight(logWeight: Float64Array): number {
  const { sum } = summarise('largestWeight', logWeight, new Float64Array(logWeight.length));
  return sum === 0 ? 0 : 1 / sum;
}

/** Weights that sum to 1, [n]; all 0 when all particles are dead, never NaN. */
export function normalizedWeight(logWeight: Float64Array): Float64Array {
  const weight = new Float64Array(logWeight.length);
  const summary = summarise('normalizedWeight', logWeight, weight);
  if (summary.sum > 0) for (let i = 0; i < weight.length; i++) weight[i] = weight[i]! / summary.sum;
  return weight;
}

/**
 * Entropy effective size exp(-sum W log W), in particles, 1..n; 0 when all are dead. It reacts less to a single
 * large weight than `ess`.
 */
export function perplexity(logWeight: Float64Array): number {
  const terms = new Float64Array(logWeight.length);
  const summary = summarise('perplexity', logWeight, terms);
  if (summary.sum === 0) return 0;
  // -sum W log W = log S - sum w (l - max) / S; a dead particle contributes 0, not 0 times -Infinity.
  for (let i = 0; i < terms.length; i++)
    if (terms[i]! > 0) terms[i] = terms[i]! * (logWeight[i]! - summary.max);
  return Math.exp(log(summary.sum) - sum(terms) / summary.sum);
}

/**
 * Conditional effective size n (sum W w)^2 / sum W w^2 of increments w = exp(logIncrement) under the weights W
 * carried so far: the `ess` of the next target as seen from the present one. Equals `ess(logIncrement)` when W
 * is uniform; 0 when no particle survives.
 *
 * @param logWeight [n] natural log, unnormalised, of the weights before the increment.
 * @param logIncrement [n] natural log of the increment.
 * @throws ValueError at NaN or +Infinity; ShapeError when the lengths differ.
 * Source: Zhou, Johansen & Aston (2016).
 */
export function conditionalEss(logWeight: Float64Array, logIncrement: Float64Array): number {
  const n = logWeight.length;
  checkSameLength('conditionalEss', 'logIncrement', logIncrement.length, n);
  const before = new Float64Array(n);
  const carried = summarise('conditionalEss', logWeight, before);
  // Increments of particles that are dead already do not count, so they must not set the scale either.
  const increment = logIncrement.map((l, i) => (before[i]! > 0 || Number.isNaN(l) ? l : -Infinity));
  const w = new Float64Array(n);
  const { sum: alive } = summarise('conditionalEss', increment, w);
  if (carried.sum === 0 || alive === 0) return 0;
  const first = w.map((x, i) => before[i]! * x);
  const second = w.map((x, i) => before[i]! * x * x);
  const mean = sum(first) / carried.sum;
  return (n * mean * mean) / (sum(second) / carried.sum);
}

/** @throws ShapeError unless an array has one element for each particle. */
export function checkSameLength(where: string, name: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new ShapeError({
    where,
    found: `${name} has length ${found}`,
    expected: `${expected}, one per particle`,
  });
}
