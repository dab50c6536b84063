import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { arraySyntax, type Cluster, files, MissingShards } from '../estimators/cluster.ts';
import { type ExpectationsResult, run } from '../estimators/index.ts';
import { EXIT, usageError } from './errors.ts';
import { type ExpectFile, expectMethod, inFileWords, loadExpectFile } from './expect-file.ts';
import { type ExpectSettings, readExpectSettings } from './expect-settings.ts';
import { showExpectations } from './expect-show.ts';
import { type Flags, flagText, readInteger } from './flag-values.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { shardsHave, tellDamaged } from './missing-shards.ts';
import { chosenBackend } from './model-run.ts';
import { checkCommand, keepCommand, modelOfRun, modelsOf, type Saved } from './saved-command.ts';
import { drawSeed } from './settings.ts';
import type { Terminal } from './terminal.ts';

/*
 * `plan --expect` and what follows: a run that adapts goes round by round, each a run in a folder of its own. `plan` writes
 * the first one, `shard` computes pieces of the one under way, and `merge` writes the next or prints the answer. What is
 * there already is read again each time, so that nothing else needs to be kept.
 */

/** Which round is under way. */
const ROUND = 'round.json';

interface Round {
  /** From 1. */
  readonly number: number;
  /** Folder of its run in that of all. */
  readonly run: string;
}

/** Flags of `ensample sobol` that mean nothing here. */
const OTHERS = ['secondOrder', 'estimator', 'groups', 'interval', 'resamples', 'outputs'] as const;

/** `ensample plan MODEL --expect -o DIR`: prints the number of shards of the first round. Resolves to the exit code. */
export async function planExpect(
  path: string,
  folder: string,
  flags: Flags,
  kept: Flags,
  terminal: Terminal,
): Promise<number> {
  const where = 'ensample plan';
  for (const name of OTHERS) if (flags[name] !== undefined) throw notHere(where, name);
  const settings = readExpectSettings(where, flags);
  const model = await loadExpectFile(where, path, flags);
  const seed = settings.seed ?? drawSeed();
  const shards = readInteger(where, 'shards', flagText(flags, 'shards'), 1, 2 ** 24, '128') ?? SHARDS;
  const saved: Saved = {
    model: relative(folder, path),
    flags: { ...kept, expect: true, seed: String(seed), shards: String(shards) },
  };
  mkdirSync(folder, { recursive: true });
  checkCommand(where, folder, saved);
  keepCommand(folder, saved);
  const found = await advance(folder, model, { ...settings, seed }, shards, modelsOf(where, flags));
  if (!('missing' in found)) return EXIT.failed;
  terminal.out.write(`${count(found.total)}\n`);
  if (flags.quiet !== true) {
    const own = flagText(flags, 'models') ?? path;
    const tell = `Round ${roundOf(folder)!.number} in ${folder}: shards 0 to ${found.total - 1}, seed ${seed}, ${flags.shards === undefined ? `cut into about ${SHARDS} (see --shards)` : 'cut as asked'}. Each: ensample shard ${folder} --models ${own} --index i (or the array index of SLURM, HyperQueue, PBS or Kubernetes). Then: ensample merge ${folder}, which says what the next round needs until there is an answer.`;
    terminal.err.write(`${wrap(tell, terminal.err.look.width)}\n`);
  }
  return 0;
}

/** Shards of a round when nobody says how many. */
const SHARDS = 128;

/** `ensample merge DIR` of such a run: the answer, or what is missing of the round under way, and exit code 1. */
export async function mergeExpect(
  folder: string,
  saved: Saved,
  flags: Flags,
  terminal: Terminal,
): Promise<number> {
  const where = 'ensample merge';
  const settings = readExpectSettings(where, { ...saved.flags, ...flags });
  const model = await loadExpectFile(where, modelOfRun(where, folder, saved, flags), saved.flags);
  const start = performance.now();
  const before = roundOf(folder);
  const shards = Number(saved.flags.shards);
  const found = await advance(folder, model, settings, shards, modelsOf(where, flags));
  if ('missing' in found) {
    terminal.out.write(`${arraySyntax(found.missing)}\n`);
    const { number } = roundOf(folder)!;
    const began = number !== before?.number && found.missing.length === found.total;
    const tell = began
      ? `Round ${number} begins: its ${counted(found.total, count(found.total), 'shard')} are listed on stdout. Compute them as those before, then merge again.`
      : shardsHave(found.missing.length, ` of round ${number}`);
    tellDamaged(found, terminal.err);
    if (flags.quiet !== true) terminal.err.write(`${wrap(tell, terminal.err.look.width)}\n`);
    return EXIT.failed;
  }
  const command = `ensample merge ${folder}`;
  const around = { command, commandByName: command, warnings: [], before: [], after: [] };
  const place = `Shards in ${folder}`;
  const shown = { result: found.result, interrupted: false, model, settings, place, speed: Number.NaN };
  await showExpectations({ ...shown, ...around, elapsed: performance.now() - start }, terminal);
  return 0;
}

/** The folder of the run under way in one of `plan --expect`; any other folder itself. */
export function runUnderWay(folder: string): string {
  const round = roundOf(folder);
  return round === undefined ? folder : join(folder, round.run);
}

/** Whether a folder is one of `plan --expect`. */
export function hasRounds(folder: string): boolean {
  return existsSync(join(folder, ROUND));
}

function roundOf(folder: string): Round | undefined {
  return hasRounds(folder) ? (JSON.parse(readFileSync(join(folder, ROUND), 'utf8')) as Round) : undefined;
}

type Advanced =
  | { readonly result: ExpectationsResult }
  | (Pick<MissingShards, 'missing' | 'damaged'> & { readonly total: number });

/** Runs the method over what is there, to its end or to the first shards that are not. */
async function advance(
  folder: string,
  model: ExpectFile,
  settings: ExpectSettings,
  shards: number,
  models: { readonly models?: string },
): Promise<Advanced> {
  const cluster = files(folder, { gather: true, ...models });
  let [last, number, total] = ['', 0, 0];
  const counted: Cluster = {
    ...cluster,
    submit(work, plan, options) {
      const submitted = cluster.submit(work, plan, options);
      number++;
      last = submitted.id;
      total = plan.shards.kind === 'index' ? plan.shards.count : total;
      return submitted;
    },
  };
  const backend = await chosenBackend(settings);
  try {
    const method = expectMethod(settings, model);
    return {
      result: await run(method, { seed: settings.seed!, backend, cluster: counted, submit: { shards } }),
    };
  } catch (error) {
    if (!(error instanceof MissingShards)) throw inFileWords(error, model.file);
    const before = roundOf(folder);
    if (before?.run !== last) keepRound(folder, { number, run: last });
    return { missing: error.missing, damaged: error.damaged, total };
  } finally {
    await backend.dispose();
  }
}

/** Seen whole or not at all: tasks of a scheduler may look at any time. */
function keepRound(folder: string, round: Round): void {
  const own = join(folder, `.${ROUND}-${process.pid}`);
  writeFileSync(own, `${JSON.stringify(round)}\n`);
  renameSync(own, join(folder, ROUND));
}

function notHere(where: string, name: string): Error {
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return usageError(where, flag, 'given', 'nothing beside --expect, which has no such setting');
}
