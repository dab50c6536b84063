import { mkdirSync, writeFileSync } from 'node:fs';
import { pictureGrid } from './grid.ts';
import { COLUMNS } from './numbers.ts';
import { type PageFrame, page } from './page.ts';
import { png } from './png.ts';
import { type Done, type Row, toAim } from './session.ts';

/** Numbers of all methods, one a line. */
export function csv(done: Done): string {
  const head = ['method', ...COLUMNS.map(({ key }) => key), 'log_z', 'log_z_error'];
  const lines = done.rows.map((row) => {
    const { value = Number.NaN, error = Number.NaN } = row.logZ ?? {};
    return [
      row.method.id,
      ...[...COLUMNS.map((column) => column.value(row, done)), value, error].map(number),
    ];
  });
  return `${[head, ...lines].map((line) => line.join(',')).join('\n')}\n`;
}

const number = (value: number): string => (Number.isFinite(value) ? String(value) : '');

/** The same and the checks; NaN as null. */
export function json(done: Done): string {
  const { rows, guidance, evidence, seconds } = done;
  const methods = rows.map((row) => {
    const { method, verdict, evaluations, seconds: own, logZ, note } = row;
    const { features: _, ...judged } = verdict;
    return {
      ...{ method: method.id, ...judged, frechetToAim: toAim(row, done), evaluations },
      ...{ seconds: own, logZ, note },
    };
  });
  const long =
    evidence === undefined
      ? undefined
      : { value: evidence.value, error: evidence.error, chains: evidence.chains };
  return `${JSON.stringify({ methods, guidance, evidence: long, seconds }, undefined, 1)}\n`;
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
