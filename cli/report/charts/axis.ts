import { fixed } from '../../format/number.ts';

/** A linear axis from 0 or a round number to a round number. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  /** Decimals that tell the ticks apart. */
  readonly decimals: number;
}

/** Round steps (1, 2 or 5 times a power of ten), about `count` of them, covering [low, high]. */
export function niceAxis(low: number, high: number, count: number): Axis {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const step = niceStep(span / count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => round((first + i) * step));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { low: ticks[0]!, high: ticks[ticks.length - 1]!, ticks, decimals };
}

/** The round numbers from `low` to `high`, for an axis that ends where its data end. */
export function innerTicks(low: number, high: number, count: number): Pick<Axis, 'ticks' | 'decimals'> {
  const { ticks, decimals } = niceAxis(low, high, count);
  const slack = 1e-9 * (high - low);
  return { ticks: ticks.filter((tick) => tick >= low - slack && tick <= high + slack), decimals };
}

/** Round step nearest to `raw` on a log scale. */
function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const digit = raw / power;
  return (digit < Math.SQRT2 ? 1 : digit < Math.sqrt(10) ? 2 : digit < Math.sqrt(50) ? 5 : 10) * power;
}

function round(value: number): number {
  return Number(value.toPrecision(12));
}

/** A tick in as few characters as tell it: '0.2', '2 000', '3e+6'. */
export function tickText(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 1e-4))
    return Number(value.toPrecision(6)).toExponential().replace('e+', 'e');
  const [whole, part] = fixed(value, Math.min(decimals, 6)).split('.');
  const grouped = size >= 1e4 ? whole!.replace(/\B(?=(\d{3})+$)/g, '\u2009') : whole!;
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** A count of points on an axis: '512', '16k', '2M' (k = 1024, as counts are powers of two). */
export function pointsText(points: number): string {
  if (points >= 2 ** 20 && points % 2 ** 20 === 0) return `${points / 2 ** 20}M`;
  if (points >= 1024 && points % 1024 === 0) return `${points / 1024}k`;
  return tickText(points, 0);
}
