import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digits } from '../../examples/digits/digits.ts';
import { METHODS } from '../../examples/digits/methods.ts';
import { xmlFault } from '../cli/xml.ts';

const folder = mkdtempSync(join(tmpdir(), 'digits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function told(argv: readonly string[], signal = new AbortController().signal): Promise<Told> {
  let [out, err] = ['', ''];
  const code = await digits(argv, {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    folder: pathToFileURL(`${folder}/`),
    signal,
  });
  return { code, out, err };
}

/** Width, height and shades of a PNG file, row by row. */
function shadesOf(name: string): { width: number; height: number; grey: Uint8Array } {
  const bytes = readFileSync(join(folder, name));
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const length = bytes.readUInt32BE(33);
  const rows = inflateSync(bytes.subarray(41, 41 + length));
  const grey = Uint8Array.from({ length: width * height }, (_, at) => {
    return rows[Math.floor(at / width) * (width + 1) + 1 + (at % width)]!;
  });
  return { width, height, grey };
}

describe('npm run digits --quick', () => {
  let found: Told;
  let page: string;
  beforeAll(async () => {
    found = await told(['--quick', '--rows', '1', '--steps', '2', '--threads', '1']);
    page = readFileSync(join(folder, 'digits.html'), 'utf8');
  }, 120_000);

  test('it ends well, with a line of numbers for each method on stdout', () => {
    expect(found.code, found.err).toBe(0);
    const lines = found.out.trim().split('\n');
    expect(lines).toHaveLength(1 + METHODS.length);
    for (const [at, { name }] of METHODS.entries()) {
      expect(lines[at + 1]!.startsWith(name), lines[at + 1]).toBe(true);
      expect(lines[at + 1]).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test('there is a PNG file a method, ten pictures with some ink on paper', () => {
    expect(readdirSync(folder).filter((name) => name.endsWith('.png'))).toHaveLength(METHODS.length);
    for (const { id } of METHODS) {
      const { width, height, grey } = shadesOf(`digits-${id}.png`);
      expect([width, height]).toEqual([598, 28]);
      const dark = grey.filter((shade) => shade < 128).length / (10 * 784);
      expect(dark, id).toBeGreaterThan(0.01);
      expect(dark, id).toBeLessThan(0.5);
    }
  });

  test('the page has all methods, needs no network and no script, and its charts are XML', () => {
    for (const { name } of METHODS) expect(page).toContain(`<h3>${name}</h3>`);
    expect(page.match(/<img /g)).toHaveLength(METHODS.length);
    expect(page).not.toMatch(/<script|src="(?!data:)|href="(?!data:)|NaN|undefined|Infinity/);
    const charts = page.match(/<svg.*?<\/svg>/gs) ?? [];
    expect(charts).toHaveLength(4);
    for (const chart of charts) expect(xmlFault(chart)).toBeUndefined();
  });

  test('both checks are told, and the numbers as JSON are those of the table', () => {
    expect(found.err).toMatch(/the exact product holds .* corrected guidance/s);
    expect(found.err).toMatch(/log Z of even digits is/);
    const data = /href="data:application\/json;base64,([^"]+)"/.exec(page)![1]!;
    const { methods, guidance } = JSON.parse(Buffer.from(data, 'base64').toString());
    expect(methods).toHaveLength(METHODS.length);
    expect(guidance.exact.value.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

test('a method that was stopped leaves a page of what was done before it', async () => {
  const stop = new AbortController();
  stop.abort();
  const { code, err } = await told(['--rows', '1', '--steps', '4', '--only', 'free'], stop.signal);
  expect(code).toBe(130);
  expect(err).toContain('Interrupted after 0 of 1 parts');
  expect(readFileSync(join(folder, 'digits.html'), 'utf8')).toContain('Interrupted');
});

test.each([
  [['--rows', '0'], /^digits: option --rows is "0"; expected an integer from 1 to 100\. See --help\./],
  [['--steps', '7'], /an even number/],
  [['--only', 'even-fcs'], /expected one of .* Did you mean even-f/s],
  [['--seeds', '3'], /there is no option --seeds; .* Did you mean --seed\?/s],
  [['--rows'], /--rows has no value/],
  [['quick'], /"quick" is no option/],
])('%j is refused before any work, with what was expected', async (argv, message) => {
  const { code, out, err } = await told(argv as string[]);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(err).toMatch(message as RegExp);
});

test('--help names every method', async () => {
  const { code, out } = await told(['--help']);
  expect(code).toBe(0);
  for (const { id } of METHODS) expect(out).toContain(id);
});
