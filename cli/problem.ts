import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseSalib } from '../estimators/index.ts';
import { checkReadable } from './files.ts';
import { isModule, loadModuleProblem, type Problem } from './model-file.ts';

/**
 * PROBLEM of `sample` and `analyze`: a model module, or a SALib problem as JSON or parameter file.
 * @throws InputError or ModelError when it cannot be read.
 */
export async function loadProblem(
  where: string,
  path: string,
): Promise<Problem & { readonly hash?: string }> {
  if (isModule(path)) return loadModuleProblem(where, path);
  checkReadable(where, path);
  const file = basename(path);
  const { inputs, groups, outputs } = parseSalib(readFileSync(path, 'utf8'), file);
  return { file, inputs, groups, outputs, dependence: undefined, texts: {}, series: undefined };
}
