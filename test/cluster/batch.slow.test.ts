import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folderOf, run, runTogether } from '../cli/command.ts';

// The built command (npm test builds it), without any server.
const MODEL = `import { uniform } from 'ensample';
export const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
export default ({ a, b }) => a + 2 * b * b;
`;
const WANTED = `export const outputs = ['y'];
export const expectations = { y: { of: 'y' }, large: { event: { output: 'y', above: 2.5 } } };
`;
const folder = folderOf({ 'model.mjs': MODEL, 'wanted.mjs': MODEL + WANTED });
afterAll(() => folder.remove());

test('plan, shard and merge: missing shards in array syntax, then the numbers of one machine', async () => {
  const results = (): readonly string[] => readdirSync(join(folder.path, 'run', 'res')).sort();
  const [plan, none, nowhere] = await runTogether(
    folder.path,
    ['plan model.mjs -o run -n 1024 --seed 7 --shards 4', 'merge run', 'shard nosuch'],
    { SLURM_ARRAY_TASK_ID: '3' },
  );
  expect(plan).toMatchObject({ code: 0, out: '4\n' });
  expect(plan!.err).toContain('ensample shard run --models model.mjs --index i');
  expect(none).toMatchObject({ code: 1, out: '0-3\n' });
  expect([nowhere!.code, nowhere!.err.replace(/\s+/g, ' ')]).toEqual([
    2,
    'ensample shard: there is no folder nosuch; expected one that `ensample plan` wrote, or the 32 digits that `ensample cluster status` shows. ',
  ]);
  const slurm = await run(folder.path, 'shard run --models model.mjs --quiet', { SLURM_ARRAY_TASK_ID: '2' });
  expect(slurm).toEqual({ code: 0, out: '', err: '' });
  expect(results()).toEqual(['2.ens']);
  cpSync(join(folder.path, 'run'), join(folder.path, 'elsewhere/run'), { recursive: true });
  writeFileSync(join(folder.path, 'run/res/1.ens'), 'damaged');
  const [some, noIndex, beyond, rest, past, merged, alone, other, strange, lost, named] = await runTogether(
    folder.path,
    [
      'merge run',
      'shard run --models model.mjs',
      'shard run --models model.mjs --index 4',
      'shard run --models model.mjs --range 0:9',
      'shard run --models model.mjs --range 4:9',
      'merge run --json --quiet',
      'sobol model.mjs -n 1024 --seed 7 --json --quiet',
      'plan model.mjs -o run -n 1024 --seed 8 --shards 4',
      'merge model.mjs',
      'merge elsewhere/run',
      'merge elsewhere/run --models model.mjs',
    ],
  );
  expect(some).toMatchObject({ code: 1, out: '0-1,3\n' });
  expect(some!.err).toContain('3 shards have no result yet: they are listed');
  expect(some!.err.replace(/\s+/g, ' ')).toContain(
    'Warning: run/res/1.ens was damaged, or of another run, and is deleted: its shard is to be computed again.',
  );
  expect(noIndex!.code).toBe(2);
  expect(noIndex!.err.replace(/\s+/g, ' ')).toContain(
    'no shard is named; expected --index i, --range a:b, or one of SLURM_ARRAY_TASK_ID, HQ_TASK_ID',
  );
  expect(beyond!.code).toBe(2);
  expect(rest!.code).toBe(0);
  expect(rest!.err).toContain('1 of 4 is there already.');
  expect(past).toEqual({ code: 0, out: '', err: 'Nothing to do: the last shard of this run is 3.\n' });
  expect(results()).toEqual(['0.ens', '1.ens', '2.ens', '3.ens']);
  const numbers = (text: string): unknown => JSON.parse(text).indices;
  expect(merged!.code).toBe(0);
  expect(numbers(merged!.out)).toEqual(numbers(alone!.out));
  expect(other!.code).toBe(1);
  expect(other!.err.replace(/\s+/g, ' ')).toContain('Has the model changed, or a flag?');
  expect(strange!.code).toBe(1);
  expect(lost!.err.replace(/\s+/g, ' ')).toContain(
    'there is no elsewhere/model.mjs, where the model of this run lay when it was planned',
  );
  expect(named).toMatchObject({ code: 1, out: '0-1,3\n' });
});

test('plan: measured here without --shards, and with --expect round after round to the numbers of one machine, which a command on that folder finds as well', async () => {
  const settings = '--seed 7 -n 512 --stages 1 --replicates 2';
  const step = ['shard rounds --models wanted.mjs --range 0:9 --quiet', 'merge rounds --json'];
  const measured = 'plan model.mjs -o measured -n 1024 --seed 7';
  const [first, again, plan, other, wrong, ...rest] = await runTogether(folder.path, [
    ...[measured, measured],
    `plan wanted.mjs -o rounds --expect ${settings} --shards 2`,
    `plan wanted.mjs -o rounds --expect ${settings} --shards 3`,
    `plan wanted.mjs -o rounds --expect ${settings} --second-order`,
    ...[...step, ...step, ...step],
    `expect wanted.mjs ${settings} --json`,
    `expect wanted.mjs ${settings} --json --shards 2 --cluster files:rounds --models wanted.mjs`,
  ]);
  expect(first).toMatchObject({
    code: 0,
    out: '1\n',
    err: expect.stringContaining('Measured here: 1 shard'),
  });
  expect(again).toMatchObject({ code: 0, out: '1\n', err: expect.stringContaining('Cut as this folder') });
  expect(plan).toMatchObject({ code: 0, out: '2\n' });
  expect(plan!.err).toContain('Round 1 in rounds: shards 0 to 1, seed 7');
  expect(other!.err).toContain('holds the run of another command');
  expect(wrong!.code).toBe(2);
  const [alone, there] = rest.slice(-2);
  const merges = rest.slice(0, -2).filter((_, i) => i % 2 === 1);
  expect(merges.map(({ code }) => code)).toEqual([1, 1, 0]);
  expect(merges[0]).toMatchObject({ out: '0-1\n', err: expect.stringContaining('Round 2 begins') });
  expect([merges[2]!.out, there!.out]).toEqual([alone!.out, alone!.out]);
});
