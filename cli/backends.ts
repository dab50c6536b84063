import { describeBackends } from '../estimators/index.ts';
import { padEnd } from './format/text.ts';
import type { Flags } from './settings.ts';
import type { Terminal } from './terminal.ts';

const HEADS = { backend: 'backend', state: 'state', what: 'what', note: '`auto` takes it' } as const;
const KEYS = ['backend', 'state', 'what', 'note'] as const;

/** `ensample backends`: what this machine offers and when `auto` takes it. Resolves to the exit code. */
export async function backends(flags: Flags, { out, err }: Terminal): Promise<number> {
  const rows = await describeBackends();
  if (flags.json === true) {
    out.write(`${JSON.stringify(rows, null, 2)}\n`);
    return 0;
  }
  const all = [HEADS, ...rows];
  const widths = KEYS.map((key) => Math.max(...all.map((row) => row[key].length)));
  const lines = all.map((row) =>
    KEYS.map((key, i) => padEnd(row[key], widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  out.write(`${out.look.paint.bold(lines[0]!)}\n${lines.slice(1).join('\n')}\n`);
  err.write('\nEvery model runs on the host; one in a module of its own runs on all threads.\n');
  return 0;
}
