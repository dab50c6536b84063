import { count } from '../format/number.ts';
import { escapeText } from './escape.ts';
import type { ExpectationsReport } from './input.ts';
import { section } from './page.ts';
import { stagesSection, weightsSection } from './sections/adaptation.ts';
import { expectationsSection, functionalsSection } from './sections/expectations.ts';
import { repeated } from './sections/repeat.ts';
import { wholePage } from './whole-page.ts';

/** A report of expectations as one HTML file, by the rules of that of Sobol' indices. */
export function renderExpectations(input: ExpectationsReport): string {
  const { names } = input.result.estimate;
  const title = `What to expect of ${input.model}`;
  const sections = [
    expectationsSection(input),
    functionalsSection(input),
    weightsSection(input),
    stagesSection(input),
    lawsSection(input),
    repeatSection(input),
  ];
  return wholePage(
    input,
    { title, names, what: 'expectations' },
    sections.filter((part) => part !== '').join('\n'),
  );
}

/** Laws of the inputs, and what the other laws say instead. */
function lawsSection({ inputs, laws }: ExpectationsReport): string {
  const rows = [
    ...inputs.map(({ name, law }) => [name, law] as const),
    ...laws.map(({ name, changes }) => [`under ${name}`, changes.join('; ')] as const),
  ];
  const list = rows
    .map(([name, text]) => `<dt><bdi>${escapeText(name)}</bdi></dt><dd>${escapeText(rounded(text))}</dd>`)
    .join('');
  return section('Inputs and laws', `<dl>${list}</dl>`);
}

/** Parameters that were computed, such as a logarithm, to six digits: the module has them all. */
function rounded(law: string): string {
  return law.replace(/\d+\.\d{6,}(?:e[-+]?\d+)?/g, (text) => String(Number(Number(text).toPrecision(6))));
}

function repeatSection(input: ExpectationsReport): string {
  const { result, design } = input;
  const { diagnostics, sample, stages } = result;
  const n = sample.shape[0]!;
  const replicates = Math.floor(n / result.design.perReplicate);
  const kind = design === 'sobol' ? "scrambled Sobol' points" : 'independent points';
  return repeated(input, result, diagnostics.evaluations, [
    [
      'adaptation',
      `${count(stages.reduce((sum, { points }) => sum + points, 0))} points in ${stages.length} stages`,
    ],
    [
      'answer',
      result.unbiased ? `${count(n)} ${kind}, replicates: ${replicates}` : 'points of the newest stage',
    ],
    [
      'intervals',
      result.design.independent
        ? 'Student, from the spread of the points'
        : 'Student, from the spread of the replicates',
    ],
  ]);
}
