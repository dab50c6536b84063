import type { HistoryEntry } from '../../../estimators/index.ts';
import { fixed } from '../../format/number.ts';
import * as Plot from '../../generated/charts.mjs';
import { caption, pointsAxis } from './convergence.ts';
import { plotted } from './frame.ts';

/** The widest 95 % half-width of ST at one count of points. */
export interface Width {
  readonly points: number;
  readonly half: number;
}

/** Widest half-width of the total indices at each count of points; entries without intervals are left out. */
export function widths(history: readonly HistoryEntry[]): Width[] {
  const all = history.map(({ points, totalOrder: { low, high } }) => {
    let half = Number.NaN;
    low.forEach((end, i) => {
      const one = (high[i]! - end) / 2;
      if (one > 0 && !(half >= one)) half = one;
    });
    return { points, half };
  });
  return all.filter(({ half }) => half > 0 && Number.isFinite(half));
}

/** Least-squares slope of log half-width against log points; NaN below three counts. */
export function slope(marks: readonly Width[]): number {
  if (marks.length < 3) return Number.NaN;
  const x = marks.map(({ points }) => Math.log(points));
  const y = marks.map(({ half }) => Math.log(half));
  const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const mx = mean(x);
  const my = mean(y);
  const sxy = x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0);
  return sxy / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

/** Which guide the widths follow, as a sentence; empty when too few are known. */
export function rateSentence(marks: readonly Width[]): string {
  const power = slope(marks);
  if (Number.isNaN(power)) return '';
  const rate = power < -0.75 ? 'about like 1/n' : power < -0.25 ? 'about like 1/√n' : 'hardly yet';
  return `The widest interval shrinks ${rate} (power ${fixed(power, 1)}).`;
}

/** Widest half-width of ST against the number of points, log-log, with guides from the first point. */
export function rateChart(marks: readonly Width[], target: number | undefined, width: number): string {
  const first = marks[0]!;
  const last = marks[marks.length - 1]!;
  const guides = [
    { name: '1/√n', power: -0.5 },
    { name: '1/n', power: -1 },
  ].map((guide) => ({ ...guide, half: first.half * (last.points / first.points) ** guide.power }));
  const values = [...marks.map(({ half }) => half), ...guides.map(({ half }) => half), target ?? first.half];
  const bottom = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const top = Math.max(bottom + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  const powers = Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i);
  return plotted(width, 270, spoken(first, last), {
    marginLeft: 52,
    marginRight: 44,
    marginTop: 26,
    marginBottom: 42,
    x: { type: 'log', base: 2, domain: [first.points, last.points], axis: null },
    y: { type: 'log', domain: [10 ** bottom, 10 ** top], axis: null },
    marks: [
      ...powerGrid(powers),
      ...pointsAxis(marks, width - 96),
      caption('widest half-width of ST (log scale)'),
      ...guides.flatMap((guide) => guideLine(first, last, guide)),
      ...targetLine(target),
      Plot.line(marks, { x: 'points', y: 'half', stroke: 'var(--first)', strokeWidth: 2 }),
      Plot.dot(marks, {
        x: 'points',
        y: 'half',
        r: 3.5,
        fill: 'var(--first)',
        title: ({ points, half }: Width) => `${points} points: ± ${half.toPrecision(2)}`,
      }),
    ],
  });
}

function spoken(first: Width, last: Width): string {
  return `Widest half-width of the total indices against the number of points: ${first.half.toPrecision(2)} at ${first.points} points, ${last.half.toPrecision(2)} at ${last.points}`;
}

function powerGrid(powers: readonly number[]): Plot.Markish[] {
  const every = Math.ceil(powers.length / 6);
  const shown = powers.filter((_, i) => i % every === 0);
  return [
    Plot.ruleY(
      shown.map((power) => 10 ** power),
      { stroke: 'var(--grid)' },
    ),
    Plot.text(shown, {
      y: (power: number) => 10 ** power,
      text: (power: number) =>
        power < -4 || power > 3 ? `1e${power}` : String(Number((10 ** power).toPrecision(1))),
      frameAnchor: 'left',
      textAnchor: 'end',
      dx: -6,
      fill: 'var(--muted)',
    }),
  ];
}

function guideLine(first: Width, last: Width, guide: { name: string; half: number }): Plot.Markish[] {
  const ends = [first, { points: last.points, half: guide.half }];
  return [
    Plot.line(ends, { x: 'points', y: 'half', stroke: 'var(--rule)', strokeDasharray: '4,3' }),
    Plot.text([ends[1]!], {
      x: 'points',
      y: 'half',
      text: () => guide.name,
      textAnchor: 'start',
      dx: 6,
      fill: 'var(--muted)',
    }),
  ];
}

function targetLine(target: number | undefined): Plot.Markish[] {
  if (target === undefined) return [];
  return [
    Plot.ruleY([target], { stroke: 'var(--warn)', strokeDasharray: '2,2' }),
    Plot.text([`target ${target}`], {
      y: () => target,
      frameAnchor: 'left',
      textAnchor: 'start',
      dx: 6,
      dy: 10,
      fill: 'var(--warn)',
    }),
  ];
}
