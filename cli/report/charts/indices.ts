import type { IntervalEstimate } from '../../../estimators/index.ts';
import { levelText } from '../../format/number.ts';
import { type IndexText, indexText } from '../index-text.ts';
import { type Axis, niceAxis, tickText } from './axis.ts';
import { drawing, element, group, label, line, whisker } from './svg.ts';
import { fitNames, textWidth } from './text.ts';

/** S1 and ST of one output, entries in the order in which they are drawn. */
export interface IndexPair {
  readonly firstOrder: IntervalEstimate;
  readonly totalOrder: IntervalEstimate;
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly row: number;
  readonly axis: Axis;
  readonly x: (value: number) => number;
}

const TOTAL_HEIGHT = 24;
const FIRST_HEIGHT = 12;

/**
 * Nested bars: ST pale and outlined, S1 solid in its upper half, so that the pale rest is interaction; whiskers at
 * their own heights. From `width` 600 on the numbers stand at the right.
 */
export function nestedBars(pair: IndexPair, width: number, subject: string): string {
  const { names } = pair.totalOrder;
  const numbers = width >= 600;
  const room = numbers ? 190 : 92;
  const shown = fitNames(names, room);
  const left = 16 + Math.max(24, ...shown.map((name) => textWidth(name)));
  const axis = niceAxis(0, largestEnd(pair), numbers ? 5 : 4);
  const right = width - (numbers ? 250 : 18);
  const x = (value: number): number => left + ((right - left) * value) / axis.high;
  const frame: Frame = { left, right, top: 34, row: 34, axis, x };
  const bottom = frame.top + names.length * frame.row;
  return drawing(
    width,
    bottom + 40,
    summary(pair, subject),
    axisLines(frame, bottom, `share of the variance of ${subject}`),
    legend(Math.max(4, Math.min(left, width - 314)), pair.totalOrder),
    numbers ? label(right + 22, 22, 'S1', { class: 'm' }) + label(right + 140, 22, 'ST', { class: 'm' }) : '',
    ...names.map((name, i) => bar(pair, i, name, shown[i]!, frame, numbers)),
  );
}

/** Largest upper end (or value where there is no interval), at least a little above 0. */
export function largestEnd(pair: IndexPair): number {
  let largest = 0;
  for (const { value, high } of [pair.firstOrder, pair.totalOrder]) {
    value.forEach((v, i) => {
      const end = Number.isNaN(high[i]!) ? v : Math.max(v, high[i]!);
      if (end > largest) largest = end;
    });
  }
  return Math.max(largest, 1e-3);
}

/** The sentence read aloud instead of the picture. */
export function summary(pair: IndexPair, subject: string): string {
  const { names, value } = pair.totalOrder;
  let best = -1;
  value.forEach((v, i) => {
    if (!Number.isNaN(v) && (best < 0 || v > value[best]!)) best = i;
  });
  const head = `First-order and total Sobol indices of ${names.length} inputs of ${subject}`;
  if (best < 0) return `${head}: not available`;
  return `${head}; largest total: ${names[best]}, ${indexText(pair.totalOrder, best).full}. The table below has all numbers.`;
}

/** Vertical lines at the ticks, their numbers and the name of the axis. */
export function axisLines(frame: Omit<Frame, 'row'>, bottom: number, name: string): string {
  const { axis, x, top, left, right } = frame;
  const ticks = axis.ticks.map(
    (tick) =>
      line(x(tick), top - 2, x(tick), bottom, { class: tick === 0 ? 'r' : 'g' }) +
      label(x(tick), bottom + 15, tickText(tick, axis.decimals), { class: 'm', 'text-anchor': 'middle' }),
  );
  return (
    ticks.join('') + label((left + right) / 2, bottom + 34, name, { class: 'm', 'text-anchor': 'middle' })
  );
}

function legend(left: number, { low, level }: IntervalEstimate): string {
  const rect = (x: number, y: number, height: number, kind: string): string =>
    element('rect', { x, y, width: 16, height, class: kind });
  return [
    rect(left, 9, 8, 'first'),
    label(left + 21, 17, 'S1 alone'),
    rect(left + 86, 7, 12, 'total'),
    label(left + 107, 17, 'ST with interactions'),
    low.every(Number.isNaN)
      ? ''
      : whisker(left + 240, left + 258, 13, 3) + label(left + 264, 17, levelText(level)),
  ].join('');
}

function bar(
  pair: IndexPair,
  i: number,
  name: string,
  shown: string,
  frame: Frame,
  numbers: boolean,
): string {
  const { left, right, top, row, x } = frame;
  const y = top + i * row + (row - TOTAL_HEIGHT) / 2;
  const first = indexText(pair.firstOrder, i);
  const total = indexText(pair.totalOrder, i);
  const rect = (value: number, text: IndexText, height: number, kind: string): string => {
    if (!(value < 0))
      return element('rect', { x: left, y, width: (x(value) || left) - left, height, class: kind });
    return text.value.startsWith('<') ? '' : below(y, height, left, kind);
  };
  return group(
    sortKeys(pair.totalOrder.value[i]!, row),
    `${name}: S1 ${first.full}, ST ${total.full}`,
    label(left - 12, y + 16, shown, { 'text-anchor': 'end' }),
    rect(pair.totalOrder.value[i]!, total, TOTAL_HEIGHT, 'total'),
    rect(pair.firstOrder.value[i]!, first, FIRST_HEIGHT, 'first'),
    interval(pair.firstOrder, i, y + FIRST_HEIGHT / 2, frame),
    interval(pair.totalOrder, i, y + FIRST_HEIGHT * 1.5, frame),
    numbers ? label(right + 22, y + 16, first.short) + label(right + 140, y + 16, total.short) : '',
  );
}

/** What the sorting script reads; nothing where ST is not known. */
function sortKeys(total: number, step: number): Record<string, string | number> {
  return Number.isNaN(total)
    ? { 'data-total': 0, 'data-step': step }
    : { 'data-total': total.toPrecision(6), 'data-step': step };
}

/** A negative estimate that is not negligible: a tick left of zero, as its size is noise. */
function below(y: number, height: number, left: number, kind: string): string {
  const top = height === FIRST_HEIGHT ? y : y + FIRST_HEIGHT;
  return element('rect', { x: left - 6, y: top + 2, width: 3, height: FIRST_HEIGHT - 4, class: kind });
}

function interval({ low, high }: IntervalEstimate, i: number, y: number, { x, left, right }: Frame): string {
  const from = Math.max(left, x(low[i]!));
  const to = Math.min(right, x(high[i]!));
  // Below 1.5 px the two caps would only smear the end of the bar.
  return to - from >= 1.5 ? whisker(from, to, y, 4) : '';
}
