import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { finished } from 'node:stream/promises';
import { type SobolDesign, sobolDesign } from '../estimators/index.ts';
import { quoted } from './command-line.ts';
import { writeNote } from './design-file.ts';
import { csvText, nameCell } from './documents.ts';
import { checkWritable } from './files.ts';
import type { Flags } from './flag-values.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { designOptions } from './options.ts';
import { loadProblem } from './problem.ts';
import { drawSeed, readSettings, type Settings } from './settings.ts';
import type { Stream, Terminal } from './terminal.ts';

const WHERE = 'ensample sample';
const ROWS_AT_ONCE = 4096;

/** `ensample sample PROBLEM`: writes the design for a model that runs elsewhere. Resolves to the exit code. */
export async function sample(path: string, flags: Flags, { out, err }: Terminal): Promise<number> {
  const settings = readSettings(WHERE, flags);
  const file = typeof flags.output === 'string' ? flags.output : undefined;
  if (file !== undefined) checkWritable(WHERE, '-o', file);
  const problem = await loadProblem(WHERE, path);
  const seed = settings.seed ?? drawSeed();
  const options = designOptions(settings, problem);
  const design = await sobolDesign(options, { seed });
  const groups = typeof flags.groups === 'string' ? flags.groups : undefined;
  const note = writeNote({ ...settings, seed, groups });
  if (file === undefined) await writeDesign(out, note, design);
  else await saveDesign(file, note, design);
  if (settings.quiet) return 0;
  const lines = [
    wroteLine(file, settings, design, seed),
    'Run the model on each row, in this order; write one row of outputs for each. Then:',
  ].map((line) => wrap(line, err.look.width));
  // A command is never broken, so that it can be copied.
  const command = `  ensample analyze ${quoted(path)} -x ${quoted(file ?? 'x.csv')} -y y.csv`;
  err.write(`${lines.join('\n')}\n${command}\n`);
  return 0;
}

/** 'Wrote x.csv: 1280 rows of 3 inputs, from 256 points, seed 7.' */
function wroteLine(file: string | undefined, settings: Settings, design: SobolDesign, seed: number): string {
  const inputs = counted(design.names.length, count(design.names.length), 'input');
  const rows = counted(design.rows, count(design.rows), 'row');
  const wrote = file === undefined ? 'Wrote' : `Wrote ${basename(file)}:`;
  return `${wrote} ${rows} of ${inputs}, from ${count(settings.points)} points, seed ${seed}.`;
}

/** Note, header and rows; a slow reader is waited for. */
async function writeDesign(
  target: Pick<Stream, 'write' | 'drained'>,
  note: string,
  { x, rows, names }: SobolDesign,
): Promise<void> {
  const d = names.length;
  target.write(note + csvText([names.map(nameCell)]));
  for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
    const lines: string[] = [];
    for (let row = from; row < Math.min(rows, from + ROWS_AT_ONCE); row++)
      lines.push(x.subarray(row * d, (row + 1) * d).join(','));
    if (!target.write(`${lines.join('\n')}\n`)) await target.drained();
  }
}

async function saveDesign(path: string, note: string, design: SobolDesign): Promise<void> {
  const file = createWriteStream(path);
  const drained = async (): Promise<void> => {
    await once(file, 'drain');
  };
  await writeDesign({ write: (text) => file.write(text), drained }, note, design);
  file.end();
  await finished(file);
}
