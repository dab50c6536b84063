import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { type BullmqCluster, bullmq, NO_BLOBS } from '../../engine/cluster/bullmq/cluster.ts';
import { type Link, openLink } from '../../engine/cluster/bullmq/link.ts';
import {
  queueName,
  runKeys,
  TIMING,
  WORKERS,
  workerKey,
  workerSettings,
} from '../../engine/cluster/bullmq/names.ts';
import { queueRows } from '../../engine/cluster/bullmq/queues.ts';
import {
  type QueueWorker,
  type QueueWorkerOptions,
  queueWorker,
} from '../../engine/cluster/bullmq/worker.ts';
import { NondeterminismError } from '../../engine/cluster/cluster-error.ts';
import { makeFold } from '../../engine/cluster/fold.ts';
import { blobFolder } from '../../engine/cluster/folder.ts';
import { fixedModules } from '../../engine/cluster/modules.ts';
import { classKey, decodePlan, makePlan, runId, shardAt, shardCount } from '../../engine/cluster/plan.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import type { Plan, ShardCut } from '../../engine/cluster/types.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { sums, works, wrong } from './works.mjs';

// Everything here happens in this process; processes that die are in chaos.slow.test.ts.
const FAST = { lock: 1000, stall: 300, backoff: 20, poll: 100, nobody: 400 };
const RANGE: ShardCut = { kind: 'range', n: 200_000, size: 1024 };

/** No work of these tests asks for one. */
const NO_BACKEND = undefined as unknown as Backend;

let seed = 0;
function planOf<O>(work: string, options: O, shards: ShardCut = RANGE, more: object = {}): Plan<O> {
  return makePlan({ work, options, seed: ++seed, shards, ...more });
}

/** The sum that one loop over the shards finds, in the order of the tree. */
async function expected(plan: Plan<{ readonly slow?: number }>): Promise<Float64Array> {
  const fold = makeFold(shardCount(plan), sums.merge);
  for (let i = 0; i < shardCount(plan); i++)
    fold.add(i, await sums.compute(shardAt(plan, i), {}, { count: () => {} } as never));
  return fold.result();
}

describe.skipIf(!haveRedis())('bullmq', () => {
  let redis: TestRedis;
  let link: Link;
  let cluster: BullmqCluster;
  let blobs: string;
  const workers: QueueWorker[] = [];

  /** A worker of this process. */
  const serve = async (
    on: Link = link,
    run?: QueueWorkerOptions['run'],
    say?: QueueWorkerOptions['say'],
  ): Promise<QueueWorker> => {
    const services = { works, modules: fixedModules({}), blobs: blobFolder(blobs), backend: NO_BACKEND };
    const worker = await queueWorker({
      ...{ link: on, works, modules: [], threads: 2, timing: FAST, ...(say === undefined ? {} : { say }) },
      run: run ?? ((plan, index, signal) => computeShard(decodePlan(plan), index, services, signal)),
    });
    workers.push(worker);
    return worker;
  };

  beforeAll(async () => {
    redis = await startRedis();
    link = await openLink('worker', redis.url);
    blobs = mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
    cluster = bullmq({ connection: redis.url, blobs, timing: FAST });
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop(0)));
  });
  afterAll(async () => {
    await cluster.close();
    await link.close();
    await redis.stop();
    rmSync(blobs, { recursive: true, force: true });
  });

  test('bullmq: a run has the bits of one loop over its shards, and the same plan again takes what is there', async () => {
    await serve();
    const plan = planOf('test-roots', {});
    const run = cluster.submit(sums, plan);
    let last: { done: number; total: number; workers: number } | undefined;
    for await (const progress of run) last = progress;
    const { value, ...rest } = await run.result();
    expect(value).toEqual(await expected(plan));
    expect(rest).toEqual({ shards: 196, complete: true, evaluations: 200_000 });
    expect(last).toMatchObject({ done: 196, total: 196, workers: 2 });
    const again = await cluster.submit(sums, plan).result();
    expect(again.value).toEqual(value);
    expect(await link.client.hlen(runKeys(run.id).results)).toBe(196);
    expect(await link.client.hgetall(runKeys(run.id).counts)).toEqual({});
  });

  test('bullmq: runs of a class share what they are told by, and a run that ended listens no more', async () => {
    await serve();
    const own = bullmq({ connection: redis.url, timing: FAST });
    const connections = async (): Promise<number> =>
      Number(/^connected_clients:(\d+)/m.exec(await link.client.info('clients'))![1]);
    await own.submit(sums, planOf('test-roots', {})).result();
    const first = await connections();
    const plans = Array.from({ length: 3 }, () => planOf('test-roots', {}));
    const together = await Promise.all(plans.map((plan) => own.submit(sums, plan).result()));
    for (const [i, plan] of plans.entries()) expect(together[i]!.value).toEqual(await expected(plan));
    expect(await connections()).toBe(first);
    await own.close();
    for (let i = 0; (await connections()) > first - 2 && i < 100; i++) await pause(20);
    // Its commands, and what it was told by.
    expect(await connections()).toBe(first - 2);
  });

  test('bullmq: a second coordinator watches the first, and goes on at once where that one is aborted', async () => {
    const plan = planOf('test-roots', { slow: 5 });
    const first = bullmq({ connection: redis.url, timing: { ...FAST, nobody: 60_000 } });
    const controller = new AbortController();
    const one = first.submit(sums, plan, { signal: controller.signal });
    for await (const { total } of one) if (total > 0) break;
    const other = bullmq({ connection: redis.url, timing: { ...FAST, nobody: 60_000 } });
    const two = other.submit(sums, plan);
    for await (const { total } of two) if (total > 0) break;
    expect([one.leader, two.leader]).toEqual([undefined, expect.stringContaining(`process ${process.pid}`)]);
    await serve();
    for await (const { done } of two) if (done > 7) break;
    controller.abort(new Error('enough'));
    await expect(one.result()).rejects.toThrow('enough');
    expect((await two.result()).value).toEqual(await expected(plan));
    expect(two.leader).toBeUndefined();
    await first.close();
    await other.close();
  });

  test('bullmq: at most a window of shards waits in the queue, and a run that is aborted takes them out', async () => {
    const plan = planOf('test-roots', {}, { kind: 'index', count: 100_000 });
    const controller = new AbortController();
    const run = bullmq({ connection: redis.url, timing: { ...FAST, nobody: 60_000 } });
    const submitted = run.submit(sums, plan, { signal: controller.signal });
    const queue = new link.bullmq.Queue(queueName(classKey(sums, plan)), { connection: link.client });
    for (let i = 0; (await queue.getWaitingCount()) < 1000 && i < 100; i++) await pause(50);
    await pause(200);
    expect(await queue.getWaitingCount()).toBe(1000);
    const key = classKey(sums, plan);
    expect(await queueRows(link, [{ classes: [key, '0'.repeat(16)] }])).toEqual([
      { queue: queueName(key), waiting: 1000, active: 0, delayed: 0 },
    ]);
    // 0.8 kB a shard that waits: all of them would take 80 MB.
    expect(await usedMemory(link)).toBeLessThan(10e6);
    controller.abort(new Error('enough'));
    await expect(submitted.result()).rejects.toThrow('enough');
    expect(await queue.getWaitingCount()).toBe(0);
    await queue.close();
    await run.close();
  });

  test('bullmq: after the deadline no shard is handed out, and the answer is that of a prefix', async () => {
    await serve();
    const plan = planOf('test-roots', { slow: 40 });
    const result = await cluster.submit(sums, plan, { deadline: 600 }).result();
    expect(result.complete).toBe(false);
    expect(result.shards).toBeGreaterThan(2);
    expect(result.shards).toBeLessThan(196);
    const prefix = makePlan({ ...plan, shards: { kind: 'range', n: 1024 * result.shards, size: 1024 } });
    expect(result.value).toEqual(await expected(prefix));
  });

  test('bullmq: a run that no worker can serve ends soon, and says what the fleet has and what it needs', async () => {
    const fails = (plan: Plan<object>): Promise<unknown> => cluster.submit(sums, plan).result();
    await expect(fails(planOf('test-roots', {}))).rejects.toThrow(
      /nobody serves this run \(no worker is there\).* Start one: ensample worker/,
    );
    await serve();
    const module = { name: 'flood', hash: 'f'.repeat(64) };
    await expect(fails(planOf('test-roots', {}, RANGE, { module }))).rejects.toThrow(
      /models \(none\), not flood.* Name the model in --models of a worker, and restart/,
    );
    await Promise.all(workers.splice(0).map((worker) => worker.stop(0)));
    const announce = (engine: string, hash: string): Promise<unknown> => {
      const told = {
        host: 'far',
        engine,
        v8: process.versions.v8.split('.').slice(0, 2).join('.'),
        threads: 1,
      };
      const modules = [{ name: 'flood', hash }];
      const text = JSON.stringify({
        ...told,
        works: [{ name: 'test-roots', version: 1 }],
        modules,
        classes: [],
      });
      return link.client.multi().sadd(WORKERS, 'far').set(workerKey('far'), text, 'PX', 20_000).exec();
    };
    await announce('0.0.9', 'a'.repeat(64));
    await expect(fails(planOf('test-roots', {}))).rejects.toThrow(
      /far: ensample 0\.0\.9, here \d.*Install the same/,
    );
    await announce('0.1.0', 'a'.repeat(64));
    const other =
      /far: model flood with hash aaaaaaaaaaaa, here ffffffffffff.*Copy the model there again.* and restart/;
    await expect(fails(planOf('test-roots', {}, RANGE, { module }))).rejects.toThrow(other);
    await link.client.del(workerKey('far'));
  });

  test('bullmq: a plan of another protocol, or under another name, is never computed', async () => {
    const seen: number[] = [];
    await serve(link, async (_plan, index) => {
      seen.push(index);
      throw new Error('computed');
    });
    const plan = planOf('test-roots', {});
    const key = classKey(sums, plan);
    const queue = new link.bullmq.Queue(queueName(key), { connection: link.client });
    await link.client.set(`ens:open:${key}`, '1', 'PX', 20_000);
    const own = Buffer.from(
      `{"options":{},"protocol":2,"seed":1,"shards":{"count":1,"kind":"index"},"tier":"A","work":"test-roots"}`,
    );
    for (const [id, bytes] of [
      ['0'.repeat(32), own],
      ['1'.repeat(32), Buffer.from('{}')],
    ] as const) {
      await link.client.set(runKeys(id).plan, bytes);
      await queue.add('shard', { run: id, index: 0 }, { jobId: `${id}-0` });
      for (let i = 0; (await link.client.hlen(runKeys(id).failures)) === 0 && i < 100; i++) await pause(20);
      expect(await link.client.hget(runKeys(id).failures, '0')).toMatch(
        /protocol (2|undefined).*expected protocol 1/,
      );
    }
    expect(seen).toEqual([]);
    await queue.close();
  });

  test('bullmq: a work that looks at the clock is found out when its shards are audited', async () => {
    await serve();
    const count: ShardCut = { kind: 'index', count: 6 };
    const run = cluster.submit(wrong, planOf('test-odd', { way: 'clock' }, count), { audit: 1 });
    await expect(run.result()).rejects.toThrow(NondeterminismError);
    await expect(run.result()).rejects.toThrow(
      /shard \d has body [0-9a-f]{12} from .*process.*: ensample cluster forget [0-9a-f]{32} --redis redis:/,
    );
    const good = cluster.submit(wrong, planOf('test-odd', {}, count), { audit: 1 });
    expect((await good.result()).value[0]).toBe(15);
    const { audits, results, plan } = runKeys(good.id);
    for (const key of [audits, results, plan]) expect(await link.client.ttl(key)).toBeGreaterThan(6 * 86_400);
    // Who leads says so for a while only.
    expect(await link.client.exists(runKeys(good.id).leader)).toBe(0);
  });

  test('bullmq: a shard that throws ends the run at once, and a later call tries again', async () => {
    await serve();
    const plan = planOf('test-odd', { way: 'throw', at: 3 }, { kind: 'index', count: 9 });
    const fails = (): Promise<unknown> => cluster.submit(wrong, plan).result();
    await expect(fails()).rejects.toThrow(/shard 3 .*no such luck/);
    await expect(fails()).rejects.toThrow(
      /ensample shard [0-9a-f]{32} --index 3 --redis redis:\/\/127.0.0.1:\d+/,
    );
  });

  test('bullmq: a shard whose worker is taken away three times is not failed', async () => {
    const plan = planOf('test-roots', {}, { kind: 'range', n: 1024, size: 1024 });
    const patient = bullmq({ connection: redis.url, timing: { ...FAST, nobody: 60_000 } });
    const run = patient.submit(sums, plan);
    let starts = 0;
    const lost = new link.bullmq.Worker(
      queueName(classKey(sums, plan)),
      async () => {
        starts++;
        await new Promise(() => {});
      },
      {
        ...workerSettings({ ...TIMING, lock: 150, stall: 60 }, 9),
        ...{ connection: link.client, skipLockRenewal: true },
      },
    );
    lost.on('error', () => {});
    for (let i = 0; starts < 4 && i < 100; i++) await pause(50);
    await lost.close(true);
    expect(starts).toBe(4);
    await serve();
    expect((await run.result()).value).toEqual(await expected(plan));
    expect(Number(await link.client.hget(runKeys(run.id).counts, 'retried'))).toBeGreaterThan(0);
    await patient.close();
  });

  test('bullmq: a server that goes away is told of, also when the time is over, and the run goes on when it is back', async () => {
    const said: string[] = [];
    await serve(link, undefined, ({ kind, message }) => {
      if (kind === 'away' || kind === 'back') said.push(`${kind}: ${message}`);
    });
    const own = bullmq({ connection: redis.url, timing: { ...FAST, reconcile: 300 } });
    const plan = planOf('test-roots', { slow: 5 });
    const [late, run] = [
      own.submit(sums, plan, { deadline: 700 }),
      cluster.submit(sums, planOf('test-roots', { slow: 5 })),
    ];
    for await (const { done } of run) if (done > 7) break;
    await redis.kill();
    for await (const { waiting, eta } of run)
      if (waiting !== undefined) {
        expect([waiting, eta]).toEqual([`Redis at ${redis.url} does not answer`, undefined]);
        break;
      }
    await expect(late.result()).rejects.toThrow(
      /the time of this run is over, and Redis at .* does not answer for \d+ s.* the same call goes on/,
    );
    await redis.start();
    expect((await own.submit(sums, plan).result()).value).toEqual(await expected(plan));
    for await (const { waiting } of run) if (waiting === undefined) break;
    expect(said).toEqual([
      `away: Redis at ${redis.url} does not answer: results are kept here.`,
      `back: Redis at ${redis.url} answers again.`,
    ]);
    await own.close();
  });

  test('bullmq: a run whose workers have left says so, and goes on with others', async () => {
    const plan = planOf('test-roots', { slow: 5 });
    const first = await serve();
    const run = cluster.submit(sums, plan);
    for await (const { done } of run) if (done > 7) break;
    await first.stop(0);
    for await (const { waiting } of run)
      if (waiting !== undefined) {
        expect(waiting).toMatch(
          /^its workers have left; start one: ensample worker --redis redis:.* --models DIR$/,
        );
        break;
      }
    await serve();
    let last: string | undefined = 'none';
    for await (const { waiting } of run) last = waiting;
    expect(last).toBeUndefined();
    expect((await run.result()).value).toEqual(await expected(plan));
  });

  test('bullmq: what a checkpoint keeps outlives Redis', async () => {
    const worker = await serve();
    const plan = planOf('test-roots', { slow: 5 });
    const checkpoint = join(blobs, 'kept');
    const controller = new AbortController();
    const run = cluster.submit(sums, plan, { checkpoint, signal: controller.signal });
    for await (const { done } of run) if (done > 60) controller.abort(new Error('enough'));
    await expect(run.result()).rejects.toThrow('enough');
    await worker.stop(0);
    await link.client.flushall();
    const seen: number[] = [];
    await serve(link, async (bytes, index, signal) => {
      seen.push(index);
      const services = { works, modules: fixedModules({}), blobs: NO_BLOBS, backend: NO_BACKEND };
      return computeShard(decodePlan(bytes), index, services, signal);
    });
    expect((await cluster.submit(sums, plan, { checkpoint }).result()).value).toEqual(await expected(plan));
    expect(seen.length).toBeLessThan(136);
  });

  test('bullmq: of a server that is not there, refuses the password or is open to a network, errors say so', async () => {
    const fails = (url: string): Promise<unknown> => openLink('test', url);
    await expect(fails('redis://127.0.0.1:1')).rejects.toThrow(
      /redis:\/\/127.0.0.1:1 cannot be reached \(ECONNREFUSED\).*redis-server --bind 127.0.0.1 --port 1 --appendonly yes/,
    );
    for (const url of ['redis://10.0.0.1', 'redis://:secret@10.0.0.1', 'rediss://10.0.0.1'])
      await expect(fails(url)).rejects.toThrow(
        /redis(s?):\/\/10.0.0.1 is another machine, and the connection lacks/,
      );
    await expect(fails('redis://:secret@10.0.0.1')).rejects.not.toThrow(/secret/);
    await expect(fails('http://127.0.0.1')).rejects.toThrow(/expected redis:\/\/host:port/);
    expect(link.warnings).toEqual([]);
  });
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function usedMemory(link: Link): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await link.client.info('memory'))?.[1]);
}

test('bullmq: the name of a run is that of its plan', () => {
  expect(runId(makePlan({ work: 'test-roots', options: {}, seed: 1, shards: RANGE }))).toMatch(
    /^[0-9a-f]{32}$/,
  );
});
