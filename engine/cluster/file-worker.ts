import { hostname } from 'node:os';
import { EngineError, ModelError } from '../errors.ts';
import type { NondeterminismError } from './cluster-error.ts';
import { repeatShard, spanOf } from './drive.ts';
import { announceWorker, openTasks, type RunTasks, STALE, workerName } from './file-tasks.ts';
import { runFoldersIn } from './files.ts';
import { openRunFolder, type RunFolder, readPlanFile } from './folder.ts';
import { differ } from './gather.ts';
import { decodePlan, runId, shardCount } from './plan.ts';
import { readRecord } from './record.ts';
import type { WorkTable } from './registry.ts';
import { poisonShard, type ShardFailure } from './threads.ts';
import type { ModuleRef, Plan } from './types.ts';

export interface FileWorkerOptions {
  readonly directory: string;
  readonly threads: number;
  readonly works: WorkTable;
  /** Models registered on this machine. */
  readonly modules: readonly ModuleRef[];
  /** Computes a shard; blobs go to the folder and are looked for in `blobs` of `directory` too. EngineErrors are final, other errors worth another start. */
  run(plan: Uint8Array, index: number, signal: AbortSignal, blobs: string): Promise<Uint8Array>;
  /** What happened to a shard. */
  readonly say?: (event: FileEvent) => void;
  /** Milliseconds between looks for work. Default 200. */
  readonly poll?: number;
  /** Seconds of silence after which another worker takes a shard over. Default 15. */
  readonly stale?: number;
}

export interface FileEvent {
  readonly kind: 'done' | 'duplicate' | 'conflict' | 'failed' | 'retry';
  readonly run: string;
  readonly index: number;
  readonly milliseconds?: number;
  readonly message?: string;
}

export interface FileWorker {
  readonly id: string;
  /** Begins no more shards and waits `grace` milliseconds for those under way; then others take them over. */
  stop(grace?: number): Promise<void>;
}

/** Signs of life until a silent worker counts as dead. */
const BEATS = 5;

/** Starts computing shards of the runs in a folder, until it is stopped. */
export function startFileWorker(options: FileWorkerOptions): FileWorker {
  const { directory, threads, poll = 200, stale = STALE } = options;
  const id = workerName();
  const presence = announceWorker(directory, {
    id,
    host: hostname(),
    pid: process.pid,
    threads,
    classes: [],
  });
  let now = presence.beat();
  const runs = new Map<string, Served | undefined>();
  const busy = new Map<string, { readonly tasks: RunTasks; readonly index: number }>();
  const timer = setInterval(
    () => {
      now = presence.beat();
      for (const { tasks, index } of busy.values()) tasks.touch(index);
    },
    (stale * 1000) / BEATS,
  );
  const handBack = new AbortController();
  let going = true;
  const lane = async (): Promise<void> => {
    while (going) {
      const next = nextShard(options, runs, now);
      if (next === undefined) {
        await new Promise((resolve) => setTimeout(resolve, poll));
        continue;
      }
      const { served, index } = next;
      const name = `${served.folder.path}/${index}`;
      busy.set(name, { tasks: served.tasks, index });
      await serve(options, served, index, next.starts, handBack.signal);
      busy.delete(name);
    }
  };
  const lanes = Promise.all(Array.from({ length: threads }, lane));
  return {
    id,
    async stop(grace = 20_000) {
      going = false;
      const timeout = setTimeout(() => handBack.abort(new Error('handed back')), grace);
      await lanes;
      clearTimeout(timeout);
      clearInterval(timer);
      presence.leave();
    },
  };
}

/** A run that this worker can compute. */
interface Served {
  readonly id: string;
  readonly folder: RunFolder;
  readonly tasks: RunTasks;
  readonly plan: Plan;
  readonly bytes: Uint8Array;
  /** Shards that may be missing, the next one last. */
  readonly open: number[];
}

function nextShard(
  options: FileWorkerOptions,
  runs: Map<string, Served | undefined>,
  now: number,
): { readonly served: Served; readonly index: number; readonly starts: number } | undefined {
  for (const path of runFoldersIn(options.directory)) {
    if (!runs.has(path)) runs.set(path, openServed(path, options));
    const served = runs.get(path);
    if (served === undefined || served.tasks.closed || served.tasks.failure() !== undefined) continue;
    const { open, folder, tasks, plan } = served;
    if (open.length === 0) open.push(...missingOf(folder, plan));
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (folder.has(index)) continue;
      const starts = tasks.claim(index, now);
      if (starts !== undefined) return { served, index, starts };
    }
  }
  return undefined;
}

/** Undefined where the work or the model is not known here: others will compute it. */
function openServed(path: string, { works, modules, stale }: FileWorkerOptions): Served | undefined {
  const bytes = readPlanFile(path);
  if (bytes === undefined) return undefined;
  try {
    const plan = decodePlan(bytes);
    works.find(plan);
    const { module } = plan;
    const known = modules.some(({ name, hash }) => name === module?.name && hash === module.hash);
    if (module !== undefined && !known) return undefined;
    return {
      id: runId(plan),
      folder: openRunFolder(path),
      tasks: openTasks(path, stale),
      plan,
      bytes,
      open: [],
    };
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** Missing shards, the first one last: a deadline keeps the shards from 0 on, so those come first. */
function missingOf(folder: RunFolder, plan: Plan): number[] {
  const there = new Set(folder.indices());
  return Array.from({ length: shardCount(plan) }, (_, index) => index)
    .filter((index) => !there.has(index))
    .reverse();
}

async function serve(
  { run, say = () => {} }: FileWorkerOptions,
  { id, folder, tasks, plan, bytes }: Served,
  index: number,
  starts: number,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now();
  const told = { run: id, index };
  if (starts > tasks.mostStarts) {
    const repeat = repeatShard(folder.path, index);
    tasks.fail(
      index,
      failureOf(poisonShard(index, spanOf(plan, index), starts - 1, 'see what its workers said', repeat)),
    );
    return;
  }
  try {
    const record = await run(bytes, index, signal, folder.blobPath);
    const twice = folder.put(index, record) === 'taken' ? folder.get(index) : undefined;
    tasks.done(index);
    const conflict = twice === undefined ? undefined : differing(index, twice, record);
    if (conflict !== undefined) tasks.fail(index, failureOf(conflict));
    const kind = conflict !== undefined ? 'conflict' : twice === undefined ? 'done' : 'duplicate';
    say({ kind, ...told, milliseconds: performance.now() - begun });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof EngineError) {
      tasks.fail(index, failureOf(error));
      say({ kind: 'failed', ...told, message });
    } else if (!signal.aborted) say({ kind: 'retry', ...told, message });
    tasks.release(index);
  }
}

function failureOf(error: EngineError): ShardFailure {
  const { name, message, code, where } = error;
  const failures = error instanceof ModelError ? error.failures.slice(0, 100) : undefined;
  return { name, message, code, where, failures };
}

function differing(index: number, one: Uint8Array, other: Uint8Array): NondeterminismError | undefined {
  const [a, b] = [readRecord(one).header, readRecord(other).header];
  return a.bodyHash === b.bodyHash ? undefined : differ(index, a, b);
}
