import type { DesignName, IntervalName, Result } from '../../../estimators/index.ts';
import { count, duration } from '../../format/number.ts';
import { escapeText } from '../escape.ts';
import type { ReportFrame, ReportInput } from '../input.ts';
import { section } from '../page.ts';

const POINTS: Readonly<Record<DesignName, string>> = {
  sobol: "scrambled Sobol' points",
  lhs: 'points of Latin hypercubes',
  iid: 'independent points',
};

const INTERVALS: Readonly<Record<IntervalName, string>> = {
  replicates: 'Student, from the spread of the replicates',
  asymptotic: 'normal, from the asymptotic variance',
  bootstrap: 'bootstrap',
  none: 'none',
};

/** 'To repeat this': the command and everything the numbers depend on. */
export function repeatSection(input: ReportInput): string {
  const { design } = input.result;
  return repeated(input, input.result, design.evaluations, [
    ['estimator', design.estimator],
    ['design', `${count(design.points)} ${POINTS[design.kind]}, replicates: ${design.completeReplicates}`],
    ['intervals', INTERVALS[design.interval]],
  ]);
}

/** The command, where it ran, what the method says of itself, and the model. */
export function repeated(
  { command, model, modelHash, elapsed }: ReportFrame,
  { provenance }: Result,
  evaluations: number,
  own: readonly (readonly [string, string])[],
): string {
  const rows: (readonly [string, string])[] = [
    ['version', `ensample ${provenance.version}`],
    ['seed', String(provenance.seed)],
    ['backend', `${provenance.backend}, ${provenance.adapter}`],
    ['precision', provenance.precision],
    ...own,
    ['model', modelHash === undefined ? baseName(model) : `${baseName(model)}, hash ${modelHash}`],
    ['model runs', `${count(evaluations)} in ${duration(elapsed / 1000)}`],
    ...provenance.notes.map((note) => ['note', note] as const),
  ];
  const list = rows.map(([name, text]) => `<dt>${name}</dt><dd>${escapeText(text)}</dd>`).join('');
  return section('To repeat this', `<p><code>${escapeText(command)}</code></p><dl>${list}</dl>`);
}

/** The last part of a path, whichever way its slashes lean. */
export function baseName(path: string): string {
  return path.split(/[\\/]/).pop() ?? path;
}
