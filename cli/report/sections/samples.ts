import type { OutputIndices } from '../../../estimators/index.ts';
import { count, quantity } from '../../format/number.ts';
import { conditionalChart } from '../charts/conditional.ts';
import { histogramChart } from '../charts/histogram.ts';
import type { ReportInput } from '../input.ts';
import { figure, paragraph, section, smallFigure, THIRD, withUnit } from '../page.ts';
import { largest, MOST_BARS } from '../rows.ts';
import { columnOf, conditional, histogram, quantile, sorted } from '../statistics.ts';

/** Pictures of samples use at most this many rows: more would not change a pixel. */
const MOST_ROWS = 32_768;
/** Panels of output against input on the whole page. */
const MOST_PANELS = 12;
/** Bins of a panel, as far as each gets this many points; below the smallest number there is no panel. */
const BINS = { most: 20, least: 5, points: 16 } as const;

/** Histogram of output `k`, `wide` px on wide pages, with its 5, 50 and 95 % points; under it what was left out. */
export function outputBlock(input: ReportInput, k: number, subject: string, wide: number): string {
  const { result } = input;
  const one = result.outputs[k]!;
  const ordered = sorted(outputColumn(input, k));
  const bins = histogram(ordered, 20, 60);
  const words = moments(one, input.outputs[k]?.unit, 2 * result.design.points);
  if (bins === undefined) return paragraph(words, 'muted');
  const lines = [0.05, 0.5, 0.95].map((p) => ({ x: quantile(ordered, p), name: `${p * 100} %` }));
  const ends = lines.map(({ x, name }) => `${name} ${Number(x.toPrecision(4))}`).join(', ');
  const options = {
    height: 250,
    axis: subject,
    lines,
    summary: `Histogram of ${subject}; quantiles ${ends}`,
  };
  return (
    paragraph(words, 'muted') +
    figure((width) => histogramChart(bins, { ...options, width }), wide, leftOut(input))
  );
}

function moments(one: OutputIndices, unit: string | undefined, draws: number): string {
  if (one.constant || !Number.isFinite(one.variance)) return '';
  const deviation = Math.sqrt(one.variance);
  const mean = quantity(one.mean, deviation / Math.sqrt(draws), unit);
  const spread = quantity(deviation, deviation / Math.sqrt(2 * draws), unit);
  return Number.isFinite(one.mean)
    ? `Mean ${mean}, standard deviation ${spread}.`
    : `Standard deviation ${spread}.`;
}

function leftOut({ result }: ReportInput): string {
  const parts: string[] = [];
  if (result.dropped > 0)
    parts.push(`${count(result.dropped)} rows were left out because the model failed there.`);
  if (result.base.n > MOST_ROWS) parts.push(`The first ${count(MOST_ROWS)} points.`);
  return parts.join(' ');
}

/** Mean of output `k` along the inputs that matter most, with the band that holds 80 % of it. */
export function conditionalPanels(
  input: ReportInput,
  k: number,
  subject: string,
  most: number = MOST_PANELS,
): string {
  const { result } = input;
  const count = Math.min(BINS.most, Math.floor(rowsOf(input) / BINS.points));
  if (result.outputs[k]!.constant || count < BINS.least) return '';
  const y = outputColumn(input, k);
  const panels = chosenInputs(input, k, most)
    .map((c) => ({ c, bins: conditional(inputColumn(input, c), y, count) }))
    .filter(({ bins }) => bins.length > 1 && bins[0]!.x < bins[bins.length - 1]!.x);
  if (panels.length === 0) return '';
  const all = panels.flatMap(({ bins }) => bins);
  const range = [Math.min(...all.map(({ low }) => low)), Math.max(...all.map(({ high }) => high))] as const;
  const drawn = panels.map(({ c, bins }) => {
    const { name, unit } = input.inputs[c]!;
    return smallFigure(
      conditionalChart(bins, { width: THIRD, input: withUnit(name, unit), output: subject, range }),
    );
  });
  const words = `Line: mean in ${count} bins of the input. Band: 10 to 90 %. A flat line means that S1 is near 0.`;
  return `${paragraph(words, 'muted')}<div class="panels">${drawn.join('\n')}</div>`;
}

/** Columns shown: all, or those with the largest ST; with groups the first ones, as ST is not theirs. */
function chosenInputs({ result }: ReportInput, k: number, most: number): number[] {
  const d = result.design.inputs.length;
  const { totalOrder } = result.outputs[k]!;
  return totalOrder.value.length === d
    ? largest(totalOrder, most)
    : Array.from({ length: Math.min(d, most) }, (_, c) => c);
}

/** 'Inputs': a small histogram each with its law, or only the laws when there are many. */
export function inputsSection(input: ReportInput): string {
  const d = input.result.design.inputs.length;
  if (d > MOST_BARS || rowsOf(input) < 2) return '';
  const drawn = input.inputs.map(({ name, unit, ...note }, c) => {
    const law = rounded(note.law);
    const bins = histogram(sorted(inputColumn(input, c)), 12, 24);
    const axis = withUnit(name, unit);
    if (bins === undefined) return smallFigure('', `${axis}: ${law}`);
    const options = { width: THIRD, height: 110, axis, lines: [], summary: `Histogram of ${axis}: ${law}` };
    return smallFigure(histogramChart(bins, options), law);
  });
  return section('Inputs', `<div class="panels">${drawn.join('\n')}</div>`);
}

/** Parameters that were computed, such as a logarithm, to six digits: the files have them all. */
function rounded(law: string): string {
  return law.replace(/\d+\.\d{6,}(?:e[-+]?\d+)?/g, (text) => String(Number(Number(text).toPrecision(6))));
}

function rowsOf({ result }: ReportInput): number {
  return Math.min(MOST_ROWS, result.base.n);
}

function inputColumn(input: ReportInput, c: number): Float64Array {
  return columnOf(input.result.base.x, rowsOf(input), input.result.design.inputs.length, c);
}

function outputColumn(input: ReportInput, k: number): Float64Array {
  return columnOf(input.result.base.y, rowsOf(input), input.result.outputs.length, k);
}
