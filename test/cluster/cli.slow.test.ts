import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bullmq } from '../../engine/cluster/bullmq/cluster.ts';
import { type Link, openLink } from '../../engine/cluster/bullmq/link.ts';
import { RUNS, runKeys } from '../../engine/cluster/bullmq/names.ts';
import { makePlan } from '../../engine/cluster/plan.ts';
import { folderOf, runTogether, start } from '../cli/command.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { sums, wrong } from './works.mjs';

// The built command (npm test builds it) against a real Redis.
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const WORKS = fileURLToPath(new URL('./works.mjs', import.meta.url));
const TIMING = { lock: 1000, stall: 300, backoff: 20, poll: 100, nobody: 30_000 };

const MODEL = `import { uniform } from 'ensample';
export const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
export default ({ a, b }) => a + 2 * b * b;
`;

describe.skipIf(!haveRedis())('the command on a queue', () => {
  let redis: TestRedis;
  let link: Link;
  const folder = folderOf({ 'model.mjs': MODEL });
  const children: ChildProcess[] = [];

  const worker = async (...args: readonly string[]): Promise<ChildProcess> => {
    const own = ['worker', '--redis', redis.url, '--threads', '1', '--lock', '1', '--stall', '0.3', ...args];
    const child = spawn(process.execPath, [MAIN, ...own], {
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on('data', (data: Buffer) => {
        said += String(data);
        if (said.includes('Ctrl-C stops it.')) resolve();
      });
      child.once('exit', () => reject(new Error(said)));
    });
    return child;
  };

  beforeAll(async () => {
    redis = await startRedis();
    link = await openLink('test', redis.url);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await link.close();
    await redis.stop();
    folder.remove();
  });

  test('sobol --cluster: the same document as on one machine, status and forget, and Ctrl-C says how to go on', async () => {
    const where = `--cluster ${redis.url} --shards 8`;
    const waiting = start(folder.path, `sobol model.mjs --seed 3 -n 1024 ${where}`.split(' '));
    await waiting.said('model runs');
    waiting.interrupt();
    const { code, err } = await waiting.done;
    expect(code).toBe(130);
    expect(err.replace(/\s+/g, ' ')).toContain(
      `To go on: ensample sobol model.mjs -n 1024 ${where} --seed 3`,
    );
    const child = await worker('--models', 'model.mjs');
    const [id = ''] = await link.client.smembers(RUNS);
    const [here, there, open, status, gone] = await runTogether(folder.path, [
      'sobol model.mjs --seed 3 -n 1024',
      `sobol model.mjs --seed 3 -n 1024 ${where}`,
      'cluster status --redis redis://10.1.1.1',
      `cluster status --json --redis ${redis.url}`,
      `cluster forget ${id} --redis ${redis.url}`,
    ]);
    expect([there!.err, there!.code]).toEqual([expect.stringContaining('Again:'), 0]);
    expect(there!.out).toBe(here!.out);
    expect(there!.err.replace(/\s+/g, ' ')).toMatch(
      new RegExp(`8 shards on ${redis.url}( \\(1 thread\\))?, seed 3, `),
    );
    expect(open!.code).toBe(2);
    expect(open!.err.replace(/\s+/g, ' ')).toContain(
      'another machine, and the connection lacks TLS and a password',
    );
    const told = JSON.parse(status!.out);
    expect(told.workers).toMatchObject([{ threads: 1, modules: [{ name: 'model' }] }]);
    expect(told.runs).toMatchObject([
      { id, work: 'sobol-rows', module: 'model', seed: 3, done: 8, total: 8 },
    ]);
    expect(gone!.err).toContain('is forgotten');
    // Batch by batch.
    const weighted = 'sobol model.mjs --method importance --replicates 2 --seed 3 -n 256';
    const [one, two] = await runTogether(folder.path, [weighted, `${weighted} ${where}`]);
    expect([two!.err, two!.code]).toEqual([expect.stringContaining(redis.url), 0]);
    expect(two!.out).toBe(one!.out);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await link.client.exists(runKeys(id).results)).toBe(0);
  });

  test('worker: a shard that ends its thread is named with its last words, others go on, and one that is stopped hands back', async () => {
    const first = await worker('--works', WORKS, '--grace', '0.2');
    const cluster = bullmq({ connection: redis.url, timing: TIMING });
    const shards = { kind: 'index', count: 8 } as const;
    const poison = cluster.submit(
      wrong,
      makePlan({ work: 'test-odd', options: { way: 'exit', at: 5 }, seed: 1, shards }),
    );
    const good = cluster.submit(sums, makePlan({ work: 'test-roots', options: {}, seed: 1, shards }));
    await expect(poison.result()).rejects.toThrow(
      /shard 5 .*ended 5 processes that computed it \(.*, process \d+: .*ended with code 3.*ensample shard \w+ --index 5/,
    );
    expect((await good.result()).shards).toBe(8);
    const long = cluster.submit(
      sums,
      makePlan({ work: 'test-roots', options: { slow: 700 }, seed: 1, shards: { kind: 'index', count: 3 } }),
    );
    while ((await link.client.hlen(runKeys(long.id).results)) < 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    first.kill('SIGTERM');
    expect(await once(first, 'exit')).toEqual([0, null]);
    await worker('--works', WORKS);
    expect((await long.result()).shards).toBe(3);
    // Handed back, and not found dead: nothing was started that counts as a second attempt.
    expect(await link.client.hget(runKeys(long.id).counts, 'duplicates')).toBeNull();
    await cluster.close();
  });
});
