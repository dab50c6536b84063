import { evaluatePoints, InputError, type ModelError, moduleModel } from '../estimators/index.ts';
import { csvText, nameCell } from './documents.ts';
import { EXIT, usageError } from './errors.ts';
import { checkWritable, writeText } from './files.ts';
import { type Flags, flagText, readFile, readNames } from './flag-values.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { type Interrupt, watchInterrupt } from './interrupt.ts';
import { type ModelFile, modelOf } from './model-file.ts';
import { chosenBackend } from './model-run.ts';
import { type NumberTable, readNumbers } from './number-table.ts';
import { loadModel } from './remote.ts';
import { readRunSettings } from './settings.ts';
import type { Stream, Terminal } from './terminal.ts';

const WHERE = 'ensample evaluate';

type Evaluate = Omit<Parameters<typeof evaluatePoints>[0], 'model'>;

/** `ensample evaluate MODEL -x X`: the outputs of a model at given points, a row each. Resolves to the exit code. */
export async function evaluate(path: string, flags: Flags, { out, err }: Terminal): Promise<number> {
  const settings = readRunSettings(WHERE, flags);
  const given = readNames(WHERE, 'outputs', flagText(flags, 'outputs'));
  const file = readFile(WHERE, 'output', flagText(flags, 'output'));
  if (file !== undefined) checkWritable(WHERE, '-o', file);
  const design = readFile(WHERE, 'designFile', flagText(flags, 'designFile'));
  if (design === undefined)
    throw usageError(WHERE, '-x', '', 'a file of points, a row each', 'Try -x x.csv.');
  const interrupt = watchInterrupt(() => {});
  const model = await loadModel(WHERE, path, flags);
  const table = readNumbers(WHERE, design);
  const inputs = Object.keys(model.inputs);
  const points = pointsOf(table, inputs, model.file);
  const outputs = given ?? model.outputs;
  const backend = await chosenBackend(settings);
  try {
    const known = outputs === undefined ? {} : { outputs };
    const job = { inputs, points, ...known, backend };
    const found = await evaluated(model, job, { flags, interrupt, err, quiet: settings.quiet });
    if (found === undefined) return EXIT.interrupted;
    const k = found.outputs.length;
    const rows = Array.from({ length: table.rows }, (_, i) => [...found.values.subarray(i * k, (i + 1) * k)]);
    const text = csvText([found.outputs.map(nameCell), ...rows]);
    if (file === undefined) out.write(text);
    else writeText('-o', file, text);
    for (const line of said(found.failures, table, settings.quiet))
      err.write(`${wrap(line, err.look.width)}\n`);
    return 0;
  } finally {
    await backend.dispose();
  }
}

interface Around {
  readonly flags: Flags;
  readonly interrupt: Interrupt;
  readonly err: Stream;
  readonly quiet: boolean;
}

/** Here, or on the cluster that --cluster names; undefined after Ctrl-C. */
async function evaluated(
  model: ModelFile,
  job: Evaluate,
  { flags, interrupt, err, quiet }: Around,
): Promise<Awaited<ReturnType<typeof evaluatePoints>> | undefined> {
  const controller = new AbortController();
  interrupt.onFirst(() => controller.abort(new Error('interrupted')));
  const { signal } = controller;
  try {
    if (flags.cluster === undefined) return await evaluatePoints({ ...job, model: modelOf(model), signal });
    const { openCluster, readCut, warn } = await import('./cluster-run.ts');
    const { shardLine } = await import('./cluster-line.ts');
    const { shards, audit } = readCut(WHERE, flags);
    const opened = openCluster(WHERE, flags);
    const line = shardLine(err, quiet, opened.leader);
    try {
      await warn(opened, err);
      const submit = { ...shards, ...audit, progress: line.show };
      const own = model.url === undefined ? modelOf(model) : moduleModel(model.url);
      return await evaluatePoints({ ...job, model: own, signal, cluster: opened.cluster, submit });
    } finally {
      line.end();
      await opened.cluster.close();
    }
  } catch (error) {
    if (!interrupt.asked) throw error;
    err.write('Interrupted. On a cluster finished shards are kept: the same command goes on from there.\n');
    return undefined;
  }
}

/** The columns of the inputs, by name where the table has names. @throws InputError when they are not there. */
function pointsOf(table: NumberTable, inputs: readonly string[], file: string): Float64Array {
  const { header, rows, columns, values } = table;
  const names = header?.map((name) => name.replace(/^'(?=[=+\-@])/, ''));
  const missing = names === undefined ? undefined : inputs.find((name) => !names.includes(name));
  if (missing !== undefined || (names === undefined && columns !== inputs.length))
    throw new InputError({
      where: table.file,
      file: table.file,
      found:
        missing === undefined ? counted(columns, count(columns), 'column') : `there is no column ${missing}`,
      expected: `the inputs of ${file}: ${inputs.join(', ')}`,
    });
  const at = inputs.map((name, c) => names?.indexOf(name) ?? c);
  const points = new Float64Array(rows * inputs.length);
  for (let i = 0; i < rows; i++)
    for (const [c, column] of at.entries()) points[i * inputs.length + c] = values[i * columns + column]!;
  return points;
}

function said(failures: ModelError['failures'], table: NumberTable, quiet: boolean): readonly string[] {
  const [first] = failures;
  if (first === undefined)
    return quiet ? [] : [`Evaluated ${counted(table.rows, count(table.rows), 'point')}.`];
  const line = `${table.file}, line ${table.line(first.index)}`;
  return [
    `Warning: the model failed at ${count(failures.length)} of ${counted(table.rows, count(table.rows), 'point')}, whose rows are NaN; first at ${line}: it ${first.reason}.`,
  ];
}
