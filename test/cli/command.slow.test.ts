import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finished } from './command.ts';
import { flat, stage } from './stage.ts';

// What commands print and write. One seed in this file: 7.

const { at, ensample, quick, together, remove } = stage();
afterAll(remove);

/** What does not depend on how a process starts and ends, by the test that looks at it: all in one process. */
const COMMANDS = {
  hosts: ['--threads 1', '--threads 2', '--backend js'].map(
    (host) => `sobol flood.ts -n 256 --seed 0 --json --quiet ${host}`,
  ),
  names: [
    'sobol names.mjs -n 512 --seed 7 --threads 1 --csv names.csv --report names.html',
    'sobol names.mjs -n 512 --seed 7 --threads 1 --json --quiet',
  ],
  outputs: [
    'sobol series.mjs -n 256 --seed 7 --threads 1',
    'sobol series.mjs -n 256 --seed 7 --threads 1 --outputs t3 --json',
  ],
  corners: [
    'sobol constant.mjs -n 256',
    'sobol constant.mjs -n 256 --json',
    'sobol one.mjs -n 256',
    'sobol two.mjs -n 1024 --second-order',
    'sobol flood.ts -n 1000',
  ].map((command) => `${command} --seed 7 --threads 1`),
  backends: ['backends', 'backends --json'],
  usage: ['--version', 'sobol --help'],
};
const ended = new Map<string, Finished>();
beforeAll(async () => {
  const commands = Object.values(COMMANDS).flat();
  for (const [i, finished] of (await together(commands)).entries()) ended.set(commands[i]!, finished);
}, 120_000);

/** How the commands of a test ended. */
const finishedOf = (name: keyof typeof COMMANDS): Finished[] =>
  COMMANDS[name].map((command) => ended.get(command)!);

test('sobol: the table goes to stdout, the rest to stderr, and there is no escape byte in a pipe', async () => {
  const { code, out, err } = await ensample('sobol flood.ts -n 1024 --second-order --seed 7');
  expect(code).toBe(0);
  const lines = out.split('\n');
  expect(lines[0]).toMatch(/^Sobol' indices of level {3,}95 % intervals from 8 scrambled replicates$/);
  expect(lines[2]).toBe('input    S1      95 % interval     ST      95 % interval');
  for (const [row, name] of ['a', 'b', 'c'].entries()) {
    expect(lines[3 + row]).toMatch(
      new RegExp(`^${name} +0\\.\\d+ +\\[0\\.\\d+, 0\\.\\d+\\] +0\\.\\d+ +\\[0\\.\\d+, 0\\.\\d+\\] *#+$`),
    );
  }
  expect(out).toMatch(/^b x c .*\n2 other pairs: none differs from 0$/m);
  expect(out + err).not.toContain('\x1b');
  expect(err).toMatch(/^flood\.ts: 3 inputs, output level \(m\), 1024 points, 8192 model runs\n\n/);
  expect(flat(err)).toMatch(
    /Interactions carry 1\d %, all of it between b and c \(0\.1\d* \+\/- 0\.0\d+\)\./,
  );
  expect(flat(err)).toMatch(/Mean 1\.00\d? m, standard deviation 0\.\d+ m\. Host .*, seed 7, [\d.]+ s\./);
  expect(flat(err)).toContain('Again: ensample sobol flood.ts -n 1024 --second-order --seed 7');
});

test('sobol --json: one document of the promised form, the same numbers for the same seed', () => {
  const [one, two, js] = finishedOf('hosts');
  for (const { code, err } of [one!, two!, js!]) expect([code, err.includes('Error')]).toEqual([0, false]);
  const document = JSON.parse(one!.out);
  expect(document).toMatchObject({ method: 'sobol-indices', seed: 0, evaluations: 1280, points: 256 });
  expect(Object.keys(document.indices)).toEqual(['S1', 'ST']);
  expect([one, two, js].map((host) => JSON.parse(host!.out).backend)).toEqual(['wasm', 'wasm', 'js']);
  expect(document.indices.ST.names).toEqual(['a', 'b', 'c']);
  for (const key of ['value', 'standardError', 'low', 'high'])
    expect(document.indices.S1[key]).toHaveLength(3);
  expect(Array.isArray(document.warnings)).toBe(true);
  expect(JSON.parse(two!.out).indices).toEqual(document.indices);
  expect(JSON.parse(js!.out).indices).toEqual(document.indices);
});

test('sobol: names of any kind reach table, CSV, JSON and report unharmed', () => {
  const [table, document] = finishedOf('names');
  const { code, out } = table!;
  expect(code).toBe(0);
  expect(out).toContain('流量');
  expect(out).toContain('nnnnnnnn...nnnnn');
  const csv = readFileSync(at('names.csv'), 'utf8');
  expect(csv).toContain(`'=y,S1,<b>,`);
  expect(csv).toContain(`'=y,S1,"a""b",`);
  expect(csv).toContain(`'=y,S1,'=1+1,`);
  expect(csv).toContain(`,${'n'.repeat(60)},`);
  const html = readFileSync(at('names.html'), 'utf8');
  expect(html).toContain('&lt;b&gt;');
  expect(html.replaceAll(/<b>[^<]*<\/b>/g, '')).not.toContain('<b>');
  const json = JSON.parse(document!.out);
  expect(json.indices.S1.names.slice(0, 3)).toEqual(['<b>', 'a"b', '=1+1']);
});

test('sobol: several outputs are blocks with the aggregate first, and all of them in JSON', () => {
  const [all, chosen] = finishedOf('outputs');
  const { out, err } = all!;
  expect([...out.matchAll(/^Sobol' indices of (\S+)/gm)].map(([, name]) => name)).toEqual([
    'all',
    't0',
    't2',
    't4',
    't6',
    't8',
  ]);
  expect(err).toContain('9 outputs');
  expect(JSON.parse(chosen!.out).outputs.map(({ name }: { name: string }) => name)).toEqual(['t3']);
});

test('constant output, one input, two inputs with second order, points that are no power of two: answered', () => {
  const ends = finishedOf('corners');
  const [constant, json, one, two, odd] = ends as [Finished, Finished, Finished, Finished, Finished];
  expect(constant.code).toBe(0);
  expect(constant.out).toContain('n/a: the output never changed');
  expect(flat(constant.err)).toContain('Caution: The output never changed (always 3.2)');
  expect(constant.err + constant.out).not.toContain('NaN');
  expect(JSON.parse(json.out).indices.S1.value).toEqual([null, null]);
  expect([one.code, flat(one.err)]).toEqual([
    2,
    expect.stringMatching(/^ensample sobol: `a` is the only input; expected at least two/),
  ]);
  expect(flat(one.err)).toMatch(/there is no command; the package has monteCarlo for scripts\.$/);
  expect(two.code).toBe(0);
  expect(flat(odd.err)).toMatch(/Caution: 1 000 points leave .* Use 512 or 1 024\./);
});

test('what a model prints goes to stderr, from workers too, and stdout stays one document', async () => {
  for (const threads of ['1', '2']) {
    const { code, out, err } = await ensample(`sobol prints.mjs -n 64 --seed 7 --json --threads ${threads}`);
    expect([code, JSON.parse(out).seed]).toEqual([0, 7]);
    expect(err).toContain('loading\n');
  }
});

test('an answer is printed before its files are written, so that a full disk does not cost it', async () => {
  const full = await quick('sobol sum.mjs -n 64 --seed 7 --csv /dev/full');
  expect([full.code, full.out]).toEqual([1, expect.stringContaining("Sobol' indices of y")]);
  expect(flat(full.err)).toContain('option --csv: /dev/full could not be written (ENOSPC');
}, 20_000);

test('backends: a table, and the same rows as JSON', () => {
  const [table, json] = finishedOf('backends');
  expect(table!.code).toBe(0);
  expect(table!.out).toMatch(/^backend +state +what +`auto` takes it\n/);
  const rows = JSON.parse(json!.out);
  expect(rows.map(({ backend }: { backend: string }) => backend)).toContain('js');
});

test('--version and --help print on stdout and end with 0', () => {
  const [version, help] = finishedOf('usage');
  expect(version).toMatchObject({ code: 0, out: '0.1.0\n', err: '' });
  expect([help!.code, help!.err]).toEqual([0, '']);
  expect(help!.out).toContain('--second-order');
});
