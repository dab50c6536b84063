import {
  InputError,
  nearestName,
  OptionError,
  type SobolResult,
  sobolAnalyze,
  sobolDesign,
} from '../estimators/index.ts';
import { repeatCommand, repeatCommandByName } from './command-line.ts';
import { readNote } from './design-file.ts';
import { usageError } from './errors.ts';
import { checkWritable } from './files.ts';
import type { Flags } from './flag-values.ts';
import { count, plain } from './format/number.ts';
import { counted } from './format/words.ts';
import type { Problem } from './model-file.ts';
import { checkRows, type NumberTable, readNumbers } from './number-table.ts';
import { analysisOptions, designOptions } from './options.ts';
import { loadProblem } from './problem.ts';
import { checkSalibOrder, groupsOf } from './salib-order.ts';
import { readSettings, type Settings } from './settings.ts';
import { showOutcome } from './show.ts';
import type { Terminal } from './terminal.ts';

const WHERE = 'ensample analyze';

/** `ensample analyze PROBLEM -x X -y Y`: indices of a model that ran elsewhere. Resolves to the exit code. */
export async function analyze(
  path: string,
  flags: Flags,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const files = { x: fileFlag(flags, '-x', 'designFile'), y: fileFlag(flags, '-y', 'outputFile') };
  readSettings(WHERE, flags); // every flag is checked before a file is read
  const problem = await loadProblem(WHERE, path);
  const x = readNumbers(WHERE, files.x);
  const note = readNote(x.comments);
  const settings = readSettings(WHERE, { ...note, ...given(flags) });
  for (const option of ['report', 'csv'] as const) {
    const file = settings[option];
    if (file !== undefined) checkWritable(WHERE, `--${option}`, file);
  }
  checkColumns(x, problem);
  const start = performance.now();
  const y = readNumbers(WHERE, files.y);
  const job = { settings, problem, x, y };
  const result = note === undefined && settings.seed === undefined ? await foreign(job) : await own(job);
  await showOutcome(
    {
      result,
      problem,
      modelHash: problem.hash,
      settings: { ...settings, outputs: undefined },
      command: repeatCommand(argv, undefined),
      commandByName: repeatCommandByName(argv, undefined),
      elapsed: performance.now() - start,
      speed: Number.NaN,
      warnings: [],
      before: [],
      after: [],
    },
    terminal,
  );
  return 0;
}

interface Job {
  readonly settings: Settings;
  readonly problem: Problem;
  readonly x: NumberTable;
  readonly y: NumberTable;
}

function fileFlag(flags: Flags, option: string, name: string): string {
  const file = flags[name];
  if (typeof file === 'string' && file !== '') return file;
  throw new OptionError({
    where: WHERE,
    option,
    value: file,
    found: `option ${option} is missing`,
    expected: 'the name of a file',
    fix: 'As in: ensample analyze PROBLEM -x x.csv -y y.csv',
  });
}

/** Only the flags that were typed, so that they win over the note. */
function given(flags: Flags): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** A design that `sample` wrote: made again and compared. */
async function own({ settings, problem, x, y }: Job): Promise<SobolResult> {
  const seed = settings.seed ?? 0;
  const options = designOptions(settings, problem);
  const design = await sobolDesign(options, { seed });
  checkRows(x, design.rows, 'as its settings say');
  compare(x, design.x, problem, seed);
  const { names, values } = outputsOf({ settings, problem, x, y });
  const analysis = analysisOptions(
    WHERE,
    { ...settings, outputs: undefined },
    { ...problem, outputs: names },
  );
  return sobolAnalyze({ ...options, ...analysis }, values, { seed });
}

/**
 * Rows in SALib's order, made by another program: their structure is checked instead of their values. There is one
 * sample, so intervals come from resampling its points, as SALib's do.
 */
async function foreign({ settings, problem, x, y }: Job): Promise<SobolResult> {
  const order = checkSalibOrder(x, groupsOf(problem, settings.groups), settings.secondOrder);
  const { names, values } = outputsOf({ settings, problem, x, y });
  const own = { ...settings, points: order.points, replicates: 1, outputs: undefined };
  const options = designOptions({ ...own, secondOrder: order.secondOrder }, problem);
  const analysis = analysisOptions(
    WHERE,
    { ...own, interval: settings.interval ?? 'bootstrap' },
    { ...problem, outputs: names },
  );
  const result = await sobolAnalyze({ ...options, ...analysis }, values, { seed: settings.seed ?? 0 });
  return {
    ...result,
    base: { ...result.base, x: baseInputs(x, values, names.length, order.rowsPerPoint, result) },
  };
}

/** Inputs of the A rows as they stand in the file, without the points that were left out. */
function baseInputs(
  x: NumberTable,
  y: Float64Array,
  outputs: number,
  rows: number,
  { base, dropped }: SobolResult,
): Float64Array {
  const d = x.columns;
  const inputs = new Float64Array(base.n * d);
  let kept = 0;
  for (let row = 0; row < x.rows && kept < base.n; row += rows) {
    const failed = y.subarray(row * outputs, (row + rows) * outputs).some((value) => !Number.isFinite(value));
    if (dropped > 0 && failed) continue;
    inputs.set(x.values.subarray(row * d, (row + 1) * d), kept * d);
    kept++;
  }
  return inputs;
}

function checkColumns(x: NumberTable, problem: Problem): void {
  const names = Object.keys(problem.inputs);
  const found = x.header?.map((name) => name.replace(/^'(?=[=+\-@])/, ''));
  const wrong = found === undefined ? -1 : names.findIndex((name, c) => found[c] !== name);
  if (x.columns === names.length && wrong < 0) return;
  const what =
    x.columns === names.length
      ? `column ${wrong + 1} is ${found![wrong]}`
      : counted(x.columns, count(x.columns), 'column');
  const expected =
    x.columns === names.length
      ? `${names[wrong]}, as in ${problem.file}`
      : `${names.length}, the inputs of ${problem.file}`;
  throw new InputError({ where: x.file, file: x.file, found: what, expected });
}

/** Values may have gone through a program that keeps seven digits. */
const TOLERANCE = 1e-6;

function compare(x: NumberTable, expected: Float64Array, problem: Problem, seed: number): void {
  const names = Object.keys(problem.inputs);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(x.values[i]! - expected[i]!);
    if (difference <= TOLERANCE * Math.max(1e-300, Math.abs(expected[i]!), Math.abs(x.values[i]!))) continue;
    if (x.values[i] === expected[i]) continue;
    const line = x.line(Math.floor(i / x.columns));
    throw new InputError({
      where: `${x.file}, line ${line}`,
      file: x.file,
      line,
      found: `${names[i % x.columns]} is ${plain(x.values[i]!)}`,
      expected: `${plain(expected[i]!)}, as the design with seed ${seed} has it for ${problem.file}`,
      fix: 'Were the rows sorted, or the problem or the flags changed since `ensample sample`?',
    });
  }
}

/** The columns of Y that are wanted, their names, and the rows checked. */
function outputsOf({ settings, problem, x, y }: Job): { names: readonly string[]; values: Float64Array } {
  checkRows(y, x.rows, `one for each row of ${x.file}`);
  const own = problem.outputs?.length === y.columns ? problem.outputs : undefined;
  const numbered = y.columns === 1 ? ['y'] : Array.from({ length: y.columns }, (_, c) => `y${c + 1}`);
  const names = own ?? y.header ?? numbered;
  const declared = problem.outputs?.every((name) => names.includes(name)) ? problem.outputs : undefined;
  const wanted = settings.outputs ?? declared ?? names;
  const columns = wanted.map((name) => columnOf(names, name, y.file));
  const values = new Float64Array(y.rows * columns.length);
  for (let row = 0; row < y.rows; row++) {
    columns.forEach((column, s) => {
      values[row * columns.length + s] = y.values[row * y.columns + column]!;
    });
  }
  if ((settings.missing ?? 'error') === 'error') checkFinite(y, values, columns.length);
  return { names: wanted, values };
}

function columnOf(names: readonly string[], name: string, file: string): number {
  const column = names.indexOf(name);
  if (column >= 0) return column;
  const near = nearestName(name, names);
  const fix = near === undefined ? undefined : `Did you mean ${near}?`;
  throw usageError(WHERE, '--outputs', name, `columns of ${file}: ${names.join(', ')}`, fix);
}

function checkFinite(y: NumberTable, values: Float64Array, outputs: number): void {
  const failed = new Set<number>();
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) failed.add(Math.floor(i / outputs));
  });
  const [first] = failed;
  if (first === undefined) return;
  const line = y.line(first);
  const others = failed.size - 1;
  throw new InputError({
    where: `${y.file}, line ${line}`,
    file: y.file,
    line,
    found: `no finite number there${others === 0 ? '' : ` and in ${counted(others, count(others), 'other row')}`}`,
    expected: 'finite numbers',
    fix: 'Run the model there again, or leave those rows out with --missing drop-row.',
  });
}
