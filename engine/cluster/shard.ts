import { hostname } from 'node:os';
import type { Backend } from '../backend/backend.ts';
import { ModelError } from '../errors.ts';
import { type ModuleModel, moduleModel } from '../model/model.ts';
import { loadModule } from '../pool/module.ts';
import { rngFromSeed } from '../random/rng.ts';
import type { ModuleRegistry } from './modules.ts';
import { classKey, runId, shardAt } from './plan.ts';
import { writeRecord } from './record.ts';
import type { WorkTable } from './registry.ts';
import type { BlobRef, BlobStore, Plan, ShardContext } from './types.ts';

/** What a worker brings along. */
export interface ShardServices {
  readonly works: WorkTable;
  readonly modules: ModuleRegistry;
  readonly blobs: BlobStore;
  readonly backend: Backend;
}

/**
 * Compute one shard of a plan on this thread: its record.
 * @throws InputError for an unknown work; OptionError for a model that is not registered or differs; what the shard
 * throws.
 */
export async function computeShard(
  plan: Plan,
  index: number,
  services: ShardServices,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { works, modules, blobs, backend } = services;
  const work = works.find(plan);
  const shard = shardAt(plan, index);
  const model =
    plan.module === undefined ? undefined : moduleOf(modules.url(plan.module), plan.module.exportName);
  let evaluations = 0;
  const kept: BlobRef[] = [];
  const context: ShardContext = {
    plan,
    rng: rngFromSeed(plan.seed),
    backend,
    signal,
    model: () => model ?? noModel(plan.work),
    blob: (ref) => blobs.get(ref),
    async keep(bytes) {
      const ref = await blobs.put(bytes);
      kept.push(ref);
      return ref;
    },
    count(n) {
      evaluations += n;
    },
  };
  // Loaded before the clock starts: the time of a shard is that of its points. What cannot be loaded is told by the shard.
  if (model !== undefined) await loadModule(model.url).catch(() => {});
  const start = performance.now();
  const value = await work.compute(shard, plan.options, context);
  const origin = {
    runId: runId(plan),
    index,
    class: classKey(work, plan),
    evaluations,
    wallMs: performance.now() - start,
    host: hostname(),
    pid: process.pid,
  };
  return writeRecord(origin, work.codec.encode(value), blobs, kept);
}

function moduleOf(url: string, exportName = 'default'): ModuleModel {
  return moduleModel(url, exportName);
}

function noModel(work: string): never {
  const found = `work ${work} asks for a model, and the plan names none`;
  throw new ModelError({ where: 'cluster', found, expected: 'a plan with a module' });
}
