import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { openTasks } from '../../engine/cluster/file-tasks.ts';
import { blobFolders, makeRunFolder } from '../../engine/cluster/folder.ts';
import { chooseCut, type PilotHome } from '../../engine/cluster/pilot.ts';
import { makePlan, runId, shardCount } from '../../engine/cluster/plan.ts';
import { chooseShards } from '../../engine/cluster/planner.ts';
import { shardSize } from '../../engine/cluster/rows.ts';
import type { ClusterProgress, ClusterRun, CutRequest, Plan } from '../../engine/cluster/types.ts';
import {
  computeShard,
  decodePlan,
  files,
  fixedModules,
  folderStatus,
  ownWorks,
  startFileWorker,
} from '../../estimators/cluster.ts';
import { moduleModel, monteCarlo, run, uniform } from '../../estimators/index.ts';
import { sumWork } from '../support/cluster-works.ts';

const folder = mkdtempSync(join(tmpdir(), 'ensample-pilot-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Pretended {
  readonly home: PilotHome;
  /** Points of a shard and number of shards of each pilot. */
  readonly pilots: { readonly size: number; readonly count: number }[];
  readonly kept: Map<string, string>;
}

/** Machines on which a shard takes `start` milliseconds and `point` for each of its points. */
function pretend(start: number, point: number, { threads = 4, points = 1e6, bytes = 8 } = {}): Pretended {
  const pilots: { size: number; count: number }[] = [];
  const kept = new Map<string, string>();
  const submit = (_work: unknown, plan: Plan<unknown>): ClusterRun<unknown> => {
    const { size } = plan.options as { readonly size: number };
    const count = shardCount(plan);
    pilots.push({ size, count });
    const mean = start + point * Math.min(size, points);
    const told: ClusterProgress = {
      ...{ done: count, total: count, failed: 0, retried: 0, duplicates: 0, evaluations: 0 },
      ...{ bytes: bytes * size * count, workers: threads, eta: undefined },
      times: { mean, least: mean, variation: 0.1 },
    };
    return {
      id: runId(plan),
      result: async () => ({ value: undefined, shards: count, complete: true, evaluations: 0 }),
      async *[Symbol.asyncIterator]() {
        yield told;
      },
    };
  };
  const home: PilotHome = {
    submit: submit as PilotHome['submit'],
    workers: async () => [],
    threads: async () => threads,
    recall: async (name) => kept.get(name),
    async keep(name, text) {
      if (!kept.has(name)) kept.set(name, text);
      return kept.get(name)!;
    },
  };
  return { home, pilots, kept };
}

function request(points: number, submit: CutRequest['submit'] = {}): CutRequest {
  const plan = (wanted: number): Plan<unknown> => {
    const size = shardSize(points, wanted);
    const shards = { kind: 'index', count: Math.ceil(points / size) } as const;
    return makePlan({ work: sumWork.name, options: { size }, seed: 7, shards });
  };
  return { work: sumWork as CutRequest['work'], points, plan, submit };
}

test('pilot: shards grow until they say enough, and start and points are told apart', async () => {
  // 5 ms a shard and 1 ms a point: 1e6 points are 1000 s, 20 shards for each of 4 threads 12.5 s each.
  const { home, pilots } = pretend(5, 1);
  const { shards, words } = await chooseCut(home, request(1e6));
  expect(pilots).toEqual([
    { size: 1, count: 4 },
    { size: 50, count: 4 },
    { size: 273, count: 4 },
  ]);
  expect(shards).toBe(80);
  expect(words).toBe('80 shards of 12500 points (13 s each, 4 threads): 20 shards a thread');
});

test('pilot: a model of 10 s is not asked twice, and one of a microsecond computes a sixteenth of the points at most', async () => {
  const slow = pretend(0, 10_000);
  expect(await chooseCut(slow.home, request(1000))).toEqual({
    shards: 167,
    words:
      '167 shards of 6 points (60 s each, 4 threads): longer ones would lose more than 60 s with a worker',
  });
  expect(slow.pilots).toEqual([{ size: 1, count: 4 }]);
  const quick = pretend(2, 0.001);
  const { words } = await chooseCut(quick.home, request(4096));
  expect(quick.pilots.at(-1)).toEqual({ size: 64, count: 4 });
  expect(words).toContain('1 of 4 threads would do, more would wait for shards');
});

test('pilot: whoever comes first decides, and a second call asks nobody', async () => {
  const { home, pilots, kept } = pretend(5, 1);
  const first = await chooseCut(home, request(1e6));
  const asked = pilots.length;
  expect(await chooseCut(home, request(1e6))).toEqual(first);
  expect(pilots.length).toBe(asked);
  // Another one measured at the same time and kept its choice a moment before.
  const late = pretend(5, 1);
  const other = JSON.stringify({ shards: 33, words: 'as somebody else found' });
  const keep = async (name: string): Promise<string> => late.kept.set(name, other) && other;
  expect((await chooseCut({ ...late.home, keep }, request(1e6))).shards).toBe(33);
  // What is no choice is measured anew.
  for (const name of kept.keys()) kept.set(name, '{"shards":"many"}');
  expect((await chooseCut(home, request(1e6))).shards).toBe(80);
});

test('pilot: a checkpoint goes on as it was cut', async () => {
  const { home, pilots } = pretend(5, 1);
  const checkpoint = join(folder, 'kept');
  const whole = request(1e6, { checkpoint });
  makeRunFolder(checkpoint, whole.plan(50));
  expect(await chooseCut(home, whole)).toMatchObject({ shards: 50 });
  expect(pilots).toEqual([]);
});

test('chooseShards(): rows of any number, results that fit, and threads that results can feed', () => {
  const base = { workers: 2, pointTime: 1e-6, variation: 0.1, resultBytes: 1000, rows: true };
  // 1e6 points of 1 us on 2 threads: shards of 10 ms at least.
  expect(chooseShards(1e6, base)).toMatchObject({ size: 25_000, shards: 40 });
  const wide = chooseShards(1e9, { ...base, pointBytes: 80 });
  expect(wide.size * 80).toBeLessThan(256 * 1024);
  expect(wide.reason).toContain('256 kB');
  expect(chooseShards(1e9, { ...base, workers: 100, pointBytes: 80 }).workers).toBe(6);
  expect(chooseShards(3, { ...base, pointTime: 100 })).toMatchObject({ size: 1, shards: 3 });
});

test('run(method, { cluster }) without shards: measured once, told, and the same call joins the run that it began', async () => {
  const wave = new URL('./models/wave.mjs', import.meta.url);
  const side = uniform(-3, 3);
  const method = (): ReturnType<typeof monteCarlo> =>
    monteCarlo({ model: moduleModel(wave), inputs: { a: side, b: side, c: side }, points: 600 });
  const directory = join(folder, 'runs');
  const modules = fixedModules({ wave: fileURLToPath(wave) });
  const worker = startFileWorker({
    ...{ directory, threads: 1, works: ownWorks, modules: modules.refs(), poll: 5 },
    run: (plan, index, signal, own) =>
      computeShard(
        decodePlan(plan),
        index,
        {
          works: ownWorks,
          modules,
          blobs: blobFolders([own, join(directory, 'blobs')]),
          backend: jsBackend(),
        },
        signal,
      ),
  });
  const once = async (): Promise<readonly [string, readonly number[], number]> => {
    const chosen: number[] = [];
    let pilots = 0;
    const submit = {
      notice: ({ shards }: { readonly shards?: number }) => chosen.push(shards!),
      progress: ({ pilot }: ClusterProgress) => {
        if (pilot === true) pilots++;
      },
    };
    const cluster = files(directory, { poll: 5 });
    const { mean, provenance } = await run(method(), { seed: 7, backend: jsBackend(), cluster, submit });
    expect(provenance.notes.join()).toContain(`Cut into ${chosen[0]} shard`);
    return [JSON.stringify(Array.from(mean.value)), chosen, pilots];
  };
  const [a, first, measured] = await once();
  const [b, second, again] = await once();
  await worker.stop(0);
  const alone = await run(method(), { seed: 7, backend: jsBackend() });
  expect([a, b]).toEqual(Array(2).fill(JSON.stringify(Array.from(alone.mean.value))));
  expect(second).toEqual(first);
  expect(measured).toBeGreaterThan(0);
  expect(again).toBe(0);
  const { workers, runs } = folderStatus(directory);
  expect(workers).toEqual([]);
  expect(runs.filter(({ pilot }) => !pilot)).toMatchObject([
    { work: 'point-rows', module: 'wave', seed: 7, done: first[0], total: first[0], failed: 0, retried: 0 },
  ]);
  expect(runs.length).toBeGreaterThan(1);
});

test('folderStatus(): how far a run is, what was begun again, and no time where nobody works', () => {
  const directory = join(folder, 'status');
  const plan = request(1000).plan(10);
  const path = join(directory, runId(plan));
  makeRunFolder(path, plan);
  const tasks = openTasks(path, 15, () => 0);
  expect([tasks.claim(3, 0), tasks.claim(3, 0)]).toEqual([1, undefined]);
  tasks.release(3);
  expect(tasks.claim(3, 60)).toBe(2);
  expect(folderStatus(directory).runs).toMatchObject([
    { id: runId(plan), done: 0, total: 10, retried: 1, pilot: false, rate: undefined, left: undefined },
  ]);
});
