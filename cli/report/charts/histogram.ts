import type { Histogram } from '../statistics.ts';
import { innerTicks, tickText } from './axis.ts';
import { apart } from './spread.ts';
import { drawing, element, label, line, titled } from './svg.ts';
import { shorten, textWidth } from './text.ts';

/** A vertical line with words above it. */
export interface QuantileLine {
  readonly x: number;
  readonly name: string;
}

export interface HistogramOptions {
  readonly width: number;
  readonly height: number;
  readonly summary: string;
  /** Name of the horizontal axis, with its unit. */
  readonly axis: string;
  readonly lines: readonly QuantileLine[];
}

/** Bars of counts from a base line, quantile lines dashed over them, labels above the bars. */
export function histogramChart(bins: Histogram, options: HistogramOptions): string {
  const { width, height, summary, lines } = options;
  const top = lines.length > 0 ? 30 : 6;
  const bottom = height - 40;
  const end = bins.low + bins.width * bins.counts.length;
  const axis = innerTicks(bins.low, end, 5);
  const side = 6 + Math.max(0, ...axis.ticks.map((tick) => textWidth(tickText(tick, axis.decimals)))) / 2;
  const x = (value: number): number => side + ((value - bins.low) / (end - bins.low)) * (width - 2 * side);
  const tallest = Math.max(...bins.counts);
  const bars = bins.counts.map((count, i) => {
    const from = bins.low + i * bins.width;
    const size = ((bottom - top) * count) / tallest;
    const box = {
      x: x(from) + 0.4,
      y: bottom - size,
      width: Math.max(0.6, x(from + bins.width) - x(from) - 0.8),
      height: size,
    };
    const title = `${tickText(from, axis.decimals + 1)} to ${tickText(from + bins.width, axis.decimals + 1)}: ${count}`;
    return titled(title, element('rect', { ...box, class: 'bar' }));
  });
  return drawing(
    width,
    height,
    summary,
    ...bars,
    line(side, bottom, width - side, bottom, { class: 'r' }),
    ...thinned(axis.ticks, x, axis.decimals).map((tick) =>
      label(x(tick), bottom + 15, tickText(tick, axis.decimals), { class: 'm', 'text-anchor': 'middle' }),
    ),
    label(width / 2, bottom + 33, shorten(options.axis, width - 12), { class: 'm', 'text-anchor': 'middle' }),
    ...quantileLines(lines, x, top, bottom, width),
  );
}

/** Every tick, or every second (third, ...) where their numbers would touch. */
export function thinned(ticks: readonly number[], x: (value: number) => number, decimals: number): number[] {
  if (ticks.length < 2) return [...ticks];
  const room = Math.abs(x(ticks[1]!) - x(ticks[0]!));
  const wanted = 10 + Math.max(...ticks.map((tick) => textWidth(tickText(tick, decimals))));
  const every = Math.max(1, Math.ceil(wanted / room));
  return ticks.filter((_, i) => i % every === 0);
}

function quantileLines(
  lines: readonly QuantileLine[],
  x: (value: number) => number,
  top: number,
  bottom: number,
  width: number,
): string[] {
  const spread = apart(
    lines.map((mark) => x(mark.x)),
    40,
    18,
    width - 18,
  );
  return lines.map(({ x: at, name }, i) => {
    return (
      line(spread[i]!, 17, x(at), top - 4, { class: 'r' }) +
      line(x(at), top - 4, x(at), bottom, {
        style: 'stroke:var(--ink);stroke-width:1.4;stroke-dasharray:3 2',
      }) +
      label(spread[i]!, 13, name, { 'text-anchor': 'middle' })
    );
  });
}
