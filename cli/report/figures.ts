import type { SobolResult } from '../../estimators/index.ts';
import { forest } from './charts/forest.ts';
import { nestedBars } from './charts/indices.ts';
import { DARK, LIGHT, variables } from './palette.ts';
import { LARGEST, largest, MOST_BARS, pick } from './rows.ts';
import { CHART_STYLE } from './style.ts';

export interface FigureOptions {
  /** Pixels; from 600 on the numbers stand beside the bars. Default 940. */
  readonly width?: number;
  /** Colours of light or dark pages, or those of the reader's system. Default 'light'. */
  readonly theme?: 'light' | 'dark' | 'auto';
  /** What the indices are of. Default: the name of the output. */
  readonly subject?: string;
}

/**
 * The picture of S1 and ST as a stand-alone SVG file, for pages and papers: nested bars, or beyond 30 inputs the
 * forest of the 20 largest. Of several outputs, the aggregate.
 */
export function indicesChart(result: SobolResult, options: FigureOptions = {}): string {
  const { width = 940, theme = 'light' } = options;
  const { firstOrder, totalOrder } = result;
  const subject = options.subject ?? (result.outputs.length === 1 ? result.outputs[0]!.name : 'all outputs');
  const rows = largest(totalOrder, totalOrder.value.length > MOST_BARS ? LARGEST : MOST_BARS);
  const pair = { firstOrder: pick(firstOrder, rows), totalOrder: pick(totalOrder, rows) };
  const draw = totalOrder.value.length > MOST_BARS ? forest : nestedBars;
  const svg = draw(pair, width, subject);
  return svg.replace('>', `><style>${colours(theme)}\nsvg{background:var(--bg)}\n${CHART_STYLE}</style>`);
}

function colours(theme: 'light' | 'dark' | 'auto'): string {
  const light = `svg{${variables(LIGHT)}}`;
  if (theme === 'light') return light;
  const dark = `svg{${variables(DARK)}}`;
  return theme === 'dark' ? dark : `${light}\n@media (prefers-color-scheme:dark){${dark}}`;
}
