import type { Warning } from '../estimators/index.ts';
import { inFlagWords } from './errors.ts';
import { cells, printable, wrap } from './format/text.ts';
import type { RunSettings } from './settings.ts';
import type { Stream, Terminal } from './terminal.ts';

/** Everything a command prints about a result. */
export interface Presented {
  /** What goes to stdout: the table or the document. */
  readonly answer: string;
  /** Writes the files that were asked for and resolves to their base names. */
  readonly write: () => Promise<readonly string[]>;
  readonly warnings: readonly Warning[];
  /** Sentences about the result; not said with --quiet. */
  readonly said: readonly string[];
  /** The command that gives the same numbers again. */
  readonly command: string;
  /** Lines that belong before the table, such as where a run was interrupted. */
  readonly before: readonly string[];
  /** Lines that belong at the end, such as the name of a saved state. */
  readonly after: readonly string[];
}

/** Prints the answer on stdout, warnings and sentences on stderr. */
export async function present(
  { answer, write, warnings, said, command, before, after }: Presented,
  { quiet }: RunSettings,
  { out, err, shared }: Terminal,
): Promise<void> {
  // Blocks on a screen stand apart by one empty line, whichever stream they come from.
  if (before.length > 0) lines(err, before);
  if (!quiet || shared) err.write('\n');
  out.write(answer);
  // After the answer, so that a disk that filled up meanwhile does not cost it.
  const written = await write();
  const sentences = quiet ? [] : said;
  if (shared && warnings.length + sentences.length > 0) err.write('\n');
  for (const warning of warnings) warn(err, warning);
  if (warnings.length > 0 && sentences.length > 0) err.write('\n');
  lines(err, sentences);
  if (!quiet) err.write(again(written, command, err.look.width));
  lines(err, after);
}

/** 'Wrote flood.html. Again: ensample ...'; a command is never broken, so that it can be copied. */
function again(written: readonly string[], command: string, width: number): string {
  const lead = `${written.length === 0 ? '' : `Wrote ${written.join(', ')}. `}Again:`;
  return `${lead}${cells(lead) + 1 + cells(command) > width ? '\n  ' : ' '}${command}\n`;
}

function warn(err: Stream, { message }: Warning): void {
  const { width, paint } = err.look;
  const text = wrap(printable(`Caution: ${inFlagWords(message)}`), width);
  err.write(`${paint.yellow('Caution:')}${text.slice('Caution:'.length)}\n`);
}

function lines(err: Stream, texts: readonly string[]): void {
  for (const text of texts) err.write(`${wrap(text, err.look.width)}\n`);
}
