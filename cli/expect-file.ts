import {
  EngineError,
  type ExpectationsOptions,
  expectations,
  loadModule,
  ModelError,
} from '../estimators/index.ts';
import type { ExpectSettings } from './expect-settings.ts';
import type { Flags } from './flag-values.ts';
import { checkSpelling } from './misspelt-export.ts';
import { type ModelFile, modelOf } from './model-file.ts';
import { inOwnWords } from './own-functions.ts';
import { loadModel } from './remote.ts';

/** A model module with what it wants to know. */
export interface ExpectFile extends ModelFile {
  readonly wanted: Pick<
    ExpectationsOptions,
    'laws' | 'expectations' | 'functionals' | 'weights' | 'optimize'
  >;
}

const EXPORTS = ['laws', 'expectations', 'functionals', 'weights', 'optimize'] as const;

/**
 * A module for `ensample expect`: its model, inputs and outputs, and the exports `laws`, `expectations`, `functionals`,
 * `weights` and `optimize`, which `expectations` checks. Of a model on a server they are in the module of --inputs.
 * @throws as `loadModel`; ModelError for an export that looks like one of these spelt otherwise.
 */
export async function loadExpectFile(where: string, path: string, flags: Flags): Promise<ExpectFile> {
  const model = await loadModel(where, path, flags);
  // Loaded once already, so this only looks.
  const exports = model.url === undefined ? {} : await loadModule(model.url);
  checkSpelling(model.file, exports, EXPORTS);
  const wanted = Object.fromEntries(
    EXPORTS.flatMap((name) => (exports[name] === undefined ? [] : [[name, exports[name]]])),
  );
  return { ...model, wanted: inOwnWords(model.file, wanted) };
}

/**
 * The method for flags and module; a flag wins.
 * @throws OptionError for a flag, ModelError for an export that cannot be used.
 */
export function expectMethod(settings: ExpectSettings, model: ExpectFile): ReturnType<typeof expectations> {
  const { dependence, outputs, inputs, wanted, file } = model;
  try {
    return expectations({
      ...wanted,
      ...settings.method,
      model: modelOf(model),
      inputs,
      points: settings.points,
      ...(dependence === undefined ? {} : { dependence }),
      ...(outputs === undefined ? {} : { outputs }),
    });
  } catch (error) {
    throw inFileWords(error, file);
  }
}

/** A setting in code, but the content of a file on the command line: exit code 1, and the name of the file. */
export function inFileWords(error: unknown, file: string): unknown {
  if (!(error instanceof EngineError)) return error;
  const own = EXPORTS.find((name) =>
    new RegExp(`^expectations: (${name}\\b|[^;]*\`${name}\\b)`).test(error.message),
  );
  if (own === undefined) return error;
  const told = new ModelError({ where: file, found: '', expected: '', cause: error });
  told.message = error.message.replace(/^expectations: /, `${file}: `).replaceAll('option `', 'export `');
  return told;
}
