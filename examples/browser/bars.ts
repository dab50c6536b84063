import type { IntervalEstimate } from 'ensample';
import { fixed, isTiny, ticks } from './numbers.ts';

/** What is drawn: S1 and ST of each input. */
export interface Indices {
  readonly firstOrder: IntervalEstimate;
  readonly totalOrder: IntervalEstimate;
}

const SPACE = 'http://www.w3.org/2000/svg';
const TOP = 30;
const ROW = 38;
const HIGH = 24;
const BOTTOM = 44;
const CAP = 4;

type Attributes = Readonly<Record<string, string | number>>;

function element(tag: string, attributes: Attributes, ...children: readonly (Element | string)[]): Element {
  const made = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

const label = (x: number, y: number, words: string, attributes: Attributes = {}): Element =>
  element('text', { x, y, ...attributes }, words);
const rect = (x: number, y: number, width: number, height: number, kind: string): Element =>
  element('rect', { x, y, width: Math.max(0, width), height, class: kind });

/** A whisker with its caps, over a halo in the colour of the page. */
function whisker(from: number, to: number, y: number): readonly Element[] {
  const d = `M${from} ${y}H${to}M${from} ${y - CAP}v${2 * CAP}M${to} ${y - CAP}v${2 * CAP}`;
  return [element('path', { d, class: 'halo' }), element('path', { d, class: 'whisker' })];
}

/** The axis in force. It follows the bars out at once and in only when they have become much shorter, so it rests. */
export interface Scale {
  high: number;
}

/**
 * Nested bars of S1 (solid, upper half) in ST (pale, outlined), so that the pale rest is interaction, with whiskers at
 * their own heights; grey blocks while nothing is known. Sizes are pixels of the page: text never shrinks.
 */
export function drawBars(
  svg: SVGSVGElement,
  names: readonly string[],
  indices: Indices | undefined,
  scale: Scale,
): void {
  const width = Math.max(240, svg.clientWidth || svg.parentElement?.clientWidth || 640);
  const height = TOP + ROW * names.length + BOTTOM;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('height', String(height));
  const left = 14 + 8.5 * Math.max(2, ...names.map((name) => name.length));
  if (indices !== undefined) settle(scale, largest(indices));
  const axis = ticks(scale.high, width < 480 ? 4 : 6);
  const right = width - 14;
  const high = axis.at[axis.at.length - 1]!;
  const x = (value: number): number => left + ((right - left) * Math.min(high, Math.max(0, value))) / high;
  const rows = names.map((name, i) => {
    const y = TOP + ROW * i + (ROW - HIGH) / 2;
    const text = label(left - 8, y + 17, name, { 'text-anchor': 'end' });
    if (indices === undefined)
      return element('g', {}, text, rect(left, y, (right - left) * (0.7 / (i + 1)), HIGH, 'block'));
    return element('g', {}, text, ...bar(indices, i, y, left, x));
  });
  const words = width < 480 ? 'share of the variance' : 'share of the variance of the output';
  svg.replaceChildren(
    ...key(left),
    ...axisLines(axis, x, TOP + ROW * names.length),
    label((left + right) / 2, height - 6, words, { class: 'm', 'text-anchor': 'middle' }),
    ...rows,
  );
  svg.setAttribute('aria-label', summary(names, indices));
}

function bar(
  { firstOrder, totalOrder }: Indices,
  i: number,
  y: number,
  left: number,
  x: (value: number) => number,
): readonly Element[] {
  const one = (estimate: IntervalEstimate, kind: string, height: number, middle: number): Element[] => {
    const value = estimate.value[i]!;
    if (Number.isNaN(value)) return [];
    // A negative estimate is noise around 0: a tick left of the axis says that it is there, unless it is as good as 0.
    if (isTiny(estimate, i)) return [rect(left, y, x(value) - left, height, kind)];
    return value < 0
      ? [rect(left - 5, middle - 4, 3, 8, kind)]
      : [rect(left, y, x(value) - left, height, kind)];
  };
  const ends = ({ low, high }: IntervalEstimate, middle: number): readonly Element[] => {
    const [from, to] = [x(low[i]!), x(high[i]!)];
    // Below 4 px the two caps would only smear the end of the bar.
    return to - from >= 4 ? whisker(from, to, middle) : [];
  };
  return [
    ...one(totalOrder, 'total', HIGH, y + 18),
    ...one(firstOrder, 'first', HIGH / 2, y + 6),
    ...ends(totalOrder, y + 18),
    ...ends(firstOrder, y + 6),
  ];
}

function key(left: number): readonly Element[] {
  return [
    rect(left, 6, 16, 6, 'first'),
    label(left + 22, 15, 'S1 alone', { class: 'm' }),
    rect(left + 88, 4, 16, 12, 'total'),
    label(left + 110, 15, 'ST with interactions', { class: 'm' }),
  ];
}

function axisLines(
  { at, decimals }: ReturnType<typeof ticks>,
  x: (value: number) => number,
  bottom: number,
): readonly Element[] {
  return at.flatMap((tick) => [
    element('line', { x1: x(tick), x2: x(tick), y1: TOP, y2: bottom, class: tick === 0 ? 'zero' : 'grid' }),
    label(x(tick), bottom + 16, fixed(tick, decimals), { class: 'm', 'text-anchor': 'middle' }),
  ]);
}

/** The largest end that deserves room: bars whole, whiskers up to 1. */
function largest({ firstOrder, totalOrder }: Indices): number {
  let high = 0.01;
  for (const { value, high: ends } of [firstOrder, totalOrder])
    value.forEach((v, i) => {
      if (Number.isFinite(v)) high = Math.max(high, v, Math.min(1, ends[i]! || 0));
    });
  return high;
}

function settle(scale: Scale, wanted: number): void {
  if (wanted > scale.high || wanted < 0.7 * scale.high) scale.high = wanted;
}

function summary(names: readonly string[], indices: Indices | undefined): string {
  if (indices === undefined) return 'S1 and ST of each input: nothing is known yet';
  const { value } = indices.totalOrder;
  const best = value.indexOf(Math.max(...value.filter((v) => !Number.isNaN(v))));
  const head = `S1 and ST of ${names.length} ${names.length === 1 ? 'input' : 'inputs'} with intervals`;
  return best < 0
    ? head
    : `${head}; largest ST: ${names[best]}, ${value[best]!.toFixed(2)}. The table has all numbers.`;
}
