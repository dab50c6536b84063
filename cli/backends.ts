import { type BackendRow, describeBackends } from '../estimators/index.ts';
import { inFlagWords } from './errors.ts';
import type { Flags } from './flag-values.ts';
import { cells, padEnd, wrap } from './format/text.ts';
import type { Terminal } from './terminal.ts';

type Row = Readonly<Record<'backend' | 'state' | 'what' | 'note', string>>;

const HEADS: Row = { backend: 'backend', state: 'state', what: 'what', note: '`auto` takes it' };
const KEYS = ['backend', 'state', 'what', 'note'] as const;
const GAP = '  ';
/** Share of the room of `what` and `note` that `note` gets, where both are too wide for it. */
const NOTE = 0.45;

const CLOSE =
  'A model in JavaScript runs on the processor, one in a module of its own on all threads; for the GPU write it as gpuKernel(...).';
/** Dawn writes to the terminal by itself, and nothing stops it. */
const DAWN =
  'Warnings about vkCreateInstance come from Dawn (the package webgpu), which looked for the driver of a graphics card and found none. They do no harm.';

/** `ensample backends`: what this machine offers and when `auto` takes it. Resolves to the exit code. */
export async function backends(flags: Flags, { out, err }: Terminal): Promise<number> {
  const rows = (await describeBackends()).map((row): BackendRow => ({ ...row, note: inFlagWords(row.note) }));
  if (flags.json === true) {
    out.write(`${JSON.stringify(rows, null, 2)}\n`);
    return 0;
  }
  const [head, ...lines] = tableOf([HEADS, ...rows], out.look.width);
  out.write(`${out.look.paint.bold(head!)}\n${lines.join('\n')}\n`);
  const close = rows.some(({ what }) => what.endsWith('no graphics card answered')) ? [DAWN, CLOSE] : [CLOSE];
  for (const text of close) err.write(`\n${wrap(text, err.look.width)}\n`);
  return 0;
}

/** Rows as lines of at most `width` cells; long texts go on below in their own column. */
function tableOf(rows: readonly Row[], width: number): readonly string[] {
  const widest = (key: keyof Row): number => Math.max(...rows.map((row) => cells(row[key])));
  const room = width - widest('backend') - widest('state') - 3 * GAP.length;
  const note = Math.min(widest('note'), Math.max(room - widest('what'), Math.floor(NOTE * room)));
  const widths = [widest('backend'), widest('state'), Math.min(widest('what'), room - note), note];
  return rows.flatMap((row) => {
    const columns = KEYS.map((key, i) => wrap(row[key], widths[i]!).split('\n'));
    const height = Math.max(...columns.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      columns
        .map((column, i) => padEnd(column[line] ?? '', widths[i]!))
        .join(GAP)
        .trimEnd(),
    );
  });
}
