import type { IntervalEstimate } from '../../estimators/index.ts';
import { entry, interval } from '../format/columns.ts';
import { decimalsFor, fixed } from '../format/number.ts';

/** One index ready to print; 'n/a' where it is not known. */
export interface IndexText {
  readonly value: string;
  /** Ends of the interval; empty beside a bound such as '<0.0002', 'n/a' where there is none. */
  readonly low: string;
  readonly high: string;
  /** '0.351 ± 0.010' where the interval is symmetric, the bound where it is tiny, else the value alone. */
  readonly short: string;
  /** '0.351 [0.341, 0.361]', or what is known of it. */
  readonly full: string;
}

/** Entry `i` of an estimate as text, with the digits that the terminal prints. */
export function indexText(estimate: IntervalEstimate, i: number): IndexText {
  const row = entry(estimate, i);
  if (row.value === 'n/a') return { value: 'n/a', low: 'n/a', high: 'n/a', short: 'n/a', full: 'n/a' };
  if (row.low === 'n/a') return { ...row, high: 'n/a', short: row.value, full: row.value };
  if (row.low === '') return { ...row, short: row.value, full: row.value };
  return { ...row, short: `${row.value}${halfWidth(estimate, i)}`, full: `${row.value} ${interval(row)}` };
}

function halfWidth(estimate: IntervalEstimate, i: number): string {
  const low = estimate.low[i]!;
  const high = estimate.high[i]!;
  const symmetric = Math.abs(low + high - 2 * estimate.value[i]!) <= 1e-6 * (high - low);
  if (!symmetric) return '';
  return ` ± ${fixed((high - low) / 2, decimalsFor(estimate.standardError[i]!), 'up')}`;
}
