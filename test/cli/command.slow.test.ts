import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Finished, folderOf, run, start } from './command.ts';

// The built command in an empty folder, as a stranger meets it. One seed in this file: 7.

const ab = `import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 1), b: uniform(0, 1) };\n`;
const abc = `import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 1), b: uniform(0, 1), c: uniform(0, 1) };\n`;
const folder = folderOf({
  'flood.ts': `${abc}export const outputs = { level: { unit: 'm' } };\nexport default ({ a, b, c }: Record<string, number>): number => a + 2 * b * c;\n`,
  'no-inputs.mjs': 'export default () => 1;\n',
  'no-model.mjs': ab,
  'throws.mjs': "throw new Error('no luck');\n",
  'bad-law.ts':
    "import { uniform } from 'ensample';\nexport const inputs = { a: uniform(3, 1) };\nexport default () => 1;\n",
  'not-a-law.mjs': 'export const inputs = { a: 3 };\nexport default () => 1;\n',
  'nan.mjs': `${ab}export default ({ a, b }) => (a > 0.9 ? NaN : a + b);\n`,
  'undefined.mjs': `${ab}export default ({ a, b }) => (a > 0.9 ? undefined : a + b);\n`,
  'long.mjs': `${ab}export default ({ a, b }) => (a > 0.9 ? [a, b] : [a]);\n`,
  'rejects.mjs': `${ab}export default async ({ a, b }) => { if (a > 0.9) throw new Error('too hot'); return a + b; };\n`,
  'constant.mjs': `${ab}export default () => 3.2;\n`,
  'one.mjs':
    "import { uniform } from 'ensample';\nexport const inputs = { a: uniform(0, 1) };\nexport default ({ a }) => a * a;\n",
  'broken.mjs': `${ab}export default ({ a, b }) => a + ;\n`,
  'lacks.mjs': "import { x } from 'no-such-package';\nexport default x;\n",
  'groups.mjs': `${ab}export const groups = { soil: ['a', 'bb'] };\nexport default ({ a, b }) => a * b;\n`,
  'prints.mjs': `${ab}console.log('loading');\nexport default ({ a, b }) => { console.log(a); return a + b; };\n`,
  'waits.mjs': `${ab}console.error('here');\nawait new Promise((go) => setTimeout(go, 60_000));\nexport default ({ a, b }) => a + b;\n`,
  'two.mjs': `${ab}export default ({ a, b }) => a * b;\n`,
  'sum.mjs': `${ab}export default ({ a, b }) => a + b;\n`,
  // Says when two of its replicates of 256 runs are sure to be done, however fast the machine is.
  'slow.mjs': `import { writeFileSync } from 'node:fs';
    ${ab}let calls = 0;
    export default async ({ a, b }) => {
      await new Promise((go) => setTimeout(go, 4));
      if (++calls === 600) writeFileSync('ready', '');
      return a + b;
    };\n`,
  'slower.mjs': `${ab}export default async ({ a, b }) => {
      await new Promise((go) => setTimeout(go, 10));
      return a + b;
    };\n`,
  'names.mjs': `import { uniform } from 'ensample';
    const names = ['<b>', 'a"b', '=1+1', 'n'.repeat(60), '流量', '🌊'];
    export const inputs = Object.fromEntries(names.map((name) => [name, uniform(0, 1)]));
    export const outputs = { '=y': { unit: 'm' } };
    export default (x) => names.reduce((sum, name, i) => sum + (i + 1) * x[name], 0);\n`,
  'series.mjs': `${ab}export const outputs = Array.from({ length: 9 }, (_, t) => 't' + t);\nexport default ({ a, b }) => Array.from({ length: 9 }, (_, t) => a + t * b);\n`,
});
afterAll(folder.remove);
const ensample = (args: string, env?: Readonly<Record<string, string>>) => run(folder.path, args, env);
/** The same without starting workers, where they are not the point. */
const quick = (args: string) => ensample(`${args} --threads 1`);
const at = (name: string): string => join(folder.path, name);
/** Also where there is one. */
const WITHOUT_GPU = { VK_DRIVER_FILES: '/nonexistent' };
/** Runs commands two at a time, without a graphics card. */
async function inTwos(
  rows: readonly (readonly [string, string])[],
): Promise<(readonly [string, string, Finished])[]> {
  const done: (readonly [string, string, Finished])[] = [];
  for (let i = 0; i < rows.length; i += 2) {
    const pair = rows
      .slice(i, i + 2)
      .map(async ([command, message]) => [command, message, await ensample(command, WITHOUT_GPU)] as const);
    done.push(...(await Promise.all(pair)));
  }
  return done;
}
/** Words without regard to where lines were broken. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

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

test('sobol --json: one document of the promised form, the same numbers for the same seed', async () => {
  const runs = ['--threads 1', '--threads 2', '--backend js'].map((host) =>
    ensample(`sobol flood.ts -n 256 --seed 0 --json --quiet ${host}`),
  );
  const [one, two, js] = await Promise.all(runs);
  for (const { code, err } of [one!, two!, js!]) expect([code, err.includes('Error')]).toEqual([0, false]);
  const document = JSON.parse(one!.out);
  expect(document).toMatchObject({ method: 'sobol-indices', seed: 0, evaluations: 1280, points: 256 });
  expect(Object.keys(document.indices)).toEqual(['S1', 'ST']);
  expect(document.indices.ST.names).toEqual(['a', 'b', 'c']);
  for (const key of ['value', 'standardError', 'low', 'high'])
    expect(document.indices.S1[key]).toHaveLength(3);
  expect(Array.isArray(document.warnings)).toBe(true);
  expect(JSON.parse(two!.out).indices).toEqual(document.indices);
  expect(JSON.parse(js!.out).indices).toEqual(document.indices);
});

test('sobol: names of any kind reach table, CSV, JSON and report unharmed', async () => {
  const { code, out } = await quick('sobol names.mjs -n 512 --seed 7 --csv names.csv --report names.html');
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
  const json = JSON.parse((await quick('sobol names.mjs -n 512 --seed 7 --json --quiet')).out);
  expect(json.indices.S1.names.slice(0, 3)).toEqual(['<b>', 'a"b', '=1+1']);
});

test('sobol: several outputs are blocks with the aggregate first, and all of them in JSON', async () => {
  const { out, err } = await quick('sobol series.mjs -n 256 --seed 7');
  expect([...out.matchAll(/^Sobol' indices of (\S+)/gm)].map(([, name]) => name)).toEqual([
    'all',
    't0',
    't2',
    't4',
    't6',
    't8',
  ]);
  expect(err).toContain('9 outputs');
  const chosen = await quick('sobol series.mjs -n 256 --seed 7 --outputs t3 --json');
  expect(JSON.parse(chosen.out).outputs.map(({ name }: { name: string }) => name)).toEqual(['t3']);
});

const usage: readonly (readonly [command: string, message: string])[] = [
  ['', 'Usage: ensample'],
  [
    'sobl flood.ts',
    'ensample: unknown command sobl; expected one of sobol, sample, analyze, backends. Did you mean sobol?',
  ],
  ['sobol', 'ensample sobol: MODEL is missing'],
  [
    'sobol flood.ts --repot x.html',
    'unknown option --repot; expected one of those that ensample sobol --help lists. Did you mean --report?',
  ],
  ['sobol flood.ts --method importance', 'unknown option --method'],
  ['sobol flood.ts --estimator jannsen', 'option --estimator is "jannsen"; expected one of saltelli, jansen'],
  ['sobol flood.ts --estimator jannsen', 'Did you mean jansen?'],
  ['sobol flood.ts --design sobel', 'Did you mean sobol?'],
  ['sobol flood.ts -n 0', 'option --points is 0; expected an integer'],
  ['sobol flood.ts -n -5', 'option --points is -5; expected an integer'],
  ['sobol flood.ts -n 2.5', 'option --points is 2.5; expected an integer'],
  ['sobol flood.ts -n 1e12', 'GiB of memory'],
  ['sobol flood.ts -n 1e9', 'GiB'],
  ['sobol flood.ts --seed -1', 'option --seed is -1; expected an integer from 0 on'],
  ['sobol flood.ts --level 95', 'Try --level 0.95.'],
  ['sobol flood.ts --outputs lvel', 'Did you mean level?'],
  ['sobol flood.ts --backend webgpu', 'no GPU was found'],
  ['sobol flood.ts --allow-software-gpu', 'option --allow-software-gpu is true with --backend auto'],
  ['analyze flood.ts -x x.csv', 'option -y is missing'],
  ['sobol flood.ts -n 64 more words', 'too many arguments (flood.ts more words)'],
];
test('wrong usage: one message with what was expected, exit code 2 (1 for a missing device)', async () => {
  for (const [command, message, { code, out, err }] of await inTwos(usage)) {
    expect(flat(err), command).toContain(message);
    expect([code, out], command).toEqual([command.includes('webgpu') ? 1 : 2, '']);
    // The driver of the card warns for itself before.
    expect(err.slice(err.indexOf('ensample')), command).not.toMatch(/\n {4}at /);
  }
});

const broken: readonly (readonly [command: string, message: string])[] = [
  ['sobol flod.ts', 'ensample sobol: no file flod.ts in this folder. Did you mean flood.ts?'],
  ['sobol throws.mjs', 'throws.mjs, line 1: the module cannot be loaded (Error: no luck)'],
  [
    'sobol no-inputs.mjs',
    'no-inputs.mjs: no export `inputs`; expected export const inputs = { name: law, ... }',
  ],
  ['sobol no-model.mjs', 'no-model.mjs: no default export'],
  ['sobol bad-law.ts', '`high` is 1'],
  ['sobol groups.mjs', 'groups.mjs: export `groups.soil` names "bb"; expected names of inputs. Did you mean'],
  ['sobol broken.mjs', 'broken.mjs, line 3: the module cannot be loaded (SyntaxError: Unexpected token)'],
  ['sobol lacks.mjs', "Cannot find package 'no-such-package' imported from lacks.mjs"],
  ['sobol .', '. is a folder, not a file.'],
  ['sobol not-a-law.mjs', 'not-a-law.mjs: input `a` is 3; expected a law such as uniform(0, 1)'],
  [
    'sobol flood.ts --report nowhere/x.html',
    'nowhere/x.html cannot be written because its folder does not exist',
  ],
  ['sobol nan.mjs -n 64 --seed 7 --threads 1', 'nan.mjs: the model returned NaN at'],
  ['sobol undefined.mjs -n 64 --seed 7 --threads 1', 'undefined'],
  ['sobol long.mjs -n 64 --seed 7 --threads 1', '2 numbers'],
  ['sobol rejects.mjs -n 64 --seed 7 --threads 1', 'too hot'],
];
test('a broken model or file: told with file and reason, exit code 1, no stack', async () => {
  for (const [command, message, { code, out, err }] of await inTwos(broken)) {
    expect(flat(err), command).toContain(message);
    expect([code, out], command).toEqual([1, '']);
    expect(err, command).not.toMatch(/\n {4}at /);
  }
  const debug = await ensample('sobol throws.mjs', { ENSAMPLE_DEBUG: '1' });
  expect(debug.err).toMatch(/\n {4}at /);
});

test('a model that fails at points: the first one, the list as CSV, and --missing drop-row', async () => {
  const { err } = await quick('sobol nan.mjs -n 512 --seed 7 --csv failed.csv');
  expect(flat(err)).toMatch(/First: point \d+, a = 0\.9\d+, b = 0\.\d+\. \(the list: failed\.csv\)/);
  expect(flat(err)).toContain('leave those rows out with --missing drop-row.');
  expect(readFileSync(at('failed.csv'), 'utf8')).toMatch(
    /^point,a,b,reason\n\d+,0\.9\d+,0\.\d+,returned NaN\n/,
  );
  const dropped = await quick('sobol nan.mjs -n 512 --seed 7 --missing drop-row');
  expect(dropped.code).toBe(0);
  expect(flat(dropped.err)).toMatch(
    /Caution: \d+ of 512 rows \(\d+ %\) were left out because the model failed there/,
  );
});

test('constant output, one input, two inputs with second order, points that are no power of two: answered', async () => {
  const constant = await quick('sobol constant.mjs -n 256 --seed 7');
  expect(constant.code).toBe(0);
  expect(constant.out).toContain('n/a: the output never changed');
  expect(flat(constant.err)).toContain('Caution: The output never changed (always 3.2)');
  expect(constant.err + constant.out).not.toContain('NaN');
  const json = await quick('sobol constant.mjs -n 256 --seed 7 --json');
  expect(JSON.parse(json.out).indices.S1.value).toEqual([null, null]);
  const one = await quick('sobol one.mjs -n 256 --seed 7');
  expect([one.code, flat(one.err)]).toEqual([
    2,
    expect.stringMatching(/^ensample sobol: `a` is the only input; expected at least two/),
  ]);
  expect(flat(one.err)).toMatch(/there is no command; the package has monteCarlo for scripts\.$/);
  const two = await quick('sobol two.mjs -n 1024 --second-order --seed 7');
  expect(two.code).toBe(0);
  const odd = await quick('sobol flood.ts -n 1000 --seed 7');
  expect(flat(odd.err)).toMatch(/Caution: 1 000 points leave .* Use 512 or 1 024\./);
});

test('sample, a model elsewhere, analyze: the same numbers as one run', async () => {
  const sampled = await ensample('sample flood.ts -n 256 --seed 7 -o x.csv');
  expect(sampled.code).toBe(0);
  expect(flat(sampled.err)).toContain('Wrote x.csv: 1280 rows of 3 inputs, from 256 points, seed 7.');
  const text = readFileSync(at('x.csv'), 'utf8');
  expect((await ensample('sample flood.ts -n 256 --seed 7 --quiet')).out).toBe(text);
  const rows = text
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split(',').map(Number));
  const y = rows.map(([a, b, c]) => a! + 2 * b! * c!);
  writeFileSync(at('y.csv'), `\uFEFFlevel\r\n${y.join('\r\n')}\r\n`);
  const told = await ensample('analyze flood.ts -x x.csv -y y.csv --json');
  expect(told.code).toBe(0);
  const whole = await ensample('sobol flood.ts -n 256 --seed 7 --json');
  expect(JSON.parse(told.out).indices).toEqual(JSON.parse(whole.out).indices);

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
  for (const [file, content, message] of bad) {
    writeFileSync(at(file), `${content.join('\n')}\n`);
    const { code, err } = await ensample(`analyze flood.ts -x x.csv -y ${file}`);
    expect(flat(err), file).toContain(message);
    expect(code, file).toBe(1);
  }
  const sorted = [...rows].sort((p, q) => p[0]! - q[0]!);
  writeFileSync(
    at('sorted.csv'),
    `${text.split('\n').slice(0, 2).join('\n')}\n${sorted.map((row) => row.join(',')).join('\n')}\n`,
  );
  const shuffled = await ensample('analyze flood.ts -x sorted.csv -y y.csv');
  expect(flat(shuffled.err)).toContain('sorted.csv, line 3: a is');
  expect(shuffled.code).toBe(1);
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
  const { code, out } = await ensample('analyze params.txt -x salib-x.txt -y salib-y.txt --json');
  expect(code).toBe(0);
  const document = JSON.parse(out);
  expect(document.interval).toBe('bootstrap');
  const own = await ensample('analyze params.txt -x own.csv -y salib-y.txt --json');
  for (const [i, value] of JSON.parse(own.out).indices.S1.value.entries())
    expect(document.indices.S1.value[i]).toBeCloseTo(value, 10);
  writeFileSync(
    at('swapped.txt'),
    [rows[1], rows[0], ...rows.slice(2)].map((row) => row!.join(' ')).join('\n'),
  );
  const swapped = await ensample('analyze params.txt -x swapped.txt -y salib-y.txt');
  expect([swapped.code, flat(swapped.err).includes('swapped.txt, line')]).toEqual([1, true]);
  writeFileSync(at('broken.txt'), 'a 0 1\nb 0 one\n');
  const broken = await ensample('sample broken.txt');
  expect(flat(broken.err)).toContain('broken.txt, line 2: "b 0 one"; expected `name low high [group] [law]`');
  expect(broken.code).toBe(1);
});

test('Ctrl-C: said at once, the table of whole replicates, exit code 130; --resume goes on to the same numbers', async () => {
  const args = 'sobol slow.mjs -n 512 --seed 7 --resume slow.state --threads 2'.split(' ');
  const first = start(folder.path, args);
  await first.said('model runs');
  while (!existsSync(at('ready'))) await new Promise((go) => setTimeout(go, 20));
  const asked = performance.now();
  first.interrupt();
  await first.said('Stopping ... (Ctrl-C again quits at once)');
  expect(performance.now() - asked).toBeLessThan(1000);
  const { code, out, err } = await first.done;
  expect(code).toBe(130);
  expect(out).toMatch(/from \d scrambled replicates?, interrupted/);
  expect(err).toMatch(/Interrupted after \d of 8 replicates \(\d+ of 2048 runs\)\./);
  expect(existsSync(at('slow.state'))).toBe(true);
  const rest = await ensample('sobol slow.mjs -n 512 --resume slow.state --json');
  expect(rest.code).toBe(0);
  const whole = await ensample('sobol sum.mjs -n 512 --seed 7 --json');
  expect(JSON.parse(rest.out).indices).toEqual(JSON.parse(whole.out).indices);
});

test('Ctrl-C before the first whole replicate: a table of points with the reason why there are no intervals', async () => {
  // A replicate of 512 points takes ten seconds, the first chunk one.
  const early = start(folder.path, 'sobol slower.mjs -n 4096 --seed 7 --threads 2 --json'.split(' '));
  await early.said('model runs');
  await new Promise((go) => setTimeout(go, 4000));
  early.interrupt();
  const { code, out, err } = await early.done;
  expect([code, err]).toEqual([130, expect.stringContaining('Interrupted after 0 of 8 replicates (')]);
  expect(flat(err)).toContain('None of 8 replicates is complete');
  const { completeReplicates, indices } = JSON.parse(out);
  expect([completeReplicates, indices.ST.low]).toEqual([0, [null, null]]);
  for (const value of indices.ST.value) expect(value).toBeGreaterThan(0);
});

test('Ctrl-C before the first points: one sentence, exit code 130', async () => {
  const early = start(folder.path, 'sobol slower.mjs -n 4096 --seed 7 --threads 1'.split(' '));
  await early.said('model runs');
  early.interrupt();
  const { code, out, err } = await early.done;
  expect([code, out]).toEqual([130, '']);
  expect(flat(err)).toContain('Interrupted before the first points were evaluated');
});

test('Ctrl-C while the model file loads is answered, with exit code 130', async () => {
  const loading = start(folder.path, ['sobol', 'waits.mjs']);
  await loading.said('here');
  loading.interrupt();
  const { code, out, err } = await loading.done;
  expect([code, out, err]).toEqual([130, '', 'here\nStopping ... before any model run.\n']);
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

test('Ctrl-C twice ends at once', async () => {
  const run = start(folder.path, 'sobol slow.mjs -n 4096 --seed 7'.split(' '));
  await run.said('model runs');
  run.interrupt();
  await run.said('Stopping');
  run.interrupt();
  const { code, out } = await run.done;
  expect([code, out]).toEqual([130, '']);
});

test('backends: a table, and the same rows as JSON', async () => {
  const { code, out } = await ensample('backends');
  expect(code).toBe(0);
  expect(out).toMatch(/^backend +state +what +`auto` takes it\n/);
  const rows = JSON.parse((await ensample('backends --json')).out);
  expect(rows.map(({ backend }: { backend: string }) => backend)).toContain('js');
});

test('--version and --help print on stdout and end with 0', async () => {
  expect(await ensample('--version')).toMatchObject({ code: 0, out: '0.1.0\n', err: '' });
  const help = await ensample('sobol --help');
  expect([help.code, help.err]).toEqual([0, '']);
  expect(help.out).toContain('--second-order');
});
