import type { IntervalEstimate } from '../../estimators/index.ts';
import { bound, decimalsFor, fixed, INDEX_DECIMALS } from './number.ts';

/** One estimate as text: the number, split at its decimal point, and the two ends of its interval. */
export interface Entry {
  /** '0.3449', '<0.0002' or 'n/a'. */
  readonly value: string;
  /** Empty when there is nothing to show. */
  readonly low: string;
  readonly high: string;
}

/** Below this an index is told by its upper end only. */
const NEGLIGIBLE = 1e-3;

/**
 * An index as printed: digits by its standard error, low end rounded down, high end up. An interval that lies
 * within 0.001 of zero is replaced by '<' and its upper end, unless `full` says that it is shown because it is not 0.
 */
export function entry(estimate: IntervalEstimate, i: number, full = false): Entry {
  const value = estimate.value[i]!;
  const low = estimate.low[i]!;
  const high = estimate.high[i]!;
  if (Number.isNaN(value)) return { value: 'n/a', low: '', high: '' };
  if (isExactZero(estimate, i)) return { value: fixed(0, INDEX_DECIMALS), low: '', high: '' };
  if (Number.isNaN(low) || Number.isNaN(high))
    return { value: fixed(value, INDEX_DECIMALS), low: 'n/a', high: '' };
  if (!full && high < NEGLIGIBLE && low > -NEGLIGIBLE) return { value: `<${bound(high)}`, low: '', high: '' };
  const decimals = decimalsFor(estimate.standardError[i]!);
  return {
    value: fixed(value, decimals),
    low: fixed(low, decimals, 'down'),
    high: fixed(high, decimals, 'up'),
  };
}

/**
 * An index that is 0 in every replicate, to the last bit, has no standard error: nothing was estimated. True only
 * where other entries have intervals.
 */
export function isExactZero({ value, low }: IntervalEstimate, i: number): boolean {
  return value[i] === 0 && Number.isNaN(low[i]!) && low.some((end) => !Number.isNaN(end));
}

/** Upper end of an interval; 0 for an index that is exactly 0. NaN where there is none. */
export function upperEnd(estimate: IntervalEstimate, i: number): number {
  return isExactZero(estimate, i) ? 0 : estimate.high[i]!;
}

/** Text of a number column and of its interval column, aligned at the decimal point; all rows of one width. */
export interface Column {
  readonly numbers: readonly string[];
  readonly intervals: readonly string[];
  readonly numberWidth: number;
  readonly intervalWidth: number;
}

/** Sets entries under each other. The first cell of both columns is left for a sign. */
export function column(entries: readonly Entry[]): Column {
  const before = widest(entries.map((row) => whole(row.value)));
  const after = widest(entries.map((row) => row.value.length - whole(row.value)));
  const lead = widest(entries.map((row) => whole(row.low)));
  const numbers = entries.map((row) => align(row.value, before).padEnd(before + after));
  const intervals = entries.map((row) => intervalText(row, lead));
  const intervalWidth = Math.max(17, widest(intervals.map((text) => text.length)));
  return {
    numbers,
    intervals: intervals.map((text) => text.padEnd(intervalWidth)),
    numberWidth: before + after,
    intervalWidth,
  };
}

/** '[0.31, 0.36]', 'n/a' or nothing, for a line of its own. */
export function interval(row: Entry): string {
  if (row.low === '' || row.low === 'n/a') return row.low;
  return `[${row.low}, ${row.high}]`;
}

function intervalText(row: Entry, lead: number): string {
  const text = interval(row);
  return text.startsWith('[') ? ' '.repeat(lead - whole(row.low)) + text : text === '' ? '' : ` ${text}`;
}

function align(text: string, before: number): string {
  return ' '.repeat(before - whole(text)) + text;
}

/** Characters before the decimal point; 'n/a' and whole numbers are all before it, but for the sign cell. */
function whole(text: string): number {
  if (text === 'n/a' || text === '') return 1;
  const dot = text.indexOf('.');
  return dot < 0 ? text.length : dot;
}

function widest(lengths: readonly number[]): number {
  return Math.max(2, ...lengths);
}
