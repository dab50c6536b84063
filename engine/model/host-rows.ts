import type { Backend, ModuleTask } from '../backend/backend.ts';
import { evaluateRows, type LocalModel, type RowFailure } from '../pool/evaluate-rows.mjs';
import { makeTurn } from '../turn.ts';
import type { OpenedModel } from './local.ts';
import type { RowSource } from './model.ts';

/** Evaluates rows of points somewhere. */
export interface Rows {
  /** Names of the k outputs; empty as long as they are not known. */
  readonly outputs: readonly string[];
  /**
   * Rows 0..n-1 of `x` [n, d]: their outputs [n, k], valid until the next call, NaN in rows that failed. Rejects with
   * the signal's reason when aborted.
   */
  evaluate(x: Float64Array, n: number): Promise<EvaluatedRows>;
  /** Give memory back. */
  release(): void;
}

export interface EvaluatedRows {
  readonly y: Float64Array;
  readonly failed: readonly RowFailure[];
}

/** Rows on the host: by the workers of the backend when the model can travel and there are any, else on this thread. */
export function hostRows(
  model: OpenedModel,
  names: readonly string[],
  known: readonly string[] | undefined,
  backend: Backend,
  signal: AbortSignal,
  unchecked = false,
): Rows {
  const { local } = model;
  const task = backend.evaluateModule === undefined ? undefined : model.module;
  const turn = makeTurn();
  const pause = (): Promise<void> => turn.pause(signal);
  const buffer = growing(backend);
  let outputs = known ?? (local.kind === 'batch' ? ['y'] : []);
  return {
    get outputs() {
      return outputs;
    },
    async evaluate(x, n) {
      const found = outputs.length === 0 ? await discover(local, names, x, n) : undefined;
      if (found !== undefined) outputs = found.outputs;
      const k = outputs.length;
      const y = buffer.room(n * k);
      const from = found?.model === undefined ? 0 : found.rows;
      const first =
        from === 0 ? [] : await evaluateRows(found!.model, names, k, x, 0, from, y, { pause, unchecked });
      const rest =
        task === undefined
          ? await evaluateRows(local, names, k, x, from, n, y, { pause, unchecked })
          : await inWorkers(backend, { ...task, names, outputs: k, unchecked }, x, from, n, y, signal);
      return { y, failed: [...first, ...rest] };
    },
    release: buffer.release,
  };
}

/** Rows that somebody else answers. */
export function sourceRows(source: RowSource, known: readonly string[] | undefined): Rows {
  let outputs = known ?? [];
  return {
    get outputs() {
      return outputs;
    },
    async evaluate(x, n) {
      const { k, y, failed } = await source.evaluate(x, n);
      if (outputs.length === 0) outputs = outputNames(k);
      return { y, failed };
    },
    release() {},
  };
}

/** Rows from..n-1 by the workers of the backend, failures numbered as in the whole batch. */
async function inWorkers(
  backend: Backend,
  task: ModuleTask,
  x: Float64Array,
  from: number,
  n: number,
  y: Float64Array,
  signal: AbortSignal,
): Promise<readonly RowFailure[]> {
  if (from === n) return [];
  const points = x.subarray(from * task.names.length);
  const failed = await backend.evaluateModule!(
    task,
    points,
    n - from,
    y.subarray(from * task.outputs),
    signal,
  );
  return failed.map(({ row, reason }) => ({ row: row + from, reason }));
}

/** One output buffer that grows and is otherwise reused. */
export function growing(backend: Backend): { room(length: number): Float64Array; release(): void } {
  let arena = backend.arena();
  let y: Float64Array = new Float64Array(0);
  return {
    room(length) {
      if (y.length < length) {
        arena.release();
        arena = backend.arena();
        y = arena.f64(length);
      }
      return y.subarray(0, length);
    },
    release: () => arena.release(),
  };
}

/** How many numbers the model answers with, and a model that repeats the answers already given, so no run is made twice. */
interface Discovery {
  readonly outputs: readonly string[];
  readonly rows: number;
  readonly model: LocalModel;
}

/** Ask the first points one by one until one answers with a number or numbers; at most 16, then one output is assumed. */
async function discover(
  model: LocalModel,
  names: readonly string[],
  x: Float64Array,
  n: number,
): Promise<Discovery> {
  const answers: (() => unknown)[] = [];
  let k = 0;
  const record = async (evaluate: () => unknown): Promise<void> => {
    try {
      const answer = await evaluate();
      answers.push(() => answer);
      if (typeof answer === 'number') k = 1;
      else if (answer instanceof Object && 'length' in answer && typeof answer.length === 'number')
        k = answer.length;
    } catch (error) {
      answers.push(() => {
        throw error;
      });
    }
  };
  const d = names.length;
  for (let row = 0; k === 0 && row < Math.min(n, 16); row++) {
    const point = x.subarray(row * d, (row + 1) * d);
    if (model.kind === 'named') {
      const values = Object.fromEntries(names.map((name, c) => [name, point[c]!]));
      await record(() => model.evaluate(values));
    } else if (model.kind === 'pointwise') await record(() => model.evaluate(point));
  }
  return {
    outputs: outputNames(k),
    rows: answers.length,
    model: { kind: 'pointwise', evaluate: () => answers.shift()!() },
  };
}

/** 'y', or 'y1' to 'yk': names of outputs that nobody named. */
export function outputNames(k: number): readonly string[] {
  return k <= 1 ? ['y'] : Array.from({ length: k }, (_, j) => `y${j + 1}`);
}
