import * as Plot from '@observablehq/plot';
import { bottomAxis, caption, captionHeight, captionLines, LEFT, leftAxis, RIGHT } from './axes.ts';
import { HALO } from './band-chart.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';
import { tickText } from './numbers.ts';

export interface WeightsChart {
  /** N */
  readonly particles: number;
  /** Effective sample size after each step, in particles, [steps]. */
  readonly ess: ArrayLike<number>;
  /** Which steps began with a resampling, [steps]. */
  readonly resampled: ArrayLike<boolean | number>;
  /** Share of N below which the next step resamples. */
  readonly threshold: number;
  /** Place of each step on the axis. Default 0, 1, 2, ... */
  readonly x?: ArrayLike<number>;
  readonly xLabel?: string;
  /** What each step is called. Default: the name of the axis and its place there. */
  readonly names?: ArrayLike<string>;
  /** Numbers under the axis. Default: round ones. */
  readonly xTicks?: readonly number[];
}

/** Is the run healthy? Effective sample size by step, triangles at resamplings, the worst step ringed and named. */
export function weightsChart(chart: WeightsChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: WeightsChart, width: number): Drawing {
  const { particles, threshold, xLabel = 'step' } = chart;
  const steps = Array.from({ length: chart.ess.length }, (_, t) => ({
    x: chart.x?.[t] ?? t,
    name: chart.names?.[t] ?? `${xLabel} ${chart.x?.[t] ?? t}`,
    share: chart.ess[t]! / particles,
    resampled: Boolean(chart.resampled[t]),
  }));
  const worst = steps.reduce((a, b) => (b.share < a.share ? b : a));
  const count = steps.filter(({ resampled }) => resampled).length;
  const percent = `${tickText(Math.round(100 * threshold))} %`;
  const lines = captionLines(
    `effective sample size, share of ${tickText(particles)} particles; triangle: resampled (below ${percent})`,
    width,
  );
  const left = worst.x > (steps[0]!.x + steps[steps.length - 1]!.x) / 2;
  const named = `${worst.name}: ${atWorst(worst.share * particles)} particles`;
  return plotted(
    {
      width,
      height: 150 + captionHeight(lines),
      marginLeft: LEFT,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: 52,
      x: { domain: [steps[0]!.x, steps[steps.length - 1]!.x], axis: null },
      y: { domain: [0, 1], axis: null },
      marks: [
        ...leftAxis([0, 0.5, 1], (share) => `${100 * share} %`),
        ...bottomAxis(xLabel, chart.xTicks ?? Math.round(width / 90), 10),
        ...caption(lines),
        Plot.ruleY([threshold], { stroke: 'var(--rule)', strokeDasharray: '4,4' }),
        Plot.line(steps, { x: 'x', y: 'share', stroke: 'var(--first)', strokeWidth: 2 }),
        Plot.dot(
          steps.filter(({ resampled }) => resampled),
          { x: 'x', y: 0, dy: 9, r: steps.length > 150 ? 2 : 3, symbol: 'triangle', fill: 'var(--total)' },
        ),
        Plot.dot([worst], { x: 'x', y: 'share', r: 6, stroke: 'var(--warn)', strokeWidth: 2 }),
        Plot.text([worst], {
          x: 'x',
          y: 'share',
          text: () => named,
          textAnchor: left ? 'end' : 'start',
          dx: left ? -11 : 11,
          dy: worst.share < 0.15 ? -8 : 14,
          fill: 'var(--warn)',
          ...HALO,
        }),
      ],
    },
    `Effective sample size of ${particles} particles over ${steps.length} steps, resampled ${count} times; worst at ${named}.`,
  );
}

function atWorst(ess: number): string {
  return ess < 10 ? ess.toFixed(1) : tickText(Math.round(ess));
}
