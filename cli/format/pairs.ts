import { type OutputIndices, type SobolResult, studentT } from '../../estimators/index.ts';

/** Level at which the whole family of pairs may raise one false flag. */
const FAMILY = 0.05;

/**
 * Which pairs differ from 0. Every pair is tested at level 1 - 0.05/m, m being their number, so that one false
 * flag among all of them has a chance of 5 %; the printed intervals stay at their plain level.
 *
 * @returns positions in `secondOrder`, in their order; empty without second order.
 */
export function flaggedPairs(indices: OutputIndices, design: SobolResult['design']): number[] {
  const pairs = indices.secondOrder;
  if (pairs === undefined) return [];
  const stretch = widening(design, pairs.level, pairs.pairs.length);
  const flagged: number[] = [];
  for (let i = 0; i < pairs.value.length; i++) {
    const half = ((pairs.high[i]! - pairs.low[i]!) / 2) * stretch;
    if (Math.abs(pairs.value[i]!) > half) flagged.push(i);
  }
  return flagged;
}

/** How much wider an interval is at level 1 - 0.05/m than at `level`. */
function widening(design: SobolResult['design'], level: number, m: number): number {
  // Replicates give a Student law with R - 1 degrees of freedom; the other intervals are near enough to normal.
  const degrees = design.interval === 'replicates' ? Math.max(1, design.completeReplicates - 1) : 1e6;
  const law = studentT(degrees);
  return law.quantile(1 - FAMILY / (2 * m)) / law.quantile((1 + level) / 2);
}
