import * as Plot from '@observablehq/plot';
import { caption, captionHeight, captionLines, LEFT, leftAxis, RIGHT } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';

/** One mode of a law. */
export interface Mass {
  /** Under the axis; left out where there are many. */
  readonly name: string;
  readonly exact: number;
  readonly value: number;
  /** Standard error of `value`. */
  readonly error: number;
  readonly uncorrected: number;
}

export interface MassChart {
  readonly caption: string;
  readonly masses: readonly Mass[];
  readonly xLabel: string;
  /** What crosses are. Default 'uncorrected'. */
  readonly crosses?: string;
}

/** More modes have no names under them. */
const NAMED = 12;
const NORMAL_95 = 1.959964;

/** Masses of modes: bars are exact, dots with whiskers (95 %) estimated, crosses without the correction. */
export function massChart(chart: MassChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: MassChart, width: number): Drawing {
  const lines = captionLines(chart.caption, width);
  const rows = chart.masses.map((mass, at) => ({
    ...{ ...mass, at: String(at), low: Math.max(0, mass.value - NORMAL_95 * mass.error) },
    high: mass.value + NORMAL_95 * mass.error,
  }));
  const named = rows.length <= NAMED;
  const most = Math.max(...rows.map(({ exact, high, uncorrected }) => Math.max(exact, high, uncorrected)));
  const small = !named && width < 500;
  return plotted(
    {
      width,
      height: 190 + captionHeight(lines),
      marginLeft: LEFT,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: named ? 42 : 28,
      x: { type: 'band', domain: rows.map(({ at }) => at), padding: named ? 0.4 : 0.2, axis: null },
      y: { domain: [0, most], nice: true, axis: null },
      marks: [
        ...leftAxis(4),
        ...caption(lines),
        Plot.barY(rows, { x: 'at', y: 'exact', fill: 'var(--first)', fillOpacity: 0.35 }),
        Plot.ruleY([0], { stroke: 'var(--rule)' }),
        Plot.ruleX(rows, { x: 'at', y1: 'low', y2: 'high', stroke: 'var(--total)', strokeWidth: 1.6 }),
        Plot.dot(rows, {
          x: 'at',
          y: 'value',
          r: small ? 2 : 3.2,
          fill: 'var(--total)',
          stroke: 'var(--bg)',
        }),
        Plot.dot(rows, {
          ...{ x: 'at', y: 'uncorrected', r: small ? 2 : 3.6, symbol: 'times' },
          ...{ stroke: 'var(--warn)', strokeWidth: 1.8 },
        }),
        ...(named ? [Plot.text(rows, { x: 'at', text: 'name', frameAnchor: 'bottom', dy: 16 })] : []),
        Plot.text([chart.xLabel], { frameAnchor: 'bottom', dy: named ? 34 : 18, fill: 'var(--muted)' }),
      ],
    },
    `${chart.caption}. ${spoken(chart)}`,
  );
}

function spoken({ masses, crosses = 'uncorrected' }: MassChart): string {
  const off = (of: (mass: Mass) => number): string =>
    (masses.reduce((sum, mass) => sum + Math.abs(of(mass) - mass.exact), 0) / 2).toFixed(3);
  return `Total variation from the exact masses of ${masses.length} modes: ${off(({ value }) => value)}, ${crosses} ${off(({ uncorrected }) => uncorrected)}.`;
}
