import * as Plot from '@observablehq/plot';
import { bottomAxis, caption, captionHeight, captionLines, LEFT, leftAxis, RIGHT } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';
import { tickText } from './numbers.ts';

export interface BandChart {
  /** What line, band and dots are, above the chart. */
  readonly caption: string;
  readonly xLabel: string;
  /** Numbers under the axis. Default: round ones. */
  readonly xTicks?: readonly number[];
  /** [n] */
  readonly x: ArrayLike<number>;
  /** The estimate, [n]. */
  readonly value: ArrayLike<number>;
  /** Ends of its band, [n] each. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  /** The exact answer, [n], dashed. */
  readonly exact?: ArrayLike<number>;
  /** Dots. */
  readonly data?: readonly Point[];
  /** Rings: data kept from the method. */
  readonly withheld?: readonly Point[];
  /** Stretches without data, shaded. */
  readonly gaps?: readonly { readonly from: number; readonly to: number }[];
  /** Vertical lines with a word, at the top of the chart unless `low`. */
  readonly events?: readonly { readonly x: number; readonly label: string; readonly low?: boolean }[];
  readonly yScale?: 'linear' | 'log';
  readonly yDomain?: readonly [number, number];
  readonly height?: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly title?: string;
}

/** Up to so many dots lie over the line, more under it. */
const FEW = 20;

interface Row {
  readonly x: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly exact: number;
}

/** An estimate with its band along an axis, beside the data and, where one is known, the exact answer. */
export function bandChart(chart: BandChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: BandChart, width: number): Drawing {
  const lines = captionLines(chart.caption, width);
  const rows = rowsOf(chart);
  const { data = [], withheld = [], gaps = [], events = [], yScale = 'linear' } = chart;
  const known = (name: keyof Row): Row[] => rows.filter((row) => Number.isFinite(row[name]));
  const last = rows.length - 1;
  const domain = chart.yDomain ?? domainOf(yScale, rows, data, withheld);
  const dots = Plot.dot(data, {
    x: 'x',
    y: 'y',
    r: data.length > 200 ? 1.3 : 2.6,
    fill: 'var(--total)',
    ...titles(data),
  });
  return plotted(
    {
      width,
      height: (chart.height ?? 230) + captionHeight(lines),
      marginLeft: LEFT,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: 42,
      clip: false,
      x: { domain: [rows[0]!.x, rows[last]!.x], axis: null },
      y: { type: yScale, domain: [...domain], nice: yScale === 'linear', axis: null },
      marks: [
        ...leftAxis(yScale === 'log' ? decades(domain) : 5),
        ...bottomAxis(chart.xLabel, chart.xTicks ?? Math.round(width / 90)),
        ...caption(lines),
        Plot.rectX(gaps, { x1: 'from', x2: 'to', fill: 'var(--rule)', fillOpacity: 0.18 }),
        Plot.areaY(known('low'), { x: 'x', y1: 'low', y2: 'high', fill: 'var(--first)', fillOpacity: 0.2 }),
        ...(data.length > FEW ? [dots] : []),
        Plot.dot(withheld, {
          x: 'x',
          y: 'y',
          r: 3,
          stroke: 'var(--total)',
          strokeWidth: 1.6,
          ...titles(withheld),
        }),
        Plot.line(known('value'), { x: 'x', y: 'value', stroke: 'var(--first)', ...under(chart.exact) }),
        Plot.line(known('exact'), {
          x: 'x',
          y: 'exact',
          stroke: 'var(--ink)',
          strokeDasharray: '5,4',
          strokeLinecap: 'butt',
          strokeWidth: 1.5,
        }),
        ...(data.length > FEW ? [] : [dots]),
        Plot.ruleX(events, { x: 'x', stroke: 'var(--warn)', strokeDasharray: '2,2' }),
        ...events.map(({ x, label, low = false }) =>
          Plot.text([label], {
            x: () => x,
            frameAnchor: low ? 'bottom' : 'top',
            textAnchor: 'start',
            dx: 5,
            dy: low ? -8 : 8,
            fill: 'var(--warn)',
            ...HALO,
          }),
        ),
      ],
    },
    spoken(chart, rows),
  );
}

/** Words over lines stay readable. */
export const HALO: { readonly stroke: string; readonly strokeWidth: number } = {
  stroke: 'var(--bg)',
  strokeWidth: 4,
};

/** A line that the exact answer will lie on is wide and pale, so that both are seen. */
function under(exact: unknown): { strokeWidth: number; strokeOpacity: number } {
  return exact === undefined ? { strokeWidth: 2, strokeOpacity: 1 } : { strokeWidth: 5, strokeOpacity: 0.45 };
}

function titles(points: readonly Point[]): { title?: string } {
  return points.length <= 200 && points.some(({ title }) => title !== undefined) ? { title: 'title' } : {};
}

/** The caption, and where the line begins and ends. */
function spoken({ caption: words, xLabel }: BandChart, rows: readonly Row[]): string {
  const known = rows.filter(({ value }) => Number.isFinite(value));
  if (known.length === 0) return `${words}. Nothing is known along ${xLabel}.`;
  const ends = [known[0]!, known[known.length - 1]!].map(
    ({ x, value }) => `${tickText(Number(value.toPrecision(4)))} at ${tickText(Number(x.toPrecision(6)))}`,
  );
  return `${words}. Along ${xLabel} the line goes from ${ends[0]} to ${ends[1]}.`;
}

function rowsOf({ x, value, low, high, exact }: BandChart): Row[] {
  const at = (values: ArrayLike<number> | undefined, i: number): number => values?.[i] ?? Number.NaN;
  return Array.from({ length: x.length }, (_, i) => ({
    x: x[i]!,
    value: at(value, i),
    low: at(low, i),
    high: at(high, i),
    exact: at(exact, i),
  }));
}

function domainOf(
  scale: 'linear' | 'log',
  rows: readonly Row[],
  ...points: readonly (readonly Point[])[]
): readonly [number, number] {
  const all = rows.flatMap(({ value, low, high, exact }) => [value, low, high, exact]);
  const finite = [...all, ...points.flat().map(({ y }) => y)].filter(Number.isFinite);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  if (scale === 'linear') return [least, most];
  return [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most))];
}

/** Powers of ten, at most about eight of them. */
function decades([least, most]: readonly [number, number]): number[] {
  const [first, last] = [Math.round(Math.log10(least)), Math.round(Math.log10(most))];
  const every = Math.ceil((last - first) / 8);
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return powers.filter((power) => power % every === 0).map((power) => Number(`1e${power}`));
}
