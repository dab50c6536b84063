import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  type DirectionRow,
  directionNumbers,
  FIRST_DIMENSIONS,
  SOBOL_DIMENSIONS,
  unpackRows,
} from '../../engine/random/directions.ts';
import { packed } from '../../engine/random/tables/joe-kuo.ts';
import { packed as packedFirst } from '../../engine/random/tables/joe-kuo-first.ts';

interface Reference {
  readonly table: readonly { dim: number; s: number; a: number; m: readonly number[] }[];
  readonly sha256Table: string;
}
const reference: Reference = JSON.parse(
  readFileSync(new URL('../reference/sobol-sequence.json', import.meta.url), 'utf8'),
);

function line(row: DirectionRow, c: number): string {
  return `${c}:${row.coefficients}:${row.initial.join(',')}\n`;
}

test('unpackRows(): the packed table of 21 201 coordinates is the published one', () => {
  const hash = createHash('sha256');
  let c = 1;
  for (const row of unpackRows(packed, SOBOL_DIMENSIONS)) hash.update(line(row, ++c));
  expect(c).toBe(SOBOL_DIMENSIONS);
  expect(hash.digest('hex')).toBe(reference.sha256Table);
});

test('unpackRows(): the small table is the start of the large one', () => {
  expect([...unpackRows(packedFirst, FIRST_DIMENSIONS)]).toEqual([...unpackRows(packed, FIRST_DIMENSIONS)]);
});

test('unpackRows(): the first rows are those printed in the paper', () => {
  const rows = [...unpackRows(packedFirst, 21)];
  const expected = reference.table
    .slice(1)
    .map(({ s, a, m }) => ({ degree: s, coefficients: a, initial: m }));
  expect(rows).toEqual(expected);
});

test('the packed table takes at most 400 kB before its encoding', () => {
  expect((packed.replaceAll('\n', '').length * 6) / 8).toBeLessThanOrEqual(400_000);
});

test('directionNumbers(): bit k of v_k is set and none below, in every coordinate', async () => {
  const v = await directionNumbers(SOBOL_DIMENSIONS);
  let wrong = 0;
  for (let i = 0; i < v.length; i++) {
    const lowest = v[i]! & -v[i]!;
    if (lowest >>> 0 !== 2 ** (31 - (i % 32))) wrong++;
  }
  expect(v.length).toBe(32 * SOBOL_DIMENSIONS);
  expect(wrong).toBe(0);
});

test('directionNumbers(): fewer coordinates are the first rows of more, across the two tables', async () => {
  const many = await directionNumbers(300);
  for (const d of [1, 2, 17, FIRST_DIMENSIONS, FIRST_DIMENSIONS + 1]) {
    expect(await directionNumbers(d)).toEqual(many.slice(0, 32 * d));
  }
});
