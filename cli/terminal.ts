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
  write(text: string): void;
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
  return {
    isTerminal,
    get look() {
      const width = isTerminal ? Math.max(WIDTH.least, target.columns || WIDTH.piped) : WIDTH.piped;
      return { width, utf8: speaksUtf8(env), paint: painter(wantsColor(env, isTerminal)) };
    },
    write: (text) => {
      target.write(text);
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

/** A reader that went away (`| head`) ends the command quietly; other stream errors are real. */
export function quietOnClosedPipe(): void {
  for (const target of [process.stdout, process.stderr]) {
    target.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(0);
    });
  }
}
