import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BullmqCluster, bullmq } from '../../engine/cluster/bullmq/cluster.ts';
import { type Link, openLink } from '../../engine/cluster/bullmq/link.ts';
import { runKeys } from '../../engine/cluster/bullmq/names.ts';
import { NondeterminismError } from '../../engine/cluster/cluster-error.ts';
import { makeFold } from '../../engine/cluster/fold.ts';
import { makePlan, runId, shardAt, shardCount } from '../../engine/cluster/plan.ts';
import type { Plan } from '../../engine/cluster/types.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { sums } from './works.mjs';

// Processes that are killed, stopped and started again, against the built package (npm test builds it).
const ENTRY = new URL('../../dist/estimators/cluster.js', import.meta.url).href;
const SCRIPT = fileURLToPath(new URL('./queue-process.mjs', import.meta.url));
const TIMING = { lock: 1000, stall: 300, backoff: 50, poll: 100, reconcile: 1000, nobody: 30_000 };
/** Milliseconds until a shard of a dead worker is given to another: lock + 2 stall. */
const RECOVERY = TIMING.lock + 2 * TIMING.stall;

let seed = 100;
function planOf(slow: number, count: number): Plan<{ readonly slow: number }> {
  return makePlan({
    work: 'test-roots',
    options: { slow },
    seed: ++seed,
    shards: { kind: 'range', n: 1024 * count, size: 1024 },
  });
}

/** What one loop over the shards finds: the bits of one machine. */
async function alone(plan: Plan<{ readonly slow: number }>): Promise<Float64Array> {
  const fold = makeFold(shardCount(plan), sums.merge);
  for (let i = 0; i < shardCount(plan); i++)
    fold.add(i, await sums.compute(shardAt(plan, i), {}, { count: () => {} } as never));
  return fold.result();
}

// What a process was doing when it was stopped depends on the machine; two tests run when they are asked for:
// ENSAMPLE_CHAOS=1 npx vitest run --project slow test/cluster/chaos.slow.test.ts
const chance = test.skipIf(process.env.ENSAMPLE_CHAOS !== '1');

describe.skipIf(!haveRedis())('a queue in chaos', () => {
  let redis: TestRedis;
  let link: Link;
  let cluster: BullmqCluster;
  const children: ChildProcess[] = [];

  const start = async (...args: readonly string[]): Promise<ChildProcess> => {
    const entry = process.env.ENSAMPLE_ENTRY ?? ENTRY;
    const child = spawn(process.execPath, [SCRIPT, entry, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    return child;
  };
  const worker = (): Promise<ChildProcess> => start('worker', redis.url);
  const results = (id: string): Promise<number> => link.client.hlen(runKeys(id).results);
  const counts = (id: string): Promise<Record<string, string>> => link.client.hgetall(runKeys(id).counts);
  /** Resolves when so many results are there. */
  const until = async (id: string, done: number): Promise<void> => {
    while ((await results(id)) < done) await pause(20);
  };
  let workers: ChildProcess[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    link = await openLink('test', redis.url);
    cluster = bullmq({ connection: redis.url, timing: TIMING });
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await cluster.close();
    await link.close();
    await redis.stop();
  });

  test('chaos: one, two and four workers give the same bits', async () => {
    const expected = await alone(planOf(0, 100));
    for (const size of [1, 2, 4]) {
      const missing = Array.from({ length: size - workers.length }, worker);
      workers = [...workers, ...(await Promise.all(missing))];
      const { value, complete } = await cluster.submit(sums, planOf(3, 100)).result();
      expect(value).toEqual(expected);
      expect(complete).toBe(true);
    }
  });

  test('chaos: workers killed -9 in mid-shard cost time and no bit', async () => {
    const calm = performance.now();
    await cluster.submit(sums, planOf(10, 400)).result();
    const usual = performance.now() - calm;
    const plan = planOf(10, 400);
    const begun = performance.now();
    const run = cluster.submit(sums, plan);
    for (const done of [40, 130, 260]) {
      await until(run.id, done);
      workers.shift()!.kill('SIGKILL');
      if (done === 130) workers.push(await worker());
    }
    expect((await run.result()).value).toEqual(await alone(plan));
    const wall = performance.now() - begun;
    expect(await results(run.id)).toBe(400);
    expect(Number((await counts(run.id)).retried)).toBeGreaterThan(0);
    // Half of the fleet is gone, so what is left takes twice as long; each death costs a recovery at most.
    expect(wall).toBeLessThan(4 * usual + 3 * RECOVERY + 3000);
  });

  chance(
    'chaos: a worker that is stopped and goes on later finds its shard done, and its result counts as a duplicate',
    async () => {
      const plan = planOf(150, 24);
      const run = cluster.submit(sums, plan);
      await until(run.id, 4);
      const [slow] = workers;
      slow!.kill('SIGSTOP');
      expect((await run.result()).value).toEqual(await alone(plan));
      slow!.kill('SIGCONT');
      for (let i = 0; (await counts(run.id)).duplicates === undefined && i < 100; i++) await pause(30);
      // It had one shard under its hand, and one that it had claimed ahead.
      expect(['1', '2']).toContain((await counts(run.id)).duplicates);
      expect(await results(run.id)).toBe(24);
    },
  );

  test('chaos: a coordinator killed -9 three times goes on, and finished shards stay', async () => {
    const [shards, slow] = [400, 30];
    const plan = planOf(slow, shards);
    const run = (): Promise<ChildProcess> =>
      start('coordinator', redis.url, String(plan.seed), String(slow), String(shards));
    const id = runId(plan);
    let before = 0;
    for (let i = 0; i < 3; i++) {
      const child = await run();
      await pause(150 + 130 * i);
      child.kill('SIGKILL');
      const now = await results(id);
      expect(now).toBeGreaterThanOrEqual(before);
      // All of it fits into the queue, so workers go on alone: only the first one dies in mid-run for certain.
      if (i === 0) expect(now).toBeLessThan(shards);
      before = now;
    }
    const last = cluster.submit(sums, plan);
    expect(last.id).toBe(id);
    expect((await last.result()).value).toEqual(await alone(plan));
    expect(last.leader).toBeUndefined();
    // Shards that end while a coordinator comes are handed out again and skipped; computed again are at most those in
    // flight.
    const { duplicates = 0 } = await counts(last.id);
    expect(Number(duplicates)).toBeLessThanOrEqual(workers.length * 2);
  });

  chance(
    'chaos: Redis killed -9 and started again, whole or with the end of its log cut off, costs time and no bit',
    async () => {
      for (const cut of [0, 16_384]) {
        const plan = planOf(15, 200);
        const run = cluster.submit(sums, plan);
        await until(run.id, 60);
        await redis.kill();
        if (cut > 0) truncate(redis.folder, cut);
        await pause(200);
        await redis.start();
        expect((await run.result()).value).toEqual(await alone(plan));
        expect(await results(run.id)).toBe(200);
      }
    },
  );

  test('chaos: a worker that turns one bit is found when shards are audited', async () => {
    const broken = await start('broken worker', redis.url);
    if (workers.length === 0) workers.push(await worker());
    const run = cluster.submit(sums, planOf(20, 24), { audit: 1 });
    await expect(run.result()).rejects.toThrow(NondeterminismError);
    const processes = `(${broken.pid}|${workers.map(({ pid }) => pid).join('|')})`;
    const told = `shard \\d+ has body [0-9a-f]{12} from .*process ${processes} and [0-9a-f]{12} from .*process ${processes}`;
    await expect(run.result()).rejects.toThrow(new RegExp(told));
    await expect(run.result()).rejects.toThrow(`process ${broken.pid}`);
    broken.kill('SIGKILL');
    expect((await cluster.submit(sums, planOf(1, 24), { audit: 1 }).result()).complete).toBe(true);
  });
});

/** Takes the last bytes off the log, as a power cut does. */
function truncate(folder: string, bytes: number): void {
  const log = join(folder, 'appendonlydir');
  const name = readdirSync(log).filter((file) => file.endsWith('.incr.aof'))[0]!;
  const { size } = statSync(join(log, name));
  truncateSync(join(log, name), Math.max(0, size - bytes));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
