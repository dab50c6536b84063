import type { OutputIndices } from '../../estimators/index.ts';
import { percent } from '../format/number.ts';
import { listed } from '../format/words.ts';
import type { ReportInput } from './input.ts';
import { folded, HALF, NARROW, section, sideBySide, WIDE, withUnit } from './page.ts';
import { enoughSection } from './sections/enough.ts';
import { indicesBlock } from './sections/indices.ts';
import { overTimeSection } from './sections/over-time.ts';
import { pairsBlock } from './sections/pairs.ts';
import { repeatSection } from './sections/repeat.ts';
import { conditionalPanels, inputsSection, outputBlock } from './sections/samples.ts';
import { type Series, seriesOf } from './series.ts';
import { wholePage } from './whole-page.ts';

/** Up to this many outputs each has all its pictures. */
const FULL_OUTPUTS = 4;
/** Bars drawn for several outputs together, in rows. */
const DRAWN_ROWS = 120;
/** Panels of output against input for each of several outputs. */
const PANELS_EACH = 6;

/**
 * A report of Sobol' indices as one HTML file: it loads nothing, needs no script (script adds sorting only), and
 * follows light and dark, paper and telephones. Every number is also in a table and in the files it carries.
 */
export function renderReport(input: ReportInput): string {
  const series = seriesOf(input);
  const title = `What drives ${subjectOf(input, series)}?`;
  return wholePage(
    input,
    { title, names: input.result.totalOrder.names, what: 'indices' },
    body(input, series),
  );
}

function subjectOf(input: ReportInput, series: Series | undefined): string {
  if (input.series !== undefined && series !== undefined)
    return withUnit(input.series.name, input.series.unit);
  const names = input.result.outputs.map((_, k) => outputName(input, k));
  return series === undefined ? listed(names, 4) : `the ${names.length} outputs`;
}

/** 'overflow (m)', by its label where it has one. */
function outputName(input: ReportInput, k: number): string {
  const note = input.outputs[k];
  return withUnit(note?.label ?? input.result.outputs[k]!.name, note?.unit);
}

function body(input: ReportInput, series: Series | undefined): string {
  const { outputs, aggregated } = input.result;
  const single = outputs.length === 1 ? outputs[0]! : undefined;
  const parts = single !== undefined ? singleOutput(input, single) : manyOutputs(input, aggregated!, series);
  return [...parts, inputsSection(input), repeatSection(input)].filter((part) => part !== '').join('\n');
}

function singleOutput(input: ReportInput, indices: OutputIndices): string[] {
  const subject = outputName(input, 0);
  const pairs = pairsBlock(input, indices);
  const output = outputBlock(input, 0, subject, pairs === '' ? WIDE : HALF);
  const panels = conditionalPanels(input, 0, subject);
  const halves = [
    pairs === '' ? '' : `<div><h2>Pairs</h2>${pairs}</div>`,
    output === '' ? '' : `<div><h2>Output</h2>${output}</div>`,
  ];
  return [
    section('Indices', indicesBlock(input, indices, indices.name)),
    enoughSection(input),
    halves.every((half) => half === '') ? '' : `<section>${sideBySide(...halves)}</section>`,
    panels === '' ? '' : section(`${subject} along each input`, panels),
  ];
}

function manyOutputs(input: ReportInput, all: OutputIndices, series: Series | undefined): string[] {
  const count = input.result.outputs.length;
  const subject = series?.declared ? series.note.name : `the ${count} outputs together`;
  const pairs = pairsBlock(input, all);
  return [
    section(`Indices of all ${count} outputs together`, WEIGHTS, indicesBlock(input, all, subject)),
    series === undefined ? '' : overTimeSection(series, all.totalOrder),
    enoughSection(input),
    pairs === '' ? '' : section('Pairs', pairs),
    series === undefined ? eachOutput(input) : '',
  ];
}

const WEIGHTS = '<p class="muted">Each output counts with its variance.</p>';

/** One folded section each; of more than four outputs in brief, as the page would grow too large. */
function eachOutput(input: ReportInput): string {
  const { outputs } = input.result;
  const brief = outputs.length > FULL_OUTPUTS;
  const few = outputs.length * input.result.design.groups.length <= DRAWN_ROWS;
  const drawn = brief ? (few ? 'once' : 'never') : 'twice';
  const blocks = outputs.map((indices, k) => {
    const subject = outputName(input, k);
    const share = indices.constant ? '' : ` (${shareOf(input, k)} of the summed variance)`;
    const samples = outputBlock(input, k, subject, brief ? NARROW : HALF);
    const parts = [
      indicesBlock(input, indices, indices.name, drawn),
      sideBySide(...[samples, pairsBlock(input, indices, !brief)].map(boxed)),
      brief ? '' : conditionalPanels(input, k, subject, PANELS_EACH),
    ];
    return folded(`${subject}${share}`, parts.join(''));
  });
  return section('Each output', ...blocks);
}

function boxed(content: string): string {
  return content === '' ? '' : `<div>${content}</div>`;
}

function shareOf({ result }: ReportInput, k: number): string {
  const total = result.outputs.reduce((sum, { variance }) => sum + (variance || 0), 0);
  return percent(result.outputs[k]!.variance / total);
}
