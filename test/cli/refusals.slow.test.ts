import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { flat, stage } from './stage.ts';

// What is wrong with a command, a model or a file is told in one message. One seed in this file: 7.

const { at, ensample, together, rows, remove } = stage();
afterAll(remove);

const usage: readonly (readonly [command: string, message: string])[] = [
  ['', 'Usage: ensample'],
  [
    'sobl flood.ts',
    'ensample: unknown command sobl; expected one of sobol, expect, sample, analyze, evaluate, serve, backends, plan, merge, worker, cluster, shard. Did you mean sobol?',
  ],
  ['sobol', 'ensample sobol: MODEL is missing'],
  [
    'sobol flood.ts --repot x.html',
    'unknown option --repot; expected one of those that ensample sobol --help lists. Did you mean --report?',
  ],
  [
    'sobol flood.ts --method importanc',
    'option --method is "importanc"; expected one of pick-freeze, importance. Did',
  ],
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
  ['sobol flood.ts --allow-software-gpu', 'option --allow-software-gpu is true with --backend auto'],
  ['analyze flood.ts -x x.csv', 'option -y is missing'],
  ['sobol flood.ts -n 64 more words', 'too many arguments (flood.ts more words)'],
  ['cluster status extra', 'option RUN is "extra"; expected nothing after status'],
  ['sobol flood.ts --backend webgpu', 'no GPU was found'],
  [
    'sobol http://localhost:1 --inputs flood.ts --cluster local',
    'MODEL is the address of a server, which workers of --cluster do not know',
  ],
  [
    'plan http://localhost:1 -o x',
    'MODEL is the address of a server, which machines that compute shards do not know; expected a module',
  ],
  ['sobol http://me:secret@localhost:1 --inputs flood.ts', 'option MODEL is "an address with a password"'],
];
test('wrong usage: one message with what was expected, exit code 2 (1 for a missing device)', async () => {
  for (const [command, message, { code, out, err }] of await rows(usage)) {
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
  for (const [command, message, { code, out, err }] of await rows(broken)) {
    expect(flat(err), command).toContain(message);
    expect([code, out], command).toEqual([1, '']);
    expect(err, command).not.toMatch(/\n {4}at /);
  }
  const debug = await ensample('sobol throws.mjs', { ENSAMPLE_DEBUG: '1' });
  expect(debug.err).toMatch(/\n {4}at /);
});

test('a model that fails at points: the first one, the list as CSV, and --missing drop-row', async () => {
  const [failed, dropped] = await together([
    'sobol nan.mjs -n 512 --seed 7 --csv failed.csv --threads 1',
    'sobol nan.mjs -n 512 --seed 7 --missing drop-row --threads 1',
  ]);
  const { err } = failed!;
  expect(flat(err)).toMatch(/First: point \d+, a = 0\.9\d+, b = 0\.\d+\. \(the list: failed\.csv\)/);
  expect(flat(err)).toContain('leave those rows out with --missing drop-row.');
  expect(readFileSync(at('failed.csv'), 'utf8')).toMatch(
    /^point,a,b,reason\n\d+,0\.9\d+,0\.\d+,returned NaN\n/,
  );
  expect(dropped!.code).toBe(0);
  expect(flat(dropped!.err)).toMatch(
    /Caution: \d+ of 512 rows \(\d+ %\) were left out because the model failed there/,
  );
});
