import type { IntervalEstimate, OutputIndices, SobolResult } from '../../estimators/index.ts';
import { unknownIndex } from '../format/table.ts';

/** Up to this many inputs everything is shown in the user's order. */
export const MOST_BARS = 30;
/** Of more inputs, those with the largest total index. */
export const LARGEST = 20;

/** The `most` entries with the largest value, in the user's order; all when there are no more. */
export function largest(estimate: IntervalEstimate, most: number): number[] {
  return byValue(estimate)
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** All entries, largest value first, unknown ones last. */
export function byValue({ value }: IntervalEstimate): number[] {
  const size = (i: number): number => (Number.isNaN(value[i]!) ? Number.NEGATIVE_INFINITY : value[i]!);
  return Array.from(value.keys()).sort((a, b) => (size(a) === size(b) ? a - b : size(b) - size(a)));
}

/** Entries `rows` of an estimate. */
export function pick(estimate: IntervalEstimate, rows: readonly number[]): IntervalEstimate {
  const some = (values: Float64Array): Float64Array => Float64Array.from(rows, (i) => values[i]!);
  return {
    names: rows.map((i) => estimate.names[i]!),
    value: some(estimate.value),
    standardError: some(estimate.standardError),
    low: some(estimate.low),
    high: some(estimate.high),
    level: estimate.level,
  };
}

/** Largest upper end among the entries not in `rows`; of the values where there are no intervals. */
export function highestOther({ value, high }: IntervalEstimate, rows: readonly number[]): number {
  const shown = new Set(rows);
  let most = 0;
  value.forEach((v, i) => {
    if (!shown.has(i)) most = Math.max(most, Number.isNaN(high[i]!) ? v || 0 : high[i]!);
  });
  return most;
}

/** Why indices or intervals of this output are missing, as a sentence; empty when they are not. */
export function reason(result: SobolResult, indices: OutputIndices): string {
  const { design } = result;
  if (indices.constant) return 'n/a: the output never changed, so there is no variance to share out.';
  if (design.completeReplicates === 0) return 'n/a: no replicate was complete.';
  if (indices.totalOrder.value.every(Number.isNaN)) return unknownIndex(result);
  if (!indices.totalOrder.low.every(Number.isNaN)) return '';
  if (design.interval === 'replicates' && design.completeReplicates < 2)
    return 'n/a: intervals need two whole replicates; only one is there.';
  return design.interval === 'none'
    ? 'n/a: no intervals were asked for.'
    : 'n/a: no interval could be computed.';
}
