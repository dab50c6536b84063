import { ModelError } from '../errors.ts';
import { importModule } from './load-module.mjs';

/**
 * The exports of a module by name, on this thread. `.ts` files are transpiled, and `import ... from 'ensample'`
 * works in folders that have no copy of it.
 * @param url absolute, as `new URL('./model.ts', import.meta.url).href`.
 * @throws ModelError when there is no such module, or it does not parse, or it throws while loading.
 */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  try {
    return await importModule(url);
  } catch (cause) {
    throw loadError(url, reasonOf(cause), cause);
  }
}

/** What a module that cannot be loaded is told with, wherever it was tried. */
export function loadError(url: string, reason: string, cause?: unknown): ModelError {
  return new ModelError({
    where: moduleName(url),
    found: `the module cannot be loaded (${reason})`,
    expected: 'a JavaScript or TypeScript module that can be imported',
    cause,
  });
}

/** The file name of a URL as messages show it: 'flood.ts'; the start of any other URL. */
export function moduleName(url: string): string {
  if (!/^(file|https?):/.test(url)) return `${url.slice(0, 40)}${url.length > 40 ? '...' : ''}`;
  return decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
}

/** 'SyntaxError: Unexpected token', on one line. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split('\n', 1)[0]!.slice(0, 300);
}
