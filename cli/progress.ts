import { count, duration, fixed, rate } from './format/number.ts';
import { cells } from './format/text.ts';
import type { Stream } from './terminal.ts';

/** What progress counts and how it writes the width of the least certain number. */
export interface Unit {
  /** 'runs' */
  readonly word: string;
  /** '± 0.002' without its sign; never asked for NaN. */
  readonly width: (widest: number) => string;
}

/** How far a run is, in model runs or another unit. */
export interface Stage {
  /** Done, what an earlier process did included. */
  readonly done: number;
  /** Done by this process. */
  readonly ran: number;
  /** All there will be; undefined when open-ended. */
  readonly total: number | undefined;
  /** Half-width of the least certain number; NaN until it is known. */
  readonly widest: number;
}

/** Model runs, and a half-width as one digit. */
export const RUNS: Unit = { word: 'runs', width: shortWidth };

/** A line about a running command on stderr. */
export interface Progress {
  update(stage: Stage): void;
  /** Erase the line. Idempotent. */
  end(): void;
}

/** Milliseconds: nothing is drawn before the first; then at most every second; off a terminal every third. */
const TIME = { first: 300, redraw: 100, plain: 60_000 };
const BAR = 18;

/**
 * On a terminal one line that is redrawn and erased at the end; elsewhere one plain line a minute; with
 * `quiet` nothing.
 */
export function makeProgress(err: Stream, quiet: boolean, dumb: boolean, unit: Unit = RUNS): Progress {
  if (quiet) return { update() {}, end() {} };
  const start = performance.now();
  const animated = err.isTerminal && !dumb;
  let stage: Stage | undefined;
  let at = 0;
  let drawn = false;
  const show = (): void => {
    const elapsed = performance.now() - start;
    if (stage === undefined || elapsed < TIME.first) return;
    const line = progressLine(stage, at / 1000, elapsed / 1000, err.look.utf8, animated, unit);
    err.write(animated ? `\r${shorten(line, err.look.width - 1)}\x1b[K` : `${line}\n`);
    drawn = animated;
  };
  const timer = setInterval(show, animated ? TIME.redraw : TIME.plain);
  timer.unref();
  return {
    update: (now) => {
      stage = now;
      at = performance.now() - start;
    },
    end: () => {
      clearInterval(timer);
      if (drawn) err.write('\r\x1b[K');
      drawn = false;
    },
  };
}

/**
 * '[##########........]  55 %  162 202 runs  1.9 M/s  0.1 s left  widest +/- 0.002', without the bar off a terminal.
 *
 * @param at seconds from the start to this stage. @param now seconds from the start to now.
 */
export function progressLine(
  stage: Stage,
  at: number,
  now: number,
  utf8: boolean,
  bar: boolean,
  unit: Unit = RUNS,
): string {
  const { done, ran, total, widest } = stage;
  const perSecond = ran / at;
  const parts: string[] = [];
  if (total !== undefined && total > 0) {
    const share = Math.min(1, done / total);
    if (bar) parts.push(`[${drawBar(share)}]`);
    parts.push(`${Math.floor(share * 100)} %`.padStart(bar ? 4 : 0));
  }
  parts.push(`${count(done)} ${unit.word}`);
  if (ran > 0) {
    parts.push(rate(perSecond));
    if (total !== undefined) parts.push(`${duration((total - done) / perSecond - (now - at))} left`);
  }
  parts.push(widestText(widest, unit, utf8));
  return parts.join('  ');
}

/** 'widest +/- 0.002' */
export function widestText(widest: number, unit: Unit, utf8: boolean): string {
  return `widest ${Number.isNaN(widest) ? '...' : `${utf8 ? '±' : '+/-'} ${unit.width(widest)}`}`;
}

function drawBar(share: number): string {
  const full = Math.floor(share * BAR);
  return '#'.repeat(full) + '.'.repeat(BAR - full);
}

/** One significant digit, rounded up. */
function shortWidth(value: number): string {
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(value))));
  return fixed(value, decimals, 'up');
}

/** Whole fields from the left, as many as fit. */
export function shorten(line: string, width: number): string {
  let text = line;
  while (cells(text) > width && text.includes('  ')) text = text.slice(0, text.lastIndexOf('  '));
  return text;
}
