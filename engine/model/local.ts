import { show } from '../check.ts';
import { ModelError, OptionError } from '../errors.ts';
import type { LocalModel } from '../pool/evaluate-rows.mjs';
import { toLocalModel } from '../pool/load-module.mjs';
import { loadModule, moduleName } from '../pool/module.ts';
import type { BatchFn } from '../types.ts';
import type { ModelLike } from './model.ts';

/**
 * Any model as something this thread can call.
 * @throws OptionError when it is no model; ModelError when its module cannot be loaded or exports no model.
 */
export async function localModel(where: string, model: ModelLike): Promise<LocalModel> {
  if (typeof model === 'function') return checkBatch(where, model);
  if (model?.kind !== 'module') return checkTagged(where, model);
  const module = await loadModule(model.url);
  const found = toLocalModel(module[model.exportName]);
  if (found !== undefined) return found;
  throw new ModelError({
    where: moduleName(model.url),
    found: `export \`${model.exportName}\` is ${show(module[model.exportName])}`,
    expected:
      'a function of { name: value }, or of (x, out), or the value of named(...), pointwise(...) or batch(...)',
  });
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

function checkTagged(where: string, model: Exclude<ModelLike, { readonly kind: 'module' }>): LocalModel {
  const found = toLocalModel(model);
  if (found !== undefined) return found;
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: `option \`model\` is ${show(model)}`,
    expected: 'a function (x, out) of a batch, or pointwise(f), named(f) or moduleModel(url)',
  });
}
