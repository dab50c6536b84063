import type { Backend } from '../backend/backend.ts';
import { ModelError } from '../errors.ts';
import type { RowFailure } from '../pool/evaluate-rows.mjs';
import { growing, outputNames, type Rows } from './host-rows.ts';
import { pointText } from './missing.ts';
import type { RemoteConnection, RemoteTrouble } from './model.ts';
import { serverFault } from './server-fault.ts';

/** What a batch of remote points needs to know besides the points. */
export interface RemoteOptions {
  readonly inputs: readonly string[];
  /** Names of the outputs, as many as the model has; y, or y1 to yk, when absent. */
  readonly outputs: readonly string[] | undefined;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  readonly unchecked: boolean;
  /** Points evaluated before, so that messages number them over the whole run. */
  readonly done: number;
}

/** Rows by a remote model: as many points under way as it takes, whichever is ready first, stored by their index. */
export function remoteRows(remote: RemoteConnection, options: RemoteOptions): Rows {
  const { inputs, backend, signal, unchecked } = options;
  const outputs = options.outputs ?? outputNames(remote.outputs);
  const [d, k] = [inputs.length, outputs.length];
  const buffer = growing(backend);
  let before = options.done;
  return {
    outputs,
    async evaluate(x, n) {
      const y = buffer.room(n * k).fill(Number.NaN);
      const failed: RowFailure[] = [];
      await concurrently(n, remote.concurrency, signal, async (row, inner) => {
        const point = x.slice(row * d, (row + 1) * d);
        const found = taken(await remote.evaluate(point, inner), y, row * k, k, unchecked);
        if (found === undefined) return;
        if (found.lost || remote.stop) throw stopped(remote, inputs, point, before + row, found);
        failed.push({ row, reason: found.reason });
      });
      before += n;
      return { y, failed: failed.sort((a, b) => a.row - b.row) };
    },
    release() {
      buffer.release();
      remote.close();
    },
  };
}

/** An answer into y[at..at+k-1], or what is wrong with it; then y keeps its NaN. */
function taken(
  answer: ArrayLike<number> | RemoteTrouble,
  y: Float64Array,
  at: number,
  k: number,
  unchecked: boolean,
): RemoteTrouble | undefined {
  if ('reason' in answer) return answer;
  for (let j = 0; j < k && !unchecked; j++) {
    if (Number.isFinite(answer[j])) continue;
    return { reason: `returned ${answer[j]}${k > 1 ? ` as output ${j}` : ''}`, lost: false };
  }
  y.set(answer, at);
  return undefined;
}

/**
 * The error of a point that ends the run: its number, its inputs, and what the model said.
 * @param unusable what to do about a number that cannot be used, where no point may be left out.
 */
export function stopped(
  remote: RemoteConnection,
  inputs: readonly string[],
  input: Float64Array,
  index: number,
  { reason, lost }: RemoteTrouble,
  unusable?: string,
): ModelError {
  const fault = serverFault(reason);
  const act = fault?.act ?? 'Mend the model there';
  const dropping = `${act}, or use onError: 'drop-row' and say with \`missing\` what becomes of such points.`;
  const mending = unusable === undefined ? dropping : fault === undefined ? unusable : `${act}.`;
  return new ModelError({
    where: remote.label,
    found: `the model ${reason} at point ${index} (${pointText(inputs, input)})`,
    expected: lost ? 'a server that answers until the end' : (fault?.expected ?? 'finite numbers'),
    fix: lost ? 'Start the server again, and the run, or go on from its last snapshot.' : mending,
    failures: [{ index, input, reason }],
  });
}

/**
 * Run task 0..n-1, at most `limit` at a time, in this order. The first that throws stops the others, by their signal, and
 * its error comes back when all have ended.
 * @throws the signal's reason when aborted.
 */
export async function concurrently(
  n: number,
  limit: number,
  signal: AbortSignal,
  task: (index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  signal.throwIfAborted();
  // A signal of its own for each task: on one for all, a hundred requests would be a hundred listeners.
  const running = new Set<AbortController>();
  let next = 0;
  let first: { readonly error: unknown } | undefined;
  const stop = (error: unknown): void => {
    first ??= { error };
    for (const one of running) one.abort(error);
  };
  const aborted = (): void => stop(signal.reason);
  const lane = async (): Promise<void> => {
    while (next < n && first === undefined) {
      const own = new AbortController();
      running.add(own);
      await task(next++, own.signal).catch(stop);
      running.delete(own);
    }
  };
  signal.addEventListener('abort', aborted);
  await Promise.all(Array.from({ length: Math.min(limit, n) }, lane));
  signal.removeEventListener('abort', aborted);
  if (first !== undefined) throw first.error;
}
