import { ModelError, nearestName } from '../estimators/index.ts';

/** Shortest name that is a slip of another when up to a third of the letters differ; `rows` is none of `laws`. */
const LONG = 6;

/**
 * Refuses a module in which an export that the command would read is spelt otherwise, as `expectation` or `dependance`:
 * it would go unread, and another question be answered. Numbers and functions are never meant, so that a model may export
 * its helpers.
 * @param known names the command reads.
 * @throws ModelError naming the export and the spelling.
 */
export function checkSpelling(
  file: string,
  exports: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  const absent = known.filter((name) => exports[name] === undefined);
  for (const [name, value] of Object.entries(exports)) {
    if (name === 'default' || known.includes(name) || !['object', 'string'].includes(typeof value)) continue;
    const near = nearestName(name, absent);
    if (near === undefined || !(name.length >= LONG || singular(name) === singular(near))) continue;
    throw new ModelError({
      where: file,
      found: `export \`${name}\` is none that is read`,
      expected: `\`${near}\`, or a name less like it for something else`,
    });
  }
}

function singular(name: string): string {
  return name.toLowerCase().replace(/s$/, '');
}
