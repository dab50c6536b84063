import type { DesignName } from '../estimators/index.ts';
import type { Flags } from './flag-values.ts';

// The first line of a design file says how to make the design again:
//   # ensample design: seed=7 points=1024 replicates=8 design=sobol second-order=no
// so that `analyze` needs no flags, and can check that inputs and outputs belong together.

/** What a design is made from, beside the problem. */
export interface DesignNote {
  readonly seed: number;
  readonly points: number;
  readonly replicates: number | undefined;
  readonly design: DesignName;
  readonly secondOrder: boolean;
  /** As `--groups` takes it. */
  readonly groups: string | undefined;
  readonly estimator: string | undefined;
}

const MAGIC = 'ensample design:';

/** The note as a comment line, with its newline. */
export function writeNote(note: DesignNote): string {
  const parts = [
    `seed=${note.seed}`,
    `points=${note.points}`,
    ...(note.replicates === undefined ? [] : [`replicates=${note.replicates}`]),
    `design=${note.design}`,
    `second-order=${note.secondOrder ? 'yes' : 'no'}`,
    ...(note.estimator === undefined ? [] : [`estimator=${note.estimator}`]),
    ...(note.groups === undefined ? [] : [`groups=${encodeURIComponent(note.groups)}`]),
  ];
  return `# ${MAGIC} ${parts.join(' ')}\n`;
}

/** Flags that the comment lines of a design file stand for; undefined when none of them is a note. */
export function readNote(comments: readonly string[]): Flags | undefined {
  const note = comments.find((comment) => comment.startsWith(MAGIC));
  if (note === undefined) return undefined;
  const flags: Record<string, string | boolean> = {};
  for (const part of note.slice(MAGIC.length).trim().split(/\s+/)) {
    const [name, value = ''] = part.split('=', 2);
    if (name === 'second-order') flags.secondOrder = value === 'yes';
    else if (name === 'groups') flags.groups = decodeURIComponent(value);
    else if (KNOWN.has(name!)) flags[name!] = value;
  }
  return flags;
}

const KNOWN: ReadonlySet<string> = new Set(['seed', 'points', 'replicates', 'design', 'estimator']);
