/** Colours by role. Contrast and colour-vision distances behind the choice: the tests compute the former. */
export interface Palette {
  readonly bg: string;
  readonly ink: string;
  readonly muted: string;
  /** Faint lines that carry no meaning. */
  readonly grid: string;
  /** Axes and borders. */
  readonly rule: string;
  /** S1, and the first line of a chart. */
  readonly first: string;
  /** ST, and the second line. */
  readonly total: string;
  readonly 'total-fill': string;
  readonly warn: string;
  readonly 'warn-bg': string;
  /** Third line. */
  readonly third: string;
  /** Pale and full end of the one-hue ramp. */
  readonly seq0: string;
  readonly seq1: string;
  /** Bars of histograms. */
  readonly bar: string;
  /** Text on the pale end, on the middle and on the full end of the ramp. */
  readonly 'on-pale': string;
  readonly 'on-middle': string;
  readonly 'on-full': string;
}

export const LIGHT: Palette = {
  bg: '#ffffff',
  ink: '#1a1a1a',
  muted: '#5c6470',
  grid: '#e3e6ea',
  rule: '#838b95',
  first: '#0b4f8a',
  total: '#c96a00',
  'total-fill': '#f6dfc2',
  warn: '#a61b3c',
  'warn-bg': '#fdf1f3',
  third: '#1d6b45',
  seq0: '#eef3f8',
  seq1: '#0b4f8a',
  bar: '#838b95',
  'on-pale': '#000000',
  'on-middle': '#000000',
  'on-full': '#ffffff',
};

export const DARK: Palette = {
  bg: '#14171c',
  ink: '#e8eaed',
  muted: '#9aa4b2',
  grid: '#2a2f37',
  rule: '#6b7480',
  first: '#8ecbff',
  total: '#e8912d',
  'total-fill': '#5a3c17',
  warn: '#ff8a80',
  'warn-bg': '#2d1b1f',
  third: '#7fd1a5',
  seq0: '#1d242d',
  seq1: '#8ecbff',
  bar: '#7b8491',
  'on-pale': '#ffffff',
  'on-middle': '#000000',
  'on-full': '#000000',
};

/** Where along the ramp the text colour changes: `on-pale` below the first, `on-full` from the second on. */
export const RAMP_STOPS: readonly [number, number] = [0.51, 0.74];

/** Class of a text that lies on the ramp at `t` in [0, 1]. */
export function rampText(t: number): 'on-pale' | 'on-middle' | 'on-full' {
  return t < RAMP_STOPS[0] ? 'on-pale' : t < RAMP_STOPS[1] ? 'on-middle' : 'on-full';
}

/** The palette as CSS custom properties: '--bg:#fff;--ink:...'. */
export function variables(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');
}
