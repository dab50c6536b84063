import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BullmqCluster,
  bullmq,
  type Cluster,
  files,
  local,
  type QueueRun,
} from '../estimators/cluster.ts';
import { EngineError, type ModelMethod, type Result, run } from '../estimators/index.ts';
import { batchLine, shardLine } from './cluster-line.ts';
import { quoted, repeatCommand } from './command-line.ts';
import { usageError } from './errors.ts';
import { type Flags, flagText, readFile, readInteger } from './flag-values.ts';
import { count } from './format/number.ts';
import { wrap } from './format/text.ts';
import { counted } from './format/words.ts';
import type { ModelFile } from './model-file.ts';
import { type Job, type Opened, runJob } from './model-run.ts';
import { readRedis } from './redis-address.ts';
import type { RunSettings } from './settings.ts';
import type { Stream, Terminal } from './terminal.ts';
import type { Watched } from './watch.ts';

type Submit = NonNullable<NonNullable<Parameters<typeof run>[1]>['submit']>;
/** What a cluster told last. */
type Told = Parameters<NonNullable<Submit['progress']>>[0];
/** What its planner said. */
type Notice = Parameters<NonNullable<Submit['notice']>>[0];

/**
 * Runs a method on the cluster that --cluster names, under a progress line. Ctrl-C takes its shards back and says how to
 * go on.
 * @throws whatever the method or the cluster throws.
 */
export async function runOnCluster<S, R extends Result>(
  { where, method, startLine }: Job<S, R>,
  { model, seed, backend, interrupt }: Opened<ModelFile>,
  settings: RunSettings,
  flags: Flags,
  argv: readonly string[],
  { err }: Terminal,
): Promise<Watched<R>> {
  if (settings.resume !== undefined)
    throw usageError(
      where,
      '--resume',
      settings.resume,
      'nothing beside --cluster, which keeps finished shards',
    );
  const { shards, audit } = readCut(where, flags);
  const opened = openCluster(where, flags);
  const controller = new AbortController();
  const line = shardLine(err, settings.quiet, opened.leader);
  let last: Told | undefined;
  let chosen: number | undefined;
  try {
    await warn(opened, err);
    if (!settings.quiet) err.write(`${wrap(startLine, err.look.width)}\n`);
    interrupt.onFirst(() => {
      line.end();
      err.write('Stopping: shards that nobody has begun are taken back ... (Ctrl-C again quits at once)\n');
      controller.abort(new Error('interrupted'));
    });
    const progress = (told: Told): void => {
      if (told.pilot !== true) last = told;
      line.show(told);
    };
    const notice = ({ words, shards: own }: Notice): void => {
      chosen ??= own;
      line.end();
      if (!settings.quiet) err.write(`${wrap(words, err.look.width)}\n`);
    };
    const submit = { progress, notice, ...shards, ...audit };
    const options = { seed, backend, cluster: opened.cluster, signal: controller.signal, submit };
    const result = await run(method, options);
    const place = line.ran(opened.place);
    return { result, interrupted: false, state: undefined, speed: line.speed(), shards: chosen, place };
  } catch (error) {
    if (!interrupt.asked) throw runnable(error, flags, model, planCommand(argv, seed, chosen));
    line.end();
    const place =
      last === undefined
        ? ''
        : ` after ${count(last.done)} of ${counted(last.total, count(last.total), 'shard')}`;
    const text = `Interrupted${place}; shards that are done are kept. To go on: ${repeatCommand(argv, seed, chosen)}`;
    err.write(`${wrap(text, err.look.width)}\n`);
    return { result: undefined, interrupted: true, state: undefined, speed: Number.NaN };
  } finally {
    line.end();
    await opened.cluster.close();
  }
}

/**
 * Runs a method that adapts: the cluster that --cluster names evaluates its model, batch after batch. Progress is that of
 * the method with that of its batch; finished batches are kept, so that the same command goes on where it was.
 * @throws whatever the method or the cluster throws.
 */
export async function runBatchesOnCluster<S, R extends Result>(
  job: Job<S, R> & { readonly method: Pick<ModelMethod<S, R>, 'onCluster'> },
  run: Opened<ModelFile>,
  settings: RunSettings,
  flags: Flags,
  terminal: Terminal,
): Promise<Watched<R>> {
  const { where, method, unit } = job;
  const { err } = terminal;
  const { shards, audit } = readCut(where, flags);
  const opened = openCluster(where, flags);
  const line = batchLine(err, settings.quiet, unit, opened.leader);
  try {
    await warn(opened, err);
    const notice = ({ words }: Notice): void => {
      line.end();
      if (!settings.quiet) err.write(`${wrap(words, err.look.width)}\n`);
    };
    const clustered = method.onCluster(opened.cluster, { ...shards, ...audit, progress: line.show, notice });
    const watched = await runJob({ ...job, method: clustered, progress: line }, run, settings, terminal);
    return { ...watched, place: line.ran(opened.place) };
  } finally {
    line.end();
    await opened.cluster.close();
  }
}

/** Commands of a message as they can be run here: with the folder of models, and where a run has no folder, with one. */
function runnable(error: unknown, flags: Flags, { url }: ModelFile, plan: string): unknown {
  if (!(error instanceof EngineError)) return error;
  const own = url?.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : 'DIR';
  const models = quoted(flagText(flags, 'models') ?? own);
  error.message = error.message
    .replace('ensample shard <run folder>', `${plan}, then ensample shard run`)
    .replaceAll('--models DIR', `--models ${models}`);
  return error;
}

/** Flags of a run that its plan has no use for. */
const NOT_PLANNED: readonly string[] = [
  '--cluster',
  '--audit',
  '--blobs',
  '--models',
  '--backend',
  '--method',
];

/** The command that puts the same run into a folder. */
function planCommand(argv: readonly string[], seed: number, shards: number | undefined): string {
  const kept = argv.filter((word, i) => {
    const before = argv[i - 1] ?? '';
    return !NOT_PLANNED.includes(word.split('=', 1)[0]!) && !NOT_PLANNED.includes(before);
  });
  return `${repeatCommand(['plan', ...kept.slice(1)], seed, shards)} -o run`;
}

/** --shards and --audit. */
export function readCut(
  where: string,
  flags: Flags,
): { readonly shards: { readonly shards?: number }; readonly audit: { readonly audit?: number } } {
  const shards = readInteger(where, 'shards', flagText(flags, 'shards'), 1, 2 ** 24, '128');
  const audit = readShare(where, flagText(flags, 'audit'));
  return {
    shards: shards === undefined ? {} : { shards },
    audit: audit === undefined ? {} : { audit },
  };
}

/** What a cluster says of itself. */
export async function warn(opened: OpenedCluster, err: Stream): Promise<void> {
  for (const warning of await opened.warnings())
    err.write(`${wrap(`Warning: ${warning}`, err.look.width)}\n`);
}

/** A cluster with what the command line tells of it. */
export interface OpenedCluster {
  readonly cluster: Cluster;
  /** For people: 'redis://127.0.0.1:6379', 'files:DIR', 'this machine'. */
  readonly place: string;
  warnings(): Promise<readonly string[]>;
  /** Who leads the run, when another coordinator does. */
  leader(): string | undefined;
}

/** redis://host:port, rediss://..., redis (the address of the environment), files:DIR, or local. */
export function openCluster(where: string, flags: Flags): OpenedCluster {
  const text = flagText(flags, 'cluster')!;
  const blobs = readFile(where, 'blobs', flagText(flags, 'blobs'));
  const models = readFile(where, 'models', flagText(flags, 'models'));
  const known = models === undefined ? {} : { models };
  const quiet = { warnings: async () => [], leader: () => undefined };
  if (text === 'local') return { ...quiet, cluster: local(), place: 'this machine' };
  if (/^files:./.test(text))
    return { ...quiet, cluster: files(text.slice('files:'.length), known), place: text };
  if (!/^rediss?(:\/\/.*)?$/.test(text)) {
    const expected = 'redis://host:port, redis for ENSAMPLE_REDIS_URL, files:DIR or local';
    throw usageError(where, '--cluster', text, expected, 'Try --cluster redis://127.0.0.1:6379.');
  }
  const connection = readRedis(where, '--cluster', text === 'redis' ? undefined : text, flags);
  return watched(bullmq({ connection, ...known, ...(blobs === undefined ? {} : { blobs }) }));
}

/** A queue whose runs can be asked who leads them. */
function watched(cluster: BullmqCluster): OpenedCluster {
  let current: QueueRun<unknown> | undefined;
  return {
    place: cluster.address,
    warnings: cluster.warnings,
    leader: () => current?.leader,
    cluster: {
      ...cluster,
      submit(work, plan, options) {
        const submitted = cluster.submit(work, plan, options);
        current = submitted;
        return submitted;
      },
    },
  };
}

function readShare(where: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const share = Number(text);
  if (text.trim() !== '' && share >= 0 && share <= 1) return share;
  throw usageError(where, '--audit', text, 'a share of the shards from 0 to 1', 'Try --audit 0.05.');
}
