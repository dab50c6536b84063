import * as Plot from '../../generated/charts.mjs';
import type { ConditionalBin } from '../statistics.ts';
import { innerTicks, niceAxis, tickText } from './axis.ts';
import { caption, grid } from './convergence.ts';
import { plotted } from './frame.ts';
import { thinned } from './histogram.ts';
import { shorten } from './text.ts';

export interface ConditionalOptions {
  readonly width: number;
  /** Name of the input, with its unit. */
  readonly input: string;
  /** Name of the output, with its unit. */
  readonly output: string;
  /** Range of the vertical axis, shared by all panels so that they can be compared. */
  readonly range: readonly [number, number];
}

const MARGIN = { marginTop: 24, marginBottom: 40, marginRight: 16 };

/** Mean of the output along one input, with the band that holds 80 % of it. */
export function conditionalChart(bins: readonly ConditionalBin[], options: ConditionalOptions): string {
  const { width, input, output, range } = options;
  const y = niceAxis(range[0], range[1], 4);
  const [low, high] = [bins[0]!.x, bins[bins.length - 1]!.x];
  const x = innerTicks(low, high, 4);
  const marginLeft = 14 + 7.5 * Math.max(...y.ticks.map((tick) => tickText(tick, y.decimals).length));
  const scale = (value: number): number =>
    ((value - low) / (high - low)) * (width - marginLeft - MARGIN.marginRight);
  return plotted(width, 200, spoken(bins, input, output), {
    ...MARGIN,
    marginLeft,
    x: { domain: [low, high], axis: null },
    y: { domain: [y.low, y.high], axis: null },
    marks: [
      ...grid(y.ticks, y.decimals),
      caption(shorten(output, width - marginLeft)),
      Plot.text(thinned(x.ticks, scale, x.decimals), {
        x: (tick: number) => tick,
        text: (tick: number) => tickText(tick, x.decimals),
        frameAnchor: 'bottom',
        dy: 16,
        fill: 'var(--muted)',
      }),
      Plot.text([shorten(input, width - marginLeft - MARGIN.marginRight)], {
        frameAnchor: 'bottom',
        dy: 33,
        fill: 'var(--ink)',
      }),
      Plot.areaY(bins, { x: 'x', y1: 'low', y2: 'high', fill: 'var(--total-fill)' }),
      Plot.line(bins, { x: 'x', y: 'mean', stroke: 'var(--first)', strokeWidth: 2 }),
    ],
  });
}

function spoken(bins: readonly ConditionalBin[], input: string, output: string): string {
  const means = bins.map(({ mean }) => mean);
  const text = (value: number): string => String(Number(value.toPrecision(3)));
  return `Mean of ${output} along ${input}: between ${text(Math.min(...means))} and ${text(Math.max(...means))}`;
}
