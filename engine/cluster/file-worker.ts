import { hostname } from 'node:os';
import { EngineError, ModelError } from '../errors.ts';
import { announcementOf, servedClasses } from './announcement.ts';
import { NondeterminismError } from './cluster-error.ts';
import { compareRecords } from './conflict.ts';
import { repeatShard, spanOf } from './drive.ts';
import { aliveWorkers, announceWorker, openTasks, type RunTasks, STALE, workerName } from './file-tasks.ts';
import { runFoldersIn } from './files.ts';
import { isFull, isUnwritable, openRunFolder, type RunFolder, readPlanFile } from './folder.ts';
import { classKey, decodePlan, runId, shardCount } from './plan.ts';
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
  /** 'full': a folder cannot be written at the moment, see `message`. */
  readonly kind: 'done' | 'duplicate' | 'conflict' | 'failed' | 'retry' | 'full';
  readonly run?: string;
  readonly index?: number;
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
/** Looks for work until it is tried again to write where that did not work. */
const LONGER = 5;
/** Milliseconds between two words about that. */
const REPEAT = 60_000;

/** Starts computing shards of the runs in a folder, until it is stopped. */
export function startFileWorker(options: FileWorkerOptions): FileWorker {
  const { directory, threads, poll = 200, stale = STALE, say = () => {} } = options;
  const id = workerName();
  const classes = servedClasses(options.works, options.modules, ['A', 'B']);
  const presence = announceWorker(directory, announcementOf(id, options, classes, 0));
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
  const work: Working = {
    ...{ options, runs, signal: handBack.signal, now: () => now },
    unwritable: unwritableTo(say),
  };
  const lane = async (): Promise<void> => {
    while (going) {
      const next = nextShard(work);
      if (next === undefined) {
        await pause(poll);
        continue;
      }
      const { served, index } = next;
      const name = `${served.folder.path}/${index}`;
      busy.set(name, { tasks: served.tasks, index });
      try {
        await serve(work, next);
      } catch (error) {
        work.unwritable(error);
        await pause(LONGER * poll);
      } finally {
        busy.delete(name);
      }
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

/** Tells of a folder that cannot be written, once a minute. */
function unwritableTo(say: NonNullable<FileWorkerOptions['say']>): Working['unwritable'] {
  let told = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!isUnwritable(error)) throw error;
    if (performance.now() - told < REPEAT) return;
    told = performance.now();
    say({ kind: 'full', message: `${error.message} This worker tries again by itself.` });
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What a worker is at. */
interface Working {
  readonly options: FileWorkerOptions;
  readonly runs: Map<string, Served | undefined>;
  /** Aborted when shards are to be handed back. */
  readonly signal: AbortSignal;
  /** The time of the file system, in seconds. */
  now(): number;
  /** Tells of a folder that cannot be written, now and then. @throws any other error. */
  unwritable(error: unknown): void;
}

/** A shard to be computed. */
interface Next {
  readonly served: Served;
  readonly index: number;
  readonly starts: number;
  /** Its result is there, and is to be compared with another one. */
  readonly audit: boolean;
}

/** A run that this worker can compute. */
interface Served {
  readonly id: string;
  readonly folder: RunFolder;
  readonly tasks: RunTasks;
  /** Class of what is computed here. */
  readonly key: string;
  readonly plan: Plan;
  readonly bytes: Uint8Array;
  /** Shards that may be missing, the next one last. */
  readonly open: number[];
}

function nextShard({ options, runs, now, unwritable }: Working): Next | undefined {
  for (const path of runFoldersIn(options.directory)) {
    try {
      if (!runs.has(path)) runs.set(path, openServed(path, options));
      const served = runs.get(path);
      if (served === undefined || !isOpen(served)) continue;
      const next = missingShard(served, now()) ?? askedShard(served, options, now());
      if (next !== undefined) return next;
    } catch (error) {
      unwritable(error);
    }
  }
  return undefined;
}

function isOpen({ tasks, key }: Served): boolean {
  return !tasks.closed && tasks.failure() === undefined && (tasks.class ?? key) === key;
}

function missingShard(served: Served, now: number): Next | undefined {
  const { open, folder, tasks, plan } = served;
  if (open.length === 0) open.push(...missingOf(folder, plan));
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (folder.has(index)) continue;
    const starts = tasks.claim(index, now);
    if (starts !== undefined) return { served, index, starts, audit: false };
  }
  return undefined;
}

/** A shard to be computed a second time; its first worker leaves it to others for a while, if there are any. */
function askedShard(
  served: Served,
  { directory, stale = STALE }: FileWorkerOptions,
  now: number,
): Next | undefined {
  const { folder, tasks } = served;
  const asked = tasks.asked(now);
  const alone = asked.length > 0 && aliveWorkers(directory, now).length < 2;
  for (const { index, age } of asked) {
    const record = kept(folder, index);
    if (record === undefined || (!alone && age < stale && isOwn(record))) continue;
    const starts = tasks.claim(index, now);
    if (starts !== undefined) return { served, index, starts, audit: true };
  }
  return undefined;
}

function isOwn(record: Uint8Array): boolean {
  const { host, pid } = readRecord(record).header;
  return host === hostname() && pid === process.pid;
}

/** Undefined where the work or the model is not known here: others will compute it. */
function openServed(path: string, { works, modules, stale }: FileWorkerOptions): Served | undefined {
  const bytes = readPlanFile(path);
  if (bytes === undefined) return undefined;
  try {
    const plan = decodePlan(bytes);
    const key = classKey(works.find(plan), plan);
    const { module } = plan;
    const known = modules.some(({ name, hash }) => name === module?.name && hash === module.hash);
    if (module !== undefined && !known) return undefined;
    return {
      id: runId(plan),
      folder: openRunFolder(path),
      tasks: openTasks(path, stale),
      key,
      plan,
      bytes,
      open: [],
    };
  } catch (error) {
    if (error instanceof EngineError && !isUnwritable(error)) return undefined;
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

async function serve(work: Working, next: Next): Promise<void> {
  const { run, say = () => {} } = work.options;
  const { served, index, starts, audit } = next;
  const { folder, tasks, plan, bytes } = served;
  const begun = performance.now();
  const told = { run: folder.path, index };
  try {
    if (starts > tasks.mostStarts) throw tooOften(next, work.options.works);
    const record = await run(bytes, index, work.signal, folder.blobPath);
    const first = (await put(work, served, index, record)) === 'first';
    const twice = first ? undefined : kept(folder, index);
    if (!first && twice === undefined) await put(work, served, index, record);
    const found = twice === undefined ? undefined : await compareRecords(plan, twice, record, folder.blobs);
    if (found !== undefined) tasks.differ(found);
    if (audit && twice !== undefined) tasks.audited(index);
    tasks.done(index);
    const kind = found !== undefined ? 'conflict' : twice === undefined ? 'done' : 'duplicate';
    say({ kind, ...told, milliseconds: performance.now() - begun });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (isUnwritable(error)) {
      // It says nothing against the shard: the start does not count.
      if (isFull(error)) tasks.wait();
      tasks.done(index);
      throw error;
    }
    if (error instanceof EngineError) {
      tasks.fail(index, failureOf(error));
      say({ kind: error instanceof NondeterminismError ? 'conflict' : 'failed', ...told, message });
    } else if (!work.signal.aborted) say({ kind: 'retry', ...told, message });
    tasks.release(index);
  }
}

/** The result that is there; one that cannot be read is dropped. */
function kept(folder: RunFolder, index: number): Uint8Array | undefined {
  const record = folder.get(index);
  try {
    if (record !== undefined) readRecord(record);
    return record;
  } catch {
    folder.drop(index);
    return undefined;
  }
}

/** Writes a result; where there is no room it is kept here until there is. */
async function put(
  { options: { poll = 200 }, signal, unwritable }: Working,
  { folder, tasks }: Served,
  index: number,
  record: Uint8Array,
): Promise<'first' | 'taken'> {
  for (let waited = false; ; waited = true) {
    try {
      const done = folder.put(index, record);
      if (waited) tasks.go();
      return done;
    } catch (error) {
      if (!isFull(error) || signal.aborted) throw error;
      unwritable(error);
      tasks.wait();
      await pause(LONGER * poll);
    }
  }
}

function tooOften({ served, index, starts }: Next, works: WorkTable): EngineError {
  const { folder, plan } = served;
  const repeat = repeatShard(folder.path, index, plan);
  return poisonShard(
    index,
    spanOf(works.find(plan), plan, index),
    starts - 1,
    'see what its workers said',
    repeat,
  );
}

function failureOf(error: EngineError): ShardFailure {
  const { name, message, code, where } = error;
  const failures = error instanceof ModelError ? error.failures.slice(0, 100) : undefined;
  return { name, message, code, where, failures };
}
