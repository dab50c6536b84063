import { Worker } from 'node:worker_threads';
import { bestHost } from '../backend/host.ts';
import { EngineError, ModelError, OptionError, type PointFailure } from '../errors.ts';
import { openPlaces } from './blobs.ts';
import { ClusterError } from './cluster-error.ts';
import { fixedModules, type ModuleRegistry } from './modules.ts';
import { decodePlan } from './plan.ts';
import type { WorkTable } from './registry.ts';
import { computeShard } from './shard.ts';

/** What threads are made of. */
export interface ShardThreadOptions {
  readonly threads: number;
  /** URL of a module that exports `openShardService`: `ensample/cluster`. */
  readonly entry: string;
  /** URL of a module that exports `works: WorkTable`, in the place of the package's own. */
  readonly works?: string;
  /** Models by name at absolute paths. */
  readonly files: Readonly<Record<string, string>>;
  /** Place of the blob store: a folder, or 's3://bucket/prefix'. */
  readonly blobs: string;
  /** Milliseconds that a shard may take before its thread is ended; default no limit. */
  readonly mostTime?: number;
  /** MB that the JavaScript heap of a thread may have; arrays of numbers lie outside. Default that of Node. */
  readonly mostHeap?: number;
}

/** Threads that compute shards, so that the thread which talks to others never waits. */
export interface ShardThreads {
  readonly size: number;
  /**
   * The record of a shard; waits for a free thread. Aborting stops the thread that computes it.
   * @param blobs folder of the blob store, where it is another than that of the threads, which is then read as well.
   * @throws EngineError where another attempt would fail as well; Error when the thread died, or was ended because its
   * shard took too long.
   */
  compute(plan: Uint8Array, index: number, signal?: AbortSignal, blobs?: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

interface Seat {
  worker: Worker | undefined;
  busy: boolean;
}

/** Threads start when they are first needed, and a dead one is replaced when its turn comes. */
export function openShardThreads(options: ShardThreadOptions): ShardThreads {
  const seats: Seat[] = Array.from({ length: options.threads }, () => ({ worker: undefined, busy: false }));
  const waiting: ((seat: Seat) => void)[] = [];
  let closed = false;
  const take = (): Promise<Seat> => {
    const seat = seats.find(({ busy }) => !busy);
    if (seat === undefined) return new Promise((resolve) => waiting.push(resolve));
    seat.busy = true;
    return Promise.resolve(seat);
  };
  const give = (seat: Seat): void => {
    const next = waiting.shift();
    if (next === undefined) seat.busy = false;
    else next(seat);
  };
  return {
    size: options.threads,
    async compute(plan, index, signal, blobs) {
      const seat = await take();
      try {
        signal?.throwIfAborted();
        if (closed) throw new Error('the threads are closed');
        const folders = blobs === undefined ? [options.blobs] : [blobs, options.blobs];
        return await ask(seat, options, { plan, index, files: options.files, blobs: folders }, signal);
      } finally {
        give(seat);
      }
    },
    async close() {
      closed = true;
      await Promise.all(seats.map(({ worker }) => worker?.terminate()));
    },
  };
}

let lastId = 0;

/** One shard on one thread. */
function ask(
  seat: Seat,
  options: ShardThreadOptions,
  request: ShardRequest,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { mostTime } = options;
  const fresh = seat.worker === undefined;
  const worker = seat.worker ?? startThread(options);
  seat.worker = worker;
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      clearTimeout(timer);
      worker.off('message', hear).off('error', die).off('exit', exit);
      signal?.removeEventListener('abort', aborted);
    };
    const end = (error: unknown): void => {
      leave();
      if (seat.worker === worker) seat.worker = undefined;
      reject(error);
    };
    const hear = (answer: Answer | 'ready'): void => {
      if (answer === 'ready') watch();
      if (answer === 'ready' || answer.id !== id) return;
      leave();
      if (answer.record !== undefined) resolve(answer.record);
      else reject(toldError(answer.failure));
    };
    const die = (error: unknown): void => end(dead(error instanceof Error ? error.message : String(error)));
    const exit = (code: number): void => end(dead(`it ended with code ${code}`));
    const stop = (reason: unknown): void => {
      end(reason);
      worker.terminate();
    };
    const aborted = (): void => stop(signal?.reason);
    // How long a thread takes to start says nothing about its shard.
    const watch = (): void => {
      if (mostTime !== undefined) timer = setTimeout(() => stop(tooLong(mostTime)), mostTime);
    };
    worker.on('message', hear).on('error', die).on('exit', exit);
    signal?.addEventListener('abort', aborted);
    worker.postMessage({ id, request });
    if (!fresh) watch();
  });
}

function startThread({ entry, works, mostHeap }: ShardThreadOptions): Worker {
  const workerData = works === undefined ? { entry } : { entry, works };
  const limits = mostHeap === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: mostHeap } };
  return new Worker(new URL('./thread.mjs', import.meta.url), { workerData, ...limits });
}

/** Worth another attempt: a faster machine may have time enough. */
function tooLong(milliseconds: number): Error {
  return new Error(`it took longer than ${milliseconds / 1000} s, the limit of its worker`);
}

function dead(reason: string): Error {
  return new Error(`the thread that computed it died (${reason})`);
}

type Answer =
  | { readonly id: number; readonly record: Uint8Array }
  | { readonly id: number; readonly record?: undefined; readonly failure: ShardFailure };

/** An error as it crosses threads and folders. */
export interface ShardFailure {
  readonly name: string | undefined;
  readonly message: string;
  readonly code: string | undefined;
  readonly where: string | undefined;
  readonly failures: readonly PointFailure[] | undefined;
  /** 'ENOSPC', where something could not be written. */
  readonly errno?: string | undefined;
}

/** The error of a thread as one of this thread: the same address gives the same bits and the same failure. */
export function toldError(failure: ShardFailure): Error {
  const { name, message, code, where = 'cluster', failures = [], errno } = failure;
  const empty = { where, found: '', expected: '', cause: errno === undefined ? undefined : { code: errno } };
  const error =
    code === 'model'
      ? new ModelError({ ...empty, failures: failures.map(asPoint) })
      : code === 'option'
        ? new OptionError({ ...empty, option: '', value: undefined })
        : code === 'cluster'
          ? new ClusterError(empty)
          : new EngineError(code ?? 'shard', empty);
  error.message = code === undefined ? `${where}: a shard threw ${name ?? 'Error'}: ${message}` : message;
  return error;
}

/** In JSON a typed array has become a record. */
function asPoint(failure: PointFailure): PointFailure {
  return { ...failure, input: Float64Array.from(Object.values(failure.input)) };
}

/** What a thread is asked. */
export interface ShardRequest {
  readonly plan: Uint8Array;
  readonly index: number;
  /** Models by name at absolute paths. */
  readonly files: Readonly<Record<string, string>>;
  /** Places of blobs: written to the first, read from all. */
  readonly blobs: readonly string[];
}

/** Opened once in each thread: computes shards with a table of works. */
export async function openShardService(
  works: WorkTable,
): Promise<(request: ShardRequest) => Promise<Uint8Array>> {
  const backend = await bestHost(1);
  const { signal } = new AbortController();
  const registries = new Map<string, ModuleRegistry>();
  return ({ plan, index, files, blobs }) => {
    const key = JSON.stringify(files);
    const modules = registries.get(key) ?? fixedModules(files);
    registries.set(key, modules);
    return computeShard(
      decodePlan(plan),
      index,
      { works, modules, blobs: openPlaces(blobs), backend },
      signal,
    );
  };
}

/** What is said when a shard ended every thread, or machine, that computed it. */
export function poisonShard(
  index: number,
  span: string,
  starts: number,
  words: string,
  repeat: string,
): ClusterError {
  return new ClusterError({
    where: 'cluster',
    shard: index,
    found: `shard ${index} (${span}) ended ${starts} processes that computed it (${words})`,
    expected: 'a shard that comes to its end',
    fix: `Repeat it alone: ${repeat}.`,
  });
}
