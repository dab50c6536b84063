import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { folderOf, run, runTogether } from '../cli/command.ts';

// The built command (npm test builds it), without any server.
const MODEL = `import { uniform } from 'ensample';
export const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
export default ({ a, b }) => a + 2 * b * b;
`;
const folder = folderOf({ 'model.mjs': MODEL });
afterAll(() => folder.remove());

test('plan, shard and merge: missing shards in array syntax, then the numbers of one machine', async () => {
  const results = (): readonly string[] => readdirSync(join(folder.path, 'run', 'res')).sort();
  const [plan, none] = await runTogether(folder.path, [
    'plan model.mjs -o run -n 1024 --seed 7 --shards 4',
    'merge run',
  ]);
  expect(plan).toMatchObject({ code: 0, out: '4\n' });
  expect(plan!.err).toContain('ensample shard run --models model.mjs --index i');
  expect(none).toMatchObject({ code: 1, out: '0-3\n' });
  const slurm = await run(folder.path, 'shard run --models model.mjs --quiet', { SLURM_ARRAY_TASK_ID: '2' });
  expect(slurm).toEqual({ code: 0, out: '', err: '' });
  expect(results()).toEqual(['2.ens']);
  const [some, noIndex, beyond, rest, merged, alone, other, strange] = await runTogether(folder.path, [
    'merge run',
    'shard run --models model.mjs',
    'shard run --models model.mjs --index 4',
    'shard run --models model.mjs --range 0:9',
    'merge run --json --quiet',
    'sobol model.mjs -n 1024 --seed 7 --json --quiet',
    'plan model.mjs -o run -n 1024 --seed 8 --shards 4',
    'merge model.mjs',
  ]);
  expect(some).toMatchObject({ code: 1, out: '0-1,3\n' });
  expect(some!.err).toContain('3 shards have no result yet');
  expect(noIndex!.code).toBe(2);
  expect(noIndex!.err.replace(/\s+/g, ' ')).toContain(
    'no shard is named; expected --index i, --range a:b, or one of SLURM_ARRAY_TASK_ID, HQ_TASK_ID',
  );
  expect(beyond!.code).toBe(2);
  expect(rest!.code).toBe(0);
  expect(rest!.err).toContain('1 of them are there already.');
  expect(results()).toEqual(['0.ens', '1.ens', '2.ens', '3.ens']);
  const numbers = (text: string): unknown => JSON.parse(text).indices;
  expect(merged!.code).toBe(0);
  expect(numbers(merged!.out)).toEqual(numbers(alone!.out));
  expect(other!.code).toBe(1);
  expect(other!.err.replace(/\s+/g, ' ')).toContain('Has the model changed, or a flag?');
  expect(strange!.code).toBe(1);
});
