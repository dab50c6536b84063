import type { Backend } from '../backend/backend.ts';
import type { GpuKernel } from '../backend/kernel/types.ts';
import { cardNotes } from '../backend/provenance.ts';
import { show } from '../check.ts';
import { OptionError, type PointFailure } from '../errors.ts';
import type { RowFailure } from '../pool/evaluate-rows.mjs';
import { type CardKernel, cardRows } from './card-rows.ts';
import { hostRows, outputNames, type Rows, sourceRows } from './host-rows.ts';
import { type OpenedModel, openModel } from './local.ts';
import type { ModelLike, RemoteModel } from './model.ts';
import type { Place } from './place.ts';
import { remoteRows } from './remote.ts';

export interface EvaluatorOptions {
  /** Name used in messages: 'sobolIndices'. */
  readonly where: string;
  readonly model: ModelLike;
  /** Names of the columns of x. */
  readonly names: readonly string[];
  /** Names of the outputs. When absent, a pointwise or named model tells by its first answer; a batch has one. */
  readonly outputs?: readonly string[];
  /** Evaluations planned in all, by which the backend decides whether a graphics card pays. */
  readonly planned: number;
  /** Take every number as it is: NaN and infinities are no failures. Default false. */
  readonly unchecked?: boolean;
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
  /** Where the model runs and why, for provenance. */
  readonly place: Place;
  /** The model as a kernel on a card, for methods that keep its points and outputs there; undefined on the host. */
  readonly card: CardKernel | undefined;
  /** Tell of n evaluations that were made with `card`. */
  count(n: number): void;
  /**
   * Evaluate n points of `x` [n, d], from an arena of the backend.
   * A point that throws, rejects, or returns NaN, an infinity or the wrong number of values is a failure of
   * that point, not of the batch. A failure's index counts points over the evaluator's whole life.
   * @throws ModelError when a worker cannot load the model or a remote one is lost; BackendError when the card fails; the
   * signal's reason when aborted.
   */
  evaluate(x: Float64Array, n: number): Promise<Batch>;
  /** Give the output buffer back. */
  dispose(): void;
}

const ON_MAIN_THREAD =
  'the model is a function, which cannot travel to workers, so it ran on the main thread; moduleModel(url) runs on all of them';

/**
 * Open a model for evaluation. When a run is resumed, `evaluations` starts at `done`, and `adapter` is what
 * `savedAdapter` gave when it was saved.
 * @throws OptionError when `model` is no model, or JavaScript for a graphics card, or a kernel of other dimensions;
 * ModelError when its module cannot be loaded, or nobody answers for a remote one.
 */
export async function openEvaluator(
  options: EvaluatorOptions,
  done = 0,
  adapter?: string,
): Promise<Evaluator> {
  const { where, names, backend, signal } = options;
  const model = await openModel(where, options.model);
  checkPlace(where, model, backend);
  const { rows, place, card } = await placeRows(options, model, done);
  let evaluations = done;
  return {
    get outputs() {
      return rows.outputs;
    },
    get evaluations() {
      return evaluations;
    },
    place: adapter === undefined || adapter === card?.gpu.adapter ? place : { ...place, earlier: adapter },
    card,
    count(n) {
      evaluations += n;
    },
    async evaluate(x, n) {
      signal.throwIfAborted();
      const { y, failed } = await rows.evaluate(x, n);
      const failures = failed.map((failure) => pointFailure(failure, x, names.length, evaluations));
      evaluations += n;
      return { y, failures };
    },
    dispose: rows.release,
  };
}

interface Placed {
  readonly rows: Rows;
  readonly place: Place;
  readonly card: CardKernel | undefined;
}

async function placeRows(options: EvaluatorOptions, model: OpenedModel, done: number): Promise<Placed> {
  const { where, names, outputs, planned, unchecked, backend, signal } = options;
  const { kernel, remote } = model;
  if (remote !== undefined) return placeRemote(options, remote, done);
  if (model.elsewhere !== undefined) {
    const source = model.elsewhere.open(names, outputs, done, unchecked ?? false, signal);
    const notes = source.note === undefined ? [] : [source.note];
    return { rows: sourceRows(source, outputs), place: { card: undefined, notes }, card: undefined };
  }
  if (kernel === undefined) {
    const alone = model.module === undefined && backend.threads > 1;
    const place = { card: undefined, notes: alone ? [ON_MAIN_THREAD] : [] };
    return { rows: hostRows(model, names, outputs, backend, signal, unchecked), place, card: undefined };
  }
  const known = kernelOutputs(where, kernel, names, outputs);
  const card = await backend.card(planned);
  const place: Place = { card: card.gpu, notes: cardNotes(card) };
  if (card.gpu === undefined)
    return { rows: hostRows(model, names, known, backend, signal, unchecked), place, card: undefined };
  const { gpu } = card;
  // Whoever made a kernel has loaded this; others need not.
  const { bindKernel } = await import('../backend/user-kernel.ts');
  const bound = { gpu, bound: await bindKernel(gpu, kernel), dims: kernel.dims, outputs: kernel.outputs };
  return { rows: cardRows(bound, known, backend, signal, unchecked), place, card: bound };
}

async function placeRemote(options: EvaluatorOptions, remote: RemoteModel, done: number): Promise<Placed> {
  const { where, names: inputs, outputs, unchecked = false, backend, signal } = options;
  const connection = await remote.open(where, inputs, signal);
  const { label, outputs: k, concurrency } = connection;
  if (outputs !== undefined && outputs.length !== k) {
    connection.close();
    throw otherOutputs(where, outputs, `the model at ${label}`, k);
  }
  const rows = remoteRows(connection, { inputs, outputs, backend, signal, unchecked, done });
  const note = `The model ran at ${label}, with up to ${counted(concurrency, 'request')} at a time.`;
  return { rows, place: { card: undefined, notes: [note] }, card: undefined };
}

/**
 * What was asked to run on the card must not run elsewhere.
 * @throws OptionError for a JavaScript model when the backend is a graphics card.
 */
function checkPlace(where: string, { kernel, remote }: OpenedModel, { name }: Backend): void {
  if (name !== 'webgpu' || kernel !== undefined) return;
  throw new OptionError({
    where,
    option: 'model',
    value: undefined,
    found: `the model is ${remote === undefined ? 'a JavaScript function' : 'on a server'}, which cannot run on the graphics card`,
    expected: "a model made by gpuKernel(...) for backend 'webgpu'",
    fix: "Wrap it in gpuKernel, or use backend: 'auto'.",
  });
}

/**
 * Names of a kernel's outputs.
 * @throws OptionError when it takes another number of inputs, or gives another number of outputs.
 */
function kernelOutputs(
  where: string,
  kernel: GpuKernel,
  names: readonly string[],
  outputs: readonly string[] | undefined,
): readonly string[] {
  if (kernel.dims !== names.length) {
    throw new OptionError({
      where,
      option: 'model',
      value: kernel.dims,
      found: `kernel \`${kernel.name}\` takes ${counted(kernel.dims, 'number')} a point, and there ${isAre(names.length)} ${counted(names.length, 'input')}`,
      expected: `a kernel with dims: ${names.length}`,
    });
  }
  if (outputs === undefined) return outputNames(kernel.outputs);
  if (outputs.length === kernel.outputs) return outputs;
  throw otherOutputs(where, outputs, `kernel \`${kernel.name}\``, kernel.outputs);
}

function otherOutputs(where: string, outputs: readonly string[], model: string, k: number): OptionError {
  return new OptionError({
    where,
    option: 'outputs',
    value: outputs,
    found: `option \`outputs\` names ${counted(outputs.length, 'output')}, and ${model} returns ${counted(k, 'number')}`,
    expected: 'one name for each number it returns',
  });
}

function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

function isAre(n: number): string {
  return n === 1 ? 'is' : 'are';
}

function pointFailure({ row, reason }: RowFailure, x: Float64Array, d: number, before: number): PointFailure {
  return { index: before + row, input: Float64Array.from(x.subarray(row * d, (row + 1) * d)), reason };
}

/** @throws OptionError unless the names are distinct and there is at least one. */
export function checkOutputs(where: string, outputs: readonly string[] | undefined): void {
  if (outputs === undefined) return;
  const names = Array.isArray(outputs) && outputs.every((name) => typeof name === 'string' && name !== '');
  if (names && outputs.length > 0 && new Set(outputs).size === outputs.length) return;
  throw new OptionError({
    where,
    option: 'outputs',
    value: outputs,
    found: `option \`outputs\` is ${Array.isArray(outputs) ? `[${outputs.map(String).join(', ')}]` : show(outputs)}`,
    expected: 'at least one name, each once',
  });
}
