import { type ExpectationsOptions, ModelError } from '../estimators/index.ts';

type Wanted = Pick<ExpectationsOptions, 'expectations' | 'functionals'>;
type Entry = Readonly<Record<string, unknown>>;

/**
 * What a module wants, its functions so that what one of them throws is told as a fault of the module, by the export it
 * belongs to, and not as one of the command. A function that several entries share stays one, so that it is asked once.
 */
export function inOwnWords<W extends Wanted>(file: string, wanted: W): W {
  const { expectations, functionals } = wanted;
  return {
    ...wanted,
    ...(expectations === undefined ? {} : { expectations: told(file, 'expectations', expectations) }),
    ...(functionals === undefined ? {} : { functionals: told(file, 'functionals', functionals) }),
  };
}

/** Anything that is no record of records is left for `expectations` to refuse. */
function told<T extends object>(file: string, group: string, entries: T): T {
  if (!isRecord(entries)) return entries;
  const known = new Map<unknown, unknown>();
  const wrap = (place: string, value: unknown): unknown => {
    if (typeof value !== 'function') return value;
    if (!known.has(value)) known.set(value, guarded(file, place, value as (...args: unknown[]) => unknown));
    return known.get(value);
  };
  const entry = (name: string, parts: unknown): unknown =>
    isRecord(parts) ? mapped(parts, (part, value) => wrap(`${group}.${name}.${part}`, value)) : parts;
  return mapped(entries, entry) as T;
}

function guarded<A extends unknown[], R>(
  file: string,
  place: string,
  call: (...args: A) => R,
): (...args: A) => R {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      const found = `export \`${place}\` threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
      throw new ModelError({
        where: file,
        found,
        expected: 'a function that returns a number',
        cause: error,
      });
    }
  };
}

function mapped(entries: Entry, change: (name: string, value: unknown) => unknown): Entry {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, change(name, value)]));
}

function isRecord(value: unknown): value is Entry {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
