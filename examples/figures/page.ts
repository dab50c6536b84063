import { mkdirSync, writeFileSync } from 'node:fs';
import { wrapped } from './axes.ts';
import { type Drawing, escaped, type Figure } from './frame.ts';
import { STYLE } from './style.ts';

/** Width of a page in pixels on a screen and on a phone. */
export const WIDE = 940;
export const NARROW = 390;
const GAP = 18;
const EDGE = 8;
const TITLE_LINE = 20;
/** Widest a bold letter of the title is on average, px. */
const TITLE_LETTER = 9;

/** Rows of drawings under a title as one SVG file: light or dark as the reader's system is, read aloud as a sentence. */
export function page(title: string, rows: readonly (readonly Drawing[])[]): string {
  const widest = Math.max(
    ...rows.map((row) => row.reduce((sum, drawing) => sum + drawing.width + GAP, -GAP)),
  );
  const heading = wrapped(title, widest, TITLE_LETTER);
  let y = EDGE + TITLE_LINE * heading.length + 4;
  const parts = heading.map(
    (line, i) => `<text class="title" x="${EDGE}" y="${20 + TITLE_LINE * i}">${escaped(line)}</text>`,
  );
  for (const row of rows) {
    let x = EDGE;
    for (const { width: w, height: h, markup } of row) {
      parts.push(
        `<svg x="${x}" y="${y}" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" text-anchor="middle">${markup}</svg>`,
      );
      x += w + GAP;
    }
    y += Math.max(...row.map(({ height }) => height)) + GAP;
  }
  const width = widest + 2 * EDGE;
  const height = y - GAP + EDGE;
  const summary = `${title}. ${rows
    .flat()
    .map((drawing) => drawing.summary)
    .join(' ')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(summary)}"><style>${STYLE}</style><rect class="page" width="100%" height="100%"/>${parts.join('')}</svg>`;
}

/**
 * Draw pictures under a title for screens and for phones: out/<name>.svg and out/<name>-narrow.svg beside the examples.
 * @param figures from top to bottom; those in an array stand side by side where there is room.
 */
export function save(name: string, title: string, figures: readonly (Figure | readonly Figure[])[]): void {
  const folder = new URL('../out/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const rows = figures.map((figure) => (typeof figure === 'function' ? [figure] : figure));
  const wide = rows.map((row) => {
    const width = Math.floor((WIDE - 2 * EDGE - GAP * (row.length - 1)) / row.length);
    return row.map((figure) => figure(width));
  });
  const narrow = rows.flat().map((figure) => [figure(NARROW - 2 * EDGE)]);
  writeFileSync(new URL(`${name}.svg`, folder), `${page(title, wide)}\n`);
  writeFileSync(new URL(`${name}-narrow.svg`, folder), `${page(title, narrow)}\n`);
  console.log(`Wrote examples/out/${name}.svg`);
}
