import type { HistoryEntry } from '../../../estimators/index.ts';
import { levelText } from '../../format/number.ts';
import * as Plot from '../../generated/charts.mjs';
import { indexText } from '../index-text.ts';
import { niceAxis, pointsText, tickText } from './axis.ts';
import { plotted } from './frame.ts';
import { apart } from './spread.ts';
import { shorten, textWidth } from './text.ts';

interface Mark {
  readonly name: string;
  readonly points: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly title: string;
}

/** Lines are told apart by colour, dash and a name at their end. */
export const LINES: readonly { readonly colour: string; readonly dash: string }[] = [
  { colour: 'var(--first)', dash: '' },
  { colour: 'var(--total)', dash: '6,3' },
  { colour: 'var(--third)', dash: '2,2' },
  { colour: 'var(--warn)', dash: '8,3,2,3' },
];

/** Total indices of the inputs `chosen` (at most four) as points are added, with their intervals as bands. */
export function convergence(
  history: readonly HistoryEntry[],
  chosen: readonly number[],
  width: number,
): string {
  const lines = chosen.map((input) => marksOf(history, input));
  const ends = lines
    .flat()
    .flatMap(({ value, low, high }) => [value, low, high])
    .filter(Number.isFinite);
  const top = Math.max(...ends, 0.05);
  const least = Math.min(...ends);
  // An end a hair below zero is no reason for a tick below zero.
  const axis = niceAxis(least < -0.05 * top ? least : 0, top, 5);
  const names = lines.map((marks) => shorten(marks[0]!.name, 110));
  const height = 270;
  // Bold letters are about an eighth wider.
  const marginRight = 12 + 1.13 * Math.max(...names.map((name) => textWidth(name)));
  const last = history[history.length - 1]!;
  return plotted(width, height, summary(last, chosen), {
    marginLeft: 36,
    marginRight,
    marginTop: 26,
    marginBottom: 42,
    x: { type: 'log', base: 2, domain: [history[0]!.points, last.points], axis: null },
    y: { domain: [axis.low, axis.high], axis: null },
    marks: [
      ...grid(axis.ticks, axis.decimals),
      ...pointsAxis(history, width - 36 - marginRight),
      caption(captionText(last)),
      ...lines.map((marks, i) => band(marks, i)),
      ...lines.flatMap((marks, i) => stroke(marks, i)),
      ...endNames(lines, names, height, axis.low, axis.high),
    ],
  });
}

function marksOf(history: readonly HistoryEntry[], input: number): Mark[] {
  return history.map(({ points, totalOrder }) => ({
    name: totalOrder.names[input]!,
    points,
    value: totalOrder.value[input]!,
    low: totalOrder.low[input]!,
    high: totalOrder.high[input]!,
    title: `${totalOrder.names[input]}: ST ${indexText(totalOrder, input).full} at ${points} points`,
  }));
}

function captionText({ totalOrder: { low, level } }: HistoryEntry): string {
  return low.every(Number.isNaN) ? 'ST' : `ST: line = estimate, band = ${levelText(level)} interval`;
}

function summary({ totalOrder, points }: HistoryEntry, chosen: readonly number[]): string {
  const ends = chosen.map((i) => `${totalOrder.names[i]} ${indexText(totalOrder, i).full}`);
  return `Total indices against the number of points; at ${points} points: ${ends.join(', ')}`;
}

/** Horizontal grid lines with their numbers, for scales without Plot's own axis. */
export function grid(ticks: readonly number[], decimals: number): Plot.Markish[] {
  return [
    Plot.ruleY(ticks, { stroke: 'var(--grid)' }),
    Plot.text(ticks, {
      y: (tick: number) => tick,
      text: (tick: number) => tickText(tick, decimals),
      frameAnchor: 'left',
      textAnchor: 'end',
      dx: -6,
      fill: 'var(--muted)',
    }),
  ];
}

/** Numbers under an axis of points, thinned out where `room` px would make them touch. */
export function pointsAxis(history: readonly { readonly points: number }[], room: number): Plot.Markish[] {
  const every = Math.ceil((history.length * 40) / Math.max(room, 40));
  const shown = history.filter((_, i) => (history.length - 1 - i) % every === 0).map(({ points }) => points);
  return [
    Plot.text(shown, {
      x: (points: number) => points,
      text: pointsText,
      frameAnchor: 'bottom',
      dy: 16,
      fill: 'var(--muted)',
    }),
    Plot.text(['base points (log scale)'], { frameAnchor: 'bottom', dy: 34, fill: 'var(--muted)' }),
  ];
}

/** What the vertical axis shows, above it. */
export function caption(text: string): Plot.Markish {
  return Plot.text([text], { frameAnchor: 'top-left', dy: -18, fill: 'var(--muted)' });
}

function band(marks: readonly Mark[], i: number): Plot.Markish {
  const known = marks.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high));
  return Plot.areaY(known, { x: 'points', y1: 'low', y2: 'high', fill: LINES[i]!.colour, fillOpacity: 0.18 });
}

function stroke(marks: readonly Mark[], i: number): Plot.Markish[] {
  const { colour, dash } = LINES[i]!;
  const known = marks.filter(({ value }) => Number.isFinite(value));
  return [
    Plot.line(known, {
      x: 'points',
      y: 'value',
      stroke: colour,
      strokeWidth: 2,
      strokeLinecap: 'butt',
      strokeDasharray: dash || 'none',
    }),
    Plot.dot(known, { x: 'points', y: 'value', r: 2.5, fill: colour, title: 'title' }),
  ];
}

/** Names at the ends of the lines, moved apart until none overlaps another. */
function endNames(
  lines: readonly Mark[][],
  names: readonly string[],
  height: number,
  low: number,
  high: number,
): Plot.Markish[] {
  const perPixel = (high - low) / (height - 26 - 42);
  const order = lines
    .map((marks, i) => ({ i, y: marks[marks.length - 1]!.value }))
    .filter(({ y }) => Number.isFinite(y));
  const spread = apart(
    order.map(({ y }) => y / perPixel),
    14,
  ).map((y) => y * perPixel);
  return order.map(({ i }, k) =>
    Plot.text([names[i]!], {
      x: () => lines[i]![lines[i]!.length - 1]!.points,
      y: () => spread[k]!,
      text: (name: string) => name,
      textAnchor: 'start',
      dx: 8,
      fontWeight: 600,
      fill: LINES[i]!.colour,
    }),
  );
}
