/** Which way a number is rounded when it is printed. */
export type Rounding = 'nearest' | 'down' | 'up';

/** Decimals an index may have on screen. */
export const INDEX_DECIMALS = 4;

/**
 * Decimals at which a number with this standard error stops: the error keeps two significant digits when its
 * first one is 1 or 2, else one. Never more than `most`, which is also the answer when the error is unknown or 0.
 */
export function decimalsFor(standardError: number, most: number = INDEX_DECIMALS): number {
  if (!(standardError > 0) || standardError === Infinity) return most;
  const text = standardError.toExponential(6);
  const digits = text.startsWith('1') || text.startsWith('2') ? 1 : 0;
  const exponent = Number(text.slice(text.indexOf('e') + 1));
  return Math.min(most, Math.max(0, digits - exponent));
}

/**
 * A number with a fixed count of decimals; 'down' and 'up' never land on the inner side of `value`.
 * NaN is 'n/a', and zero has no sign.
 */
export function fixed(value: number, decimals: number, rounding: Rounding = 'nearest'): string {
  if (Number.isNaN(value)) return 'n/a';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  let text = value.toFixed(decimals);
  const unit = 10 ** -decimals;
  // toFixed rounds the exact binary value; one unit back is enough when it went to the wrong side.
  if (rounding === 'down' && Number(text) > value) text = (Number(text) - unit).toFixed(decimals);
  if (rounding === 'up' && Number(text) < value) text = (Number(text) + unit).toFixed(decimals);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/** An integer with spaces between its thousands from 10 000 on: '294 912'. */
export function count(value: number): string {
  const text = value.toFixed(0);
  return Math.abs(value) < 10_000 ? text : text.replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** A share as words: '34 %', '0.8 %', '<0.1 %'. Below one per cent one decimal is kept. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return 'n/a';
  const value = share * 100;
  if (value >= 0.95 || value <= -0.95) return `${fixed(value, 0)} %`;
  return value > 0 && value < 0.1 ? '<0.1 %' : `${fixed(value, 1)} %`;
}

/** A confidence level as words: '95 %', '99.9 %'. */
export function levelText(level: number): string {
  return `${Number((level * 100).toPrecision(10))} %`;
}

/** An upper bound rounded up to one significant digit, but not below the last decimal of an index: '0.0002'. */
export function bound(high: number): string {
  const exponent = Math.max(-INDEX_DECIMALS, Math.floor(Math.log10(Math.max(high, Number.MIN_VALUE))));
  const decimals = Math.max(0, -exponent);
  const text = fixed(high, decimals, 'up');
  return Number(text) > 0 ? text : (10 ** -decimals).toFixed(decimals);
}

/**
 * A quantity in its own unit, with as many digits as its standard error allows: '-10.944 m'.
 * From 1e5 on and below 1e-3 it is written with an exponent: '1.23e-6'.
 */
export function quantity(value: number, standardError: number, unit = ''): string {
  const tail = unit === '' ? '' : ` ${unit}`;
  if (!Number.isFinite(value)) return `${fixed(value, 0)}${tail}`;
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e5)) {
    const digits = standardError > 0 ? decimalsFor(standardError, 12) : shortestDecimals(value);
    return `${fixed(value, digits)}${tail}`;
  }
  const exponent = Math.floor(Math.log10(size));
  const scale = 10 ** exponent;
  const digits = standardError > 0 ? decimalsFor(standardError / scale, 12) : 6;
  return `${fixed(value / scale, digits)}e${exponent}${tail}`;
}

/** Value and half-width with the same exponent and decimals: '0.0082 +/- 0.0009', '1.23e-6 +/- 0.04e-6'. */
export function plusMinus(value: number, half: number, standardError: number, sign = '+/-'): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e5)) {
    const exponent = Math.floor(Math.log10(size));
    const scale = 10 ** exponent;
    const digits = decimalsFor(standardError / scale, 12);
    return `${fixed(value / scale, digits)}e${exponent} ${sign} ${fixed(half / scale, digits, 'up')}e${exponent}`;
  }
  const digits = decimalsFor(standardError);
  return `${fixed(value, digits)} ${sign} ${fixed(half, digits, 'up')}`;
}

/** An input as a message shows it: six significant digits, no trailing zeros. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Seconds as words: '0.4 s', '12 s', '3 min', '2.5 h'. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${fixed(Math.max(seconds, 0.1), 1)} s`;
  if (seconds < 100) return `${fixed(seconds, 0)} s`;
  if (seconds < 5940) return `${fixed(seconds / 60, 0)} min`;
  return `${fixed(seconds / 3600, 1)} h`;
}

/** A rate as words: '1.9 M/s', '320 k/s', '12 /s'. */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${fixed(perSecond / 1e6, 1)} M/s`;
  if (perSecond >= 1e4) return `${fixed(perSecond / 1e3, 0)} k/s`;
  return perSecond >= 10 ? `${fixed(perSecond, 0)} /s` : `${fixed(perSecond, 1)} /s`;
}

function shortestDecimals(value: number): number {
  const text = String(Number(value.toPrecision(6)));
  const dot = text.indexOf('.');
  return dot < 0 ? 0 : text.length - dot - 1;
}
