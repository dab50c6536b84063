import * as Plot from '@observablehq/plot';
import { bottomAxis, caption, captionHeight, captionLines, LEFT, leftAxis } from './axes.ts';
import { HALO } from './band-chart.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';

/** An error with what it cost. */
export interface ErrorPoint {
  readonly cost: number;
  readonly error: number;
  /** Half the height of a bar around the error, less than it. */
  readonly spread?: number;
}

/** Errors of one method, falling or not, with what they cost. */
export interface ErrorLine {
  readonly name: string;
  readonly points: readonly ErrorPoint[];
}

export interface ErrorChart {
  readonly caption: string;
  readonly xLabel: string;
  /** At most eight: colours and dashes are used once. */
  readonly lines: readonly ErrorLine[];
  /** The same frame for charts that are to be compared. Default: what the lines need. */
  readonly cost?: readonly [number, number];
  readonly error?: readonly [number, number];
}

const COLOURS = ['var(--first)', 'var(--total)', 'var(--third)', 'var(--warn)'];
const DASHES = ['', '6,3', '2,2'];
/** A letter at most, and a line of text, px. */
const LETTER = 6.6;
const LINE = 15;

/** Error against cost of several methods, both on logarithmic scales; each line is named at its end. */
export function errorChart(chart: ErrorChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: ErrorChart, width: number): Drawing {
  const words = captionLines(chart.caption, width);
  const top = captionHeight(words);
  const inner = 230;
  const right = 12 + LETTER * Math.max(...chart.lines.map(({ name }) => name.length));
  const [costs, errors] = [chart.cost ?? spanOf(chart, 'cost'), chart.error ?? spanOf(chart, 'error')];
  const tall = chart.lines.map(({ points }) => points[points.length - 1]!.error);
  const at = (error: number): number =>
    (inner * Math.log(errors[1] / error)) / Math.log(errors[1] / errors[0]);
  const places = apart(tall.map(at), inner);
  return plotted(
    {
      ...{ width, height: inner + 42 + top, marginLeft: LEFT, marginRight: right, marginTop: top },
      ...{ marginBottom: 42, clip: false },
      x: { type: 'log', base: 2, domain: [...costs], axis: null },
      y: { type: 'log', domain: [...errors], axis: null },
      marks: [
        ...leftAxis(errorTicks(errors)),
        ...bottomAxis(chart.xLabel, powers(costs, 2)),
        ...caption(words),
        ...chart.lines.flatMap((line, i) => marksOf(line, i, places[i]! - at(tall[i]!))),
      ],
    },
    `${chart.caption}. ${chart.lines.map(({ name, points }) => `${name} ends at ${points[points.length - 1]!.error.toExponential(1)}`).join(', ')}.`,
  );
}

function marksOf({ name, points }: ErrorLine, i: number, down: number): Plot.Markish[] {
  const stroke = COLOURS[i % COLOURS.length]!;
  const last = [points[points.length - 1]!];
  return [
    Plot.line(points, {
      ...{ x: 'cost', y: 'error', stroke, strokeWidth: 1.8, strokeLinecap: 'butt' },
      strokeDasharray: DASHES[Math.floor(i / COLOURS.length)]!,
    }),
    ...points.flatMap(({ cost, error, spread }) => bar(stroke, cost, error, spread)),
    Plot.dot(points, { x: 'cost', y: 'error', r: 2, fill: stroke }),
    Plot.text(last, {
      ...{ x: 'cost', y: 'error', text: () => name, textAnchor: 'start', dx: 8, dy: down },
      ...{ fill: stroke, ...HALO },
    }),
  ];
}

function bar(stroke: string, x: number, error: number, spread: number | undefined): Plot.Markish[] {
  if (spread === undefined) return [];
  return [
    Plot.ruleX([{ x, y1: error - spread, y2: error + spread }], { x: 'x', y1: 'y1', y2: 'y2', stroke }),
  ];
}

/** Places of words near where they belong, none over another, all within [0, room]. */
function apart(wanted: readonly number[], room: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  let least = 0;
  for (const i of order) {
    placed[i] = Math.max(placed[i]!, least);
    least = placed[i]! + LINE;
  }
  let most = room;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i]!, most);
    most = placed[i]! - LINE;
  }
  return placed;
}

function spanOf({ lines }: ErrorChart, what: 'cost' | 'error'): readonly [number, number] {
  const all = lines.flatMap(({ points }) =>
    points.flatMap(({ [what]: value, spread = 0 }) =>
      what === 'cost' ? [value] : [value - spread, value + spread],
    ),
  );
  return [Math.min(...all), Math.max(...all)];
}

/** Powers of ten; where there are less than two, at most nine round numbers. */
function errorTicks([low, high]: readonly [number, number]): number[] {
  const tens = powers([low, high], 10);
  if (tens.length > 1) return tens;
  const least = (high - low) / 8;
  const unit = 10 ** Math.floor(Math.log10(least));
  const step = unit * ([1, 2, 5].find((size) => size * unit >= least) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Powers of a base in a range, at most about six of them. */
function powers([low, high]: readonly [number, number], base: number): number[] {
  const log = (value: number): number => Math.log(value) / Math.log(base);
  const [first, last] = [Math.ceil(log(low) - 1e-9), Math.floor(log(high) + 1e-9)];
  const every = Math.ceil((last - first + 1) / 6);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
    .filter((power) => power % every === 0)
    .map((power) => (base === 10 ? Number(`1e${power}`) : base ** power));
}
