import { EngineError } from 'ensample';
import { writePage, writePictures } from './files.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { type Done, session } from './session.ts';
import { progress, type Stream, story, table, wrap } from './terminal.ts';

/** Where a run of the program writes to, and what ends it early. */
export interface Place {
  readonly out: Stream;
  readonly err: Stream;
  /** For files. */
  readonly folder: URL;
  readonly signal: AbortSignal;
}

const INTERRUPTED = 130;

/** The program: resolves to its exit code. */
export async function digits(argv: readonly string[], place: Place): Promise<number> {
  const { out, err } = place;
  try {
    const options = readOptions(argv);
    if (options !== undefined) return await drawn(options, place);
    out.write(`${HELP}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    err.write(`${wrap(error.message)}\n`);
    return error.code === 'option' ? 2 : 1;
  }
}

async function drawn(options: Options, { out, err, folder, signal }: Place): Promise<number> {
  const done: Done = { rows: [], seconds: 0 };
  const listener = progress(err);
  const pictures = 10 * options.rows;
  err.write(
    `digits: ${options.only.length} parts, ${pictures} pictures each, ${options.steps} steps, seed ${options.seed}\n`,
  );
  const ended = (row: Done['rows'][number]): void => {
    listener.ended(row);
    writePictures(folder, row);
  };
  try {
    await session(options, done, { ...listener, ended }, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    listener.end();
  }
  const interrupted = signal.aborted;
  const settings = `${pictures} pictures of each method, ${options.steps} steps from noise to data, seed ${options.seed}, ${options.threads} thread${options.threads === 1 ? '' : 's'}, ${done.seconds.toFixed(0)} s`;
  writePage(folder, done, { again: options.again, settings, interrupted });
  if (done.rows.length > 0) out.write(table(done));
  const more = interrupted ? `Interrupted after ${done.rows.length} of ${options.only.length} parts.\n` : '';
  err.write(
    `\n${story(done)}${more}Wrote digits.html and ${done.rows.length} PNG file${done.rows.length === 1 ? '' : 's'}. Again: ${options.again}\n`,
  );
  return interrupted ? INTERRUPTED : 0;
}
