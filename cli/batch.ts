import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import {
  arraySyntax,
  CLUSTER_ENTRY,
  type Cut,
  decodePlan,
  files,
  fixedModules,
  local,
  MissingShards,
  makePlan,
  makeRunFolder,
  NondeterminismError,
  openModules,
  openRunFolder,
  openShardThreads,
  planSharded,
  type RunFolder,
  readPlanFile,
  readRecord,
  runId,
  shardCount,
} from '../estimators/cluster.ts';
import { type EngineError, InputError, OptionError, run, sobolIndices } from '../estimators/index.ts';
import { EXIT, usageError } from './errors.ts';
import { type Flags, flagText, readFile, readInteger } from './flag-values.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import { shardsHave, tellDamaged } from './missing-shards.ts';
import { loadModelFile } from './model-file.ts';
import { chosenBackend } from './model-run.ts';
import { isAddress, notShared } from './remote.ts';
import { keepCommand, modelOfRun, modelsOf, readCommand, type Saved } from './saved-command.ts';
import { drawSeed, readSettings } from './settings.ts';
import { showOutcome } from './show.ts';
import { sobolOptions } from './sobol.ts';
import type { Terminal } from './terminal.ts';

/*
 * A run as a folder, for schedulers where no broker may run: `plan` writes it, `shard` computes pieces of it under the
 * scheduler, `merge` prints the answer or which pieces are missing.
 */

/** What schedulers call the number of a task. */
const INDEX_VARIABLES = [
  'SLURM_ARRAY_TASK_ID',
  'HQ_TASK_ID',
  'PBS_ARRAY_INDEX',
  'JOB_COMPLETION_INDEX',
] as const;
/** Flags of `plan` that only say where the run goes. */
const OWN_FLAGS: readonly string[] = ['output', 'shards', 'models', 'quiet', 'expect'];

/** `ensample plan MODEL -o DIR`: cuts a Sobol' run into shards; prints how many. Resolves to the exit code. */
export async function plan(path: string, flags: Flags, terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  const where = 'ensample plan';
  if (isAddress(path)) throw notShared(where, path, 'machines that compute shards do');
  const folder = readFile(where, 'output', flagText(flags, 'output')) ?? noFolder(where);
  const models = readFile(where, 'models', flagText(flags, 'models'));
  const kept = Object.fromEntries(Object.entries(flags).filter(([name]) => !OWN_FLAGS.includes(name)));
  if (flags.expect === true) {
    const { planExpect } = await import('./batch-rounds.ts');
    return planExpect(path, folder, flags, kept, terminal);
  }
  refuseExpect(where, flags);
  const shards = readInteger(where, 'shards', flagText(flags, 'shards'), 1, 2 ** 24, '128');
  const settings = readSettings(where, flags);
  const model = await loadModelFile(where, path);
  const seed = settings.seed ?? drawSeed();
  const method = sobolIndices(sobolOptions(settings, model));
  const known = files(dirname(resolve(folder)), models === undefined ? {} : { models });
  const found = shards === undefined ? await measured(method, folder, seed) : undefined;
  const made = makePlan(await planSharded(method, known, seed, shards ?? found?.shards));
  makeRunFolder(folder, made);
  const saved: Saved = { model: relative(folder, path), flags: { ...kept, seed: String(seed) } };
  keepCommand(folder, saved);
  const total = shardCount(made);
  out.write(`${total}\n`);
  if (flags.quiet !== true) {
    if (found !== undefined) err.write(`${wrap(`${found.words}.`, err.look.width)}\n`);
    const tell = `Run ${runId(made)} in ${folder}: shards 0 to ${total - 1}, seed ${seed}. Each: ensample shard ${folder} --models ${models ?? path} --index i (or the array index of SLURM, HyperQueue, PBS or Kubernetes). Then: ensample merge ${folder}`;
    err.write(`${wrap(tell, err.look.width)}\n`);
  }
  return 0;
}

/** Seconds that a task of a scheduler takes to start: Node, this package, the model. */
const START = 1;

/** How many shards: as many as the folder's run has already, or as one thread here finds best for tasks of a scheduler. */
async function measured(method: ReturnType<typeof sobolIndices>, folder: string, seed: number): Promise<Cut> {
  const there = readPlanFile(folder);
  if (there !== undefined)
    return { shards: shardCount(decodePlan(there)), words: 'Cut as this folder has it' };
  const here = local({ threads: 1 });
  try {
    const plan = await planSharded(method, here, seed, 1);
    const { shards, words } = await here.cut!({
      ...{ work: method.shards.work, points: method.shards.points!, submit: {} },
      plan: (shards) => ({ ...plan, ...method.shards.cut(shards) }),
      path: { overhead: START, workers: 1 },
    });
    return { shards, words: `Measured here: ${words}` };
  } finally {
    await here.close();
  }
}

/** Flags of `plan --expect` without it. */
function refuseExpect(where: string, flags: Flags): void {
  const name = (['stages', 'proposal', 'space', 'controls', 'preset'] as const).find(
    (flag) => flags[flag] !== undefined,
  );
  if (name !== undefined)
    throw usageError(where, `--${name}`, flagText(flags, name)!, '--expect beside it', 'Add --expect.');
}

/** `ensample shard DIR`: computes one or several shards of a run in a folder; of other runs see `cluster.ts`. */
export async function shard(given: string, flags: Flags, terminal: Terminal): Promise<number> {
  if (!existsSync(given)) return (await import('./cluster.ts')).shard(given, flags, terminal);
  const folder = (await import('./batch-rounds.ts')).runUnderWay(given);
  const where = 'ensample shard';
  const bytes = readPlanFile(folder) ?? noPlan(where, folder);
  const total = shardCount(decodePlan(bytes, join(folder, 'plan.bin')));
  const indices = readIndices(where, flags, total);
  const say = (line: string): void => {
    if (flags.quiet !== true) terminal.err.write(`${line}\n`);
  };
  if (indices.length === 0) {
    // The last tasks of an array may have none, and have not failed.
    say(`Nothing to do: the last shard of this run is ${total - 1}.`);
    return 0;
  }
  const models = readFile(where, 'models', flagText(flags, 'models'));
  const threads = readInteger(where, 'threads', flagText(flags, 'threads'), 1, 1024, '2') ?? 1;
  const run = openRunFolder(folder);
  const modules = models === undefined ? fixedModules({}) : openModules(models);
  // What a run starts from lies beside it where it is one of several.
  const blobs = join(dirname(resolve(folder)), 'blobs');
  const pool = openShardThreads({ threads, entry: CLUSTER_ENTRY, files: modules.files, blobs });
  const open = indices.filter((index) => !run.has(index));
  const there = indices.length - open.length;
  if (there > 0) say(thereAlready(there, indices.length));
  const lane = async (): Promise<void> => {
    for (let index = open.shift(); index !== undefined; index = open.shift()) {
      const record = await pool.compute(bytes, index, undefined, run.blobPath);
      keep(run, index, record);
      say(`shard ${index}: ${(readRecord(record).header.wallMs / 1000).toFixed(2)} s`);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(threads, open.length) }, lane));
    return 0;
  } finally {
    await pool.close();
  }
}

/** '1 of 4 is there already.' */
function thereAlready(there: number, all: number): string {
  if (there === all) return all === 1 ? 'It is there already.' : `All ${count(all)} are there already.`;
  return `${count(there)} of ${count(all)} ${there === 1 ? 'is' : 'are'} there already.`;
}

/** The first result stays; another one must have the same body. */
function keep(run: RunFolder, index: number, record: Uint8Array): void {
  const there = run.put(index, record) === 'taken' ? run.get(index) : undefined;
  if (there === undefined) return;
  const [one, other] = [readRecord(there).header, readRecord(record).header];
  if (one.bodyHash === other.bodyHash) return;
  const told = ({ bodyHash: hash, host, pid }: typeof one): { hash: string; worker: string } => ({
    hash,
    worker: `${host}, process ${pid}`,
  });
  throw new NondeterminismError('ensample shard', index, told(one), told(other));
}

/** `ensample merge DIR`: the answer of a run whose shards are all there, or which are not, and exit code 1. */
export async function merge(folder: string, flags: Flags, terminal: Terminal): Promise<number> {
  const where = 'ensample merge';
  const rounds = await import('./batch-rounds.ts');
  if (rounds.hasRounds(folder))
    return rounds.mergeExpect(folder, readCommand(where, folder), flags, terminal);
  if (readPlanFile(folder) === undefined) noPlan(where, folder);
  const saved = readCommand(where, folder);
  const settings = readSettings(where, { ...saved.flags, ...flags });
  const model = await loadModelFile(where, modelOfRun(where, folder, saved, flags));
  const backend = await chosenBackend(settings);
  const start = performance.now();
  try {
    const cluster = files(folder, { gather: true, ...modelsOf(where, flags) });
    const seed = settings.seed!;
    const shards = shardCount(decodePlan(readPlanFile(folder)!));
    const method = sobolIndices(sobolOptions(settings, model));
    const result = await run(method, { seed, backend, cluster, submit: { shards } });
    const command = `ensample merge ${folder}`;
    const shown = { result, speed: Number.NaN, problem: model, modelHash: model.hash, settings };
    const around = { command, commandByName: command, warnings: [], before: [], after: [] };
    const place = `${counted(shards, count(shards), 'shard')} in ${folder}`;
    await showOutcome({ ...shown, ...around, place, elapsed: performance.now() - start }, terminal);
    return 0;
  } catch (error) {
    if (!(error instanceof MissingShards)) throw error;
    terminal.out.write(`${arraySyntax(error.missing)}\n`);
    tellDamaged(error, terminal.err);
    if (flags.quiet !== true) terminal.err.write(`${shardsHave(error.missing.length)}\n`);
    return EXIT.failed;
  } finally {
    await backend.dispose();
  }
}

/** --index, --range a:b (b included; none where it begins beyond the last shard), or the array index of a scheduler. */
function readIndices(where: string, flags: Flags, total: number): readonly number[] {
  const last = total - 1;
  const range = flagText(flags, 'range');
  if (range !== undefined) {
    const [, a, b] = /^(\d+):(\d+)$/.exec(range) ?? [];
    const [from, to] = [Number(a), Math.min(Number(b), last)];
    if (a !== undefined && from <= Number(b))
      return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
    throw usageError(where, '--range', range, `first:last, shards 0 to ${last}`, 'Try --range 0:9.');
  }
  const index = readInteger(where, 'index', flagText(flags, 'index'), 0, last, '0');
  if (index !== undefined) return [index];
  const name = INDEX_VARIABLES.find((variable) => process.env[variable] !== undefined);
  if (name === undefined) throw noIndex(where);
  const text = process.env[name]!;
  const found = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(found) && found >= 0 && found <= last) return [found];
  throw usageError(where, name, text, `the number of a shard, 0 to ${last}`);
}

function noIndex(where: string): OptionError {
  return new OptionError({
    where,
    option: '--index',
    value: undefined,
    found: 'no shard is named',
    expected: `--index i, --range a:b, or one of ${INDEX_VARIABLES.join(', ')}`,
  });
}

function noFolder(where: string): never {
  const found = 'option --output is missing';
  const expected = 'a folder for the run';
  throw new OptionError({ where, option: '--output', value: undefined, found, expected, fix: 'Try -o run.' });
}

function noPlan(where: string, folder: string): never {
  const error: EngineError = new InputError({
    where,
    file: folder,
    found: existsSync(folder) ? `${folder} holds no plan.bin` : `there is no folder ${folder}`,
    expected: 'the folder that `ensample plan` wrote',
    fix: 'To write one: ensample plan MODEL -o DIR.',
  });
  throw error;
}
