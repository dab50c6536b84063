import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { start } from './command.ts';
import { flat, stage } from './stage.ts';

// `ensample expect`, and `ensample sobol --method importance`, as a stranger meets them. One seed in this file: 7.

const { path, at, ensample, quick, together, written, remove } = stage();
afterAll(remove);

/** Exact: E[s] = 1 with s = a + b, a and b uniform on (0, 1); P(s > 1.9) = 0.005; E[s^2] = 7 / 6; under a on (0, 0.5) E[s] = 0.75. */
const EXACT = [1, 0.005, 7 / 6, 0.75];

test('expect: table on stdout, sentences on stderr, and intervals that hold the exact values', async () => {
  const { code, out, err } = await ensample('expect wanted.mjs -n 4000 --seed 7 --report w.html --csv w.csv');
  expect(code).toBe(0);
  expect(out.split('\n')[0]).toBe(
    'Expectations of wanted.mjs            95 % intervals from 8 scrambled replicates',
  );
  expect(out).toMatch(/^mean \(m\) +1\.0\d* +\[[\d.]+, 1\.\d+\]$/m);
  const deviation = /^deviation +(0\.\d+) +\[(0\.\d+), (0\.\d+)\]$/m.exec(out)!.slice(1).map(Number);
  // Exact: sqrt(1 / 6); a half-width is 2.36 standard errors.
  expect(Math.abs(deviation[0]! - Math.sqrt(1 / 6))).toBeLessThan(
    (14.3 / 2.36) * (deviation[2]! - deviation[0]!),
  );
  expect(out + err).not.toContain('\x1b');
  expect(err).toMatch(/^wanted\.mjs: 2 inputs, 2 laws, 4 expectations, 4000 points\n\n/);
  expect(flat(err)).toMatch(/\d+ points in \d stages adapted the sample; the answer rests on \d+ others\./);
  expect(flat(err)).toMatch(/Host .*, seed 7, [\d.]+ s\. Wrote w\.html, w\.csv\. Again: ensample expect/);
  const rows = readFileSync(at('w.csv'), 'utf8').split('\n').slice(1, 5);
  for (const [j, row] of rows.entries()) {
    const [, , value, error] = row.split(',').map(Number);
    // Student's with 7 degrees of freedom, false alarm 1e-6 a number.
    expect(Math.abs(value! - EXACT[j]!) / error!, row).toBeLessThan(14.3);
  }
  expect(readFileSync(at('w.html'), 'utf8')).toContain('What to expect of wanted.mjs');
});

test('expect: interrupted and resumed gives the document of an uninterrupted run, whatever the threads', async () => {
  const args = 'expect wanted-slow.mjs -n 800 --seed 7 --resume w.state --threads 2'.split(' ');
  const first = start(path, args);
  await first.said('800 points');
  await written('begun');
  first.interrupt();
  const { code, out, err } = await first.done;
  expect(code).toBe(130);
  expect(out).toMatch(/^Expectations of wanted-slow\.mjs[\s\S]*interrupted/);
  expect(err).toMatch(/Stopping \.\.\. \(Ctrl-C again quits at once\)\nInterrupted after \d+ of 800 points/);
  expect(existsSync(at('w.state'))).toBe(true);
  rmSync(at('calls'));
  const [rest, whole] = await Promise.all([
    ensample('expect wanted-slow.mjs -n 800 --resume w.state --json --quiet --threads 2'),
    ensample('expect wanted.mjs -n 800 --seed 7 --json --quiet --threads 1'),
  ]);
  expect([rest.code, whole.code]).toEqual([0, 0]);
  // From the start it would have been all 800.
  const calls = readFileSync(at('calls'), 'utf8').length;
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThan(800);
  const { version: _, ...document } = JSON.parse(whole.out);
  expect(JSON.parse(rest.out)).toMatchObject(document);
  expect(document).toMatchObject({ method: 'expectations', seed: 7, interrupted: false, unbiased: true });
  expect(document.expectations.names).toEqual(['mean', 'far', 'square', 'shifted']);
});

const broken: readonly (readonly [command: string, message: string])[] = [
  ['expect nan.mjs -n 512', 'Fix the model there, or give the output a number there with --missing 0.'],
  ['sobol sum.mjs --method importance --until 0.1', 'option --until means nothing with --method importance'],
];
test('expect and importance: what cannot be used is refused by name, in one message, without a stack', async () => {
  const finished = await together(broken.map(([command]) => command));
  for (const [i, { code, out, err }] of finished.entries()) {
    const [command, message] = broken[i]!;
    expect(flat(err), command).toContain(message);
    expect([code, out], command).toEqual([/-n 512/.test(command) ? 1 : 2, '']);
    expect(err, command).not.toMatch(/\n {4}at /);
  }
});

test('sobol --method importance: table, document and the advice to use the other method for a smooth model', async () => {
  const { code, out, err } = await quick('sobol flood.ts --method importance -n 1000 --seed 7 --json');
  expect(code).toBe(0);
  const document = JSON.parse(out);
  expect(document).toMatchObject({
    method: 'importance-sobol',
    seed: 7,
    points: 1000,
    completeReplicates: 8,
  });
  // a + 2 b c: variances 1/12 of a, 1/12 each of b and c, 1/36 of both.
  for (const [i, exact] of [0.3, 0.3, 0.3].entries()) {
    const { value, standardError } = document.indices.S1;
    expect(Math.abs(value[i] - exact) / standardError[i]).toBeLessThan(14.3);
  }
  expect(document.expectations.names).toHaveLength(7);
  expect(flat(err)).toContain('ensample sobol without --method importance is the better tool');
});
