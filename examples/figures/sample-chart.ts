import * as Plot from '@observablehq/plot';
import { bottomAxis, caption, captionHeight, captionLines, LEFT, leftAxis, RIGHT } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';

export type Range = readonly [low: number, high: number];

export interface SampleChart {
  readonly caption: string;
  /** [n, 2]; of more than 4000 points every so many are drawn. Equal weights: see `evenDraws`. */
  readonly points: ArrayLike<number>;
  /** Log density of the exact law up to a constant at rows of two numbers [m, 2] -> out [m]: its contours are drawn. */
  readonly logDensity: (rows: Float64Array, out: Float64Array) => void;
  /** The frame, the same for all pictures that are to be compared. */
  readonly x: Range;
  readonly y: Range;
  readonly xLabel: string;
}

/** What the contours are. */
export const CONTOURS = 'contours: 50, 90 and 99 % of the exact law';
/** Dots of one picture at most. */
const MOST = 4000;
/** Dots painted at once: their shades add up from one layer to the next only. */
const LAYER = 200;
/** Shares of the exact law inside its contours. */
const SHARES = [0.5, 0.9, 0.99];
/** Nodes of the density along the width. */
const NODES = 160;

/** Points in the plane over contours of highest density that hold 50, 90 and 99 % of the exact law within the frame. */
export function sampleChart(chart: SampleChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: SampleChart, width: number): Drawing {
  const { x, y, points } = chart;
  const lines = captionLines(chart.caption, width);
  const inner = width - LEFT - RIGHT;
  const height = Math.round((inner * (y[1] - y[0])) / (x[1] - x[0]));
  const { density, columns, rows } = densityOn(chart);
  const count = Math.floor(points.length / 2);
  const every = Math.max(1, Math.ceil(count / MOST));
  const shown = Array.from({ length: Math.floor(count / every) }, (_, i) => i * every).filter(
    (i) => inside(points[2 * i]!, x) && inside(points[2 * i + 1]!, y),
  );
  return plotted(
    {
      width,
      height: height + 42 + captionHeight(lines),
      marginLeft: LEFT,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: 42,
      x: { domain: [...x], axis: null },
      y: { domain: [...y], axis: null },
      marks: [
        ...leftAxis(5),
        ...bottomAxis(chart.xLabel, 5),
        ...caption(lines),
        inLayers(points, shown, 'var(--total)'),
        Plot.contour(density, {
          ...{ width: columns, height: rows, x1: x[0], x2: x[1], y1: y[0], y2: y[1] },
          ...{
            thresholds: levels(density),
            stroke: 'var(--first)',
            strokeWidth: 1.2,
            fill: 'none',
            interpolate: 'none',
          },
        }),
      ],
    },
    `${chart.caption}. ${shown.length} of ${count} points are drawn.`,
  );
}

function inside(value: number, [low, high]: Range): boolean {
  return value >= low && value <= high;
}

/** The density over its largest on a grid of nodes, row by row. */
function densityOn({ x, y, logDensity }: SampleChart): {
  readonly density: Float64Array;
  readonly columns: number;
  readonly rows: number;
} {
  const [columns, rows] = [NODES, Math.round((NODES * (y[1] - y[0])) / (x[1] - x[0]))];
  const nodes = new Float64Array(2 * columns * rows);
  for (let i = 0; i < columns * rows; i++) {
    // Plot takes values at the middle of cells.
    nodes[2 * i] = x[0] + (((i % columns) + 0.5) / columns) * (x[1] - x[0]);
    nodes[2 * i + 1] = y[0] + ((Math.floor(i / columns) + 0.5) / rows) * (y[1] - y[0]);
  }
  const log = new Float64Array(columns * rows);
  logDensity(nodes, log);
  const most = log.reduce((a, b) => Math.max(a, b), -Infinity);
  return { density: log.map((value) => Math.exp(value - most)), columns, rows };
}

/** Levels above which the shares lie. */
function levels(density: Float64Array): number[] {
  const falling = density.slice().sort().reverse();
  const total = falling.reduce((sum, value) => sum + value, 0);
  return SHARES.map((share) => {
    let [sum, i] = [0, 0];
    while (sum < share * total) sum += falling[i++]!;
    return falling[i - 1]!;
  }).reverse();
}

/** Dots as a few paths: thousands of elements would be large. */
function inLayers(points: ArrayLike<number>, shown: readonly number[], stroke: string): Plot.Markish {
  return (_index, scales, _values, _dimensions, { document }) => {
    const group = document.createElementNS('http://www.w3.org/2000/svg', 'g');
    const at = (value: number): string => String(Math.round(10 * value) / 10);
    const layers = Math.ceil(shown.length / LAYER);
    for (let layer = 0; layer < layers; layer++) {
      const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      // Neighbours in the list may be relatives: each layer takes them from everywhere.
      const own = shown.filter((_, i) => i % layers === layer);
      const d = own.map((i) => `M${at(scales.x!(points[2 * i]!))} ${at(scales.y!(points[2 * i + 1]!))}h0`);
      const look = { stroke, 'stroke-width': '3', 'stroke-linecap': 'round', 'stroke-opacity': '0.3' };
      for (const [name, value] of Object.entries({ ...look, fill: 'none', d: d.join('') }))
        path.setAttribute(name, value);
      group.append(path);
    }
    return group;
  };
}
