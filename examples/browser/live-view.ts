import type { Progress, SobolResult } from 'ensample';
import { drawBars, type Indices, type Scale } from './bars.ts';
import { count, duration } from './numbers.ts';
import { leadWords, warningWords } from './sentences.ts';
import { fillTable } from './table.ts';
import { trendWords, type Width } from './trend.ts';

/** Milliseconds between two pictures at least. */
const BETWEEN = 100;

/** Where the view writes. */
export interface Places {
  readonly chart: SVGSVGElement;
  readonly table: HTMLTableElement;
  readonly progress: HTMLProgressElement;
  readonly done: HTMLElement;
  readonly lead: HTMLElement;
  readonly trend: HTMLElement;
  readonly warnings: HTMLElement;
  /** Says a sentence to whoever does not look. */
  say(words: string): void;
}

/** What is being watched. */
export interface Watched {
  readonly names: readonly string[];
  readonly target: number;
  /** Points at most, and of the first complete design; the points double in between. */
  readonly points: number;
  readonly first: number;
}

/**
 * A run as it goes: the loop over `iterate` calls `show` at every step, and the view decides how often it paints (on an
 * animation frame, at most ten times a second). It asks for a result only then, and only when a design is complete.
 */
export interface LiveView {
  show(at: Progress<SobolResult>): Promise<void>;
  /** The last word: the result, and how the run ended ('stopped', 'finished'). */
  end(result: SobolResult | undefined, how: string): void;
  /** Points computed so far. */
  readonly reached: number;
  /** No more painting. */
  close(): void;
}

export function liveView(
  places: Places,
  watched: Watched,
  scale: Scale,
  fresh: (result: SobolResult) => void,
): LiveView {
  const { names, target, points: most, first } = watched;
  const start = performance.now();
  const widths: Width[] = [];
  let reached = 0;
  let known: SobolResult | undefined;
  let complete = 0;
  let announced = 0;
  let painted = Number.NEGATIVE_INFINITY;
  let frame: number | undefined;

  const paint = (now: number): void => {
    frame = undefined;
    if (now - painted < BETWEEN) {
      schedule();
      return;
    }
    painted = now;
    places.done.textContent = `${count(reached)} of ${count(most)} points`;
    places.progress.value = Math.min(1, reached / most);
    const speed = reached / ((performance.now() - start) / 1000);
    places.trend.textContent = trendWords(widths, target, most, speed);
    if (known !== undefined) paintResult(places, names, known, scale);
  };
  const schedule = (): void => {
    frame ??= requestAnimationFrame(paint);
  };
  const take = (result: SobolResult): void => {
    known = result;
    fresh(result);
    const { low, high } = result.totalOrder;
    const half = Math.max(...high.map((end, i) => (end - low[i]!) / 2));
    const { points } = result.design;
    if (points >= 2 * (widths.at(-1)?.points ?? 0))
      widths.push({ points: 2 ** Math.floor(Math.log2(points)), half });
  };
  return {
    get reached() {
      return reached;
    },
    async show(at) {
      reached = Math.floor(at.info.done / (names.length + 2));
      const quarter = Math.floor((4 * reached) / most);
      if (quarter > announced && quarter < 4) places.say(`${25 * quarter} % of the points`);
      announced = Math.max(announced, quarter);
      const now = reached < first ? 0 : first * 2 ** Math.floor(Math.log2(reached / first));
      if (now > complete && frame === undefined) {
        complete = now;
        take(await at.result());
      }
      schedule();
    },
    end(result, how) {
      if (frame !== undefined) cancelAnimationFrame(frame);
      if (result !== undefined) take(result);
      painted = Number.NEGATIVE_INFINITY;
      paint(performance.now());
      if (result !== undefined) places.progress.value = 1;
      places.done.textContent = `${how}: ${count(reached)} points in ${duration((performance.now() - start) / 1000)}`;
      const warnings = result === undefined ? [] : warningWords(result);
      places.warnings.replaceChildren(...warnings.map(warningBox));
      places.say(result === undefined ? how : ['100 %.', leadWords(result), ...warnings].join(' '));
    },
    close() {
      if (frame !== undefined) cancelAnimationFrame(frame);
    },
  };
}

/** Everything that a result changes on the page. */
export function paintResult(
  places: Places,
  names: readonly string[],
  result: SobolResult,
  scale: Scale,
): void {
  const indices: Indices = result;
  drawBars(places.chart, names, indices, scale);
  fillTable(places.table, names, indices);
  places.lead.textContent = leadWords(result);
}

function warningBox(message: string): HTMLElement {
  const box = document.createElement('p');
  box.className = 'note warning';
  box.textContent = message;
  return box;
}
