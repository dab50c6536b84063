import * as Plot from '@observablehq/plot';
import { bottomAxis, caption, captionHeight, captionLines, LEFT, leftAxis, RIGHT } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';
import { tickText } from './numbers.ts';

/** What a run found of a law on the line. */
export interface LawChart {
  readonly caption: string;
  readonly xLabel: string;
  /** [bins + 1], rising. */
  readonly edges: readonly number[];
  /** Weighted share of the points in each bin, one list [bins] for each of several runs. */
  readonly runs: readonly (readonly number[])[];
  /** Exact shares, [bins]. */
  readonly exact: readonly number[];
  /** Shares of points without the correction, [bins]. */
  readonly uncorrected: readonly number[];
}

interface Bin {
  readonly x1: number;
  readonly x2: number;
  readonly x: number;
  /** Shares over the width of the bin. */
  readonly found: number;
  readonly exact: number;
  readonly uncorrected: number;
  /** (share - exact) / its standard error. */
  readonly off: number;
}

/** Density of a weighted sample as bars, the exact one as a line, and dashed that of a run without the correction. */
export function lawChart(chart: LawChart): Figure {
  return (width) => drawn(chart, width);
}

/** Below it: by how many standard errors the bars are off; between the lines 95 % of them should lie. */
export function residualChart(chart: LawChart): Figure {
  return (width) => residuals(chart, width);
}

function frame(chart: { edges: readonly number[] }, width: number, lines: readonly string[]) {
  const { edges } = chart;
  return {
    ...{ width, marginLeft: LEFT, marginRight: RIGHT, marginTop: captionHeight(lines), marginBottom: 42 },
    x: { domain: [edges[0]!, edges[edges.length - 1]!], axis: null },
  };
}

function drawn(chart: LawChart, width: number): Drawing {
  const lines = captionLines(chart.caption, width);
  const bins = binsOf(chart);
  const most = Math.max(...bins.map(({ found, exact, uncorrected }) => Math.max(found, exact, uncorrected)));
  const line = { x: 'x', curve: 'natural' } as const;
  return plotted(
    {
      ...frame(chart, width, lines),
      height: 220 + captionHeight(lines),
      y: { domain: [0, most], nice: true, axis: null },
      marks: [
        ...leftAxis(4),
        ...bottomAxis(chart.xLabel, Math.round(width / 90)),
        ...caption(lines),
        Plot.rectY(bins, {
          x1: 'x1',
          x2: 'x2',
          y: 'found',
          inset: 0.5,
          fill: 'var(--total)',
          fillOpacity: 0.45,
        }),
        Plot.line(bins, {
          ...{ ...line, y: 'uncorrected', stroke: 'var(--warn)', strokeWidth: 1.6 },
          ...{ strokeDasharray: '5,4', strokeLinecap: 'butt' },
        }),
        Plot.line(bins, { ...line, y: 'exact', stroke: 'var(--first)', strokeWidth: 2 }),
        Plot.ruleY([0], { stroke: 'var(--rule)' }),
      ],
    },
    spoken(chart, bins),
  );
}

function residuals(chart: LawChart, width: number): Drawing {
  const bins = binsOf(chart).filter(({ off }) => Number.isFinite(off));
  const most = Math.ceil(Math.max(3, ...bins.map(({ off }) => Math.abs(off))));
  const lines = captionLines('share of each bar, by how many standard errors it is off; band: 2', width);
  return plotted(
    {
      ...frame(chart, width, lines),
      height: 118 + captionHeight(lines),
      y: { domain: [-most, most], axis: null },
      marks: [
        ...leftAxis([-2, 0, 2], tickText),
        ...bottomAxis(chart.xLabel, Math.round(width / 90)),
        ...caption(lines),
        Plot.rectY([0], { y1: -2, y2: 2, fill: 'var(--first)', fillOpacity: 0.12 }),
        Plot.ruleX(bins, { x: 'x', y1: 0, y2: 'off', stroke: 'var(--total)', strokeWidth: 1.6 }),
        Plot.dot(bins, { x: 'x', y: 'off', r: 2.4, fill: 'var(--total)' }),
      ],
    },
    `${bins.filter(({ off }) => Math.abs(off) > 2).length} of ${bins.length} bars are off by more than two standard errors.`,
  );
}

function binsOf({ edges, runs, exact, uncorrected }: LawChart): readonly Bin[] {
  return exact.map((share, b) => {
    const [x1, x2] = [edges[b]!, edges[b + 1]!];
    const shares = runs.map((run) => run[b]!);
    const mean = shares.reduce((sum, s) => sum + s, 0) / shares.length;
    const squares = shares.reduce((sum, s) => sum + (s - mean) ** 2, 0);
    const error = Math.sqrt(squares / (shares.length - 1) / shares.length);
    const over = (s: number): number => s / (x2 - x1);
    return {
      ...{
        x1,
        x2,
        x: (x1 + x2) / 2,
        found: over(mean),
        exact: over(share),
        uncorrected: over(uncorrected[b]!),
      },
      off: error > 0 ? (mean - share) / error : Number.NaN,
    };
  });
}

function spoken({ caption: words, xLabel }: LawChart, bins: readonly Bin[]): string {
  const top = bins.reduce((a, b) => (b.found > a.found ? b : a));
  return `${words}. The bars are highest at ${xLabel} ${tickText(Number(top.x.toPrecision(3)))}.`;
}
