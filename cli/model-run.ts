import { writeFileSync } from 'node:fs';
import {
  type Backend,
  chooseBackend,
  DeviceLostError,
  ModelError,
  type Result,
  type Sampler,
  type Warning,
} from '../estimators/index.ts';
import { repeatCommand, repeatCommandByName } from './command-line.ts';
import { failureDocument } from './documents.ts';
import { GIVE_NUMBER, LOST_SERVER, modelFailureText } from './errors.ts';
import { checkWritable } from './files.ts';
import { wrap } from './format/text.ts';
import { type Interrupt, watchInterrupt } from './interrupt.ts';
import { lostCard } from './lost-card.ts';
import type { ModelFile } from './model-file.ts';
import { makeProgress, type Progress, type Unit } from './progress.ts';
import { drawSeed, type RunSettings } from './settings.ts';
import { readState, type StateHeader, writeState } from './state-file.ts';
import type { Terminal } from './terminal.ts';
import { type Watched, watch } from './watch.ts';

/** What a command has checked and loaded before it runs a model. */
export interface Opened<M extends ModelFile> {
  readonly model: M;
  readonly seed: number;
  readonly before: { readonly header: StateHeader; readonly state: Uint8Array } | undefined;
  readonly backend: Backend;
  readonly interrupt: Interrupt;
}

/**
 * Listens to Ctrl-C, makes sure that files can be written, loads the model and the state, chooses the backend.
 * @throws EngineError for a file that cannot be read or written; OptionError for a backend that is not there.
 */
export async function openRun<M extends ModelFile>(
  where: string,
  settings: RunSettings,
  load: () => Promise<M>,
  { err }: Terminal,
): Promise<Opened<M>> {
  const interrupt = watchInterrupt(() => {
    err.write(`${err.isTerminal ? '\n' : ''}Stopping ... before any model run.\n`);
  });
  for (const option of ['report', 'csv', 'resume'] as const) {
    const file = settings[option];
    if (file !== undefined) checkWritable(where, `--${option}`, file);
  }
  const model = await load();
  const before = settings.resume === undefined ? undefined : readState(where, settings.resume, settings.seed);
  const seed = settings.seed ?? before?.header.seed ?? drawSeed();
  return { model, seed, before, interrupt, backend: await chosenBackend(settings) };
}

/** The backend that flags ask for. @throws OptionError for one that is not there. */
export function chosenBackend({
  backend,
  threads,
  allowSoftware,
}: Pick<RunSettings, 'backend' | 'threads' | 'allowSoftware'>): Promise<Backend> {
  return chooseBackend({
    ...(backend === undefined ? {} : { backend }),
    ...(threads === undefined ? {} : { threads }),
    ...(allowSoftware ? { allowSoftware } : {}),
  });
}

/** A method and what is said while it runs. */
export interface Job<S, R extends Result> {
  readonly where: string;
  readonly method: Sampler<S, R>;
  /** 'flood.ts: 8 inputs, ...' */
  readonly startLine: string;
  readonly replicates: number;
  /** What progress counts, and how it writes the width of the least certain number. */
  readonly unit: Unit;
  readonly widest: (result: R) => number;
  /** Whether points are weighted, so that none may be left out. */
  readonly weighted?: boolean;
  /** The line about it, in the place of the usual one. */
  readonly progress?: Progress;
}

/**
 * Runs a method under a progress line; keeps its state for --resume, also when the card goes away.
 * @throws whatever the method throws; a ModelError in the words of the command, its points written to --csv.
 */
export async function runJob<S, R extends Result>(
  { where, method, startLine, replicates, unit, widest, weighted = false, progress: own }: Job<S, R>,
  { model, seed, before, backend, interrupt }: Opened<ModelFile>,
  settings: RunSettings,
  { err }: Terminal,
): Promise<Watched<R>> {
  if (!settings.quiet) err.write(`${wrap(startLine, err.look.width)}\n`);
  const progress = own ?? makeProgress(err, settings.quiet, process.env.TERM === 'dumb', unit);
  let kept: Uint8Array | undefined;
  try {
    const watched = await watch(method, {
      seed,
      backend,
      from: before?.state,
      interrupt,
      replicates,
      keep: settings.resume !== undefined,
      widest,
      update: progress.update,
      stopping: () => {
        progress.end();
        err.write(`${err.isTerminal ? '\n' : ''}Stopping ... (Ctrl-C again quits at once)\n`);
      },
      failed: (state) => {
        kept = state;
      },
    });
    if (settings.resume !== undefined && watched.state !== undefined)
      writeState(settings.resume, { seed, model: model.hash }, watched.state);
    return watched;
  } catch (error) {
    if (error instanceof ModelError)
      throw failedModel(
        keepOnLoss(error, settings, { seed, model: model.hash }, kept),
        settings,
        model,
        weighted,
      );
    throw error instanceof DeviceLostError ? lostCard(where, error, settings.resume, model.hash) : error;
  } finally {
    progress.end();
  }
}

/** What a server had answered before it was lost goes to the file of --resume; the message says how to go on. */
function keepOnLoss(
  error: ModelError,
  { resume }: RunSettings,
  header: StateHeader,
  state: Uint8Array | undefined,
): ModelError {
  if (!error.message.includes(LOST_SERVER)) return error;
  const saved = resume !== undefined && state !== undefined;
  if (saved) writeState(resume, header, state);
  const fix = saved
    ? `Saved ${resume}: start the server again, and the same command goes on from there.`
    : 'Start the server again, then the same command; with --resume FILE from the beginning on nothing is lost.';
  error.message = error.message.replace(LOST_SERVER, fix);
  return error;
}

/** Said when Ctrl-C came before there was anything to show. */
export const NOTHING_YET =
  'Interrupted before the first points were evaluated: there is nothing to show yet.\n';

/** What became of the state, and how to go on. */
function stateLines<R>({ resume }: RunSettings, { interrupted, state }: Watched<R>): string[] {
  const saved = resume !== undefined && state !== undefined ? [`Saved ${resume}.`] : [];
  if (!interrupted) return saved;
  if (resume !== undefined)
    return [...saved, `To go on from here, run the same command again with --resume ${resume}.`];
  return ['To be able to go on after an interruption next time, start with --resume FILE.'];
}

/** What is said around the numbers of a run: how to repeat it, how long it took, what became of its state. */
export function aroundRun<R>(
  argv: readonly string[],
  start: number,
  settings: RunSettings,
  opened: Opened<ModelFile>,
  watched: Watched<R>,
): {
  readonly command: string;
  readonly commandByName: string;
  readonly elapsed: number;
  readonly place: string | undefined;
  readonly warnings: readonly Warning[];
  readonly after: readonly string[];
} {
  const command = repeatCommand(argv, opened.seed, watched.shards);
  const { place, interrupted } = watched;
  const kept = `Shards that are done are kept. To go on: ${command}`;
  return {
    command,
    commandByName: repeatCommandByName(argv, opened.seed, watched.shards),
    elapsed: performance.now() - start,
    place,
    warnings: changedModel(settings, opened),
    after: place !== undefined && interrupted ? [kept] : stateLines(settings, watched),
  };
}

/** A model file that is not the one the saved state was made with. */
function changedModel({ resume }: RunSettings, { model, before }: Opened<ModelFile>): Warning[] {
  const hash = before?.header.model;
  if (hash === undefined || hash === model.hash) return [];
  return [
    {
      code: 'model-changed',
      message: `${model.file} has changed since ${resume} was saved: runs from before and after are mixed. Delete that file to begin anew.`,
    },
  ];
}

/** The points of a failed model go to the CSV file that was asked for; the message says so. */
function failedModel(
  error: ModelError,
  { csv }: RunSettings,
  model: ModelFile,
  weighted: boolean,
): ModelError {
  const names = Object.keys(model.inputs);
  if (csv !== undefined && error.failures.length > 0)
    writeFileSync(csv, failureDocument(error.failures, names));
  error.message = modelFailureText(error, model.file, names, csv, weighted ? GIVE_NUMBER : undefined);
  return error;
}
