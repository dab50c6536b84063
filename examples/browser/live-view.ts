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
  const painter = makePainter(() => {
    places.done.textContent = `${count(reached)} of ${count(most)} points`;
    places.progress.value = Math.min(1, reached / most);
    const speed = reached / ((performance.now() - start) / 1000);
    places.trend.textContent = trendWords(widths, target, most, speed);
    if (known !== undefined) paintResult(places, names, known, scale);
  });
  const announce = (): void => {
    const quarter = Math.floor((4 * reached) / most);
    if (quarter > announced && quarter < 4) places.say(`${25 * quarter} % of the points`);
    announced = Math.max(announced, quarter);
  };
  const take = (result: SobolResult): void => {
    known = result;
    fresh(result);
    const width = widthOf(result);
    if (width.points > (widths.at(-1)?.points ?? 0)) widths.push(width);
  };
  return {
    get reached() {
      return reached;
    },
    async show(at) {
      reached = Math.floor(at.info.done / (names.length + 2));
      announce();
      const now = reached < first ? 0 : wholePoints(reached);
      if (now > complete && !painter.waiting) {
        complete = now;
        take(await at.result());
      }
      painter.schedule();
    },
    end(result, how) {
      if (result !== undefined) take(result);
      painter.paint();
      if (how === 'finished') places.progress.value = 1;
      const time = duration((performance.now() - start) / 1000);
      places.done.textContent = `${how}: ${count(reached)} points in ${time}`;
      conclude(places, result, how);
    },
    close: painter.cancel,
  };
}

interface Painter {
  /** Whether a picture is on its way. */
  readonly waiting: boolean;
  /** Paint on the next animation frame that is not too early. */
  schedule(): void;
  /** Paint now, for the last time. */
  paint(): void;
  cancel(): void;
}

function makePainter(draw: () => void): Painter {
  let painted = Number.NEGATIVE_INFINITY;
  let frame: number | undefined;
  const cancel = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    frame = undefined;
  };
  const due = (now: number): void => {
    frame = undefined;
    if (now - painted < BETWEEN) {
      schedule();
      return;
    }
    painted = now;
    draw();
  };
  const schedule = (): void => {
    frame ??= requestAnimationFrame(due);
  };
  return {
    get waiting() {
      return frame !== undefined;
    },
    schedule,
    paint() {
      cancel();
      draw();
    },
    cancel,
  };
}

/** Points of the last complete design: they double, so a power of two. */
export function wholePoints(points: number): number {
  return 2 ** Math.floor(Math.log2(points));
}

function widthOf({ totalOrder: { low, high }, design }: SobolResult): Width {
  const half = Math.max(...high.map((end, i) => (end - low[i]!) / 2));
  return { points: wholePoints(design.points), half };
}

/** Warnings, and the last announcement. */
function conclude(places: Places, result: SobolResult | undefined, how: string): void {
  const warnings = result === undefined ? [] : warningWords(result);
  places.warnings.replaceChildren(...warnings.map(warningBox));
  const head = how === 'finished' ? '100 %.' : `${how}.`;
  places.say(result === undefined ? head : [head, leadWords(result), ...warnings].join(' '));
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
