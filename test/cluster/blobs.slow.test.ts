import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { openBlobs } from '../../engine/cluster/blobs.ts';
import { bullmq } from '../../engine/cluster/bullmq/cluster.ts';
import { forgetWhole } from '../../engine/cluster/bullmq/forget.ts';
import { type Link, openLink } from '../../engine/cluster/bullmq/link.ts';
import { queueWorker } from '../../engine/cluster/bullmq/worker.ts';
import { blobFolder } from '../../engine/cluster/folder.ts';
import { fixedModules } from '../../engine/cluster/modules.ts';
import { decodePlan, encodePlan, makePlan } from '../../engine/cluster/plan.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import { openShardThreads } from '../../engine/cluster/threads.ts';
import type { BlobRef } from '../../engine/cluster/types.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { sums, works, wrong } from './works.mjs';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const WORKS = new URL('./works.mjs', import.meta.url);
const FAST = { lock: 1000, stall: 300, backoff: 20, poll: 100, nobody: 30_000 };
const NO_BACKEND = undefined as unknown as Backend;

describe.skipIf(!haveRedis())('blobs and permissions of a queue', () => {
  let redis: TestRedis;
  let link: Link;
  let s3: TestS3;
  let folder: string;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    [redis, s3] = await Promise.all([startRedis(), startS3()]);
    Object.assign(process.env, s3.env);
    link = await openLink('test', redis.url);
    folder = mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    for (const name of Object.keys(s3.env)) delete process.env[name];
    await link.close();
    await Promise.all([redis.stop(), s3.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const usedMemory = async (): Promise<number> =>
    Number(/^used_memory:(\d+)/m.exec(await link.client.info('memory'))?.[1]);

  test('worker: large results lie in S3, a changed one is computed again, contents go with the last run that has them; metrics and the log say what was done', async () => {
    const args = ['--redis', redis.url, '--works', fileURLToPath(WORKS), '--threads', '1'];
    const telling = ['--metrics', '0', '--log', 'json', '--blobs', 's3://results/x', '--stall', '0.3'];
    child = spawn(process.execPath, [MAIN, 'worker', ...args, ...telling], {
      env: { ...process.env, ...s3.env },
    });
    const lines: Record<string, unknown>[] = [];
    let [said, rest] = ['', ''];
    child.stderr!.on('data', (data: Buffer) => {
      said += String(data);
    });
    const start = new Promise<void>((go, stop) => {
      child!.once('exit', () => stop(new Error(said)));
      child!.stdout!.on('data', (data: Buffer) => {
        const parts = `${rest}${data}`.split('\n');
        rest = parts.pop()!;
        lines.push(...parts.map((line) => JSON.parse(line) as Record<string, unknown>));
        if (lines.some(({ message }) => String(message).includes('Ctrl-C stops it.'))) go();
      });
    });
    await start;
    const url = /Metrics at (\S+)\./.exec(String(lines[0]!.message))![1]!;
    const cluster = bullmq({ connection: redis.url, blobs: 's3://results/x', timing: FAST });
    const plan = makePlan({
      ...{ work: 'test-odd', options: { bytes: 400_000 }, seed: 1 },
      shards: { kind: 'index', count: 3 },
    });
    const run = cluster.submit(wrong, plan);
    expect((await run.result()).value[0]).toBe(3);
    // Three contents, and the one that the worker tried whether it may write.
    expect(s3.objects.size).toBe(4);
    const [key, whole] = [...s3.objects].find(([, bytes]) => bytes.length === 400_000)!;
    s3.objects.set(key, Buffer.alloc(400_000, 7));
    expect((await cluster.submit(wrong, plan).result()).value[0]).toBe(3);
    expect(s3.objects.get(key)!.equals(whole)).toBe(true);
    const metrics = await (await fetch(url)).text();
    for (const line of [
      'shards_done_total 4',
      'shard_seconds_count 4',
      'shards_in_flight 0',
      'worker_threads 1',
    ])
      expect(metrics).toContain(`ensample_${line}\n`);
    // Another run has one of the contents, which goes with the last of both.
    const small = cluster.submit(wrong, makePlan({ ...plan, shards: { kind: 'index', count: 1 } }));
    await small.result();
    const remove = (ref: BlobRef): Promise<void> => openBlobs('s3://results/x').remove(ref);
    expect(await forgetWhole(link, run.id)).toMatchObject({ gone: true, blobs: [{ bytes: 400_000 }, {}] });
    expect(s3.objects.size).toBe(4);
    expect((await cluster.submit(wrong, plan).result()).value[0]).toBe(3);
    expect((await forgetWhole(link, run.id, remove)).blobs).toHaveLength(2);
    expect(s3.objects.size).toBe(2);
    expect((await forgetWhole(link, small.id, remove)).blobs).toHaveLength(1);
    expect(await forgetWhole(link, small.id, remove)).toEqual({ gone: false, blobs: [] });
    expect([...s3.objects.values()].map(String)).toEqual(['ensample']);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    const done = lines.filter(({ kind }) => kind === 'done');
    const told = done.flatMap(({ runId, index }) => (runId === run.id ? [Number(index)] : []));
    expect([done.length, new Set(told)]).toEqual([8, new Set([0, 1, 2])]);
    expect(said).toBe('');
    expect(JSON.stringify(lines)).not.toContain('EXAMPLE');
    await cluster.close();
  });

  test('bullmq: of results of 50 MB Redis has next to nothing, and a blob that was damaged is computed again', async () => {
    const services = { works, modules: fixedModules({}), blobs: blobFolder(folder), backend: NO_BACKEND };
    const worker = await queueWorker({
      ...{ link, works, modules: [], threads: 1, timing: FAST },
      run: (plan, index, signal) => computeShard(decodePlan(plan), index, services, signal),
    });
    const cluster = bullmq({ connection: redis.url, blobs: folder, timing: FAST });
    const plan = makePlan({
      ...{ work: 'test-odd', options: { bytes: 50e6 }, seed: 2 },
      shards: { kind: 'index', count: 1 },
    });
    await cluster.submit(wrong, plan).result();
    expect(await usedMemory()).toBeLessThan(20e6);
    const [file = ''] = readdirSync(folder);
    writeFileSync(join(folder, file), 'damaged');
    expect((await cluster.submit(wrong, plan).result()).value[0]).toBe(0);
    expect(readdirSync(folder)).toEqual([file]);
    expect(statSync(join(folder, file)).size).toBe(50e6);
    await worker.stop(0);
    await cluster.close();
  });

  test('bullmq: the users of deploy/kubernetes can do their work, and nothing else', async () => {
    const yaml = readFileSync(resolve(import.meta.dirname, '../../deploy/kubernetes/valkey.yaml'), 'utf8');
    const users = Array.from(yaml.matchAll(/^# {3}(user .*)$/gm), ([, line]) =>
      line!.replace('>SECRET', '>word'),
    );
    expect(users.map((line) => line.split(' ')[1])).toEqual(['default', 'worker', 'coordinator']);
    const own = await startRedis(users);
    const urlOf = (user: string): string => `redis://${user}:word@127.0.0.1:${own.port}`;
    const as = await openLink('test', urlOf('worker'));
    const services = { works, modules: fixedModules({}), blobs: blobFolder(folder), backend: NO_BACKEND };
    const worker = await queueWorker({
      ...{ link: as, works, modules: [], threads: 1, timing: FAST },
      run: (plan, index, signal) => computeShard(decodePlan(plan), index, services, signal),
    });
    const limited = bullmq({ connection: urlOf('coordinator'), timing: FAST });
    const plan = makePlan({
      ...{ work: 'test-roots', options: {}, seed: 3 },
      shards: { kind: 'range', n: 8192, size: 1024 },
    });
    expect((await limited.submit(sums, plan, { audit: 1 }).result()).shards).toBe(8);
    const other = await openLink('test', urlOf('coordinator'));
    const forbidden = ['SET other 1', 'GET other', 'CONFIG GET dir', 'FLUSHALL', 'KEYS *', 'SCRIPT FLUSH'];
    for (const { client } of [as, other])
      for (const [command, ...rest] of [...forbidden, 'SCRIPT KILL', 'ACL LIST', 'SHUTDOWN'].map((line) =>
        line.split(' '),
      ))
        await expect(client.call(command!, ...rest), command).rejects.toThrow(/NOPERM/);
    await expect(openLink('test', `redis://127.0.0.1:${own.port}`)).rejects.toThrow(/refused the user/);
    await expect(openLink('test', urlOf('worker').replace('word', 'other'))).rejects.toThrow(
      /refused the user or the password.*ENSAMPLE_REDIS_URL/,
    );
    await worker.stop(0);
    await limited.close();
    await Promise.all([as.close(), other.close()]);
    await own.stop();
  });
});

test('threads: a shard that takes too long, or too much memory, ends its thread and is told', async () => {
  const entry = new URL('../../dist/engine/cluster/threads.js', import.meta.url).href;
  const shards = { kind: 'index', count: 1 } as const;
  const told = async (way: string, limit: object): Promise<unknown> => {
    const own = { threads: 1, entry, works: WORKS.href, files: {}, blobs: tmpdir() };
    const threads = openShardThreads({ ...own, ...limit });
    const compute = (own: string): Promise<unknown> => {
      const plan = makePlan({ work: 'test-odd', options: { way: own }, seed: 1, shards });
      return threads.compute(encodePlan(plan), 0).catch((error: Error) => error.message);
    };
    // The limit holds for the first shard of a thread and for those after it; a busy machine may need some tries.
    const first = way === 'forever' ? await compute(way) : undefined;
    for (let i = 0; typeof (await compute('')) === 'string' && i < 50; i++);
    const answer = await compute(way);
    if (first !== undefined) expect(first).toBe(answer);
    await threads.close();
    return answer;
  };
  const [late, large] = await Promise.all([
    told('forever', { mostTime: 200 }),
    told('greedy', { mostHeap: 16 }),
  ]);
  expect(late).toBe('it took longer than 0.2 s, the limit of its worker');
  expect(large).toMatch(/^the thread that computed it died \(.*memory/);
});
