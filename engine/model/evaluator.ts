import type { Backend, ModuleTask } from '../backend/backend.ts';
import { OptionError, type PointFailure } from '../errors.ts';
import { evaluateRows, type LocalModel, type RowFailure } from '../pool/evaluate-rows.mjs';
import { makeTurn } from '../turn.ts';
import { localModel } from './local.ts';
import type { ModelLike } from './model.ts';

export interface EvaluatorOptions {
  /** Name used in messages: 'sobolIndices'. */
  readonly where: string;
  readonly model: ModelLike;
  /** Names of the columns of x. */
  readonly names: readonly string[];
  /** Names of the outputs. When absent, a pointwise or named model tells by its first answer; a batch has one. */
  readonly outputs?: readonly string[];
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

export interface Batch {
  /** Outputs [n, k] row-major, NaN where a point failed. Valid until the next call. */
  readonly y: Float64Array;
  readonly failures: readonly PointFailure[];
}

/** The one place where a model meets points: counts them, yields to the event loop, and collects failures. */
export interface Evaluator {
  /** Names of the k outputs; empty until the first batch when the options did not give them. */
  readonly outputs: readonly string[];
  readonly evaluations: number;
  /** Why the model runs where it runs, for provenance; undefined when there is nothing to say. */
  readonly note: string | undefined;
  /**
   * Evaluate n points of `x` [n, d], from an arena of the backend.
   * A point that throws, rejects, or returns NaN, an infinity or the wrong number of values is a failure of
   * that point, not of the batch. A failure's index counts points over the evaluator's whole life.
   * @throws ModelError when a worker cannot load the model; the signal's reason when aborted.
   */
  evaluate(x: Float64Array, n: number): Promise<Batch>;
  /** Give the output buffer back. */
  dispose(): void;
}

const ON_MAIN_THREAD =
  'the model is a function, which cannot travel to workers, so it ran on the main thread; moduleModel(url) runs on all of them';

/**
 * Open a model for evaluation; `evaluations` starts at `done` when a run is resumed.
 * @throws OptionError when `model` is no model; ModelError when its module cannot be loaded.
 */
export async function openEvaluator(options: EvaluatorOptions, done = 0): Promise<Evaluator> {
  const { where, names, backend, signal } = options;
  const model = await localModel(where, options.model);
  const task = moduleTask(options);
  const turn = makeTurn();
  const pause = (): Promise<void> => turn.pause(signal);
  const buffer = growing(backend);
  let outputs = options.outputs ?? (model.kind === 'batch' ? ['y'] : []);
  let evaluations = done;

  const rows = async (
    x: Float64Array,
    n: number,
  ): Promise<{ y: Float64Array; failed: readonly RowFailure[] }> => {
    const found = outputs.length === 0 ? await discover(model, names, x, n) : undefined;
    if (found !== undefined) outputs = found.outputs;
    const k = outputs.length;
    const y = buffer.room(n * k);
    const from = found?.model === undefined ? 0 : found.rows;
    const first = from === 0 ? [] : await evaluateRows(found!.model, names, k, x, 0, from, y, { pause });
    const rest =
      task === undefined
        ? await evaluateRows(model, names, k, x, from, n, y, { pause })
        : await inWorkers(backend, { ...task, outputs: k }, x, from, n, y, signal);
    return { y, failed: [...first, ...rest] };
  };

  return {
    get outputs() {
      return outputs;
    },
    get evaluations() {
      return evaluations;
    },
    note: task === undefined && backend.threads > 1 ? ON_MAIN_THREAD : undefined,
    async evaluate(x, n) {
      signal.throwIfAborted();
      const { y, failed } = await rows(x, n);
      const failures = failed.map((failure) => pointFailure(failure, x, names.length, evaluations));
      evaluations += n;
      return { y, failures };
    },
    dispose: buffer.release,
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

function pointFailure({ row, reason }: RowFailure, x: Float64Array, d: number, before: number): PointFailure {
  return { index: before + row, input: Float64Array.from(x.subarray(row * d, (row + 1) * d)), reason };
}

/** The task for the workers, when the model is a module and the backend has workers. */
function moduleTask(options: EvaluatorOptions): Omit<ModuleTask, 'outputs'> | undefined {
  const { model, backend, names } = options;
  if (typeof model === 'function' || model.kind !== 'module' || backend.evaluateModule === undefined)
    return undefined;
  return { url: model.url, exportName: model.exportName, names };
}

/** One output buffer that grows and is otherwise reused. */
function growing(backend: Backend): { room(length: number): Float64Array; release(): void } {
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
  const outputs = k <= 1 ? ['y'] : Array.from({ length: k }, (_, j) => `y${j + 1}`);
  return { outputs, rows: answers.length, model: { kind: 'pointwise', evaluate: () => answers.shift()!() } };
}

/** @throws OptionError unless the names are distinct and there is at least one. */
export function checkOutputs(where: string, outputs: readonly string[] | undefined): void {
  if (outputs === undefined || (outputs.length > 0 && new Set(outputs).size === outputs.length)) return;
  throw new OptionError({
    where,
    option: 'outputs',
    value: outputs,
    found: `option \`outputs\` is [${outputs.join(', ')}]`,
    expected: 'at least one name, each once',
  });
}
