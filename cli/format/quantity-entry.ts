import type { IntervalEstimate } from '../../estimators/index.ts';
import type { Entry } from './columns.ts';
import { decimalsFor, fixed } from './number.ts';

/** Digits of a number whose error is not known. */
const UNSURE = 3;

/**
 * An estimate in a unit of its own as printed: digits by its standard error, low end rounded down, high end up, all
 * three with the same exponent where the value needs one. Without an error three digits.
 */
export function quantityEntry({ value, standardError, low, high }: IntervalEstimate, i: number): Entry {
  const v = value[i]!;
  if (Number.isNaN(v)) return { value: 'n/a', low: '', high: '' };
  const [least, most] = [low[i]!, high[i]!];
  if (Number.isNaN(least)) return { value: few(v), low: 'n/a', high: '' };
  const exponent = exponentOf(Math.max(Math.abs(v), (most - least) / 2));
  const tail = exponent === 0 ? '' : `e${exponent}`;
  const scale = 10 ** exponent;
  const decimals = decimalsFor(standardError[i]! / scale, 12);
  return {
    value: `${fixed(v / scale, decimals)}${tail}`,
    low: `${fixed(least / scale, decimals, 'down')}${tail}`,
    high: `${fixed(most / scale, decimals, 'up')}${tail}`,
  };
}

/** '0.0439 [0.0437, 0.0441]', or what is known of it. */
export function quantityText(estimate: IntervalEstimate, i: number): string {
  const { value, low, high } = quantityEntry(estimate, i);
  return low === '' || low === 'n/a' ? value : `${value} [${low}, ${high}]`;
}

/** 0 where a number is readable without an exponent. */
function exponentOf(size: number): number {
  return size === 0 || (size >= 1e-3 && size < 1e5) ? 0 : Math.floor(Math.log10(size));
}

function few(value: number): string {
  const exponent = exponentOf(Math.abs(value));
  const scaled = value / 10 ** exponent;
  if (value === 0) return '0';
  const digits = UNSURE - 1 - Math.floor(Math.log10(Math.abs(scaled)));
  return `${fixed(scaled, Math.max(0, digits))}${exponent === 0 ? '' : `e${exponent}`}`;
}
