import workerpool from 'workerpool';
import { cool, isHot } from './caller.ts';
import { type Call, type Line, openLine } from './line.mjs';

/** What every worker gets when it starts. */
export interface PoolSetup {
  /** The shared build of the kernels; undefined where there is none. */
  readonly module: WebAssembly.Module | undefined;
  readonly memory: WebAssembly.Memory;
}

/** Kernels for a worker that claims piece after piece of their cells [0, count). */
export interface KernelRequest {
  readonly calls: readonly Call[];
  readonly count: number;
  readonly piece: number;
  /** Offset of the 32-bit word from which all threads claim their next piece. */
  readonly counter: number;
}

/** Rows of a module model for a worker; arrays are byte offsets into the shared memory. */
export interface RowsRequest {
  readonly url: string;
  readonly exportName: string;
  readonly names: readonly string[];
  readonly outputs: number;
  readonly unchecked?: boolean;
  readonly n: number;
  readonly x: number;
  readonly out: number;
  /** Offset of the 32-bit word from which workers claim their next rows. */
  readonly counter: number;
  readonly piece: number;
  /** Offset of two 32-bit words of this worker: the rows under way, lo + 1 and hi; 0 before the first. */
  readonly under?: number;
}

/** A fixed number of workers on one shared memory. They start when first asked and never keep a process alive. */
export interface Pool {
  readonly size: number;
  /** Start the first `count` workers where they are not there yet, without waiting. */
  start(count: number): void;
  /** Numbers of the workers that are set up and have nothing to do. */
  idle(): readonly number[];
  /** Lines to at most `most` workers that look out for work, as they do for a moment after each kernel. */
  lines(most: number): readonly Line[];
  /**
   * Call a method of worker number `slot`, after what it was asked before.
   * @throws WorkerDeath when the worker ends; the signal's reason when aborted, once the worker has stopped
   * writing: a worker busy with the call is ended and replaced.
   */
  call(slot: number, method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
  /** End all workers. */
  dispose(): Promise<void>;
}

/** A worker ended by itself: `process.exit`, out of memory, an error nobody caught. */
export class WorkerDeath extends Error {}

interface Slot {
  pool: workerpool.Pool | undefined;
  /** Settles when the worker is set up. */
  opening: Promise<workerpool.Pool> | undefined;
  ready: boolean;
  waiting: number;
  /** To the worker that is set up. */
  line: Line | undefined;
  tail: Promise<unknown>;
}

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/** Processors this process may use, at least 1. */
export function processors(): number {
  // Not an import: browsers have no node:os, and this function of Node 20.16 reaches it without one.
  const os = inNode ? process.getBuiltinModule?.('node:os') : undefined;
  return Math.max(1, os?.availableParallelism() ?? workerpool.cpus ?? 1);
}

/**
 * A pool of `size` workers. Each is a workerpool of one, so that a call reaches a known worker and ending one
 * leaves the others alone.
 */
export function makePool(size: number, setup: PoolSetup): Pool {
  const slots = Array.from({ length: size }, newSlot);
  const call = (
    index: number,
    method: string,
    params: readonly unknown[],
    signal?: AbortSignal,
  ): Promise<unknown> => {
    const slot = slots[index]!;
    const aborted = watch(signal);
    const start = (): Promise<unknown> => {
      signal?.throwIfAborted();
      return execute(slot, setup, method, params, aborted.promise, signal);
    };
    const before = slot.tail;
    // A worker that waits gets its message now, before the caller goes on to its own share of the work.
    const free = slot.waiting === 0 && slot.ready && signal?.aborted !== true;
    slot.waiting++;
    thread(slot)?.ref?.();
    const result = (free ? start() : Promise.race([before, aborted.promise]).then(start)).finally(() => {
      aborted.stop();
      slot.waiting--;
      if (slot.waiting === 0) thread(slot)?.unref?.();
    });
    // Without a value: one that held the outcomes would hold those of all calls before it.
    slot.tail = Promise.allSettled([before, result]).then(() => undefined);
    return result;
  };
  return {
    size,
    call,
    start(count) {
      // A worker that cannot start says so to the first call that needs it.
      for (const slot of slots.slice(0, count)) ensure(slot, setup).catch(() => end(slot));
    },
    lines: (most) => {
      const found: Line[] = [];
      for (const { line } of slots) {
        if (found.length >= most) break;
        if (line !== undefined && isHot(line)) found.push(line);
      }
      return found;
    },
    idle: () => slots.flatMap(({ ready, waiting }, index) => (ready && waiting === 0 ? [index] : [])),
    async dispose() {
      await Promise.all(slots.map(end));
    },
  };
}

function newSlot(): Slot {
  return {
    ...{ pool: undefined, opening: undefined, line: undefined },
    ...{ ready: false, waiting: 0, tail: Promise.resolve() },
  };
}

/** One call on a worker that has nothing else to do. */
async function execute(
  slot: Slot,
  setup: PoolSetup,
  method: string,
  params: readonly unknown[],
  aborted: Promise<undefined>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    const { pool, ready } = slot;
    const working =
      ready && pool !== undefined
        ? exec(slot, pool, method, params)
        : ensure(slot, setup).then((opened) => exec(slot, opened, method, params));
    const first = await Promise.race([working.then((value) => ({ value })), aborted]);
    if (first !== undefined) return first.value;
    working.catch(() => undefined);
    await end(slot);
    throw signal!.reason;
  } catch (error) {
    // Not awaited: there is nobody left to say goodbye.
    if (error instanceof WorkerDeath) end(slot).catch(() => undefined);
    throw error;
  }
}

/** A promise that resolves to undefined when the signal is aborted. */
function watch(signal: AbortSignal | undefined): { promise: Promise<undefined>; stop(): void } {
  let tell = (): void => undefined;
  const promise = new Promise<undefined>((resolve) => {
    tell = () => resolve(undefined);
  });
  signal?.addEventListener('abort', tell, { once: true });
  return { promise, stop: () => signal?.removeEventListener('abort', tell) };
}

/** The slot's worker, started and set up. */
function ensure(slot: Slot, setup: PoolSetup): Promise<workerpool.Pool> {
  slot.opening ??= open(slot, setup);
  return slot.opening;
}

async function open(slot: Slot, setup: PoolSetup): Promise<workerpool.Pool> {
  const pool = workerpool.pool(workerScript(), {
    maxWorkers: 1,
    workerType: inNode ? 'thread' : 'web',
    ...(inNode ? {} : { workerOpts: { type: 'module' } }),
    // A worker that must end is busy with a user's function: no use in waiting for its goodbye.
    workerTerminateTimeout: 1,
  });
  slot.pool = pool;
  // A line of its own: one that ends may be on its line still.
  const line = openLine();
  await exec(slot, pool, 'setup', [setup.module, setup.memory, line.buffer]);
  slot.line = line;
  slot.ready = true;
  return pool;
}

/** One message and its answer. The process stays alive only while some call waits for it. */
async function exec(
  slot: Slot,
  pool: workerpool.Pool,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  try {
    if (slot.line !== undefined) cool(slot.line);
    const answer = pool.exec(method, [...params]);
    if (slot.waiting > 0) thread(slot)?.ref?.();
    else thread(slot)?.unref?.();
    return await answer;
  } catch (error) {
    if (error instanceof workerpool.TerminateError) throw new WorkerDeath(deathOf(error), { cause: error });
    throw error;
  }
}

/** 'exit code 3', or the error nobody caught. */
function deathOf(error: Error): string {
  const code = /exitCode: `(\d+)`/.exec(error.message);
  return code === null ? error.message.replace('Workerpool Worker error: ', '') : `exit code ${code[1]}`;
}

async function end(slot: Slot): Promise<void> {
  const pool = slot.pool;
  thread(slot)?.ref?.();
  slot.pool = undefined;
  slot.opening = undefined;
  slot.line = undefined;
  slot.ready = false;
  if (pool !== undefined) await pool.terminate(true);
}

/** The thread behind a workerpool of one. Not in its types, and the only way to keep it from holding Node open. */
function thread(slot: Slot): { ref?(): void; unref?(): void } | undefined {
  const pool = slot.pool as unknown as
    | { workers: { worker?: { ref?(): void; unref?(): void } }[] }
    | undefined;
  return pool?.workers[0]?.worker;
}

/** Where the worker body lies, as Node (a path) or a browser (a URL) wants it. */
function workerScript(): string {
  const url = new URL('./worker.mjs', import.meta.url);
  if (!inNode) return url.href;
  // On Windows the path of file:///C:/x is /C:/x.
  return decodeURIComponent(url.pathname).replace(/^\/(?=[A-Za-z]:)/, '');
}
