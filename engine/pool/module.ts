import { EngineError, ModelError } from '../errors.ts';
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
  const place = placeOf(url, cause);
  // A call of ours refused: it says itself what was expected, and in a kernel its lines count within the function.
  if (cause instanceof EngineError) {
    return new ModelError({
      where: `${moduleName(url)}${place === undefined ? '' : `, line ${place}`}`,
      found: `the module cannot be loaded (${reason})`,
      expected: 'calls that are accepted',
      cause,
    });
  }
  const missing = MISSING_EXPORT.exec(reason)?.[1];
  return new ModelError({
    where: `${moduleName(url)}${place === undefined ? '' : `, line ${place}`}`,
    found: `the module cannot be loaded (${reason})`,
    expected: 'a JavaScript or TypeScript module that can be imported',
    ...(missing === undefined
      ? {}
      : { fix: `Does ensample have a function ${missing}? Check its spelling.` }),
    cause,
  });
}

/** How a transpiled module that imports a name we do not have fails when it calls it. */
const MISSING_EXPORT = /\(0 , _ensample\.(\w+)\) is not a function/;

/** The line of the module at which it failed, from the stack of what it threw, where there is one. */
function placeOf(url: string, cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !url.startsWith('file:')) return undefined;
  const path = decodeURIComponent(new URL(url).pathname);
  const text = `${cause.message}\n${cause.stack ?? ''}`;
  for (const name of [url, path]) {
    const at = text.indexOf(`${name}:`);
    const line = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + name.length + 1), 10);
    if (line > 0) return line;
  }
  return undefined;
}

/** The file name of a URL as messages show it: 'flood.ts'; the start of any other URL. */
export function moduleName(url: string): string {
  if (!/^(file|https?):/.test(url)) return `${url.slice(0, 40)}${url.length > 40 ? '...' : ''}`;
  return decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
}

/** 'SyntaxError: Unexpected token', on one line. */
function reasonOf(error: unknown): string {
  // Our own words need no name of a class before them, nor a full stop inside the brackets.
  if (error instanceof EngineError) return error.message.replace(/\.$/, '');
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text
    .split('\n', 1)[0]!
    .replace(/^Error: ParseError: /, 'SyntaxError: ')
    .trim()
    .slice(0, 300);
}
