import { mkdirSync, writeFileSync } from 'node:fs';
import { pictureGrid } from './grid.ts';
import { COLUMNS } from './numbers.ts';
import { type PageFrame, page } from './page.ts';
import { png } from './png.ts';
import type { Done, Row } from './session.ts';

/** Numbers of all methods, one a line. */
export function csv(rows: readonly Row[]): string {
  const head = ['method', ...COLUMNS.map(({ key }) => key), 'log_z', 'log_z_error'];
  const lines = rows.map((row) => {
    const { value = Number.NaN, error = Number.NaN } = row.logZ ?? {};
    return [row.method.id, ...[...COLUMNS.map((column) => column.value(row)), value, error].map(number)];
  });
  return `${[head, ...lines].map((line) => line.join(',')).join('\n')}\n`;
}

const number = (value: number): string => (Number.isFinite(value) ? String(value) : '');

/** The same and the checks; NaN as null. */
export function json({ rows, guidance, evidence, seconds }: Done): string {
  const methods = rows.map(({ method, verdict, evaluations, seconds: own, logZ, note }) => {
    return { method: method.id, verdict, evaluations, seconds: own, logZ, note };
  });
  return `${JSON.stringify({ methods, guidance, evidence, seconds }, undefined, 1)}\n`;
}

/** digits-<id>.png: all pictures of a method. */
export function writePictures(folder: URL, { method, points }: Row): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`digits-${method.id}.png`, folder), png(pictureGrid(points, 20)));
}

/** digits.html */
export function writePage(folder: URL, done: Done, frame: PageFrame): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('digits.html', folder), page(done, frame));
}
