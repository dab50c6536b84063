import { readFileSync } from 'node:fs';

/** The columns of one of the CSV files here, as text. */
export function readColumns(file: string): Readonly<Record<string, readonly string[]>> {
  const [header, ...rows] = readFileSync(new URL(file, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  return Object.fromEntries(header!.map((name, i) => [name, rows.map((row) => row[i]!)]));
}
