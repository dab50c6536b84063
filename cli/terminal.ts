import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { type Environment, painter, speaksUtf8, wantsColor } from './format/color.ts';
import type { Look } from './format/look.ts';

/** The two streams of a command: data goes to `out`, everything said about it to `err`. */
export interface Terminal {
  readonly out: Stream;
  readonly err: Stream;
  /** Both streams end in the same place, so blocks on them must be kept apart. */
  readonly shared: boolean;
}

export interface Stream {
  readonly look: Look;
  readonly isTerminal: boolean;
  /** False when the reader is slow; `drained` resolves when it wants more. */
  write(text: string): boolean;
  drained(): Promise<void>;
}

/** Width of text that goes to no terminal, and the range kept to on one. */
const WIDTH = { piped: 80, least: 20 };

/** The terminal of this process. */
export function processTerminal(env: Environment = process.env): Terminal {
  return {
    out: stream(process.stdout, env),
    err: stream(process.stderr, env),
    shared: sameSink(),
  };
}

function stream(target: NodeJS.WriteStream, env: Environment): Stream {
  const isTerminal = target.isTTY === true;
  const write = target.write.bind(target);
  return {
    isTerminal,
    get look() {
      const width = isTerminal ? Math.max(WIDTH.least, target.columns || WIDTH.piped) : WIDTH.piped;
      return { width, utf8: speaksUtf8(env), paint: painter(wantsColor(env, isTerminal)) };
    },
    write: (text) => write(text),
    drained: async () => {
      await once(target, 'drain');
    },
  };
}

function sameSink(): boolean {
  try {
    const [out, err] = [fstatSync(1), fstatSync(2)];
    return out.dev === err.dev && out.ino === err.ino;
  } catch {
    return false; // a closed stream is shared with nothing
  }
}

/**
 * From now on everything that does not go through a `Terminal` made before goes to stderr: what a model prints must
 * not get into the table or the JSON. Prints of workers pass through this process's stdout as well.
 * @returns puts it back.
 */
export function divertStdout(): () => void {
  const own = process.stdout.write;
  const divert = (...args: Parameters<typeof process.stderr.write>): boolean => {
    process.stderr.write(...args);
    return true; // a writer that waits for stdout to drain would wait for ever
  };
  process.stdout.write = divert as typeof own;
  return () => {
    process.stdout.write = own;
  };
}

/** A reader that went away (`| head`) ends the command quietly; other stream errors are real. */
export function quietOnClosedPipe(): void {
  for (const target of [process.stdout, process.stderr]) {
    target.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(0);
    });
  }
}
