import * as Plot from '../../generated/charts.mjs';
import { plotted } from './frame.ts';

/** Loss of one stage. */
interface Mark {
  readonly stage: number;
  readonly loss: number;
}

/** The weighted sum of variances of one point's summands, as each stage measured it, on a log axis. */
export function lossChart(losses: readonly number[], width: number): string {
  const marks: Mark[] = losses.map((loss, s) => ({ stage: s + 1, loss })).filter(({ loss }) => loss > 0);
  const all = marks.map(({ loss }) => loss);
  const bottom = Math.floor(Math.log10(Math.min(...all)) + 1e-9);
  const top = Math.max(bottom + 1, Math.ceil(Math.log10(Math.max(...all)) - 1e-9));
  const every = Math.ceil((top - bottom + 1) / 7);
  const powers = Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i).filter(
    (_, i) => i % every === 0,
  );
  const stages = marks.map(({ stage }) => stage);
  return plotted(width, 220, spoken(marks), {
    marginLeft: 52,
    marginRight: 20,
    marginTop: 26,
    marginBottom: 42,
    x: { domain: [0.6, losses.length + 0.4], axis: null },
    y: { type: 'log', domain: [10 ** bottom, 10 ** top], axis: null },
    marks: [
      Plot.ruleY(
        powers.map((power) => 10 ** power),
        { stroke: 'var(--grid)' },
      ),
      Plot.text(powers, {
        y: (power: number) => 10 ** power,
        text: (power: number) => (power < -3 || power > 3 ? `1e${power}` : String(Number(`1e${power}`))),
        frameAnchor: 'left',
        textAnchor: 'end',
        dx: -6,
        fill: 'var(--muted)',
      }),
      Plot.text(stages, {
        x: (stage: number) => stage,
        text: String,
        frameAnchor: 'bottom',
        dy: 16,
        fill: 'var(--muted)',
      }),
      Plot.text(['stage'], { frameAnchor: 'bottom', dy: 34, fill: 'var(--muted)' }),
      Plot.text(['weighted variance of one point (log scale)'], {
        frameAnchor: 'top-left',
        dx: -46,
        dy: -18,
        fill: 'var(--muted)',
      }),
      Plot.line(marks, { x: 'stage', y: 'loss', stroke: 'var(--first)', strokeWidth: 2 }),
      Plot.dot(marks, {
        x: 'stage',
        y: 'loss',
        r: 4,
        fill: 'var(--first)',
        title: ({ stage, loss }: Mark) => `stage ${stage}: ${loss.toPrecision(3)}`,
      }),
    ],
  });
}

function spoken(marks: readonly Mark[]): string {
  const [first, last] = [marks[0]!, marks[marks.length - 1]!];
  return `Loss by stage: ${first.loss.toPrecision(2)} at stage ${first.stage}, ${last.loss.toPrecision(2)} at stage ${last.stage}`;
}
