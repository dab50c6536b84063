import { count, duration, halfWidth } from './numbers.ts';

/** The widest half-width of ST when a design was complete. */
export interface Width {
  readonly points: number;
  readonly half: number;
}

/** Points beyond which no number is given. */
const FAR = 2 ** 30;

/** Designs that the slope is read from. */
const SEEN = 5;

/** How fast the widest interval shrinks: half ~ points^-slope, by least squares over the last designs; NaN below three. */
export function slopeOf(widths: readonly Width[]): number {
  const last = widths.filter(({ half }) => half > 0).slice(-SEEN);
  if (last.length < 3) return Number.NaN;
  const x = last.map(({ points }) => Math.log(points));
  const y = last.map(({ half }) => Math.log(half));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const sxy = x.reduce((total, value, i) => total + (value - mx) * (y[i]! - my), 0);
  return -sxy / x.reduce((total, value) => total + (value - mx) ** 2, 0);
}

/** 'widest interval ± 0.003, shrinking like 1/n; ± 0.0001 in about 2 s'. */
export function trendWords(
  widths: readonly Width[],
  target: number,
  most: number,
  pointsPerSecond: number,
): string {
  const now = widths[widths.length - 1];
  if (now === undefined || !Number.isFinite(now.half)) return '';
  const slope = slopeOf(widths);
  const head = `widest interval ± ${halfWidth(now.half)}`;
  if (!(slope > 0.2)) return head;
  const how = slope > 0.75 ? '1/n' : '1/√n';
  const shrinking = `${head}, shrinking like ${how}`;
  if (!(target > 0) || now.half <= target) return shrinking;
  const wanted = now.points * 2 ** Math.ceil(Math.log2(now.half / target) / slope);
  if (wanted > FAR) return `${shrinking}; ± ${target} is out of reach`;
  if (wanted > most) return `${shrinking}; ± ${target} would take ${count(wanted)} points`;
  return `${shrinking}; ± ${target} in about ${duration(wanted / pointsPerSecond)}`;
}
