import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ClusterError } from '../../engine/cluster/cluster-error.ts';
import { type FileWorker, startFileWorker } from '../../engine/cluster/file-worker.ts';
import { files, MissingShards } from '../../engine/cluster/files.ts';
import { blobFolder, makeRunFolder, writeOnce } from '../../engine/cluster/folder.ts';
import { openModules } from '../../engine/cluster/modules.ts';
import { decodePlan, makePlan, runId } from '../../engine/cluster/plan.ts';
import type { WorkTable } from '../../engine/cluster/registry.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import type { Plan, SubmitOptions } from '../../engine/cluster/types.ts';
import { type Backend, hostBackend, ModelError, OptionError } from '../../engine/index.ts';
import { ownWorks } from '../../estimators/cluster.ts';
import { moduleModel, monteCarlo, normal, run } from '../../estimators/index.ts';
import { sumWork, works, wrongWork } from '../support/cluster-works.ts';

const folders: string[] = [];
const workers: FileWorker[] = [];
let backend: Backend;
beforeAll(async () => {
  backend = await hostBackend({ threads: 1 });
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop(0)));
  await backend.dispose();
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'ensample-files-')));
  return folders.at(-1)!;
}

const models = new URL('./models', import.meta.url).pathname;

/** A worker on this thread. */
function worker(directory: string, table: WorkTable = works): FileWorker {
  const modules = openModules(models);
  const own = startFileWorker({
    ...{ directory, threads: 1, works: table, modules: modules.refs(), poll: 5 },
    run: (plan, index, signal, blobs) =>
      computeShard(
        decodePlan(plan),
        index,
        { works: table, modules, blobs: blobFolder(blobs), backend },
        signal,
      ),
  });
  workers.push(own);
  return own;
}

function wrong(directory: string, way: string, options: SubmitOptions = {}): Promise<unknown> {
  const plan = makePlan({
    work: 'test-wrong',
    options: { way, at: 2 },
    seed: 1,
    shards: { kind: 'index', count: 4 },
  });
  return files(directory, { poll: 5, patience: 300 }).submit(wrongWork, plan, options).result();
}

const sums: Plan<{ slow?: number }> = makePlan({
  work: 'test-sums',
  options: {},
  seed: 7,
  shards: { kind: 'range', n: 9000, size: 1024 },
});

test('files(): two workers of one folder give the bits of one machine, to two coordinators at once', async () => {
  const directory = folder();
  const model = moduleModel(new URL('./models/wave.mjs', import.meta.url));
  const inputs = { a: normal(0, 1), b: normal(0, 1), c: normal(0, 1) };
  const method = (): ReturnType<typeof monteCarlo> => monteCarlo({ model, inputs, points: 600 });
  const [one, two] = [worker(directory, ownWorks), worker(directory, ownWorks)];
  const cluster = files(directory, { poll: 5 });
  const both = await Promise.all(
    [0, 1].map(() => run(method(), { seed: 5, backend, cluster, submit: { shards: 9 } })),
  );
  const alone = await run(method(), { seed: 5, backend });
  for (const { estimate, outputs } of both) {
    expect(estimate).toEqual(alone.estimate);
    expect(outputs).toEqual(alone.outputs);
  }
  expect(await cluster.workers()).toHaveLength(2);
  await Promise.all([one.stop(), two.stop()]);
  expect(await cluster.workers()).toHaveLength(0);
});

test('files(): nobody there, and a shard that fails again and again, are told with what to do', async () => {
  const directory = folder();
  await expect(wrong(directory, 'none')).rejects.toThrow(
    /nobody computes shards in .* \(0 of 4 are there\).*ensample worker --files/,
  );
  expect(() => wrong(directory, 'none', { audit: 0.5 })).toThrow(OptionError);
  worker(directory);
  await expect(wrong(directory, 'throw')).rejects.toThrow(
    /shard 2 .* ended 6 processes.*Repeat it alone: ensample shard .* --index 2\./,
  );
}, 20_000);

test('files(): a model error ends the run; the same call tries again', async () => {
  const directory = folder();
  worker(directory);
  await expect(wrong(directory, 'model')).rejects.toThrow(ModelError);
  await expect(wrong(directory, 'model')).rejects.toThrow('the plan names none');
});

test('files(): gathering alone names what is missing; a deadline gives the prefix', async () => {
  const directory = folder();
  const only = files(directory, { gather: true });
  await expect(only.submit(sumWork, sums).result()).rejects.toThrow(MissingShards);
  worker(directory);
  const slow = makePlan({ ...sums, options: { slow: 40 } });
  const part = await files(directory, { poll: 5 }).submit(sumWork, slow, { deadline: 150 }).result();
  expect(part.complete).toBe(false);
  expect(part.shards).toBeLessThan(9);
});

test('files(): a second result with other bytes is found out', async () => {
  const directory = folder();
  const path = join(directory, runId(sums));
  const services = { works, modules: openModules(models), blobs: blobFolder(directory), backend };
  const { signal } = new AbortController();
  const other = makePlan({ ...sums, seed: 8 });
  const run = makeRunFolder(path, sums);
  // What a patched worker would write: the body of another seed under the name of this run.
  const forged = Buffer.from(await computeShard(other, 3, services, signal));
  const text = forged.toString('latin1').replace(runId(other), runId(sums));
  let raced = false;
  const table: WorkTable = {
    ...works,
    find: (plan) => ({
      ...works.find(plan),
      async compute(shard, options, context) {
        if (shard.index === 3 && !raced) {
          raced = true;
          run.put(3, Buffer.from(text, 'latin1'));
        }
        return works.find(plan).compute(shard, options, context);
      },
    }),
  };
  worker(directory, table);
  const result = files(directory, { poll: 100 }).submit(sumWork, sums).result();
  await expect(result).rejects.toThrow(/shard 3 has body/);
}, 20_000);

test('writeOnce(): the first stays, nothing else is left, and a full disk says so', () => {
  const path = folder();
  expect(writeOnce(path, 'a', Uint8Array.of(1))).toBe('first');
  expect(writeOnce(path, 'a', Uint8Array.of(2))).toBe('taken');
  expect([...readFileSync(join(path, 'a'))]).toEqual([1]);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const spy = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
    throw full;
  });
  syncBuiltinESMExports();
  try {
    expect(() => writeOnce(path, 'b', Uint8Array.of(1))).toThrow(
      'cluster: b cannot be written because the disk is full; expected a folder with room for results. Make room and start again: finished shards are kept.',
    );
  } finally {
    spy.mockRestore();
    syncBuiltinESMExports();
  }
  expect(readdirSync(path)).toEqual(['a']);
  writeFileSync(join(path, 'c'), '');
  expect(() => makeRunFolder(join(path, 'c'), sums)).toThrow(ClusterError);
});
