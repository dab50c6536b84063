import * as Plot from '@observablehq/plot';
import type { Estimate } from 'ensample';
import { bottomAxis, caption, captionHeight, captionLines, RIGHT, wrapped } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';
import { tickText } from './numbers.ts';

/** What one method found. */
export interface ForestRow {
  readonly name: string;
  readonly value: number;
  /** Standard error; NaN where the method has none. */
  readonly error: number;
}

export interface ForestChart {
  readonly caption: string;
  readonly xLabel: string;
  readonly rows: readonly ForestRow[];
  readonly exact: number;
  /** Default: what dots and whiskers need. */
  readonly x?: readonly [number, number];
}

/** Coordinate `c` of the means of several results, by name. */
export function forestRows(results: Readonly<Record<string, { mean: Estimate }>>, c: number): ForestRow[] {
  return Object.entries(results).map(([name, { mean }]) => {
    return { name, value: mean.value[c]!, error: mean.standardError[c]! };
  });
}

const ROW = 28;
const NORMAL_95 = 1.959964;
/** Room for the names: a letter at most, px. */
const LETTER = 6.8;

/** One number by several methods, dots with whiskers (95 %), beside the exact one, a line. */
export function forestChart(chart: ForestChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: ForestChart, width: number): Drawing {
  const { exact } = chart;
  const lines = captionLines(chart.caption, width);
  const longest = Math.max(...chart.rows.map(({ name }) => name.length));
  const left = Math.min(12 + LETTER * longest, 0.45 * width);
  const rows = chart.rows.map(({ name, value, error }) => {
    const half = Number.isFinite(error) ? NORMAL_95 * error : 0;
    return { name, value, low: value - half, high: value + half };
  });
  const ends = [...rows.flatMap(({ low, high }) => [low, high]), exact];
  const [low, high] = chart.x ?? [Math.min(...ends), Math.max(...ends)];
  const pad = chart.x === undefined ? 0.04 * (high - low) : 0;
  return plotted(
    {
      width,
      height: ROW * rows.length + 46 + captionHeight(lines),
      marginLeft: left,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: 46,
      x: { domain: [low - pad, high + pad], axis: null, clamp: true },
      y: { type: 'band', domain: rows.map(({ name }) => name), axis: null },
      marks: [
        Plot.gridX({ ticks: 5, stroke: 'var(--grid)', strokeOpacity: 1 }),
        ...bottomAxis(chart.xLabel, 5),
        ...caption(lines, left),
        Plot.ruleX([exact], { stroke: 'var(--first)', strokeWidth: 2 }),
        Plot.ruleY(rows, { y: 'name', x1: 'low', x2: 'high', stroke: 'var(--total)', strokeWidth: 1.8 }),
        Plot.dot(rows, { x: 'value', y: 'name', r: 4, fill: 'var(--total)', stroke: 'var(--bg)' }),
        Plot.text(rows, {
          ...{ y: 'name', frameAnchor: 'left', textAnchor: 'end', dx: -8, fill: 'var(--ink)' },
          text: ({ name }: { name: string }) => wrapped(name, left - 10, LETTER).join('\n'),
        }),
      ],
    },
    `${chart.caption}. Exact: ${tickText(Number(exact.toPrecision(5)))}. ${rows
      .map(({ name, value }) => `${name}: ${tickText(Number(value.toPrecision(4)))}`)
      .join(', ')}.`,
  );
}
