import type { HostMemory } from '../array/memory.ts';
import { BackendError, ModelError } from '../errors.ts';
import type { RowFailure } from '../pool/evaluate-rows.mjs';
import { loadError, moduleName } from '../pool/module.ts';
import { type Pool, type RowsRequest, WorkerDeath } from '../pool/pool.ts';
import type { ModuleEvaluator, ModuleTask } from './backend.ts';

/** What a worker answers. */
interface RowsAnswer {
  readonly failures?: readonly RowFailure[];
  readonly fault?:
    | { readonly kind: 'load'; readonly reason: string }
    | { readonly kind: 'export'; readonly names: readonly string[] };
}

/** Pieces a worker gets on average: enough that one slow region of the input space does not leave others idle. */
const PIECES = 16;
/** 32-bit words from what one worker writes to what the next one does: a cache line each. */
const APART = 16;
/** Inputs that a message names. */
const MOST_TOLD = 20;

/**
 * Evaluate module models on all workers of the pool. Each imports the module once and then claims piece after
 * piece of the rows; a row's value depends on the row alone, so who computes it does not matter.
 */
export function moduleEvaluator(memory: HostMemory, pool: Pool): ModuleEvaluator {
  return async (task, x, n, out, signal) => {
    signal.throwIfAborted();
    if (n === 0) return [];
    const arena = memory.arena();
    const next = arena.u32(1);
    const open = arena.u32(pool.size * APART);
    // One end for all calls: the caller's signal, or the first call that fails.
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const request: RowsRequest = {
      ...task,
      n,
      x: offset(memory, task, x, 'x'),
      out: offset(memory, task, out, 'out'),
      counter: next.byteOffset,
      piece: Math.max(1, Math.ceil(n / (pool.size * PIECES))),
    };
    try {
      const calls = Array.from({ length: Math.min(pool.size, n) }, (_, slot) =>
        rows(pool, slot, { ...request, under: open.byteOffset + 4 * APART * slot }, stop.signal, () =>
          placeOf(open.subarray(APART * slot), task, x),
        ).catch((error: unknown) => {
          stop.abort(error);
          throw error;
        }),
      );
      // All, not the first: a worker may write into `out` until its call has settled.
      const settled = await Promise.allSettled(calls);
      if (settled.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
      return settled.flatMap((call) => (call.status === 'fulfilled' ? call.value : [])).sort(byRow);
    } finally {
      signal.removeEventListener('abort', onAbort);
      arena.release();
    }
  };
}

function byRow(a: RowFailure, b: RowFailure): number {
  return a.row - b.row;
}

/** @throws ModelError when the model cannot be had or ends its worker. */
async function rows(
  pool: Pool,
  slot: number,
  request: RowsRequest,
  signal: AbortSignal,
  place: () => string,
): Promise<readonly RowFailure[]> {
  const answer = await ask(pool, slot, request, signal, place);
  if (answer.fault === undefined) return answer.failures ?? [];
  if (answer.fault.kind === 'load') throw loadError(request.url, answer.fault.reason);
  const { names } = answer.fault;
  throw new ModelError({
    where: moduleName(request.url),
    found: `the module has no model as export \`${request.exportName}\` (it exports ${names.join(', ') || 'nothing'})`,
    expected: 'a function of { name: value }, or of (x, out), or the value of named, pointwise or batch',
  });
}

async function ask(
  pool: Pool,
  slot: number,
  request: RowsRequest,
  signal: AbortSignal,
  place: () => string,
): Promise<RowsAnswer> {
  try {
    // The worker body is ours: it answers `rows` in this form.
    return (await pool.call(slot, 'rows', [request], signal)) as RowsAnswer;
  } catch (cause) {
    if (!(cause instanceof WorkerDeath)) throw cause;
    throw new ModelError({
      where: moduleName(request.url),
      found: `the model ended its worker (${cause.message})${place()}`,
      expected: 'a model that returns numbers or throws',
      fix: 'Remove process.exit and errors thrown outside the call.',
      cause,
    });
  }
}

/** ' while at a = 1, b = 0.5': what the model had been given when it ended its worker; '' before the first row. */
function placeOf([after = 0, hi = 0]: Uint32Array, { names }: ModuleTask, x: Float64Array): string {
  if (after === 0) return '';
  const lo = after - 1;
  const told = names.slice(0, MOST_TOLD).map((name, c) => `${name} = ${x[lo * names.length + c]}`);
  const more = names.length > MOST_TOLD ? [`${names.length - MOST_TOLD} more`] : [];
  const words = [...told, ...more].join(', ');
  return hi - lo === 1 ? ` while at ${words}` : ` in a batch of ${hi - lo} points, the first at ${words}`;
}

function offset(memory: HostMemory, task: ModuleTask, array: Float64Array, name: string): number {
  const at = memory.offset(array);
  if (at !== undefined) return at;
  throw new BackendError({
    where: `evaluateModule ${moduleName(task.url)}`,
    found: `\`${name}\` is an array that lives elsewhere`,
    expected: 'an array from an arena of this backend',
    fix: 'Allocate it with backend.arena().',
    tried: [],
  });
}
