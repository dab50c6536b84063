import * as Plot from '../../generated/charts.mjs';
import type { Series } from '../series.ts';
import { innerTicks, tickText } from './axis.ts';
import { caption, grid } from './convergence.ts';
import { plotted } from './frame.ts';
import { thinned } from './histogram.ts';
import { shorten } from './text.ts';

interface Mark {
  readonly at: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const MARGIN = { marginLeft: 34, marginRight: 12, marginTop: 24, marginBottom: 38 };
/** Of longer series every second (third, ...) position is drawn. */
const MOST_MARKS = 200;

/** ST of one input along the axis of a series, with its intervals as a band; gaps where the output does not vary. */
export function seriesPanel(series: Series, input: number, width: number): string {
  const { note, outputs, alive } = series;
  const name = outputs[0]!.totalOrder.names[input]!;
  const every = Math.ceil(outputs.length / MOST_MARKS);
  const marks = outputs
    .map(({ totalOrder: { value, low, high } }, t): Mark => {
      const hide = !alive[t];
      const gap = (one: number): number => (hide ? Number.NaN : one);
      return { at: note.at[t]!, value: gap(value[input]!), low: gap(low[input]!), high: gap(high[input]!) };
    })
    .filter((_, t) => t % every === 0);
  const x = innerTicks(note.at[0]!, note.at[note.at.length - 1]!, 4);
  const scale = (value: number): number =>
    ((value - note.at[0]!) / (note.at[note.at.length - 1]! - note.at[0]!)) * (width - 46);
  const ends = marks.flatMap(({ value, high }) => [value, high]).filter(Number.isFinite);
  const top = Math.max(1, ...ends);
  return plotted(width, 170, `Total index of ${name} along ${note.axis}`, {
    ...MARGIN,
    x: { domain: [note.at[0]!, note.at[note.at.length - 1]!], axis: null },
    y: { domain: [Math.min(0, ...marks.map(({ low }) => (low < -0.05 ? low : 0))), top], axis: null },
    marks: [
      ...grid([0, 0.5, 1], 1),
      caption(`ST of ${shorten(name, width - 90)}`),
      Plot.text(thinned(x.ticks, scale, x.decimals), {
        x: (tick: number) => tick,
        text: (tick: number) => tickText(tick, x.decimals),
        frameAnchor: 'bottom',
        dy: 15,
        fill: 'var(--muted)',
      }),
      Plot.text([`${note.axis}${note.axisUnit === undefined ? '' : ` (${note.axisUnit})`}`], {
        frameAnchor: 'bottom',
        dy: 31,
        fill: 'var(--muted)',
      }),
      Plot.areaY(marks, { x: 'at', y1: 'low', y2: 'high', fill: 'var(--total-fill)' }),
      Plot.line(marks, { x: 'at', y: 'value', stroke: 'var(--total)', strokeWidth: 2 }),
    ],
  });
}
