import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { flat, stage } from './stage.ts';

// A model that runs elsewhere. One seed in this file: 7.

const { at, ensample, together, remove } = stage();
afterAll(remove);

test('sample, a model elsewhere, analyze: the same numbers as one run', async () => {
  const [sampled, shown, whole] = await together([
    'sample flood.ts -n 256 --seed 7 -o x.csv',
    'sample flood.ts -n 256 --seed 7 --quiet',
    'sobol flood.ts -n 256 --seed 7 --json',
  ]);
  expect(sampled!.code).toBe(0);
  expect(flat(sampled!.err)).toContain('Wrote x.csv: 1280 rows of 3 inputs, from 256 points, seed 7.');
  const text = readFileSync(at('x.csv'), 'utf8');
  expect(shown!.out).toBe(text);
  const rows = text
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split(',').map(Number));
  const y = rows.map(([a, b, c]) => a! + 2 * b! * c!);
  writeFileSync(at('y.csv'), `\uFEFFlevel\r\n${y.join('\r\n')}\r\n`);
  const bad: readonly (readonly [file: string, content: readonly (string | number)[], message: string])[] = [
    [
      'few.csv',
      y.slice(0, 1000),
      'few.csv, line 1000: 1000 rows, too few; expected 1280, one for each row of x.csv.',
    ],
    ['many.csv', [...y, 1, 2], 'many.csv, line 1281: 1282 rows, too many; expected 1280'],
    [
      'word.csv',
      [...y.slice(0, 99), 'oops', ...y.slice(100)],
      'word.csv, line 100: "oops"; expected a number.',
    ],
    ['cells.csv', [...y.slice(0, 9), '1,2', ...y.slice(10)], 'cells.csv, line 10: "1,2"; expected a number.'],
    ['nan.csv', [...y.slice(0, 49), 'NaN', ...y.slice(50)], 'nan.csv, line 50: no finite number'],
  ];
  for (const [file, content] of bad) writeFileSync(at(file), `${content.join('\n')}\n`);
  const sorted = [...rows].sort((p, q) => p[0]! - q[0]!);
  writeFileSync(
    at('sorted.csv'),
    `${text.split('\n').slice(0, 2).join('\n')}\n${sorted.map((row) => row.join(',')).join('\n')}\n`,
  );
  const [told, shuffled, ...refused] = await together([
    'analyze flood.ts -x x.csv -y y.csv --json',
    'analyze flood.ts -x sorted.csv -y y.csv',
    ...bad.map(([file]) => `analyze flood.ts -x x.csv -y ${file}`),
  ]);
  expect(told!.code).toBe(0);
  expect(JSON.parse(told!.out).indices).toEqual(JSON.parse(whole!.out).indices);
  expect(flat(shuffled!.err)).toContain('sorted.csv, line 3: a is');
  expect(shuffled!.code).toBe(1);
  for (const [i, [file, , message]] of bad.entries()) {
    expect(flat(refused[i]!.err), file).toContain(message);
    expect(refused[i]!.code, file).toBe(1);
  }
});

test("analyze: files in SALib's form and order, blank-separated and without a header", async () => {
  writeFileSync(at('params.txt'), '# name low high\na 0 1\nb 0 1\n\nc 0 1 NA unif\n');
  await ensample('sample params.txt -n 128 --replicates 1 --seed 7 -o own.csv --quiet');
  const rows = readFileSync(at('own.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split(',').map(Number));
  writeFileSync(
    at('salib-x.txt'),
    rows.map((row) => row.map((v) => v.toExponential(8)).join(' ')).join('\n'),
  );
  writeFileSync(at('salib-y.txt'), rows.map(([a, b, c]) => (a! + 2 * b! * c!).toExponential(8)).join('\n'));
  writeFileSync(
    at('swapped.txt'),
    [rows[1], rows[0], ...rows.slice(2)].map((row) => row!.join(' ')).join('\n'),
  );
  writeFileSync(at('broken.txt'), 'a 0 1\nb 0 one\n');
  const [foreign, own, swapped, broken] = await together([
    'analyze params.txt -x salib-x.txt -y salib-y.txt --json',
    'analyze params.txt -x own.csv -y salib-y.txt --json',
    'analyze params.txt -x swapped.txt -y salib-y.txt',
    'sample broken.txt',
  ]);
  expect(foreign!.code).toBe(0);
  const document = JSON.parse(foreign!.out);
  expect(document.interval).toBe('bootstrap');
  for (const [i, value] of JSON.parse(own!.out).indices.S1.value.entries())
    expect(document.indices.S1.value[i]).toBeCloseTo(value, 10);
  expect([swapped!.code, flat(swapped!.err).includes('swapped.txt, line')]).toEqual([1, true]);
  expect(flat(broken!.err)).toContain(
    'broken.txt, line 2: "b 0 one"; expected `name low high [group] [law]`',
  );
  expect(broken!.code).toBe(1);
});
