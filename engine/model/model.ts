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

/** A model in one of the forms the evaluator knows. */
export type Model = BatchModel | PointwiseModel | NamedModel | ModuleModel | GpuKernel;

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
