// Problems in the form that SALib users have: a dictionary, its JSON, or a parameter file
// (methods: https://salib.readthedocs.io; the laws and their bounds are those of SALib 1.5).
import * as v from 'valibot';
import { show } from '../../engine/check.ts';
import type { Inputs } from '../../engine/distribution/inputs.ts';
import type { Law } from '../../engine/distribution/law.ts';
import { logNormal } from '../../engine/distribution/log-normal.ts';
import { logUniform } from '../../engine/distribution/log-uniform.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { triangular } from '../../engine/distribution/triangular.ts';
import { truncated } from '../../engine/distribution/truncated.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { weibull } from '../../engine/distribution/weibull.ts';
import { EngineError, InputError } from '../../engine/errors.ts';

/** A problem dictionary as SALib takes it. */
export interface SalibProblem {
  readonly num_vars?: number;
  readonly names: readonly string[];
  /** Parameters of the law of each input; two ends for 'unif'. */
  readonly bounds: readonly (readonly number[])[];
  /** Default 'unif' for all. */
  readonly dists?: readonly string[] | null;
  /** Name of the group of each input; absent or null: no groups. */
  readonly groups?: readonly string[] | null;
  readonly outputs?: readonly string[] | null;
}

/** The same as options of `sobolIndices`. */
export interface SalibInputs {
  readonly inputs: Inputs;
  /** Only groups of several inputs, or with a name of their own; undefined when there are none. */
  readonly groups: Readonly<Record<string, readonly string[]>> | undefined;
  readonly outputs: readonly string[] | undefined;
  readonly names: readonly string[];
}

/** Where a problem was read, for messages. */
export interface SalibSource {
  readonly file: string;
  /** Line of an input by its position, counted from 1. */
  readonly line?: (input: number) => number | undefined;
}

const list = <T extends v.GenericSchema>(item: T) => v.array(item);
const schema = v.looseObject({
  num_vars: v.optional(v.pipe(v.number(), v.integer())),
  names: v.pipe(list(v.pipe(v.string(), v.nonEmpty())), v.nonEmpty()),
  bounds: list(list(v.pipe(v.number(), v.finite()))),
  dists: v.nullish(list(v.string())),
  groups: v.nullish(list(v.string())),
  outputs: v.nullish(list(v.string())),
});

/** What a problem cannot do without. */
const REQUIRED: Readonly<Record<string, string>> = {
  names: 'a list of num_vars names',
  bounds: 'a list of num_vars pairs [low, high]',
};

/**
 * Inputs, groups and outputs of a SALib problem.
 *
 * Bounds by law: unif [low, high]; logunif [low, high]; triang [low, high, c], c in [0, 1] the place of the mode
 * as a share of the range (or [width, c] from 0); norm [mean, sd]; truncnorm [low, high, mean, sd]; lognorm
 * [mu, sigma] of the logarithm; weibull [shape, scale] or [shape, scale, location].
 *
 * @throws InputError naming the entry, and the line where `source` knows it.
 */
export function fromSalib(problem: unknown, source: SalibSource = { file: 'problem' }): SalibInputs {
  const parsed = v.safeParse(schema, problem);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const path = v.getDotPath(issue) ?? 'the whole';
    const needed = issue.input === undefined ? REQUIRED[path] : undefined;
    if (needed !== undefined) throw fault(source, undefined, `\`${path}\` is missing`, needed);
    throw fault(source, undefined, `\`${path}\` is ${issue.received}`, issue.expected ?? issue.message);
  }
  const { names, bounds, outputs } = parsed.output;
  const dists = parsed.output.dists ?? names.map(() => 'unif');
  const groups = parsed.output.groups ?? [];
  checkLengths(source, parsed.output.num_vars, { names, bounds, dists }, groups);
  checkDistinct(source, names);
  const laws = names.map((name, i) => [name, lawOf(source, i, name, dists[i]!, bounds[i]!)] as const);
  return {
    names,
    inputs: Object.fromEntries(laws),
    groups: groupRecord(names, groups),
    outputs: outputs ?? undefined,
  };
}

/**
 * A problem from the text of a file: JSON when it begins with a brace, else a parameter file
 * (`name low high [group] [law]`, blanks or commas between, `#` starts a comment line, group NA = none).
 * @throws InputError with file and line.
 */
export function parseSalib(text: string, file: string): SalibInputs {
  const clean = text.replace(/^\uFEFF/, '');
  return /^\s*\{/.test(clean) ? parseJson(clean, file) : parseParameters(clean, file);
}

function parseJson(text: string, file: string): SalibInputs {
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ') : String(cause);
    const found = `the JSON cannot be read (${reason})`;
    throw fault({ file, line: () => jsonLine(reason, text) }, 0, found, 'one JSON object', { cause });
  }
  const lines = text.split('\n');
  const names = (problem as { readonly names?: readonly unknown[] }).names;
  const line = (i: number): number | undefined => {
    const name = Array.isArray(names) ? JSON.stringify(names[i]) : undefined;
    const at = name === undefined ? -1 : lines.findIndex((row) => row.includes(name));
    return at < 0 ? undefined : at + 1;
  };
  return fromSalib(problem, { file, line });
}

/** Line of a JSON error from the position that the parser names. */
function jsonLine(reason: string, text: string): number | undefined {
  const position = /position (\d+)/.exec(reason)?.[1];
  return position === undefined ? undefined : text.slice(0, Number(position)).split('\n').length;
}

function parseParameters(text: string, file: string): SalibInputs {
  const rows = text
    .split(/\r\n|\n|\r/)
    .map((row, i) => ({ row: row.trim(), line: i + 1 }))
    .filter(({ row }) => row !== '' && !row.startsWith('#'));
  const source: SalibSource = { file, line: (i) => rows[i]?.line };
  if (rows.length === 0) throw fault(source, undefined, 'no parameter', 'lines of `name low high`');
  const fields = rows.map(({ row }) => row.split(row.includes(',') ? /\s*,\s*/ : /\s+/));
  const bounds = fields.map((parts, i) => {
    const ends = parts.slice(1, 3).map(Number);
    if (parts.length >= 3 && parts.length <= 5 && parts[0] !== '' && ends.every(Number.isFinite)) return ends;
    throw fault(source, i, show(rows[i]!.row), '`name low high [group] [law]` with two numbers');
  });
  const names = fields.map((parts) => parts[0]!);
  const dists = fields.map((parts) => (parts[4] ?? '') || 'unif');
  const groups = fields.map((parts) => groupField(parts));
  fields.forEach((parts, i) => {
    if (parts.length !== 4 || !LAWS.has(parts[3]!)) return;
    throw fault(source, i, `the fourth column is ${parts[3]}, a law`, 'a group there, and the law fifth', {
      fix: `Write ${parts.slice(0, 3).join(' ')} NA ${parts[3]}.`,
    });
  });
  return fromSalib({ names, bounds, dists, groups }, source);
}

function groupField(parts: readonly string[]): string {
  const group = parts[3] ?? '';
  return group === '' || group === 'NA' ? parts[0]! : group;
}

function checkLengths(
  source: SalibSource,
  declared: number | undefined,
  lists: Readonly<Record<string, readonly unknown[]>>,
  groups: readonly string[],
): void {
  const d = lists.names!.length;
  if (declared !== undefined && declared !== d)
    throw fault(source, undefined, `\`num_vars\` is ${declared}`, `${d}, the number of names`);
  const all = Object.entries(groups.length === 0 ? lists : { ...lists, groups });
  const wrong = all.find(([, entries]) => entries.length !== d);
  if (wrong === undefined) return;
  throw fault(source, undefined, `\`${wrong[0]}\` has ${wrong[1].length} entries`, `${d}, one for each name`);
}

function checkDistinct(source: SalibSource, names: readonly string[]): void {
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (twice >= 0) throw fault(source, twice, `the name ${names[twice]} comes twice`, 'different names');
}

function groupRecord(names: readonly string[], groups: readonly string[]): SalibInputs['groups'] {
  const members = new Map<string, string[]>();
  groups.forEach((group, i) => {
    members.set(group, [...(members.get(group) ?? []), names[i]!]);
  });
  const real = [...members].filter(([group, inputs]) => inputs.length > 1 || inputs[0] !== group);
  return real.length === 0 ? undefined : Object.fromEntries(real);
}

/** How many parameters a law takes, in words, and the law made of them. */
interface SalibLaw {
  readonly form: string;
  readonly counts: readonly number[];
  make(bounds: readonly number[]): Law;
}

const LAWS: ReadonlyMap<string, SalibLaw> = new Map<string, SalibLaw>([
  ['unif', { form: '[low, high]', counts: [2], make: ([low, high]) => uniform(low!, high!) }],
  ['logunif', { form: '[low, high]', counts: [2], make: ([low, high]) => logUniform(low!, high!) }],
  ['triang', { form: '[low, high, c] with c from 0 to 1', counts: [2, 3], make: triangle }],
  ['norm', { form: '[mean, sd]', counts: [2], make: ([mean, sd]) => normal(mean!, sd!) }],
  [
    'truncnorm',
    {
      form: '[low, high, mean, sd]',
      counts: [4],
      make: ([low, high, mean, sd]) => truncated(normal(mean!, sd!), low!, high!),
    },
  ],
  ['lognorm', { form: '[mu, sigma]', counts: [2], make: ([mu, sigma]) => logNormal(mu!, sigma!) }],
  [
    'weibull',
    {
      form: '[shape, scale] or [shape, scale, location]',
      counts: [2, 3],
      make: ([shape, scale, location]) => weibull(shape!, scale!, location),
    },
  ],
]);

/** The mode comes as a share of the range; two numbers are the older form, which begins at 0. */
function triangle(bounds: readonly number[]): Law {
  const [low, high, c] =
    bounds.length === 2 ? [0, bounds[0]!, bounds[1]!] : [bounds[0]!, bounds[1]!, bounds[2]!];
  return triangular(low, low + c * (high - low), high);
}

function lawOf(source: SalibSource, i: number, name: string, dist: string, bounds: readonly number[]): Law {
  const law = LAWS.get(dist);
  if (law === undefined) {
    const known = [...LAWS.keys()].join(', ');
    throw fault(source, i, `the law of ${name} is ${show(dist)}`, `one of ${known}`);
  }
  if (!law.counts.includes(bounds.length))
    throw fault(source, i, `${name} (${dist}) has ${bounds.length} bounds`, law.form);
  try {
    return law.make(bounds);
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    const told = fault(source, i, '', '', { cause });
    told.message = `${told.where}: input ${name} (${dist} [${bounds.join(', ')}]): ${cause.message}`;
    throw told;
  }
}

function fault(
  source: SalibSource,
  input: number | undefined,
  found: string,
  expected: string,
  more: { readonly fix?: string; readonly cause?: unknown } = {},
): InputError {
  const line = input === undefined ? undefined : source.line?.(input);
  const where = line === undefined ? source.file : `${source.file}, line ${line}`;
  return new InputError({
    where,
    file: source.file,
    found,
    expected,
    ...(line === undefined ? {} : { line }),
    ...more,
  });
}
