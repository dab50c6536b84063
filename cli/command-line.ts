import { basename } from 'node:path';

/** Flags that say where a result goes, not what it is. */
const SWITCHES: ReadonlySet<string> = new Set(['--json', '--quiet']);
const WITH_VALUE: ReadonlySet<string> = new Set(['--csv', '--report', '--resume', '--seed', '--threads']);

/**
 * The command that gives the same numbers again: settings and seed, without what only says where results go. A seed that
 * was read from a file is undefined.
 * @param shards that were chosen, where the command does not name them.
 */
export function repeatCommand(argv: readonly string[], seed: number | undefined, shards?: number): string {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const name = word.split('=', 1)[0]!;
    if (SWITCHES.has(name)) continue;
    if (WITH_VALUE.has(name)) {
      if (!word.includes('=')) i++;
      continue;
    }
    kept.push(quoted(word));
  }
  if (seed !== undefined) kept.push('--seed', String(seed));
  const named = argv.some((word) => word === '--shards' || word.startsWith('--shards='));
  if (shards !== undefined && !named) kept.push('--shards', String(shards));
  return ['ensample', ...kept].join(' ');
}

/** The same with base names in the place of paths, for files that others may read. */
export function repeatCommandByName(
  argv: readonly string[],
  seed: number | undefined,
  shards?: number,
): string {
  const named = argv.map((word) => (word.startsWith('-') || !/[\\/]/.test(word) ? word : basename(word)));
  return repeatCommand(named, seed, shards);
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
