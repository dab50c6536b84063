import type * as Plot from '@observablehq/plot';
import { bottomAxis, caption, captionHeight, captionLines, LEFT, RIGHT } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';
import { tickText } from './numbers.ts';

export interface GenealogyChart {
  /** N */
  readonly particles: number;
  /** By step, the slot each particle's parent had at the step before; undefined where nobody was resampled, and at first. */
  readonly ancestors: readonly (ArrayLike<number> | undefined)[];
  /** Place of each step on the axis. Default 0, 1, 2, ... */
  readonly x?: ArrayLike<number>;
  readonly xLabel?: string;
  /** Numbers under the axis. Default: round ones. */
  readonly xTicks?: readonly number[];
}

const MOST_LINES = 64;
const MOST_LINKS = 4000;

/**
 * Who descends from whom: lines of descent of every k-th final particle strong, other links to parents pale (thinned out
 * in large populations). Early steps are known by few particles, and the picture shows how few.
 */
export function genealogyChart(chart: GenealogyChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: GenealogyChart, width: number): Drawing {
  const { particles, ancestors, xLabel = 'step' } = chart;
  const last = ancestors.length - 1;
  const every = Math.ceil(particles / MOST_LINES);
  const alive = survivors(ancestors, particles);
  const at = (t: number): number => chart.x?.[t] ?? t;
  const told = [0, Math.round(last / 3), Math.round((2 * last) / 3)].map(
    (t) => `${alive[t]} at ${xLabel} ${at(t)}`,
  );
  const lines = captionLines(
    `strong: descent of every ${ordinal(every)} final particle; ancestors alive of ${tickText(particles)}: ${told.join(', ')}`,
    width,
  );
  const strong = descent(ancestors, particles, every);
  const pale = links(ancestors, particles);
  return plotted(
    {
      width,
      height: 280 + captionHeight(lines),
      marginLeft: LEFT,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: 42,
      x: { domain: [at(0), at(last)], axis: null },
      y: { domain: [particles - 1, 0], axis: null },
      marks: [
        ...bottomAxis(xLabel, chart.xTicks ?? Math.round(width / 90)),
        ...caption(lines),
        inOnePath(pale, at, { stroke: 'var(--rule)', 'stroke-opacity': '0.35', 'stroke-width': '1' }),
        inOnePath(strong, at, { stroke: 'var(--first)', 'stroke-width': '1.3' }),
      ],
    },
    `Genealogy of ${particles} particles over ${ancestors.length} steps; first particles with living descendants: ${told.join(', ')}.`,
  );
}

function ordinal(k: number): string {
  const ending = k % 100 > 10 && k % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][k % 10] ?? 'th');
  return k === 1 ? 'single' : k === 2 ? 'second' : `${k}${ending}`;
}

/** How many particles of each step have descendants at the last. */
function survivors(ancestors: GenealogyChart['ancestors'], particles: number): number[] {
  let slots = new Set(Array.from({ length: particles }, (_, i) => i));
  const counts = [slots.size];
  for (let t = ancestors.length - 1; t > 0; t--) {
    const parent = ancestors[t];
    if (parent !== undefined) slots = new Set([...slots].map((slot) => parent[slot]!));
    counts.push(slots.size);
  }
  return counts.reverse();
}

/** A line of descent: slots of the steps `last`, last - 1, ... on the way back. */
interface Line {
  readonly last: number;
  readonly slots: readonly number[];
}

/** Lines of descent of every k-th final particle, each ending where it meets one before it. */
function descent(ancestors: GenealogyChart['ancestors'], particles: number, every: number): Line[] {
  const last = ancestors.length - 1;
  const met = ancestors.map(() => new Set<number>());
  const found: Line[] = [];
  for (let end = Math.floor(every / 2); end < particles; end += every) {
    const slots = [end];
    for (let step = last; step > 0 && !met[step]!.has(slots[slots.length - 1]!); step--) {
      const slot = slots[slots.length - 1]!;
      met[step]!.add(slot);
      slots.push(ancestors[step]?.[slot] ?? slot);
    }
    found.push({ last, slots });
  }
  return found;
}

/** Links to parents where somebody was resampled, at most MOST_LINKS of them. */
function links(ancestors: GenealogyChart['ancestors'], particles: number): Line[] {
  const steps = ancestors.filter((parents, t) => t > 0 && parents !== undefined).length;
  const every = Math.max(Math.ceil(particles / 200), Math.ceil((steps * particles) / MOST_LINKS));
  const found: Line[] = [];
  ancestors.forEach((parents, last) => {
    if (last === 0 || parents === undefined) return;
    for (let slot = 0; slot < particles; slot += every) found.push({ last, slots: [slot, parents[slot]!] });
  });
  return found;
}

/** All lines as one path, small where thousands of elements would be large: level stretches are drawn at once. */
function inOnePath(
  all: readonly Line[],
  at: (step: number) => number,
  attributes: Readonly<Record<string, string>>,
): Plot.Markish {
  return (_index, scales, _values, _dimensions, { document }) => {
    const x = (step: number): number => Math.round(10 * scales.x!(at(step))) / 10;
    const y = (slot: number): number => Math.round(10 * scales.y!(slot)) / 10;
    const d = all.map(({ last, slots }) => {
      const parts = [`M${x(last)} ${y(slots[0]!)}`];
      for (let back = 1; back < slots.length; back++) {
        const level = slots[back] === slots[back - 1];
        if (level && slots[back + 1] === slots[back]) continue;
        parts.push(level ? `H${x(last - back)}` : `L${x(last - back)} ${y(slots[back]!)}`);
      }
      return parts.join('');
    });
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    for (const [name, value] of Object.entries({ ...attributes, fill: 'none', d: d.join('') }))
      path.setAttribute(name, value);
    return path;
  };
}
