import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { type BullmqCluster, bullmq, NO_BLOBS } from '../../engine/cluster/bullmq/cluster.ts';
import { forgetRun } from '../../engine/cluster/bullmq/fleet.ts';
import { type Link, openLink } from '../../engine/cluster/bullmq/link.ts';
import { queueName, runKeys } from '../../engine/cluster/bullmq/names.ts';
import type { WorkerEvent } from '../../engine/cluster/bullmq/serve.ts';
import { type QueueWorker, queueWorker } from '../../engine/cluster/bullmq/worker.ts';
import { makeFold } from '../../engine/cluster/fold.ts';
import { fixedModules } from '../../engine/cluster/modules.ts';
import { classKey, decodePlan, makePlan, shardAt, shardCount } from '../../engine/cluster/plan.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import type { ClusterProgress, Plan } from '../../engine/cluster/types.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { sums, works, wrong } from './works.mjs';

// A server whose memory is used up in mid-run. Another's key fills it, and shards wait at a gate, so that what is full when
// does not depend on how fast anything is. What is in the queue is handed out again every 100 ms, so that there is always
// something to be handed out.
// Locks run out when a test takes them away, and not when the machine is busy.
// No shards are claimed ahead: how many are begun is counted.
const FAST = { lock: 60_000, stall: 60, backoff: 20, poll: 50, reconcile: 100, nobody: 60_000, ahead: 0 };
const SHARDS = 60;
const LIMIT = 16e6;

/** No work of these tests asks for one. */
const NO_BACKEND = undefined as unknown as Backend;

let seed = 700;
function planOf<O>(work: string, options: O, count: number): Plan<O> {
  const shards = { kind: 'range', n: 1024 * count, size: 1024 } as const;
  return makePlan({ work, options, seed: ++seed, shards });
}

/** The bits of one loop over the shards. */
async function alone(plan: Plan<object>): Promise<Float64Array> {
  const fold = makeFold(shardCount(plan), sums.merge);
  for (let i = 0; i < shardCount(plan); i++)
    fold.add(i, await sums.compute(shardAt(plan, i), {}, { count: () => {} } as never));
  return fold.result();
}

/** How a run looked last, and how often it was seen to wait. */
interface Seen {
  last: ClusterProgress | undefined;
  paused: number;
}

describe.skipIf(!haveRedis())('a full server', () => {
  let redis: TestRedis;
  let link: Link;
  let cluster: BullmqCluster;
  let worker: QueueWorker;
  let events: WorkerEvent[];
  /** So many shards may be computed; the others wait. */
  let gate = 0;
  let begun = 0;
  let opened = (): void => {};

  const serve = async (): Promise<void> => {
    events = [];
    [gate, begun] = [0, 0];
    const services = { works, modules: fixedModules({}), blobs: NO_BLOBS, backend: NO_BACKEND };
    worker = await queueWorker({
      ...{
        link,
        works,
        modules: [],
        threads: 2,
        timing: FAST,
        say: (event) => void events.push(event),
      },
      async run(plan, index, signal) {
        const own = ++begun;
        while (own > gate)
          await new Promise<void>((resolve) => {
            const before = opened;
            opened = () => {
              before();
              resolve();
            };
          });
        return computeShard(decodePlan(plan), index, services, signal);
      },
    });
  };
  const open = (shards: number): void => {
    gate = shards;
    const go = opened;
    opened = () => {};
    go();
  };
  const fill = (): Promise<unknown> => link.client.setrange('foreign', LIMIT, 'x');
  const free = (): Promise<unknown> => link.client.del('foreign');
  const refused = (): Promise<unknown> => expect(link.client.set('more', '1')).rejects.toThrow(/^OOM/);
  const results = (id: string): Promise<number> => link.client.hlen(runKeys(id).results);
  const told = (kind: WorkerEvent['kind']): number => events.filter((event) => event.kind === kind).length;
  /** Resolves when something is so: states are waited for, never times. */
  const until = async (so: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await so())) await pause(10);
  };
  /** Scripts that the server was asked for. */
  const scripts = async (): Promise<number> =>
    Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(await link.client.info('commandstats'))?.[1]);
  const watch = (run: AsyncIterable<ClusterProgress>): Seen => {
    const seen: Seen = { last: undefined, paused: 0 };
    (async () => {
      for await (const progress of run) {
        seen.last = progress;
        if (progress.waiting !== undefined) seen.paused++;
      }
    })().catch(() => {});
    return seen;
  };

  beforeAll(async () => {
    redis = await startRedis([`maxmemory ${LIMIT}`]);
    link = await openLink('worker', redis.url);
    cluster = bullmq({ connection: redis.url, timing: FAST });
  }, 60_000);
  afterEach(async () => {
    open(Number.POSITIVE_INFINITY);
    await worker.stop(0);
    await free();
  }, 60_000);
  afterAll(async () => {
    await cluster.close();
    await link.close();
    await redis.stop();
  }, 60_000);

  test('full: a run pauses and says so, and goes on to the same bits when there is room', async () => {
    await serve();
    const plan = planOf('test-roots', {}, SHARDS);
    const run = cluster.submit(sums, plan);
    const seen = watch(run);
    const keys = runKeys(run.id);
    open(10);
    await until(async () => (await results(run.id)) === 10 && begun === 13);
    await fill();
    await refused();
    // Three shards were begun. They are computed, and their results find no room.
    open(Number.POSITIVE_INFINITY);
    await until(() => told('full') === 1 && seen.last?.waiting !== undefined);
    const waiting = `Redis at ${redis.url} is full`;
    expect(seen.last).toMatchObject({ done: 10, total: SHARDS, waiting, eta: undefined });
    // Their locks, which nobody can renew, run out, so that others begin them again when there is room.
    const queue = new link.bullmq.Queue(queueName(classKey(sums, plan)), { connection: link.client });
    const active = await queue.getActive();
    const locks = active.map(({ id }) => `bull:${queueName(classKey(sums, plan))}:${id}:lock`);
    expect(locks).toHaveLength(3);
    expect(await link.client.del(...locks)).toBe(3);
    expect([await results(run.id), await link.client.hlen(keys.failures), begun]).toEqual([10, 0, 13]);
    await free();
    expect((await run.result()).value).toEqual(await alone(plan));
    expect(seen.last).toMatchObject({ done: SHARDS, failed: 0 });
    expect(seen.last?.waiting).toBeUndefined();
    expect(await results(run.id)).toBe(SHARDS);
    // Nothing failed and nothing was tried again for a failure; what the worker kept it wrote.
    expect([told('failed'), told('retry'), told('handed-back')]).toEqual([0, 0, 0]);
    expect(await queue.getFailedCount()).toBe(0);
    await queue.close();
  });

  test('full: a run that is aborted and a worker that is stopped leave, and the same run goes on later', async () => {
    await serve();
    const plan = planOf('test-roots', {}, SHARDS);
    const controller = new AbortController();
    const run = cluster.submit(sums, plan, { signal: controller.signal });
    const seen = watch(run);
    open(10);
    await until(async () => (await results(run.id)) === 10 && begun === 13);
    await fill();
    open(Number.POSITIVE_INFINITY);
    // Long enough for the coordinator to have decided to hand all of it out again.
    await until(() => told('full') === 1 && seen.paused > 1 + FAST.reconcile / FAST.poll);
    await expect(cluster.submit(sums, planOf('test-roots', {}, 3)).result()).rejects.toThrow(
      /127.0.0.1:\d+ is full.*ensample cluster forget/,
    );
    controller.abort(new Error('enough'));
    await expect(run.result()).rejects.toThrow('enough');
    const queue = new link.bullmq.Queue(queueName(classKey(sums, plan)), { connection: link.client });
    // Of the shards that are missing: one that came as it was handed out again has a job, which is skipped.
    const done = new Set(await link.client.hkeys(runKeys(run.id).results));
    const of = async (...states: readonly ('waiting' | 'active')[]): Promise<number> => {
      const jobs = await queue.getJobs([...states]);
      const own = jobs.filter(({ data }) => data.run === run.id && !done.has(String(data.index)));
      // A job that is claimed meanwhile may be seen in both states.
      return new Set(own.map(({ id }) => id)).size;
    };
    const there = async (): Promise<number[]> => [await of('waiting'), await of('active')];
    await until(async () => (await there())[0] === 0);
    expect(await there()).toEqual([0, 3]);
    await worker.stop(0);
    expect(told('handed-back')).toBe(3);
    expect(await there()).toEqual([3, 0]);
    // A worker that finds the server full waits without asking all the time.
    await serve();
    await until(() => told('open') === 1 && told('full') === 1);
    const [before, start] = [await scripts(), performance.now()];
    await pause(10 * FAST.poll);
    expect((await scripts()) - before).toBeLessThan((performance.now() - start) / 10);
    expect(await forgetRun(link, 'f'.repeat(32))).toBe(false);
    await free();
    // What was not handed out when the run was aborted is not handed out now.
    await pause(4 * FAST.poll);
    expect(await of('waiting', 'active')).toBe(3);
    open(Number.POSITIVE_INFINITY);
    expect((await cluster.submit(sums, plan).result()).value).toEqual(await alone(plan));
    expect([told('failed'), told('retry')]).toEqual([0, 0]);
    await queue.close();
  });

  test('full: a run whose results can never fit ends in words, before and after it began', async () => {
    await serve();
    open(Number.POSITIVE_INFINITY);
    const large = (count: number): Plan<object> => planOf('test-odd', { bytes: 200_000 }, count);
    const before = cluster.submit(wrong, large(60));
    await expect(before.result()).rejects.toThrow(/60 results of 200000 bytes would fill more than half/);
    await forgetRun(link, before.id);
    await worker.stop(0);
    // Somebody takes memory away from a server that had no limit.
    await link.client.config('SET', 'maxmemory', '0');
    const own = bullmq({ connection: redis.url, timing: FAST });
    await serve();
    const after = own.submit(wrong, large(60));
    open(3);
    await until(async () => (await results(after.id)) === 3 && begun === 6);
    await link.client.config('SET', 'maxmemory', String(LIMIT));
    await fill();
    await expect(after.result()).rejects.toThrow(
      /60 results of 200000 bytes would fill more than half of the memory of Redis at .*16000000 bytes/,
    );
    await own.close();
  });
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
