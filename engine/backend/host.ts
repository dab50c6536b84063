import { canShare, type HostMemory, hostMemory } from '../array/memory.ts';
import { checkCount } from '../check.ts';
import { BackendError } from '../errors.ts';
import { type Call, runCalls, STRIDE } from '../pool/line.mjs';
import { type KernelRequest, makePool, type Pool, processors } from '../pool/pool.ts';
import { makeTurn } from '../turn.ts';
import type { KernelArgs, KernelName } from '../wasm/kernels.ts';
import { compileKernels, type RawKernel, RESERVED_BYTES, rawKernels } from '../wasm/loader.ts';
import { BLOCK, blockCount } from '../wasm/twins/sums.ts';
import type { Backend, KernelCall } from './backend.ts';
import { type Plan, plan, planChain } from './cost.ts';
import { jsBackend, NO_CARD } from './js.ts';
import { moduleEvaluator } from './module-evaluator.ts';
import { makeSharing, type Sharing } from './sharing.ts';

export interface HostOptions {
  /** WebAssembly SIMD kernels; false is plain JavaScript on the calling thread. Default true. */
  readonly wasm?: boolean;
  /** Threads that share the work, the calling one included. Default: `defaultThreads()`, 1 without WebAssembly. */
  readonly threads?: number;
}

export const MAX_THREADS = 64;

/** Threads by default: the processors of this process, at most 8; 1 where memory cannot be shared. */
export function defaultThreads(): number {
  return canShare() ? Math.min(8, processors()) : 1;
}

/**
 * The processors of this machine. Memory is one WebAssembly memory, shared among the threads; workers start
 * when a dispatch or a module model is worth it. The bits of a result do not depend on `threads`.
 * @throws OptionError for a bad count; BackendError when WebAssembly SIMD or threads are asked for and missing.
 */
export async function hostBackend(options: HostOptions = {}): Promise<Backend> {
  const { wasm = true } = options;
  const threads = options.threads ?? (wasm ? defaultThreads() : 1);
  checkCount('hostBackend', 'threads', threads, { min: 1, max: MAX_THREADS });
  if (threads > 1 && !(wasm && canShare())) throw noThreads(threads, wasm);
  if (!wasm) return jsBackend();
  const shared = canShare();
  const module = compileKernels(shared);
  const memory = hostMemory({ reserved: RESERVED_BYTES, shared });
  const raw = rawKernels(module, memory.wasm);
  const kernels = Object.values(raw);
  const pool = shared ? makePool(threads, { module, memory: memory.wasm }) : undefined;
  const host: Host = {
    ...{ memory, kernels, pool, threads },
    numbers: new Map(Object.keys(raw).map((name, at) => [name, at])),
    sharing:
      pool === undefined ? undefined : makeSharing(pool, kernels, memory.arena().u32(STRIDE * threads)),
  };
  return {
    name: 'wasm',
    precision: 'float64',
    threads,
    adapter: `WASM SIMD, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    arena: memory.arena,
    dispatch: (kernel, args, count, grain) => dispatch(host, kernel, args, count, grain),
    chain: (calls, rows) => chain(host, calls, rows),
    evaluateModule: pool === undefined ? undefined : moduleEvaluator(memory, pool),
    card: async () => NO_CARD,
    dispose: async () => pool?.dispose(),
  };
}

/**
 * `hostBackend` with as many threads as asked for or as there are; plain JavaScript where WebAssembly is missing, unless
 * more than one thread is asked for.
 */
export async function bestHost(threads?: number): Promise<Backend> {
  try {
    return await hostBackend({ threads: threads ?? defaultThreads() });
  } catch (error) {
    if (!(error instanceof BackendError) || (threads ?? 1) > 1) throw error;
    return jsBackend();
  }
}

interface Host {
  readonly memory: HostMemory;
  /** By number, and the number of each name. */
  readonly kernels: readonly RawKernel[];
  readonly numbers: ReadonlyMap<string, number>;
  readonly pool: Pool | undefined;
  readonly threads: number;
  readonly sharing: Sharing | undefined;
}

async function dispatch<K extends KernelName>(
  host: Host,
  kernel: K,
  args: KernelArgs<K>,
  count: number,
  grain: number | undefined,
): Promise<void> {
  const number = host.numbers.get(kernel)!;
  const located = offsets(host.memory, kernel, args);
  // Filters of few particles spend most of their time between calls.
  if (host.threads === 1 && plan(kernel, args, count, 1, grain).short) {
    if (count > 0) host.kernels[number]!(...located, 0, count);
    return;
  }
  await perform(host, [{ kernel: number, args: located, each: 1, items: count }], count, (workers) =>
    plan(kernel, args, count, host.threads, grain, workers),
  );
}

async function chain(host: Host, calls: readonly KernelCall[], rows: number): Promise<void> {
  const blocks = blockCount(rows);
  if (host.threads === 1 && calls.length === 1 && planChain(calls, blocks, 1, 'asleep').short) {
    const { kernel, args, over } = calls[0]!;
    const located = offsets(host.memory, kernel, args);
    host.kernels[host.numbers.get(kernel)!]!(...located, 0, over === 'rows' ? rows : blocks);
    return;
  }
  const located = calls.map(({ kernel, args, over }) => ({
    kernel: host.numbers.get(kernel)!,
    args: offsets(host.memory, kernel, args),
    ...(over === 'rows' ? { each: BLOCK, items: rows } : { each: 1, items: blocks }),
  }));
  return perform(host, located, blocks, (workers) => planChain(calls, blocks, host.threads, workers));
}

/** Kernels over `count` cells. */
function perform(
  host: Host,
  calls: readonly Call[],
  count: number,
  planned: (workers: 'asleep' | 'awake') => Plan,
): void | Promise<void> {
  const { parts, piece, short } = planned('asleep');
  if (short && host.threads > 1) {
    const awake = planned('awake');
    if (awake.parts > 1 && host.sharing!.run({ calls, count, piece: awake.piece }, awake.parts - 1)) return;
  }
  const helpers = parts > 1 ? wake(host, parts - 1) : [];
  if (helpers.length > 0) return byMessages(host, { calls, count, piece }, helpers);
  // Too little work for a turn of the event loop.
  if (short) return count > 0 ? runCalls(host.kernels, calls, 0, count) : undefined;
  return inPieces((lo, hi) => runCalls(host.kernels, calls, lo, hi), count, piece, localClaims(piece));
}

/** With workers that sleep. */
async function byMessages(
  host: Host,
  work: Omit<KernelRequest, 'counter'>,
  helpers: readonly number[],
): Promise<void> {
  const { calls, count, piece } = work;
  const arena = host.memory.arena();
  const next = arena.u32(1);
  const share: KernelRequest = { ...work, counter: next.byteOffset };
  const remote = helpers.map((slot) => host.pool!.call(slot, 'kernel', [share]));
  const run = (lo: number, hi: number): void => runCalls(host.kernels, calls, lo, hi);
  const own = inPieces(run, count, piece, () => Atomics.add(next, 0, piece));
  // All settled first, even when one fails: nothing may still write when the caller goes on.
  await Promise.allSettled([own, ...remote]);
  arena.release();
  await Promise.all([own, ...remote]);
}

/**
 * Workers that can start at once. The others are being started meanwhile: a first dispatch is done long
 * before they are up, and who does which range changes no bit.
 */
function wake(host: Host, wanted: number): readonly number[] {
  host.pool?.start(wanted);
  return host.pool?.idle().slice(0, wanted) ?? [];
}

/** Piece after piece of [0, count), as claimed, on this thread, with turns of the event loop in between. */
async function inPieces(
  run: (lo: number, hi: number) => void,
  count: number,
  piece: number,
  claim: () => number,
): Promise<void> {
  const turn = makeTurn();
  for (let lo = claim(); lo < count; lo = claim()) {
    run(lo, Math.min(count, lo + piece));
    if (turn.due()) await turn.pause();
  }
}

function localClaims(piece: number): () => number {
  let next = 0;
  return () => {
    next += piece;
    return next - piece;
  };
}

/** Arguments as numbers, arrays by their byte offset. */
function offsets(memory: HostMemory, kernel: string, args: readonly unknown[]): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const at = typeof arg === 'number' ? arg : ArrayBuffer.isView(arg) ? memory.offset(arg) : undefined;
    if (at === undefined) throw foreign(kernel, i, arg);
    numbers.push(at);
  }
  return numbers;
}

function foreign(kernel: string, position: number, arg: unknown): BackendError {
  return new BackendError({
    where: `dispatch ${kernel}`,
    found: `argument ${position + 1} is ${describe(arg)}`,
    expected: 'a number, or an array from an arena of this backend',
    fix: 'Allocate it with backend.arena().',
    tried: [],
  });
}

function describe(arg: unknown): string {
  if (!ArrayBuffer.isView(arg)) return String(arg);
  return `a ${Object.prototype.toString.call(arg).slice(8, -1)} that lives elsewhere`;
}

function noThreads(threads: number, wasm: boolean): BackendError {
  return new BackendError({
    where: 'hostBackend',
    found: `${threads} threads are asked for, and ${wasm ? 'memory cannot be shared here' : 'plain JavaScript has one'}`,
    expected: wasm ? 'threads: 1, or a cross-origin isolated page' : 'threads: 1 with wasm: false',
    fix: 'Leave out `threads`.',
    tried: wasm ? ['SharedArrayBuffer'] : [],
  });
}
