import { COLUMNS, cell } from './numbers.ts';
import { leads } from './sentences.ts';
import type { Done, Listener } from './session.ts';

/** What is written to of a stream. */
export interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIDTH = 80;

/** The table, for stdout. */
export function table(done: Done): string {
  const columns = COLUMNS.filter(({ short }) => short !== '');
  const lines = [
    ['method', ...columns.map(({ short }) => short)],
    ...done.rows.map((row) => [row.method.name, ...columns.map((column) => cell(column, row, done))]),
  ].map((line) => line.map((text) => text.replaceAll('\u2009', ' ')));
  const widths = lines[0]!.map((_, c) => Math.max(...lines.map((line) => line[c]!.length)));
  return `${lines
    .map((line) =>
      line.map((text, c) => (c === 0 ? text.padEnd(widths[c]!) : text.padStart(widths[c]!))).join(' '),
    )
    .join('\n')}\n`;
}

/** What the numbers say, wrapped. */
export function story(done: Done): string {
  return leads(done)
    .map((text) => `${wrap(text)}\n`)
    .join('');
}

export function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length + 1 > WIDTH) lines.push('');
    lines[lines.length - 1] += lines.at(-1) === '' ? word : ` ${word}`;
  }
  return lines.join('\n');
}

/** Ten times a second at most. */
const REDRAW = 100;

/** One line that is redrawn on a terminal; elsewhere a line when a method has ended. */
export function progress(err: Stream): Listener & { end(): void } {
  let last = 0;
  const clear = (): void => {
    if (err.isTTY === true && last > 0) err.write('\r\x1b[K');
  };
  return {
    going(name, part, parts, share) {
      const now = performance.now();
      if (err.isTTY !== true || now - last < REDRAW) return;
      last = now;
      err.write(`\r${part + 1} of ${parts}  ${name}  ${Math.round(100 * share)} %\x1b[K`);
    },
    ended({ method, seconds, evaluations }) {
      clear();
      err.write(`${method.name}: ${evaluations.denoiser} evaluations, ${seconds.toFixed(1)} s\n`);
    },
    end: clear,
  };
}
