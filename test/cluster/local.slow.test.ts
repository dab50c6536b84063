import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ClusterError, NondeterminismError } from '../../engine/cluster/cluster-error.ts';
import { localCluster } from '../../engine/cluster/local.ts';
import { makePlan } from '../../engine/cluster/plan.ts';
import type { Cluster, ClusterResult, SubmitOptions } from '../../engine/cluster/types.ts';
import { EngineError, OptionError } from '../../engine/errors.ts';
import { moduleModel, monteCarlo, normal, pointwise, run } from '../../estimators/index.ts';
import { sumWork, works, wrongWork } from '../support/cluster-works.ts';
import { wrong as odd, sums as rootSums } from './works.mjs';

const url = (name: string): string => new URL(name, import.meta.url).href;
const built = url('../../dist/engine/cluster/threads.js');
// The smallest entry that serves, built where there is a build: from source a thread takes seconds to start.
const entry = existsSync(new URL(built)) ? built : url('../../engine/cluster/threads.ts');
const here = localCluster({ threads: 0, works: url('../support/cluster-works.ts') }, { entry, works });
const two = localCluster({ threads: 2, works: url('./works.mjs') }, { entry, works });
const folder = mkdtempSync(join(tmpdir(), 'ensample-local-'));
afterAll(async () => {
  await here.close();
  await two.close();
  rmSync(folder, { recursive: true, force: true });
});

const sums = makePlan({
  work: 'test-sums',
  options: {},
  seed: 7,
  shards: { kind: 'range', n: 9000, size: 1024 },
});

const roots = { ...sums, work: 'test-roots' };

async function wrong(
  cluster: Cluster,
  way: string,
  { bytes = 8, ...options }: SubmitOptions & { readonly bytes?: number } = {},
): Promise<ClusterResult<{ readonly y: Float64Array }>> {
  const work = cluster === two ? odd : wrongWork;
  const shards = { kind: 'index', count: 4 } as const;
  const plan = makePlan({ work: work.name, options: { way, at: 2, bytes }, seed: 1, shards });
  return cluster.submit(work as typeof wrongWork, plan, options).result();
}

test('local(): the calling thread and two threads give the same bits', async () => {
  const one = localCluster({ threads: 0, works: url('./works.mjs') }, { entry, works });
  const [a, b] = await Promise.all([one, two].map((cluster) => cluster.submit(rootSums, roots).result()));
  await one.close();
  expect(b).toEqual(a);
  expect(a).toMatchObject({ shards: 9, complete: true, evaluations: 9000 });
});

test('local(): a shard that ends its thread is started three times, then named with the command that repeats it', async () => {
  const error = await wrong(two, 'exit').catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ClusterError);
  expect((error as ClusterError).shard).toBe(2);
  expect((error as ClusterError).message).toBe(
    'cluster: shard 2 (number 2 of its plan) ended 3 processes that computed it (the thread that computed it died (it ended with code 3)); expected a shard that comes to its end. Repeat it alone: ensample shard <run folder> --index 2.',
  );
  // Others go on.
  expect((await two.submit(rootSums, roots).result()).complete).toBe(true);
});

test('local(): what a shard throws ends the run at once, in its own words', async () => {
  await expect(wrong(two, 'throw')).rejects.toThrow('a shard threw TypeError: no such luck');
  await expect(wrong(here, 'model')).rejects.toThrow('asks for a model, and the plan names none');
  await expect(wrong(two, 'throw')).rejects.toBeInstanceOf(EngineError);
});

test('audit: a work that is no function of its plan is found out', async () => {
  expect((await wrong(here, 'random')).complete).toBe(true);
  await expect(wrong(here, 'random', { audit: 1 })).rejects.toThrow(NondeterminismError);
  expect((await wrong(here, 'none', { audit: 1 })).complete).toBe(true);
  await expect(wrong(here, 'none', { audit: 2 })).rejects.toThrow(OptionError);
});

test('checkpoint: finished shards are kept, damaged ones computed again, bodies above 256 kB in blobs', async () => {
  const checkpoint = join(folder, 'kept');
  const first = await wrong(here, 'none', { checkpoint, bytes: 400_000 });
  expect(first.value.y.length).toBe(200_000);
  const file = join(checkpoint, 'res', '1.ens');
  const bytes = readFileSync(file);
  expect(bytes.length).toBeLessThan(2000);
  const [blob] = JSON.parse(bytes.subarray(8, 8 + bytes.readUInt32LE(4)).toString()).blobs;
  writeFileSync(join(checkpoint, 'blobs', blob.sha256), 'damaged');
  writeFileSync(join(checkpoint, 'res', '3.ens'), bytes);
  const again = await wrong(here, 'none', { checkpoint, bytes: 400_000 });
  expect(again.value).toEqual(first.value);
  const other = makePlan({ ...sums, seed: 8 });
  const refused = (): unknown => here.submit(sumWork, other, { checkpoint });
  expect(refused).toThrow(/kept holds run [0-9a-f]{32}, and this is run/);
});

test('deadline: the answer is that of the contiguous prefix', async () => {
  const plan = makePlan({ ...sums, options: { slow: 60 } });
  const part = await here.submit(sumWork, plan, { deadline: 150 }).result();
  expect(part.complete).toBe(false);
  expect(part.shards).toBeGreaterThan(0);
  expect(part.shards).toBeLessThan(9);
  const own = makePlan({ ...sums, shards: { kind: 'range', n: part.shards * 1024, size: 1024 } });
  expect(part.value).toEqual((await here.submit(sumWork, own).result()).value);
});

test('signal: result() rejects with its reason', async () => {
  const controller = new AbortController();
  const plan = makePlan({ ...roots, options: { slow: 50 } });
  const run = two.submit(rootSums, plan, { signal: controller.signal });
  for await (const { done } of run) if (done > 1) controller.abort(new Error('enough'));
  await expect(run.result()).rejects.toThrow('enough');
});

test('run(method, { cluster }): what cannot travel is refused before any work, with what can be done', async () => {
  const inputs = { a: normal(0, 1) };
  const cluster = here;
  const of = (options: object): Promise<unknown> =>
    run(monteCarlo({ model: moduleModel(url('./models/wave.mjs')), inputs }), { cluster, ...options });
  await expect(run(monteCarlo({ model: pointwise(() => 1), inputs }), { cluster })).rejects.toThrow(
    'moduleModel(url)',
  );
  await expect(of({ budget: { steps: 3 } })).rejects.toThrow(OptionError);
  await expect(of({ from: new Uint8Array(1), seed: 1 })).rejects.toThrow(OptionError);
  await expect(of({ submit: { shard: 3 } })).rejects.toThrow('Did you mean shards?');
  await expect(
    run(
      monteCarlo({
        model: moduleModel(url('./models/wave.mjs')),
        inputs: { a: { ...normal(0, 1), name: 'mine' } },
      }),
      { cluster },
    ),
  ).rejects.toThrow('cannot be made again on another machine');
  const { shards: _, onCluster: __, ...plain } = monteCarlo({ model: pointwise(() => 1), inputs });
  await expect(run(plain, { cluster })).rejects.toThrow('monte-carlo is not cut into shards');
});
