import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ClusterError } from '../../engine/cluster/cluster-error.ts';
import { spanOf } from '../../engine/cluster/drive.ts';
import { aliveWorkers, announceWorker, clockOf, openTasks } from '../../engine/cluster/file-tasks.ts';
import { type FileEvent, type FileWorker, startFileWorker } from '../../engine/cluster/file-worker.ts';
import { files, MissingShards } from '../../engine/cluster/files.ts';
import { blobFolder, makeRunFolder, writeOnce } from '../../engine/cluster/folder.ts';
import { localCluster } from '../../engine/cluster/local.ts';
import { openModules } from '../../engine/cluster/modules.ts';
import { decodePlan, makePlan, runId } from '../../engine/cluster/plan.ts';
import { type WorkTable, workTable } from '../../engine/cluster/registry.ts';
import { rowCodec } from '../../engine/cluster/rows.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import type { ClusterResult, Plan, SubmitOptions } from '../../engine/cluster/types.ts';
import { type Backend, hostBackend, ModelError, OptionError } from '../../engine/index.ts';
import { planSharded } from '../../engine/sharded.ts';
import { local, ownWorks } from '../../estimators/cluster.ts';
import { moduleModel, monteCarlo, normal, run, sobolIndices } from '../../estimators/index.ts';
import { sumWork, type Wrong, type WrongOptions, works, wrongWork } from '../support/cluster-works.ts';

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
function worker(
  directory: string,
  table: WorkTable = works,
  say: (event: FileEvent) => void = () => {},
): FileWorker {
  const modules = openModules(models);
  const own = startFileWorker({
    ...{ directory, threads: 1, works: table, modules: modules.refs(), poll: 5, say },
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
  const gathered = files(directory, { gather: true });
  expect(() => gathered.submit(sumWork, sums, { audit: 0.5 })).toThrow(OptionError);
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
  // A result that cannot be used is told of once: it is gone then.
  const file = join(directory, runId(sums), 'res', '3.ens');
  writeFileSync(file, 'ENS1');
  for (const damaged of [[file], []])
    await expect(only.submit(sumWork, sums).result()).rejects.toMatchObject({
      damaged,
      message: `cluster: 9 shards have no result: 0-8${damaged.map((path) => ` (damaged, and deleted: ${path})`).join('')}; expected a result of each. Compute what is missing, and merge again.`,
    });
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

test('files(): another version computes nothing, and nothing of it is merged or deleted; both sides are named', async () => {
  const directory = folder();
  let computed = 0;
  const newer = {
    ...sumWork,
    version: 2,
    compute: (...shard: Parameters<typeof sumWork.compute>) => {
      computed++;
      return sumWork.compute(...shard);
    },
  };
  worker(directory, workTable([newer]));
  const cluster = files(directory, { poll: 5, patience: 300 });
  const run = cluster.submit(sumWork, sums);
  await expect(run.result()).rejects.toThrow(
    /nobody computes shards in .* \(0 of 9 are there; .*: work test-sums of version 2, here 1\); expected a worker that can serve this run/,
  );
  expect(computed).toBe(0);
  // A coordinator of that version takes the run over, which the other one is told of.
  const old = files(directory, { poll: 5 }).submit(sumWork, sums).result();
  const [, taken] = await Promise.allSettled([cluster.submit(newer, sums).result(), old]);
  expect(String((taken as PromiseRejectedResult).reason)).toContain('has taken over the run');
  expect(computed).toBe(9);
  const merged = files(join(directory, runId(sums)), { gather: true })
    .submit(sumWork, sums)
    .result();
  await expect(merged).rejects.toThrow(
    /the result of shard \d is from .* of ensample .* Merge where the shards/,
  );
  expect(readdirSync(join(directory, runId(sums), 'res'))).toHaveLength(9);
});

test('run(monteCarlo, { cluster }): the ranges of one scramble have no standard error; of eight scrambles they have that of one machine', async () => {
  const model = moduleModel(new URL('./models/wave.mjs', import.meta.url));
  const inputs = { a: normal(0, 1), b: normal(0, 1), c: normal(0, 1) };
  const cluster = local({ threads: 0 });
  try {
    const errors = async (replicates: number, submit: object): Promise<readonly number[]> => {
      const method = monteCarlo({ model, inputs, points: 512, replicates });
      const { mean, variance } = await run(method, { seed: 5, backend, ...submit });
      return [...mean.standardError, ...variance.standardError];
    };
    for (const error of await errors(1, { cluster, submit: { shards: 16 } })) expect(error).toBeNaN();
    const eight = await errors(8, { cluster, submit: { shards: 16 } });
    expect(eight).toEqual(await errors(8, {}));
    for (const error of eight) expect(error).toBeGreaterThan(0);
  } finally {
    await cluster.close();
  }
  // What travels are rows: there is no place for an error of a range.
  const summary = { rows: 1, k: 1, y: Float64Array.of(1), failed: [] };
  expect(Object.keys(rowCodec.encode(summary))).toEqual(['y', 'failed', 'reasons']);
});

/** A file's bytes with one of them changed. */
function damage(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  writeFileSync(path, bytes);
}

test('files(): a damaged record is computed again, a damaged plan is told of', async () => {
  const directory = folder();
  const cluster = files(directory, { poll: 5 });
  worker(directory);
  const first = await cluster.submit(sumWork, sums).result();
  const path = join(directory, runId(sums));
  damage(join(path, 'res', '3.ens'), -3);
  damage(join(path, 'res', '5.ens'), 20);
  writeFileSync(join(path, 'res', '8.ens'), '');
  expect(await cluster.submit(sumWork, sums).result()).toEqual(first);
  damage(join(path, 'plan.bin'), 10);
  expect(() => cluster.submit(sumWork, sums)).toThrow(
    /cluster: plan\.bin of [0-9a-f]{32} has \d+ bytes that are no plan; .* Delete that folder\./,
  );
});

test('files(): an audit is of another process where there is one, and tells the shard that differs', async () => {
  const directory = folder();
  const path = join(directory, runId(sums));
  const services = { works, modules: openModules(models), blobs: blobFolder(directory), backend };
  const run = makeRunFolder(path, sums);
  // Of nine shards the even ones have another process behind them.
  const pid = String(process.pid);
  const other = pid.replace(/^./, (digit) => (digit === '9' ? '8' : '9'));
  for (let index = 0; index < 9; index++) {
    const record = Buffer.from(await computeShard(sums, index, services, new AbortController().signal));
    const text = record.toString('latin1').replace(`"pid":${pid}`, `"pid":${other}`);
    run.put(index, index % 2 === 0 ? Buffer.from(text, 'latin1') : record);
  }
  const [one] = [worker(directory), worker(directory)];
  const tasks = openTasks(path);
  tasks.ask([1, 3, 5, 7]);
  // Asked for in the future: nobody has waited long for another process.
  for (const index of [1, 3, 5, 7]) utimesSync(join(path, 'audit', String(index)), 1e10, 1e10);
  const cluster = files(directory, { poll: 5 });
  const audited = cluster.submit(sumWork, sums, { audit: 1 });
  const open = (): number[] =>
    tasks
      .asked(0)
      .map(({ index }) => index)
      .sort();
  for await (const { duplicates } of audited) {
    if (duplicates < 5) continue;
    expect(open()).toEqual([1, 3, 5, 7]);
    await one.stop();
    break;
  }
  const result = await audited.result();
  expect(open()).toEqual([]);
  expect(result).toEqual(await cluster.submit(sumWork, sums).result());
  await expect(wrong(directory, 'random', { audit: 1 })).rejects.toThrow(/shard \d has body/);
});

test('tier B: two results may differ in their last bits; how far is told, and the first one counts', async () => {
  const directory = folder();
  worker(directory);
  const here = localCluster({ threads: 0 }, { entry: '', works });
  const plan = (way: string, tier: 'A' | 'B'): Parameters<typeof here.submit<WrongOptions, Wrong>>[1] =>
    makePlan({
      ...{ work: 'test-wrong', options: { way, at: 2 }, seed: 1, tier },
      shards: { kind: 'index', count: 4 },
    });
  try {
    for (const cluster of [files(directory, { poll: 5 }), here]) {
      const submit = (way: string, tier: 'A' | 'B' = 'B'): Promise<ClusterResult<Wrong>> =>
        cluster.submit(wrongWork, plan(way, tier), { audit: 1 }).result();
      const { differences = [], value } = await submit('last bit');
      expect(differences).toMatchObject([{ shard: 2, agrees: true }]);
      expect(differences[0]!.largest).toBeGreaterThan(0);
      expect(differences[0]!.largest).toBeLessThan(1e-11);
      expect(value.y[2]).toBeLessThan(1 + 1e-11);
      expect((await submit('apart')).differences).toMatchObject([{ shard: 2, agrees: false }]);
      await expect(submit('last bit', 'A')).rejects.toThrow(/shard 2 has body/);
    }
  } finally {
    await here.close();
  }
});

/** Calls of one function of the file system fail while `when` says so. */
function failing<K extends 'writeSync' | 'mkdirSync'>(
  name: K,
  code: string,
  when: (...parameters: Parameters<(typeof fs)[K]>) => boolean,
): () => void {
  const own = fs[name] as (...parameters: unknown[]) => unknown;
  const failed = Object.assign(new Error(code), { code });
  const spy = vi.spyOn(fs, name as 'mkdirSync').mockImplementation(((...parameters: unknown[]): unknown => {
    if (when(...(parameters as Parameters<(typeof fs)[K]>))) throw failed;
    return own(...parameters);
  }) as typeof fs.mkdirSync);
  syncBuiltinESMExports();
  return () => {
    spy.mockRestore();
    syncBuiltinESMExports();
  };
}

test('files(): on a disk that is full in mid-run nothing half-written is left, and the run goes on when there is room', async () => {
  const directory = folder();
  const path = join(directory, runId(sums), 'res');
  const cluster = files(directory, { poll: 5, patience: 200 });
  const isRecord = (bytes: unknown): boolean =>
    Buffer.from(bytes as Uint8Array)
      .subarray(0, 4)
      .equals(Buffer.from('ENS1'));
  const mend = failing(
    'writeSync',
    'ENOSPC',
    (_file, bytes) => isRecord(bytes) && readdirSync(path).length > 3,
  );
  const told: string[] = [];
  worker(directory, works, ({ kind, message }) => {
    if (kind === 'full') told.push(message!);
  });
  try {
    const run = cluster.submit(sumWork, sums);
    const waiting = new Set<string | undefined>();
    for await (const progress of run) waiting.add(progress.waiting);
    expect(waiting).toContain(`the disk of ${directory} is full`);
    await expect(run.result()).rejects.toThrow(
      /the disk of .* is full \([34] of 9 shards are there\); expected room for results\. Make room\./,
    );
    expect(told).toEqual([
      expect.stringMatching(
        new RegExp(
          `^cluster: ${path}/\\d\\.ens cannot be written because the disk is full; expected room for results there\\. Make room: finished shards are kept\\. This worker tries again by itself\\.$`,
        ),
      ),
    ]);
    expect(readdirSync(path).filter((name) => !/^\d\.ens$/.test(name))).toEqual([]);
  } finally {
    mend();
  }
  const result = await files(directory, { poll: 5 }).submit(sumWork, sums).result();
  const elsewhere = folder();
  worker(elsewhere);
  expect(result).toEqual(await files(elsewhere, { poll: 5 }).submit(sumWork, sums).result());
});

test('files(): a folder on which nobody may write is told of, to coordinator and worker', () => {
  const directory = join(folder(), 'shared');
  const mend = failing('mkdirSync', 'EACCES', () => true);
  try {
    for (const begin of [() => files(directory), () => worker(directory)])
      expect(begin).toThrow(
        `cluster: ${directory} cannot be written because permission is denied; expected a folder that this user may write. Allow this user to write there, or name another folder.`,
      );
  } finally {
    mend();
  }
});

test('files(): a worker whose clock is wrong keeps its shards and is seen: times are those of the file system', () => {
  const directory = folder();
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: now - 3_600_000 });
  try {
    const there = openTasks(directory, 60);
    expect(there.claim(1, now / 1000)).toBe(1);
    there.touch(1);
    expect(there.active()).toEqual([1]);
    const { id, host } = { id: 'a', host: 'node7' };
    const announced = {
      id,
      host,
      pid: 1,
      threads: 2,
      protocol: 1,
      engine: '',
      v8: '',
      works: [],
      modules: [],
    };
    announceWorker(directory, { ...announced, classes: [], done: 0 }).beat();
    expect(aliveWorkers(directory, clockOf(directory)())).toMatchObject([announced]);
  } finally {
    vi.useRealTimers();
  }
  // Another machine, with the right time.
  expect(openTasks(directory, 60).claim(1, Date.now() / 1000)).toBeUndefined();
  expect(readdirSync(directory).sort()).toEqual(['claim', 'differ', 'fail', 'retry', 'workers']);
});

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
      `cluster: ${join(path, 'b')} cannot be written because the disk is full; expected room for results there. Make room: finished shards are kept.`,
    );
  } finally {
    spy.mockRestore();
    syncBuiltinESMExports();
  }
  expect(readdirSync(path)).toEqual(['a']);
  writeFileSync(join(path, 'c'), '');
  expect(() => makeRunFolder(join(path, 'c'), sums)).toThrow(ClusterError);
});

test('spanOf(): which points a shard has, of an index too, the last one fewer', async () => {
  const options = { model: moduleModel('file:///wave.mjs'), inputs: { a: normal(0, 1), b: normal(0, 1) } };
  const home = { moduleOf: async () => ({ name: 'wave', hash: '0'.repeat(64) }) };
  const span = async (method: Parameters<typeof planSharded>[0], index: number): Promise<string> => {
    const plan = await planSharded(method, home, 1, 3);
    return spanOf(ownWorks.find(plan), plan, index);
  };
  expect(await span(monteCarlo({ ...options, points: 400, replicates: 1 }), 1)).toBe(
    'points 134 .. 267 of 400',
  );
  expect(await span(monteCarlo({ ...options, points: 400, replicates: 1 }), 2)).toBe(
    'points 268 .. 399 of 400',
  );
  const sobol = sobolIndices({ ...options, points: 64, replicates: 2 });
  expect(await span(sobol, 2)).toBe('base points 44 .. 63 of 64, 4 runs each');
  const range = makePlan({
    work: 'test-sums',
    options: {},
    seed: 1,
    shards: { kind: 'range', n: 1500, size: 1024 },
  });
  expect(spanOf(sumWork, range, 1)).toBe('points 1024 .. 1499 of 1500');
});
