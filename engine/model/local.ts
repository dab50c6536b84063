import type { GpuKernel } from '../backend/kernel/types.ts';
import { show } from '../check.ts';
import { digest } from '../digest.ts';
import { ModelError, OptionError } from '../errors.ts';
import type { LocalModel } from '../pool/evaluate-rows.mjs';
import { toLocalModel } from '../pool/load-module.mjs';
import { loadModule, moduleName } from '../pool/module.ts';
import type { BatchFn } from '../types.ts';
import type { ModelLike, RemoteModel, RowsModel } from './model.ts';

/** A model as something this thread can call, with its other forms. */
export interface OpenedModel {
  readonly local: LocalModel;
  /** The module that workers can import; undefined when the model cannot travel. */
  readonly module: { readonly url: string; readonly exportName: string } | undefined;
  /** The model as a kernel for the card; undefined when it is JavaScript. */
  readonly kernel: GpuKernel | undefined;
  /** The model when it runs elsewhere; `local` cannot be called then. */
  readonly remote?: RemoteModel;
  /** The model when others evaluate whole batches; `local` cannot be called then. */
  readonly elsewhere?: RowsModel;
}

const FORMS =
  'a function of { name: value }, or of (x, out), or the value of named(...), pointwise(...), batch(...), gpuKernel(...) or umBridge(...)';

/**
 * Any model as something this thread can call.
 * @throws OptionError when it is no model; ModelError when its module cannot be loaded or exports no model.
 */
export async function openModel(where: string, model: ModelLike): Promise<OpenedModel> {
  if (isKernel(model)) return openKernel(model);
  if (isRemote(model)) return elsewhere(model);
  if (typeof model !== 'function' && model?.kind === 'rows') return { ...NOWHERE, elsewhere: model };
  if (typeof model === 'function') return onThisThread(checkBatch(where, model));
  if (model?.kind !== 'module') return onThisThread(checkTagged(where, model));
  const { url, exportName } = model;
  const module = await loadModule(url);
  const exported = module[exportName];
  if (isKernel(exported)) return openKernel(exported);
  if (isRemote(exported)) return elsewhere(exported);
  const local = toLocalModel(exported);
  if (local !== undefined) return { local, module: { url, exportName }, kernel: undefined };
  throw new ModelError({
    where: moduleName(url),
    found: `export \`${exportName}\` is ${show(exported)}`,
    expected: FORMS,
  });
}

/** Whether a value was made by `gpuKernel`. */
export function isKernel(value: unknown): value is GpuKernel {
  return (value as { readonly kind?: unknown } | null | undefined)?.kind === 'gpu-kernel';
}

/** Whether a value was made by `umBridge`. */
export function isRemote(value: unknown): value is RemoteModel {
  return (value as { readonly kind?: unknown } | null | undefined)?.kind === 'remote';
}

/**
 * A short text that changes with the text of a kernel, the functions it calls and its constants; undefined for other
 * models, whose text says nothing of what it takes from outside.
 */
export function kernelDigest(model: unknown): string | undefined {
  return isKernel(model) ? digest(model.moduleUrl) : undefined;
}

/**
 * Whether a run was saved with one kernel and would go on with another. A kernel may go on as another kind of model, of
 * which nobody can tell whether it is the same.
 */
export function isOtherKernel(saved: string | undefined, now: string | undefined): boolean {
  return saved !== undefined && now !== undefined && saved !== now;
}

/** On the host a kernel is a pointwise model in float64, and its module takes it to the workers. */
function openKernel(kernel: GpuKernel): OpenedModel {
  const local: LocalModel = { kind: 'pointwise', evaluate: kernel.evaluate };
  return { local, module: { url: kernel.moduleUrl, exportName: 'default' }, kernel };
}

/** Nothing that this thread could call. */
const NOWHERE: OpenedModel = {
  local: { kind: 'pointwise', evaluate: () => Number.NaN },
  module: undefined,
  kernel: undefined,
};

function elsewhere(remote: RemoteModel): OpenedModel {
  return { ...NOWHERE, remote };
}

function onThisThread(local: LocalModel): OpenedModel {
  return { local, module: undefined, kernel: undefined };
}

/** A function of a batch fills its second argument; one that has none was meant for single points. */
function checkBatch(where: string, model: BatchFn): LocalModel {
  if (model.length !== 1) return { kind: 'batch', evaluate: model };
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: 'option `model` is a function of one argument',
    expected: 'a function (x, out) of a batch, or pointwise(f), named(f) or moduleModel(url)',
    fix: 'Wrap it: named(({ a, b }) => ...), or pointwise(([a, b]) => ...).',
  });
}

function checkTagged(where: string, model: unknown): LocalModel {
  const found = toLocalModel(model);
  if (found !== undefined) return found;
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: `option \`model\` is ${show(model)}`,
    expected:
      'a function (x, out) of a batch, or pointwise(f), named(f), moduleModel(url), umBridge({ url }) or gpuKernel(f)',
  });
}
