import {
  type ExpectationsResult,
  type ImportanceSobolOptions,
  type ImportanceSobolResult,
  importanceSobol,
  ModelError,
  OptionError,
  type OutputIndices,
  type SobolResult,
} from '../estimators/index.ts';
import { EXIT, usageError } from './errors.ts';
import { expectationsPart } from './expect-documents.ts';
import type { Flags } from './flag-values.ts';
import { factor, gainsOf } from './format/gains.ts';
import { count } from './format/number.ts';
import { widestHalf } from './format/ranking.ts';
import { printable, wrap } from './format/text.ts';
import { type ModelFile, modelOf } from './model-file.ts';
import { aroundRun, NOTHING_YET, openRun, runJob } from './model-run.ts';
import { analysisOptions } from './options.ts';
import { RUNS } from './progress.ts';
import { loadModel } from './remote.ts';
import type { Settings } from './settings.ts';
import { showOutcome } from './show.ts';
import type { Terminal } from './terminal.ts';

const WHERE = 'ensample sobol';

/** `ensample sobol MODEL --method importance`: the same indices by adaptive importance sampling. Resolves to the exit code. */
export async function importance(
  path: string,
  settings: Settings,
  flags: Flags,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  refuseOthers(flags);
  const opened = await openRun(WHERE, settings, () => loadIndependent(path, flags), terminal);
  const { model, backend } = opened;
  const start = performance.now();
  try {
    const job = {
      where: WHERE,
      method: importanceSobol(importanceOptions(settings, model)),
      startLine: `${model.file}: ${count(Object.keys(model.inputs).length)} inputs, ${count(settings.points)} points`,
      replicates: settings.replicates ?? 8,
      unit: { ...RUNS, word: 'points' },
      widest: widestHalf,
      weighted: true,
    };
    const clustered = flags.cluster !== undefined;
    const watched = clustered
      ? await (await import('./cluster-run.ts')).runBatchesOnCluster(job, opened, settings, flags, terminal)
      : await runJob(job, opened, settings, terminal);
    const { result, interrupted } = watched;
    const around = aroundRun(argv, start, settings, opened, watched);
    if (result === undefined) {
      terminal.err.write(NOTHING_YET);
      if (clustered) terminal.err.write(`${wrap(around.after.join(' '), terminal.err.look.width)}\n`);
      return EXIT.interrupted;
    }
    const shown = asIndices(result, settings, model, interrupted);
    await showOutcome(
      {
        result: shown,
        document: { method: 'importance-sobol', ...expectationsPart(result.expectations) },
        speed: watched.speed * result.runsPerPoint,
        problem: model,
        modelHash: model.hash,
        settings,
        ...around,
        before: interrupted
          ? [`Interrupted after ${count(result.diagnostics.done)} of ${count(settings.points)} points.`]
          : [],
        notes: notes(result, settings, model),
      },
      terminal,
    );
    return interrupted ? EXIT.interrupted : 0;
  } finally {
    await backend.dispose();
  }
}

/** Flags of the other method. */
const OTHERS: readonly (readonly [key: string, flag: string])[] = [
  ['secondOrder', '--second-order'],
  ['estimator', '--estimator'],
  ['interval', '--interval'],
  ['resamples', '--resamples'],
  ['until', '--until'],
];

function refuseOthers(flags: Flags): void {
  for (const [key, flag] of OTHERS) {
    if (flags[key] === undefined) continue;
    throw new OptionError({
      where: WHERE,
      option: flag,
      value: flags[key],
      found: `option ${flag} means nothing with --method importance`,
      expected: 'one of the two',
      fix: `Leave out ${flag}, or --method importance.`,
    });
  }
  if (flags.design === 'lhs')
    throw usageError(WHERE, '--design', 'lhs', 'sobol or iid with --method importance');
}

async function loadIndependent(path: string, flags: Flags): Promise<ModelFile> {
  const model = await loadModel(WHERE, path, flags);
  if (model.dependence === undefined) return model;
  throw new ModelError({
    where: model.file,
    found: 'its inputs depend on each other (export `dependence`)',
    expected: 'independent inputs with --method importance',
    fix: 'Leave out --method importance.',
  });
}

/** Flags and module together as options; a flag wins. */
function importanceOptions(settings: Settings, model: ModelFile): ImportanceSobolOptions {
  const { outputs, level, missing } = analysisOptions(WHERE, settings, model);
  const { points, replicates, design } = settings;
  const groups = settings.groups ?? model.groups;
  const output = chosenOutput(settings);
  return {
    model: modelOf(model),
    inputs: model.inputs,
    points,
    design: design === 'iid' ? 'iid' : 'sobol',
    ...(groups === undefined ? {} : { groups }),
    ...(outputs === undefined ? {} : { outputs }),
    ...(output === undefined ? {} : { output }),
    ...(replicates === undefined ? {} : { replicates }),
    ...(level === undefined ? {} : { level }),
    // 'drop-row' is refused by the method, with the reason.
    ...(missing === undefined ? {} : { missing: missing as ImportanceSobolOptions['missing'] & {} }),
  };
}

function chosenOutput({ outputs }: Settings): string | undefined {
  if (outputs === undefined || outputs.length === 1) return outputs?.[0];
  throw usageError(WHERE, '--outputs', outputs.join(','), 'one output with --method importance');
}

/** Shape of the table, the document and the report, as far as there are numbers for it. */
function asIndices(
  found: ImportanceSobolResult,
  settings: Settings,
  model: ModelFile,
  interrupted: boolean,
): SobolResult {
  const { totalOrder, expectations, runsPerPoint, provenance, diagnostics } = found;
  const { independent, perReplicate } = expectations.design;
  const complete = independent ? 1 : Math.floor(expectations.sample.shape[0]! / perReplicate);
  const wanted = settings.replicates ?? (settings.design === 'iid' ? 1 : 8);
  return {
    ...found,
    secondOrder: undefined,
    outputs: [indicesOf(found)],
    aggregated: undefined,
    history: [],
    design: {
      kind: settings.design,
      points: settings.points,
      replicates: interrupted ? Math.max(wanted, complete + 1) : complete,
      completeReplicates: complete,
      rowsPerPoint: runsPerPoint,
      evaluations: diagnostics.evaluations,
      inputs: Object.keys(model.inputs),
      groups: totalOrder.names,
      interval: independent ? 'asymptotic' : 'replicates',
      estimator: 'weighted differences (importance sampling)',
      seed: provenance.seed,
    },
    base: { x: new Float64Array(0), y: new Float64Array(0), n: 0 },
    dropped: 0,
  };
}

/** Whether the output was the same at all pairs of points. */
function isSame({ name, status }: ImportanceSobolResult['expectations']['diagnosticsOf'][number]): boolean {
  return name === 'difference in all' && status === 'unseen';
}

function indicesOf({
  output,
  firstOrder,
  totalOrder,
  variance,
  expectations,
}: ImportanceSobolResult): OutputIndices {
  const value = variance.value[0]!;
  return {
    name: output,
    firstOrder,
    totalOrder,
    secondOrder: undefined,
    superset: undefined,
    closed: undefined,
    closedTotal: undefined,
    meanDimension: unknown('mean dimension', totalOrder.level),
    interaction: unknown('interaction', totalOrder.level),
    mean: meanOf(expectations),
    variance: value,
    constant: value === 0 || expectations.diagnosticsOf.some(isSame),
    largestShare: Number.NaN,
  };
}

function unknown(name: string, level: number): OutputIndices['interaction'] {
  const none = (): Float64Array => Float64Array.of(Number.NaN);
  return { names: [name], value: none(), standardError: none(), low: none(), high: none(), level };
}

/** Mean of the output from the weighted points, whose first output it is. */
function meanOf({ sample, outputs }: ExpectationsResult): number {
  const { logWeight } = sample;
  const k = outputs.names.length;
  let sum = 0;
  logWeight.forEach((log, i) => {
    if (log > Number.NEGATIVE_INFINITY) sum += Math.exp(log) * outputs.values[i * k]!;
  });
  return sum / logWeight.length;
}

/** From this gain on weights pay for smooth models, too. */
const PAYS = 10;

/** Which output, how much the weights gained, and when the other method is the better one. */
function notes(found: ImportanceSobolResult, settings: Settings, { outputs }: ModelFile): string[] {
  const { expectations, runsPerPoint, output } = found;
  const said = [
    `${count(runsPerPoint)} model runs a point; ${count(expectations.sample.shape[0]!)} of ${count(settings.points)} points stand behind the indices, the others adapted them.`,
  ];
  if (settings.outputs === undefined && (outputs?.length ?? 1) > 1)
    said.unshift(`Only ${printable(output)} of ${outputs!.length} outputs: --outputs NAME for another.`);
  const gains = gainsOf(expectations);
  const gain = gains[gains.length >> 1]?.gain ?? 0;
  if (gain > 0 && gain < PAYS)
    said.push(
      `Weights gained a factor of ${factor(gain)} over plain Monte Carlo (median of the differences behind the indices). Where the model is smooth, ensample sobol without --method importance is the better tool: scrambled points alone gain more.`,
    );
  return said;
}
