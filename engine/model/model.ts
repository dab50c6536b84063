import type { GpuKernel } from '../backend/kernel/types.ts';
import type { BatchFn } from '../types.ts';

/** What a model gives back for one point: a number, or k of them. */
export type PointValue = number | ArrayLike<number>;

/** Function of one point x [d]. */
export type PointFn = (x: Float64Array) => PointValue | Promise<PointValue>;

/** Function of one point as { name: value }. With more than 64 inputs the object is used again: copy it to keep it. */
export type NamedFn = (inputs: Readonly<Record<string, number>>) => PointValue | Promise<PointValue>;

export interface BatchModel {
  readonly kind: 'batch';
  readonly evaluate: BatchFn;
}

export interface PointwiseModel {
  readonly kind: 'pointwise';
  readonly evaluate: PointFn;
}

export interface NamedModel {
  readonly kind: 'named';
  readonly evaluate: NamedFn;
}

export interface ModuleModel {
  readonly kind: 'module';
  readonly url: string;
  readonly exportName: string;
}

/** A model that runs elsewhere and is asked for several points at a time, as `umBridge` makes it. */
export interface RemoteModel {
  readonly kind: 'remote';
  /**
   * Connect for one run.
   * @param inputs names of the inputs in order.
   * @throws ModelError when nobody answers, or it is another model than was asked for; OptionError for other inputs.
   */
  open(where: string, inputs: readonly string[], signal: AbortSignal): Promise<RemoteConnection>;
}

/** A remote model as one run sees it. */
export interface RemoteConnection {
  /** 'http://localhost:4242' */
  readonly label: string;
  /** Numbers a point returns. */
  readonly outputs: number;
  /** Points under way at the same time, at most. */
  readonly concurrency: number;
  /** Whether the first failed point ends the run at once, whatever its `missing` says. */
  readonly stop: boolean;
  /** The outputs at one point x [d]. Rejects only with the signal's reason. */
  evaluate(x: Float64Array, signal: AbortSignal): Promise<ArrayLike<number> | RemoteTrouble>;
  /** The gradient [d] of the first of the outputs at x [d]; absent where the model has none. */
  gradient?(x: Float64Array, signal: AbortSignal): Promise<ArrayLike<number> | RemoteTrouble>;
  /** Requests that one gradient takes. */
  readonly gradientCost: number;
  close(): void;
}

/** Why there is no answer for a point. */
export interface RemoteTrouble {
  /** As of any failed point: 'answered 400 InvalidInput: ...', 'took longer than 5000 ms'. */
  readonly reason: string;
  /** Nobody answers any more: the run ends. */
  readonly lost: boolean;
}

/** Rows that others evaluate, or have evaluated: as `onCluster` makes it. */
export interface RowsModel {
  readonly kind: 'rows';
  /**
   * For one run that has evaluated `done` points before.
   * @param inputs names of the inputs in order.
   * @param outputs names of the outputs where they are known.
   * @param unchecked whether NaN and infinities are numbers like others.
   */
  open(
    inputs: readonly string[],
    outputs: readonly string[] | undefined,
    done: number,
    unchecked: boolean,
    signal: AbortSignal,
  ): RowSource;
}

/** What answers a run's points. */
export interface RowSource {
  /** For provenance: where the model ran. */
  readonly note: string | undefined;
  /** The next n points of `x` [n, d]: k outputs each, NaN in rows that failed, and which failed why. */
  evaluate(x: Float64Array, n: number): Promise<RowAnswer>;
}

export interface RowAnswer {
  readonly k: number;
  /** [n, k] */
  readonly y: Float64Array;
  /** Rows counted from the first of the batch. */
  readonly failed: readonly { readonly row: number; readonly reason: string }[];
}

/** A model in one of the forms the evaluator knows. */
export type Model =
  | BatchModel
  | PointwiseModel
  | NamedModel
  | ModuleModel
  | RemoteModel
  | RowsModel
  | GpuKernel;

/** A plain function is a batch function [n, d] -> [n] or [n, k]. */
export type ModelLike = Model | BatchFn;

/** A function of one point, `(x) => y`, as a model. */
export function pointwise(evaluate: PointFn): PointwiseModel {
  return { kind: 'pointwise', evaluate };
}

/** A function of named inputs, `({ flow, width }) => y`, as a model. */
export function named(evaluate: NamedFn): NamedModel {
  return { kind: 'named', evaluate };
}

/** A function of a whole batch, `(x, out) => void`, as a model. The same as passing the function itself. */
export function batch(evaluate: BatchFn): BatchModel {
  return { kind: 'batch', evaluate };
}

/**
 * A model that lives in a module, so that every worker can import it and points are evaluated in parallel.
 *
 * The export is a function of one argument (named inputs), of two (a batch), or the value of `named`,
 * `pointwise` or `batch`.
 *
 * @param url absolute URL of the module: `new URL('./model.js', import.meta.url).href`.
 */
export function moduleModel(url: string | URL, exportName = 'default'): ModuleModel {
  return { kind: 'module', url: String(url), exportName };
}
