import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BullmqCluster, bullmq } from '../../engine/cluster/bullmq/cluster.ts';
import { type Link, openLink } from '../../engine/cluster/bullmq/link.ts';
import { runKeys } from '../../engine/cluster/bullmq/names.ts';
import { NondeterminismError } from '../../engine/cluster/cluster-error.ts';
import { makeFold } from '../../engine/cluster/fold.ts';
import { makePlan, runId, shardAt, shardCount } from '../../engine/cluster/plan.ts';
import { readRecord } from '../../engine/cluster/record.ts';
import type { Plan } from '../../engine/cluster/types.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { sums } from './works.mjs';

// Processes that are killed, stopped and started again, against the built package (npm test builds it). What must be in
// the middle of something is held there by a gate in Redis, or by itself: states are waited for, never times.
const ENTRY = new URL('../../dist/estimators/cluster.js', import.meta.url).href;
const SCRIPT = fileURLToPath(new URL('./queue-process.mjs', import.meta.url));
const TIMING = { lock: 1000, stall: 300, backoff: 50, poll: 100, reconcile: 300, nobody: 30_000 };
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

/** What a process writes. */
interface Told {
  readonly kind: string;
  readonly run?: string;
  readonly index?: number;
}

/** A process with what it told so far. */
interface Teller {
  readonly child: ChildProcess;
  readonly told: readonly Told[];
  /** The first of a kind, as soon as it is told. */
  first(kind: string): Promise<Told>;
}

describe.skipIf(!haveRedis())('a queue in chaos', () => {
  let redis: TestRedis;
  let link: Link;
  let cluster: BullmqCluster;
  const all: Teller[] = [];
  let workers: Teller[] = [];

  const start = async (...args: readonly (string | number)[]): Promise<Teller> => {
    const line = [SCRIPT, process.env.ENSAMPLE_ENTRY ?? ENTRY, ...args.map(String)];
    const child = spawn(process.execPath, line, { stdio: ['ignore', 'pipe', 'inherit'] });
    const told: Told[] = [];
    createInterface(child.stdout).on('line', (text) => told.push(JSON.parse(text) as Told));
    const teller: Teller = {
      ...{ child, told },
      async first(kind) {
        await until(() => child.exitCode !== null || told.some((event) => event.kind === kind));
        const event = told.find((one) => one.kind === kind);
        if (event === undefined) throw new Error(`${args[0]} ended with ${child.exitCode}`);
        return event;
      },
    };
    all.push(teller);
    await teller.first('ready');
    return teller;
  };
  const worker = (): Promise<Teller> => start('worker', redis.url);
  const kill = async ({ child }: Teller): Promise<void> => {
    child.kill('SIGKILL');
    await until(() => child.signalCode !== null);
  };
  const keysOf = (id: string): Promise<string[]> => link.client.hkeys(runKeys(id).results);
  const results = (id: string): Promise<number> => link.client.hlen(runKeys(id).results);
  const counts = (id: string): Promise<Record<string, string>> => link.client.hgetall(runKeys(id).counts);
  /** Resolves when so many results are there. */
  const have = (id: string, done: number): Promise<void> => until(async () => (await results(id)) >= done);
  /** So many shards may be begun from now on. */
  const gate = (shards: number): Promise<unknown> => link.client.set('test:gate', shards);
  const open = async (): Promise<void> => {
    await link.client.del('test:gate', 'test:begun');
  };
  /** Events of a run, of all processes. */
  const told = (kind: string, run?: string): readonly Told[] =>
    all.flatMap((teller) =>
      teller.told.filter((event) => event.kind === kind && (run === undefined || event.run === run)),
    );

  beforeAll(async () => {
    redis = await startRedis();
    link = await openLink('test', redis.url);
    cluster = bullmq({ connection: redis.url, timing: TIMING });
  }, 60_000);
  afterAll(async () => {
    for (const { child } of all) child.kill('SIGKILL');
    await cluster.close();
    await link.close();
    await redis.stop();
  }, 60_000);

  // What fails leaves no gate behind.
  afterEach(open);

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

  test('chaos: a coordinator killed -9 three times goes on, and computes no shard again', async () => {
    const [shards, slow] = [200, 5];
    const plan = planOf(slow, shards);
    const id = runId(plan);
    const before = told('begin').length;
    // Killed as it begins, and in mid-run: workers begin no more than they may.
    for (const most of [0, 60, 120]) {
      await gate(most);
      const coordinator = await start('coordinator', redis.url, plan.seed, slow, shards);
      await have(id, most);
      await kill(coordinator);
      expect(await results(id)).toBe(most);
    }
    await open();
    const last = cluster.submit(sums, plan);
    expect(last.id).toBe(id);
    expect((await last.result()).value).toEqual(await alone(plan));
    expect(last.leader).toBeUndefined();
    // A shard in flight keeps its name, so that adding it again does nothing, and one that ended meanwhile is skipped: none
    // is begun again for a coordinator's sake. What is left are shards whose lock ran out on a machine that is too busy to
    // renew it; their second starts are counted.
    await until(() => told('done', id).length >= shards);
    const { retried = 0, duplicates = 0 } = await counts(id);
    expect(told('begin').length - before - shards).toBeLessThanOrEqual(Number(retried));
    expect(Number(duplicates)).toBeLessThanOrEqual(Number(retried));
  });

  test('chaos: workers killed -9 in mid-shard cost time and no bit', async () => {
    const calm = performance.now();
    await cluster.submit(sums, planOf(10, 400)).result();
    const usual = performance.now() - calm;
    const plan = planOf(10, 400);
    const begun = performance.now();
    const run = cluster.submit(sums, plan);
    for (const done of [40, 130, 260]) {
      await have(run.id, done);
      await kill(workers.shift()!);
      if (done === 130) workers.push(await worker());
    }
    expect((await run.result()).value).toEqual(await alone(plan));
    const wall = performance.now() - begun;
    expect(await results(run.id)).toBe(400);
    expect(Number((await counts(run.id)).retried)).toBeGreaterThan(0);
    // Half of the fleet is gone, so what is left takes twice as long; each death costs a recovery at most.
    expect(wall).toBeLessThan(4 * usual + 3 * RECOVERY + 3000);
  });

  test('chaos: the shard of a worker that is stopped or blocked is done by another, and its late result is a duplicate', async () => {
    const flag = join(redis.folder, 'go-on');
    let slow: Teller | undefined;
    for (const goOn of [() => slow!.child.kill('SIGCONT'), () => writeFileSync(flag, '')]) {
      await gate(0);
      const plan = planOf(5, 24);
      const run = cluster.submit(sums, plan);
      const is = ({ kind }: Told): boolean => kind === 'begin';
      // The others wait at the gate with what they claimed. This one holds still in the middle of its shard.
      const before = slow?.told.filter(is).length ?? 0;
      slow ??= await start('held worker', redis.url, flag);
      await until(() => slow!.told.filter(is).length > before);
      const { index } = slow.told.findLast(is)!;
      await open();
      expect((await run.result()).value).toEqual(await alone(plan));
      const record = await link.client.hgetBuffer(runKeys(run.id).results, String(index));
      expect(workers.map(({ child }) => child.pid)).toContain(readRecord(record!).header.pid);
      const own = (): readonly Told[] => slow!.told.filter(({ run: of }) => of === run.id);
      expect(own()).toEqual([]);
      goOn();
      await until(() => own().length >= 2);
      expect(own().slice(0, 2)).toEqual([
        { kind: 'duplicate', run: run.id, index },
        { kind: 'done', run: run.id, index, milliseconds: expect.any(Number) },
      ]);
      // Counted once for each that was told of, and merged never: what Redis has gives the same bits.
      await until(async () => Number((await counts(run.id)).duplicates) === told('duplicate', run.id).length);
      expect(await results(run.id)).toBe(24);
      expect((await cluster.submit(sums, plan).result()).value).toEqual(await alone(plan));
    }
    await kill(slow!);
  });

  test('chaos: what Redis loses with the end of its log was merged before, or is put back', async () => {
    const [shards, slow] = [200, 2];
    // All that the server knows of a run, its plan included, while a coordinator has merged 60 of its shards.
    const empty = logSize(redis.folder);
    await gate(60);
    await until(() => logSize(redis.folder) > empty);
    const size = logSize(redis.folder);
    const plan = planOf(slow, shards);
    const run = cluster.submit(sums, plan);
    for await (const { done } of run) if (done === 60) break;
    const merged = new Set(await keysOf(run.id));
    expect(merged.size).toBe(60);
    await redis.kill();
    truncate(redis.folder, size);
    await redis.start();
    expect(await keysOf(run.id)).toEqual([]);
    await open();
    expect((await run.result()).value).toEqual(await alone(plan));
    expect(await link.client.exists(runKeys(run.id).plan)).toBe(1);
    const there = new Set(await keysOf(run.id));
    for (let i = 0; i < shards; i++) expect(merged.has(String(i)) || there.has(String(i))).toBe(true);
  });

  test('chaos: without a coordinator nothing was merged, so all that Redis lost is put back', async () => {
    const [shards, slow] = [200, 2];
    const plan = planOf(slow, shards);
    const id = runId(plan);
    await gate(20);
    const coordinator = await start('coordinator', redis.url, plan.seed, slow, shards);
    await have(id, 20);
    const size = logSize(redis.folder);
    await gate(60);
    await have(id, 60);
    await kill(coordinator);
    await redis.kill();
    truncate(redis.folder, size);
    await redis.start();
    expect(await results(id)).toBeLessThanOrEqual(20);
    await open();
    expect((await cluster.submit(sums, plan).result()).value).toEqual(await alone(plan));
    expect(await results(id)).toBe(shards);
  });

  test('chaos: a worker that turns one bit is found when shards are audited', async () => {
    const broken = await start('broken worker', redis.url);
    const run = cluster.submit(sums, planOf(20, 24), { audit: 1 });
    await expect(run.result()).rejects.toThrow(NondeterminismError);
    const processes = `(${[broken, ...workers].map(({ child }) => child.pid).join('|')})`;
    const words = `shard \\d+ has body [0-9a-f]{12} from .*process ${processes} and [0-9a-f]{12} from .*process ${processes}`;
    await expect(run.result()).rejects.toThrow(new RegExp(words));
    await expect(run.result()).rejects.toThrow(`process ${broken.child.pid}`);
    await kill(broken);
    expect((await cluster.submit(sums, planOf(1, 24), { audit: 1 }).result()).complete).toBe(true);
  });
});

/** The log that grows. */
function logFile(folder: string): string {
  const log = join(folder, 'appendonlydir');
  return join(log, readdirSync(log).filter((file) => file.endsWith('.incr.aof'))[0]!);
}

function logSize(folder: string): number {
  return statSync(logFile(folder)).size;
}

/** Takes what came later off the log, as a power cut does. */
function truncate(folder: string, size: number): void {
  const file = logFile(folder);
  truncateSync(file, Math.min(size, statSync(file).size));
}

async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 10));
}
