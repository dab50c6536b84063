import { type Axis, niceAxis, tickText } from './axis.ts';
import { drawing, element, label, line, titled, whisker } from './svg.ts';
import { fitNames, textWidth } from './text.ts';

/** One estimate in a chart of intervals. */
export interface IntervalRow {
  readonly name: string;
  readonly value: number;
  /** Ends; NaN where there are none. */
  readonly low: number;
  readonly high: number;
  /** '0.0439 [0.0437, 0.0441]' */
  readonly text: string;
  /** Set in the colour of warnings. */
  readonly bad: boolean;
}

const ROW = 20;
const TOP = 8;
/** Rows that differ by more than this factor are set on a log axis. */
const LOG_FROM = 50;

/** Where values lie on an axis, px, and its ticks in words. */
interface Scale {
  readonly x: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Estimates of one quantity under each other: a dot with its interval a row, and from 600 px on the numbers. */
export function intervalChart(rows: readonly IntervalRow[], width: number, axisName: string): string {
  const numbers = width >= 600;
  const shown = fitNames(
    rows.map(({ name }) => name),
    numbers ? 230 : 120,
  );
  const left = 18 + Math.max(24, ...shown.map((name) => textWidth(name)));
  const right = width - (numbers ? 24 + Math.max(60, ...rows.map(({ text }) => textWidth(text))) : 34);
  const { x, ticks } = scaleOf(rows, left, right);
  const bottom = TOP + rows.length * ROW;
  const grid = ticks.map(
    ({ at, text }) =>
      line(x(at), TOP, x(at), bottom, { class: at === 0 ? 'r' : 'g' }) +
      label(x(at), bottom + 15, text, { class: 'm', 'text-anchor': 'middle' }),
  );
  return drawing(
    width,
    bottom + (axisName === '' ? 22 : 40),
    spoken(rows, axisName),
    ...grid,
    label((left + right) / 2, bottom + 34, axisName, { class: 'm', 'text-anchor': 'middle' }),
    ...rows.map((row, i) => mark(row, shown[i]!, TOP + (i + 0.5) * ROW, { left, right, x, numbers })),
  );
}

function spoken(rows: readonly IntervalRow[], axisName: string): string {
  const some = rows.slice(0, 3).map(({ name, text }) => `${name} ${text}`);
  const more = rows.length > 3 ? ` and ${rows.length - 3} more` : '';
  return `${axisName === '' ? 'Estimates' : axisName}, with intervals: ${some.join('; ')}${more}. The table below has all numbers.`;
}

/** Room between the numbers of two ticks, px. */
const APART = 18;

/** From the lowest to the highest end, linear, or log where all ends are above 0 and far apart. */
function scaleOf(rows: readonly IntervalRow[], left: number, right: number): Scale {
  const ends = rows.flatMap(({ value, low, high }) => [value, low, high]).filter(Number.isFinite);
  if (ends.length === 0) return { x: () => left, ticks: [] };
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const room = right - left;
  if (least > 0 && most / least > LOG_FROM) {
    const [low, high] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
    const every = Math.ceil(((high - low) * (textWidth('1e-10') + APART)) / room);
    const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    const shown = powers.filter((power) => (high - power) % every === 0);
    return {
      x: (value) => left + (room * (Math.log10(value) - low)) / (high - low),
      ticks: shown.map((power) => ({ at: Number(`1e${power}`), text: powerText(power) })),
    };
  }
  const around = most > least ? 0 : Math.abs(most) / 20 || 1;
  const axis = fittingAxis(least - around, most + around, room);
  return {
    x: (value) => left + (room * (value - axis.low)) / (axis.high - axis.low),
    ticks: axis.ticks.map((at) => ({ at, text: tickText(at, axis.decimals) })),
  };
}

/** The finest of a few axes whose numbers do not touch. */
function fittingAxis(low: number, high: number, room: number): Axis {
  const fits = ({ ticks, decimals }: Axis): boolean =>
    ticks.reduce((sum, tick) => sum + textWidth(tickText(tick, decimals)) + APART, 0) <=
    (room * ticks.length) / (ticks.length - 1);
  const axes = [5, 4, 3, 2, 1].map((count) => niceAxis(low, high, count));
  return axes.find(fits) ?? axes[axes.length - 1]!;
}

/** '1e-6', '0.01', '1000'. */
function powerText(power: number): string {
  return power < -3 || power > 4 ? `1e${power}` : String(Number(`1e${power}`));
}

interface Place {
  readonly left: number;
  readonly right: number;
  readonly x: (value: number) => number;
  readonly numbers: boolean;
}

function mark(row: IntervalRow, shown: string, y: number, { left, right, x, numbers }: Place): string {
  const colour = row.bad ? 'var(--warn)' : 'var(--first)';
  const known = Number.isFinite(row.value);
  const [from, to] = [x(row.low), x(row.high)];
  return titled(
    `${row.name}: ${row.text}`,
    label(left - 12, y + 4, shown, { 'text-anchor': 'end' }),
    known && to - from >= 9 ? whisker(from, to, y, 4) : '',
    known
      ? element('circle', { cx: x(row.value), cy: y, r: 4, style: `fill:${colour};stroke:var(--bg)` })
      : label(left + 4, y + 4, row.text, { style: 'fill:var(--warn)' }),
    numbers && known ? label(right + 16, y + 4, row.text) : '',
  );
}
