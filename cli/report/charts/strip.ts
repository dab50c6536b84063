import { fixed } from '../../format/number.ts';
import { indexText } from '../index-text.ts';
import { peak, placeOf, type Series } from '../series.ts';
import { innerTicks, tickText } from './axis.ts';
import { thinned } from './histogram.ts';
import { coordinate, drawing, element, label, line, titled } from './svg.ts';
import { fitNames, shorten, textWidth } from './text.ts';

interface Frame {
  readonly left: number;
  readonly right: number;
  /** Left and right edge of position t, px. */
  readonly edges: readonly number[];
  readonly x: (at: number) => number;
}

const ROW = 24;
const CURVE = 44;
/** Positions beyond this are drawn in groups of neighbours, each as their mean: finer cells could not be seen. */
const MOST_CELLS = 400;

/**
 * Index over time: a row an input, colour = ST from page tint (0) to full (1); above, the standard deviation of the
 * output; grey where there is nothing to share out; at the right the largest ST and where it is.
 */
export function strip(series: Series, inputs: readonly number[], width: number): string {
  const all = series.outputs[0]!.totalOrder.names;
  const names = fitNames(
    inputs.map((input) => all[input]!),
    width >= 600 ? 150 : 70,
  );
  const left = 10 + Math.max(...names.map((name) => textWidth(name)));
  const peaks = inputs.map((input) => peakText(series, input, width >= 600));
  const right = width - 10 - Math.max(textWidth('largest ST'), ...peaks.map((text) => textWidth(text)));
  const frame = frameOf(series, left, right);
  const top = 22 + CURVE + 8;
  const bottom = top + inputs.length * ROW;
  return drawing(
    width,
    bottom + 40,
    spoken(series, inputs),
    label(left, 14, `standard deviation of ${series.note.name}${unit(series.note.unit)}`, { class: 'm' }),
    deviationCurve(series, frame),
    label(right + 10, top - 10, 'largest ST', { class: 'm' }),
    ...inputs.map((input, row) => stripRow(series, input, names[row]!, peaks[row]!, top + row * ROW, frame)),
    axis(series, frame, bottom),
  );
}

function unit(text: string | undefined): string {
  return text === undefined || text === '' ? '' : ` (${text})`;
}

function frameOf({ note }: Series, left: number, right: number): Frame {
  const { at } = note;
  const last = at.length - 1;
  // Cell borders lie half-way between neighbours; the outer ones reach as far out as in.
  const borders = at.map((value, t) => (t === 0 ? value - (at[1]! - value) / 2 : (at[t - 1]! + value) / 2));
  borders.push(at[last]! + (at[last]! - at[last - 1]!) / 2);
  const x = (value: number): number =>
    left + ((value - borders[0]!) / (borders[borders.length - 1]! - borders[0]!)) * (right - left);
  return { left, right, edges: borders.map(x), x };
}

function deviationCurve(series: Series, { x, left, right }: Frame): string {
  const base = 22 + CURVE;
  const largest = Math.max(...series.deviation.filter(Number.isFinite), Number.MIN_VALUE);
  const points = series.deviation.map(
    (sd, t) =>
      `${coordinate(x(series.note.at[t]!))},${coordinate(base - (CURVE - 4) * ((sd || 0) / largest))}`,
  );
  return (
    line(left, base, right, base, { class: 'g' }) +
    element('polyline', { points: points.join(' '), style: 'fill:none;stroke:var(--ink);stroke-width:1.5' })
  );
}

function stripRow(
  series: Series,
  input: number,
  shown: string,
  peakLabel: string,
  y: number,
  frame: Frame,
): string {
  const name = series.outputs[0]!.totalOrder.names[input]!;
  const count = series.outputs.length;
  const every = Math.ceil(count / MOST_CELLS);
  const box = { y: y + 1, height: ROW - 3 };
  const cells: string[] = [];
  for (let t = 0; t < count; t += every) {
    const end = Math.min(count, t + every);
    const value = meanTotal(series, input, t, end);
    const from = frame.edges[t]!;
    const width = frame.edges[end]! - from;
    if (Number.isNaN(value)) cells.push(element('rect', { x: from, width, ...box, class: 'none' }));
    else if (value > 0.005)
      cells.push(
        element('rect', {
          x: from,
          width,
          ...box,
          class: 'q',
          'fill-opacity': Math.min(1, value).toFixed(2),
        }),
      );
  }
  const ground = { x: frame.left, width: frame.right - frame.left, ...box, class: 'cell' };
  return titled(
    `${name}: largest ST ${peakLabel}`,
    element('rect', ground),
    ...cells,
    label(frame.left - 8, y + 16, shown, { 'text-anchor': 'end' }),
    label(frame.right + 10, y + 16, peakLabel, { class: 'm' }),
  );
}

function meanTotal(series: Series, input: number, from: number, to: number): number {
  let sum = 0;
  let used = 0;
  for (let t = from; t < to; t++) {
    const value = series.outputs[t]!.totalOrder.value[input]!;
    if (!series.alive[t] || Number.isNaN(value)) continue;
    sum += value;
    used++;
  }
  return used === 0 ? Number.NaN : sum / used;
}

function peakText(series: Series, input: number, long: boolean): string {
  const t = peak(series, input);
  if (t < 0) return 'n/a';
  const value = fixed(series.outputs[t]!.totalOrder.value[input]!, 2);
  return `${value} at ${shorten(placeOf(series, t, long), long ? 140 : 60)}`;
}

function axis({ note }: Series, { x, left, right }: Frame, bottom: number): string {
  const { ticks, decimals } = innerTicks(note.at[0]!, note.at[note.at.length - 1]!, 6);
  const shown = thinned(ticks, x, decimals);
  const numbers = shown.map((tick) =>
    label(x(tick), bottom + 14, tickText(tick, decimals), { class: 'm', 'text-anchor': 'middle' }),
  );
  const name = `${note.axis}${unit(note.axisUnit)}`;
  return (
    numbers.join('') + label((left + right) / 2, bottom + 32, name, { class: 'm', 'text-anchor': 'middle' })
  );
}

function spoken(series: Series, inputs: readonly number[]): string {
  const parts = inputs.slice(0, 8).map((input) => {
    const t = peak(series, input);
    const { totalOrder } = series.outputs[Math.max(0, t)]!;
    const name = totalOrder.names[input];
    return t < 0
      ? `${name} n/a`
      : `${name} ${indexText(totalOrder, input).value} at ${placeOf(series, t, true)}`;
  });
  return `Total indices along ${series.note.axis}; largest of each input: ${parts.join(', ')}`;
}
