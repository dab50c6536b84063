import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { blobFolders } from '../../engine/cluster/folder.ts';
import type { Result } from '../../engine/index.ts';
import {
  bullmq,
  type Cluster,
  computeShard,
  decodePlan,
  files,
  fixedModules,
  forgetRun,
  type Link,
  listRuns,
  local,
  openLink,
  ownWorks,
  type QueueWorker,
  queueWorker,
  startFileWorker,
} from '../../estimators/cluster.ts';
import {
  expectations,
  islands,
  moduleModel,
  monteCarlo,
  type RunOptions,
  run,
  sobolIndices,
  uniform,
} from '../../estimators/index.ts';
// @ts-expect-error the modules that clusters import are plain JavaScript
import * as chains from '../denoising/chains.mjs';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { planned, published } from '../tree/forest-module.ts';

// Every method that a cluster can run, with workers of this process: processes that die are in chaos.slow.test.ts.
const TIMING = { lock: 5000, stall: 1000, poll: 50, nobody: 30_000 };
const wave = new URL('./models/wave.mjs', import.meta.url);
const island = new URL('../islands/island.mjs', import.meta.url);
const chain = new URL('../denoising/chains.mjs', import.meta.url);
const forest = new URL('../tree/forest-module.ts', import.meta.url);
const modules = fixedModules({
  wave: fileURLToPath(wave),
  island: fileURLToPath(island),
  'forest-module': fileURLToPath(forest),
  chains: fileURLToPath(chain),
});
const side = uniform(-Math.PI, Math.PI);
const inputs = { a: side, b: side, c: side };

type Method = Parameters<typeof run<unknown, Result>>[0];
const model = moduleModel(wave);
const METHODS: Readonly<Record<string, () => Method>> = {
  'Sobol indices': () => sobolIndices({ model, inputs, points: 256 }) as Method,
  'Monte Carlo': () => monteCarlo({ model, inputs, points: 2000, quantiles: [0.1] }) as Method,
  filters: () => islands({ method: moduleModel(island, 'filter'), islands: 5, draws: 10 }) as Method,
  'filters that exchange': () =>
    islands({
      ...{ method: moduleModel(island, 'filter'), islands: 6, draws: 12 },
      exchange: { every: 4, threshold: 0.9 },
    }) as Method,
  correctors: () => islands({ method: moduleModel(island, 'corrected'), islands: 3, draws: 6 }) as Method,
  'planned trees': () => planned() as Method,
  'published trees': () => published() as Method,
  // Batch after batch of a model.
  'importance sampling': () =>
    expectations({
      ...{ inputs, points: 2048, outputs: ['y', 'z'], model },
      expectations: { y: { of: 'y' }, large: { event: { output: 'z', above: 100 } } },
    }) as Method,
  // Rounds: warm-up, chains, denoising.
  'denoising chains': () => chains.exact() as Method,
  'chains of a noised density': () => chains.noised() as Method,
};

/** The JSON of a result, without what says where and how it was computed. */
function json({ provenance: { seed }, ...result }: Result): string {
  return JSON.stringify({ ...result, seed }, (_, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
}

/** What every method answers, by its name; on a cluster each must have been there. */
async function answers(
  cluster?: Cluster,
  names: readonly string[] = Object.keys(METHODS),
): Promise<Readonly<Record<string, string>>> {
  const told: Record<string, string> = {};
  const once = async (name: string, method: Method, options: RunOptions): Promise<void> => {
    const result = await run<unknown, Result>(method, { seed: 7, backend: jsBackend(), ...options });
    if (cluster !== undefined) expect(result.provenance.notes.join()).toContain(`cluster (${cluster.name})`);
    told[name] = json(result);
  };
  for (const name of names)
    await once(name, METHODS[name]!(), cluster === undefined ? {} : { cluster, submit: { shards: 5 } });
  return told;
}

describe.skipIf(!haveRedis())('every method on every cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ensample-bits-'));
  const blobs = join(folder, 'blobs');
  let redis: TestRedis;
  let link: Link;
  let alone: Readonly<Record<string, string>>;

  /** A shard on this thread, with blobs written to the first folder. */
  const compute = (
    plan: Uint8Array,
    index: number,
    signal: AbortSignal,
    folders: readonly string[],
  ): Promise<Uint8Array> => {
    const services = { works: ownWorks, modules, blobs: blobFolders(folders), backend: jsBackend() };
    return computeShard(decodePlan(plan), index, services, signal);
  };

  beforeAll(async () => {
    redis = await startRedis();
    link = await openLink('test', redis.url);
    alone = await answers();
  }, 300_000);
  afterAll(async () => {
    await link.close();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const threads of [1, 2]) {
    test(`local() with threads: ${threads}: the JSON of one machine`, async () => {
      // Threads import the built package, and the trees' module is none that they could.
      const built = '../../dist/estimators/cluster.js';
      const { local: threaded } = (await import(built)) as { readonly local: typeof local };
      const cluster = threaded({ threads });
      const { 'planned trees': _, 'published trees': __, ...rest } = alone;
      // What one thread is asked for are the methods with rounds; two get all.
      const names = Object.keys(rest).filter((name) => threads > 1 || /sampling|chains|exchange/.test(name));
      expect(names.length).toBeGreaterThan(3);
      const found = await answers(cluster, names);
      for (const name of names) expect(found[name]).toBe(rest[name]);
      await cluster.close();
    });
  }

  test('local(): the JSON of one machine', async () => {
    const cluster = local({ threads: 0 });
    expect(await answers(cluster)).toEqual(alone);
    await cluster.close();
  });

  for (const count of [1, 2, 4]) {
    test(`bullmq() with ${count} workers: the JSON of one machine`, async () => {
      const workers: QueueWorker[] = [];
      for (let i = 0; i < count; i++)
        workers.push(
          await queueWorker({
            ...{ link, works: ownWorks, modules: modules.refs(), threads: 1, timing: TIMING },
            run: (plan, index, signal) => compute(plan, index, signal, [blobs]),
          }),
        );
      const cluster = bullmq({ connection: redis.url, blobs, timing: TIMING });
      expect(await answers(cluster)).toEqual(alone);
      await cluster.close();
      await Promise.all(workers.map((worker) => worker.stop(0)));
      const runs = await listRuns(link);
      expect(runs.length).toBeGreaterThan(Object.keys(METHODS).length);
      // The next ones compute everything again.
      for (const { id } of runs) await forgetRun(link, id);
    });
  }

  test('files() with two workers: the JSON of one machine', async () => {
    const directory = join(folder, 'runs');
    const cluster = files(directory, { poll: 20 });
    const workers = [1, 2].map(() =>
      startFileWorker({
        ...{ directory, threads: 1, works: ownWorks, modules: modules.refs(), poll: 20 },
        run: (plan, index, signal, own) => compute(plan, index, signal, [own, join(directory, 'blobs')]),
      }),
    );
    expect(await answers(cluster)).toEqual(alone);
    await Promise.all(workers.map((worker) => worker.stop(0)));
    await cluster.close();
  });
});
