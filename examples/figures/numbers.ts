/** Decimals at which a number stops: its error keeps two significant digits when the first is 1 or 2, else one. */
function decimalsOf(error: number): number {
  if (!(error > 0) || !Number.isFinite(error)) return 4;
  const [digits, exponent] = error.toExponential(6).split('e') as [string, string];
  return Math.max(0, (/^[12]/.test(digits) ? 1 : 0) - Number(exponent));
}

/** An estimate with its standard error, as many digits as that allows: '-632.54 +/- 0.04', '1.02e-6 +/- 0.08e-6'. */
export function plusMinus(value: number, error: number): string {
  const size = Math.abs(value);
  const small = size > 0 && (size < 1e-3 || size >= 1e5);
  const exponent = small ? Math.floor(Math.log10(size)) : 0;
  const decimals = decimalsOf(error / 10 ** exponent);
  const text = (x: number): string => (x / 10 ** exponent).toFixed(decimals) + (small ? `e${exponent}` : '');
  return `${text(value)} +/- ${Number.isFinite(error) ? text(error) : 'n/a'}`;
}

/** A number on an axis: '0.25', '12 000', '1e-6'; a zero has no sign. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (size > 0 && (size < 1e-3 || size >= 1e6)) return Number(value.toPrecision(6)).toExponential();
  const text = String(Number(value.toPrecision(10)));
  return size >= 1e4 ? text.replace(/\B(?=(\d{3})+$)/g, '\u2009') : text;
}
