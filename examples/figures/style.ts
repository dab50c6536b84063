/** Colours by role, those of the report: contrast and colour-vision distances were computed for both pages. */
export interface Palette {
  readonly bg: string;
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly rule: string;
  /** First line of a chart and its band. */
  readonly first: string;
  /** Second line; data. */
  readonly total: string;
  readonly third: string;
  readonly warn: string;
}

export const LIGHT: Palette = {
  bg: '#ffffff',
  ink: '#1a1a1a',
  muted: '#5c6470',
  grid: '#e3e6ea',
  rule: '#838b95',
  first: '#0b4f8a',
  total: '#c96a00',
  third: '#1d6b45',
  warn: '#a61b3c',
};

export const DARK: Palette = {
  bg: '#14171c',
  ink: '#e8eaed',
  muted: '#9aa4b2',
  grid: '#2a2f37',
  rule: '#6b7480',
  first: '#8ecbff',
  total: '#e8912d',
  third: '#7fd1a5',
  warn: '#ff8a80',
};

function variables(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');
}

/** Style sheet of a stand-alone picture: light or dark as the reader's system is, light on paper. */
export const STYLE: string = [
  `svg{${variables(LIGHT)};color-scheme:light dark}`,
  `@media screen and (prefers-color-scheme:dark){svg{${variables(DARK)}}}`,
  'svg{fill:var(--ink);color:var(--ink);font:12px system-ui,"Segoe UI","DejaVu Sans",sans-serif}',
  'text{font-variant-numeric:tabular-nums}.page{fill:var(--bg)}.title{font-size:15px;font-weight:600}',
].join('\n');
