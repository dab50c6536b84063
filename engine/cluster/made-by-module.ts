import { show } from '../check.ts';
import { ModelError, OptionError } from '../errors.ts';
import type { ModuleModel } from '../model/model.ts';
import { loadModule } from '../pool/module.ts';

/*
 * Methods whose parts are functions do not travel: workers make them anew by the module that exports them, and compare.
 */

/**
 * The method that a module makes.
 * @param example of the maker, for messages: 'treeSampler({ ... })'.
 * @throws ModelError when the module has no such export.
 */
export async function madeByModule(
  where: string,
  { url, exportName }: ModuleModel,
  example: string,
): Promise<unknown> {
  const make = (await loadModule(url))[exportName];
  if (typeof make === 'function') return make();
  throw new ModelError({
    where,
    found: `export \`${exportName}\` is ${show(make)}`,
    expected: `a function that makes the method, () => ${example}`,
  });
}

/** The error of a module whose method is another one than was run. */
export function otherMethod(where: string, same: string): OptionError {
  return new OptionError({
    where,
    option: 'module',
    value: undefined,
    found: 'the method that `module` makes is not the one that was run',
    expected: `the same ${same} and options`,
    fix: 'Run what the export of the module returns.',
  });
}

/** The error of a method whose functions cannot travel. @param what they are: 'a chain is functions'. */
export function noModule(where: string, what: string, example: string): OptionError {
  return new OptionError({
    where,
    option: 'module',
    value: undefined,
    found: `option \`module\` is absent, and ${what}, which cannot travel to other machines`,
    expected: `a module that exports () => ${example}`,
    fix: "Put it into a file and pass module: moduleModel(import.meta.url, 'name') there.",
  });
}

/** @throws OptionError for an option `module` that is none. */
export function checkModuleOption(where: string, module: unknown): void {
  const kind = (module as { readonly kind?: unknown } | null | undefined)?.kind;
  if (module === undefined || kind === 'module') return;
  throw new OptionError({
    where,
    option: 'module',
    value: module,
    found: `option \`module\` is ${show(module)}`,
    expected: 'moduleModel(import.meta.url, name) of the module that makes this method',
  });
}
