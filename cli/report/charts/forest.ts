import { indexText } from '../index-text.ts';
import { niceAxis } from './axis.ts';
import { axisLines, type IndexPair, largestEnd, summary } from './indices.ts';
import { drawing, element, label, titled, whisker } from './svg.ts';
import { fitNames, textWidth } from './text.ts';

const ROW = 18;

/** For many inputs: a thin row each, dot = S1 and diamond = ST a little lower, with whiskers. */
export function forest(pair: IndexPair, width: number, subject: string): string {
  const { names } = pair.totalOrder;
  const numbers = width >= 600;
  const shown = fitNames(names, numbers ? 190 : 92);
  const left = 18 + Math.max(24, ...shown.map((name) => textWidth(name)));
  const right = width - (numbers ? 250 : 18);
  const axis = niceAxis(0, largestEnd(pair), numbers ? 5 : 4);
  const x = (value: number): number => left + ((right - left) * value) / axis.high;
  const top = 34;
  const bottom = top + names.length * ROW;
  const place = { left, right, x };
  return drawing(
    width,
    bottom + 40,
    summary(pair, subject),
    axisLines({ left, right, top, axis, x }, bottom, `share of the variance of ${subject}`),
    dot(left + 6, 13) + label(left + 16, 17, 'S1 alone') + diamond(left + 92, 13),
    label(left + 102, 17, 'ST with interactions'),
    numbers ? label(right + 22, 22, 'S1', { class: 'm' }) + label(right + 140, 22, 'ST', { class: 'm' }) : '',
    ...names.map((name, i) => row(pair, i, name, shown[i]!, top + i * ROW, numbers, place)),
  );
}

interface Place {
  readonly left: number;
  readonly right: number;
  readonly x: (value: number) => number;
}

function row(
  pair: IndexPair,
  i: number,
  name: string,
  shown: string,
  y: number,
  numbers: boolean,
  { left, right, x }: Place,
): string {
  const first = indexText(pair.firstOrder, i);
  const total = indexText(pair.totalOrder, i);
  const marks = [pair.totalOrder, pair.firstOrder].map(({ value, low, high }, k) => {
    const at = y + (k === 0 ? 12.5 : 5.5);
    if (Number.isNaN(value[i]!)) return '';
    const from = Math.max(left, x(low[i]!));
    const to = Math.min(right, x(high[i]!));
    // A negative estimate is drawn just left of zero: its size is noise.
    const middle = value[i]! < 0 ? left - 6 : x(value[i]!);
    return (
      (to - from >= 9 ? whisker(from, to, at, 2) : '') + (k === 0 ? diamond(middle, at) : dot(middle, at))
    );
  });
  return titled(
    `${name}: S1 ${first.full}, ST ${total.full}`,
    label(left - 16, y + 13, shown, { 'text-anchor': 'end' }),
    ...marks,
    numbers ? label(right + 22, y + 13, first.short) + label(right + 140, y + 13, total.short) : '',
  );
}

function dot(x: number, y: number): string {
  return element('circle', { cx: x, cy: y, r: 3.5, style: 'fill:var(--first);stroke:var(--bg)' });
}

function diamond(x: number, y: number): string {
  const d = `M${x.toFixed(2)},${(y - 4.5).toFixed(2)}l4.5,4.5l-4.5,4.5l-4.5,-4.5z`;
  return element('path', { d, style: 'fill:var(--total);stroke:var(--bg)' });
}
