import { niceAxis, tickText } from './axis.ts';
import { drawing, element, label, line, titled } from './svg.ts';
import { fitNames, textWidth } from './text.ts';

/** The tail of the summands of one expectation. */
export interface Tail {
  readonly name: string;
  /** Pareto shape; -Infinity without a tail, Infinity where too few points are known. */
  readonly shape: number;
  /** Largest summand as a share of all, from 0 to 1. */
  readonly share: number;
}

const ROW = 20;
const TOP = 22;
/** Above this shape no interval is given. */
const HEAVIEST = 0.7;

/** Pareto shapes under each other beside the line above which there are no intervals. */
export function tailsChart(tails: readonly Tail[], width: number): string {
  const shown = fitNames(
    tails.map(({ name }) => name),
    width >= 600 ? 230 : 120,
  );
  const left = 18 + Math.max(24, ...shown.map((name) => textWidth(name)));
  const right = width - 22;
  const finite = tails.map(({ shape }) => shape).filter(Number.isFinite);
  const axis = niceAxis(Math.max(-1, Math.min(0, ...finite)), Math.max(1, ...finite), width >= 600 ? 6 : 4);
  const x = (value: number): number =>
    left + ((right - left) * (Math.max(axis.low, value) - axis.low)) / (axis.high - axis.low);
  const bottom = TOP + tails.length * ROW;
  const warn = { style: 'fill:var(--warn)' };
  return drawing(
    width,
    bottom + 40,
    spoken(tails),
    ...axis.ticks.map(
      (tick) =>
        line(x(tick), TOP, x(tick), bottom, { class: tick === 0 ? 'r' : 'g' }) +
        label(x(tick), bottom + 15, tickText(tick, axis.decimals), { class: 'm', 'text-anchor': 'middle' }),
    ),
    label((left + right) / 2, bottom + 34, 'Pareto shape k of the largest summands', {
      class: 'm',
      'text-anchor': 'middle',
    }),
    line(x(HEAVIEST), TOP - 4, x(HEAVIEST), bottom, { style: 'stroke:var(--warn);stroke-dasharray:4,3' }),
    label(x(HEAVIEST), TOP - 8, `no interval above ${HEAVIEST}`, { ...warn, 'text-anchor': 'middle' }),
    ...tails.map((tail, i) => mark(tail, shown[i]!, TOP + (i + 0.5) * ROW, left, x)),
  );
}

function spoken(tails: readonly Tail[]): string {
  const worst = tails.reduce((a, b) => (b.shape > a.shape ? b : a));
  return `Pareto shapes of ${tails.length} expectations; the heaviest is ${worst.name}: ${words(worst.shape)}. The table has all.`;
}

function words(shape: number): string {
  if (Number.isNaN(shape)) return 'unseen';
  if (shape === Infinity) return 'too few points to tell';
  return shape === -Infinity ? 'no tail' : shape.toFixed(2);
}

function mark(
  { name, shape, share }: Tail,
  shown: string,
  y: number,
  left: number,
  x: (k: number) => number,
): string {
  const bad = !(shape <= HEAVIEST);
  const dot = Number.isFinite(shape)
    ? element('circle', {
        cx: x(shape),
        cy: y,
        r: 4,
        style: `fill:var(--${bad ? 'warn' : 'first'});stroke:var(--bg)`,
      })
    : label(left + 4, y + 4, words(shape), { style: `fill:var(--${bad ? 'warn' : 'muted'})` });
  return titled(
    Number.isNaN(shape)
      ? `${name}: unseen`
      : `${name}: k ${words(shape)}, largest share ${(100 * share).toPrecision(2)} %`,
    label(left - 12, y + 4, shown, { 'text-anchor': 'end' }),
    dot,
  );
}
