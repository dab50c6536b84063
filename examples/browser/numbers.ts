/** Decimals of an index on screen at most. */
const MOST_DECIMALS = 5;

/** Decimals at which a number with this standard error stops: two digits of the error when it begins with 1 or 2, else one. */
export function decimalsFor(standardError: number): number {
  if (!(standardError > 0)) return 4;
  const text = standardError.toExponential(3);
  const exponent = Number(text.slice(text.indexOf('e') + 1));
  return Math.min(MOST_DECIMALS, Math.max(0, (text < '3' ? 1 : 0) - exponent));
}

/** A number with fixed decimals; 'down' and 'up' keep a printed interval at least as wide as the computed one. */
export function fixed(value: number, decimals: number, way: 'down' | 'near' | 'up' = 'near'): string {
  if (!Number.isFinite(value)) return 'n/a';
  const scale = 10 ** decimals;
  const scaled = value * scale;
  // A hair of slack, because 0.3 * 10 is not 3.
  const whole =
    way === 'near' ? Math.round(scaled) : way === 'up' ? Math.ceil(scaled - 1e-9) : Math.floor(scaled + 1e-9);
  return (whole === 0 ? 0 : whole / scale).toFixed(decimals);
}

/** 262144 as '262 144', with spaces that keep it on one line. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** A half-width in one or two digits: '0.03', '0.00012'. */
export function halfWidth(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  const decimals = Math.min(8, Math.max(2, 1 - Math.floor(Math.log10(Math.max(value, 1e-9)))));
  return fixed(value, decimals, 'up');
}

/** '34 %', '0.8 %', on one line. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value.toFixed(Math.abs(value) >= 0.95 ? 0 : 1)}\u00a0%`;
}

/** '0.4 s', '12 s', '3 min'. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(seconds, 0.1).toFixed(1)} s`;
  return seconds < 100 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
}

/** A coordinate as a message shows it: six digits. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Round steps (1, 2 or 5 times a power of ten) from 0 to at least `high`, about `steps` of them. */
export function ticks(
  high: number,
  steps: number,
): { readonly at: readonly number[]; readonly decimals: number } {
  const raw = high / steps;
  const power = 10 ** Math.floor(Math.log10(raw));
  const digit = raw / power;
  const step = (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
  const last = Math.ceil(high / step - 1e-9);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { at: Array.from({ length: last + 1 }, (_, i) => i * step), decimals };
}

/** Both ends nearer to 0 than this print as a bound, without an interval. */
const TINY = 0.001;

/** Whether an index is as good as 0. */
export function isTiny({ low, high }: Readonly<Record<'low' | 'high', Float64Array>>, i: number): boolean {
  return high[i]! < TINY && low[i]! > -TINY;
}
