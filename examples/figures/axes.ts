import * as Plot from '@observablehq/plot';
import { tickText } from './numbers.ts';

/** Room around the plotting area, px. */
export const LEFT = 52;
export const RIGHT = 24;
const LINE = 16;

/** Words broken into lines of `width` px, a letter taking at most `letter` px on average: no font is at hand to measure. */
export function wrapped(text: string, width: number, letter: number): readonly string[] {
  const room = Math.floor(width / letter);
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (line === undefined || line.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** Words over a chart of `width` px. */
export function captionLines(text: string, width: number): readonly string[] {
  return wrapped(text, width - RIGHT, 6.6);
}

/** Height of the words over a chart. */
export function captionHeight(lines: readonly string[]): number {
  return LINE * lines.length + 8;
}

/** The words themselves, from the left edge of the drawing on, `left` px beside what is plotted. */
export function caption(lines: readonly string[], left: number = LEFT): Plot.Markish[] {
  const height = captionHeight(lines);
  return lines.map((line, i) =>
    Plot.text([line], {
      frameAnchor: 'top-left',
      dx: -left,
      dy: LINE * (i + 1) - height - 2,
      lineAnchor: 'bottom',
      fill: 'var(--muted)',
    }),
  );
}

/** Numbers below, with the name of the axis; `down` px lower where something stands between. */
export function bottomAxis(label: string, ticks: number | readonly number[], down = 0): Plot.Markish[] {
  return [
    Plot.axisX({
      ticks: typeof ticks === 'number' ? ticks : [...ticks],
      tickSize: 0,
      tickPadding: 6 + down,
      tickFormat: tickText,
      fill: 'var(--muted)',
      label: null,
    }),
    Plot.text([label], { frameAnchor: 'bottom', dy: 34 + down, fill: 'var(--muted)' }),
  ];
}

/** Faint horizontal lines with their numbers at the left. */
export function leftAxis(
  ticks: number | readonly number[],
  format: (value: number) => string = tickText,
): Plot.Markish[] {
  const at = typeof ticks === 'number' ? ticks : [...ticks];
  return [
    Plot.gridY({ ticks: at, stroke: 'var(--grid)', strokeOpacity: 1 }),
    // Not `tickFormat`, by which a logarithmic scale leaves out some.
    Plot.axisY({
      ticks: at,
      tickSize: 0,
      text: (value: number) => format(value),
      fill: 'var(--muted)',
      label: null,
    }),
  ];
}
