import { writeFileSync } from 'node:fs';
import {
  type Backend,
  chooseBackend,
  DeviceLostError,
  ModelError,
  moduleModel,
  type SobolOptions,
  type SobolResult,
  sobolIndices,
  type Warning,
} from '../estimators/index.ts';
import { repeatCommand, repeatCommandByName } from './command-line.ts';
import { failureDocument } from './documents.ts';
import { EXIT, modelFailureText } from './errors.ts';
import { checkWritable } from './files.ts';
import { count } from './format/number.ts';
import { printable, wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { type Interrupt, watchInterrupt } from './interrupt.ts';
import { lostCard } from './lost-card.ts';
import { loadModelFile, type ModelFile } from './model-file.ts';
import { analysisOptions, designOptions } from './options.ts';
import { makeProgress } from './progress.ts';
import { drawSeed, type Flags, readSettings, type Settings } from './settings.ts';
import { showOutcome } from './show.ts';
import { readState, writeState } from './state-file.ts';
import type { Terminal } from './terminal.ts';
import { type Watched, watch } from './watch.ts';

const WHERE = 'ensample sobol';

/** `ensample sobol MODEL`: runs the model of a module over a design and shows its indices. Resolves to the exit code. */
export async function sobol(
  path: string,
  flags: Flags,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const interrupt = watchInterrupt(() => {
    terminal.err.write(`${terminal.err.isTerminal ? '\n' : ''}Stopping ... before any model run.\n`);
  });
  const settings = readSettings(WHERE, flags);
  for (const option of ['report', 'csv', 'resume'] as const) {
    const file = settings[option];
    if (file !== undefined) checkWritable(WHERE, `--${option}`, file);
  }
  const model = await loadModelFile(WHERE, path);
  const before = settings.resume === undefined ? undefined : readState(WHERE, settings.resume, settings.seed);
  const backend = await chooseBackend(backendChoice(settings));
  const start = performance.now();
  try {
    const job = { settings, model, backend, interrupt, terminal };
    const seed = settings.seed ?? before?.header.seed ?? drawSeed();
    const watched = await runModel(job, before?.state, seed);
    const { result, interrupted, state } = watched;
    if (settings.resume !== undefined && state !== undefined)
      writeState(settings.resume, { seed, model: model.hash }, state);
    if (result === undefined) {
      terminal.err.write(
        'Interrupted before the first points were evaluated: there is nothing to show yet.\n',
      );
      return EXIT.interrupted;
    }
    await showOutcome(
      {
        result,
        speed: watched.speed,
        problem: model,
        modelHash: model.hash,
        settings,
        command: repeatCommand(argv, seed),
        commandByName: repeatCommandByName(argv, seed),
        elapsed: performance.now() - start,
        warnings: changedModel(settings, model, before?.header.model),
        before: interrupted ? [interruptedLine(result)] : [],
        after: stateLines(settings, watched),
      },
      terminal,
    );
    return interrupted ? EXIT.interrupted : 0;
  } catch (error) {
    if (error instanceof ModelError) throw failedModel(error, settings, model);
    throw error instanceof DeviceLostError ? lostCard(WHERE, error, settings.resume, model.hash) : error;
  } finally {
    await backend.dispose();
  }
}

interface Job {
  readonly settings: Settings;
  readonly model: ModelFile;
  readonly backend: Backend;
  readonly interrupt: Interrupt;
  readonly terminal: Terminal;
}

async function runModel(job: Job, from: Uint8Array | undefined, seed: number): Promise<Watched> {
  const { settings, model, backend, interrupt, terminal } = job;
  const method = sobolIndices(sobolOptions(settings, model));
  const { err } = terminal;
  if (!settings.quiet) err.write(`${wrap(startLine(settings, model), err.look.width)}\n`);
  const progress = makeProgress(err, settings.quiet, process.env.TERM === 'dumb');
  try {
    return await watch(method, {
      seed,
      backend,
      from,
      interrupt,
      replicates: settings.replicates ?? 8,
      keep: settings.resume !== undefined,
      update: progress.update,
      stopping: () => {
        progress.end();
        err.write(`${err.isTerminal ? '\n' : ''}Stopping ... (Ctrl-C again quits at once)\n`);
      },
    });
  } finally {
    progress.end();
  }
}

function backendChoice({ backend, threads, allowSoftware }: Settings): Parameters<typeof chooseBackend>[0] {
  return {
    ...(backend === undefined ? {} : { backend }),
    ...(threads === undefined ? {} : { threads }),
    ...(allowSoftware ? { allowSoftware } : {}),
  };
}

/** Flags and module together as options; a flag wins. */
function sobolOptions(settings: Settings, model: ModelFile): SobolOptions {
  return {
    model: model.kernel ?? moduleModel(model.url),
    ...designOptions(settings, model),
    ...analysisOptions(WHERE, settings, model),
    ...(settings.until === undefined ? {} : { until: settings.until }),
  };
}

/** 'flood.ts: 8 inputs, output overflow (m), 16 384 points, 294 912 model runs' */
function startLine(settings: Settings, model: ModelFile): string {
  const d = Object.keys(model.inputs).length;
  const parts = [counted(d, count(d), 'input')];
  const outputs = model.outputs ?? settings.outputs ?? [];
  if (outputs.length === 1) {
    const unit = model.texts[outputs[0]!]?.unit;
    parts.push(`output ${printable(outputs[0]!)}${unit === undefined ? '' : ` (${unit})`}`);
  } else if (outputs.length > 1) parts.push(counted(outputs.length, count(outputs.length), 'output'));
  const groups = groupCount(settings.groups ?? model.groups, d);
  if (groups !== d) parts.push(counted(groups, count(groups), 'group'));
  parts.push(`${count(settings.points)} points`);
  if (settings.until === undefined)
    parts.push(`${count(settings.points * rowsPerPoint(settings, groups))} model runs`);
  return `${model.file}: ${parts.join(', ')}`;
}

function groupCount(groups: Readonly<Record<string, readonly string[]>> | undefined, d: number): number {
  const sizes = Object.values(groups ?? {}).map((members) => members.length);
  return d - sizes.reduce((sum, size) => sum + size, 0) + sizes.length;
}

/** Both halves of the design and, for each group, one or (for pairs) two mixtures of them. */
function rowsPerPoint(settings: Settings, groups: number): number {
  return settings.secondOrder && groups > 2 ? 2 * groups + 2 : groups + 2;
}

function interruptedLine({ design, diagnostics }: SobolResult): string {
  const of = diagnostics.total === undefined ? '' : ` of ${count(diagnostics.total)}`;
  return `Interrupted after ${design.completeReplicates} of ${counted(design.replicates, count(design.replicates), 'replicate')} (${count(diagnostics.done)}${of} runs).`;
}

/** What became of the state, and how to go on. */
function stateLines({ resume }: Settings, { interrupted, state }: Watched): string[] {
  const saved = resume !== undefined && state !== undefined ? [`Saved ${resume}.`] : [];
  if (!interrupted) return saved;
  if (resume !== undefined)
    return [...saved, `To go on from here, run the same command again with --resume ${resume}.`];
  return ['To be able to go on after an interruption next time, start with --resume FILE.'];
}

function changedModel({ resume }: Settings, model: ModelFile, hash: string | undefined): Warning[] {
  if (hash === undefined || hash === model.hash) return [];
  return [
    {
      code: 'model-changed',
      message: `${model.file} has changed since ${resume} was saved: runs from before and after are mixed. Delete that file to begin anew.`,
    },
  ];
}

/** The points of a failed model go to the CSV file that was asked for; the message says so. */
function failedModel(error: ModelError, { csv }: Settings, model: ModelFile): ModelError {
  const names = Object.keys(model.inputs);
  if (csv !== undefined && error.failures.length > 0)
    writeFileSync(csv, failureDocument(error.failures, names));
  error.message = modelFailureText(error, model.file, names, csv);
  return error;
}
