import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkNumber, checkOptionNames } from '../check.ts';
import { OptionError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { Announcement } from './announcement.ts';
import { openPlaces } from './blobs.ts';
import { fleetLack } from './bullmq/fleet.ts';
import { ClusterError } from './cluster-error.ts';
import { checkSubmit, isAudited, makeFeed, offerKept } from './drive.ts';
import { aliveWorkers, clockOf, openTasks, type RunTasks, STALE } from './file-tasks.ts';
import { blobFolder, makeFolder, makeRunFolder, type RunFolder, readPlanFile, writeOnce } from './folder.ts';
import { type Gather, makeGather } from './gather.ts';
import { moduleRef } from './modules.ts';
import { chooseCut, MOST_IN_FOLDER, type PilotHome } from './pilot.ts';
import { classKey, makePlan, runId, v8Version } from './plan.ts';
import { type RecordHeader, readRecord } from './record.ts';
import type { Cluster, ClusterResult, ClusterRun, Plan, SubmitOptions, Work } from './types.ts';

export interface FilesOptions {
  /** Folder with ensample.models.json, or one model file. Default: what lies beside the model. */
  readonly models?: string;
  /** Milliseconds without a worker or a new result after which the run gives up. Default 60 000. */
  readonly patience?: number;
  /** Milliseconds between looks. Default 200. */
  readonly poll?: number;
  /** Only gather what is there; the error lists what is missing. Default false. */
  readonly gather?: boolean;
}

/**
 * A shared folder as a cluster, without a server: runs are folders in it, workers (`ensample worker --files DIR`, or
 * `ensample shard` under a scheduler) put results there. If `directory` holds a plan itself, it is that run.
 * @throws OptionError for options that cannot be used.
 */
export function files(directory: string, options: FilesOptions = {}): Cluster {
  checkOptionNames('files', options, ['models', 'patience', 'poll', 'gather']);
  const { models, patience = 60_000, poll = 200, gather: only = false } = options;
  for (const [name, value] of Object.entries({ patience, poll }))
    checkNumber('files', name, value, (x) => x > 0, 'milliseconds above 0');
  makeFolder(directory);
  const clock = clockOf(directory);
  const submit: Cluster['submit'] = (work, given, submit = {}) => {
    const plan = makePlan(given);
    checkSubmit(submit);
    if (only && (submit.audit ?? 0) > 0) throw noAudit(submit.audit);
    const own = readPlanFile(directory) !== undefined;
    const folder = makeRunFolder(own ? directory : join(directory, runId(plan)), plan);
    return watchRun({ work, plan, submit, folder, directory, patience, poll, only, clock });
  };
  const workers: Cluster['workers'] = async () => aliveWorkers(directory, clock());
  return {
    name: 'files',
    blobs: {
      put: blobFolder(join(directory, 'blobs')).put,
      // What shards keep lies with their run.
      get: (ref) =>
        openPlaces([directory, ...runFoldersIn(directory)].map((path) => join(path, 'blobs'))).get(ref),
    },
    moduleOf: async (url, exportName) => moduleRef(url, exportName, models),
    submit,
    workers,
    cut: (request) => chooseCut(pilotHome(directory, { submit, workers }), request),
    async close() {},
  };
}

/** Choices lie beside the runs. A claim is some calls to a file system that may be far away. */
function pilotHome(directory: string, cluster: Pick<Cluster, 'submit' | 'workers'>): PilotHome {
  const folder = join(directory, 'cuts');
  const recall = async (name: string): Promise<string | undefined> => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };
  return {
    ...cluster,
    folder: directory,
    path: { overhead: 0.005, brokerRate: 1000, mostBytes: MOST_IN_FOLDER },
    threads: async () => (await cluster.workers()).reduce((sum, { threads }) => sum + threads, 0),
    recall,
    async keep(name, text) {
      makeFolder(folder);
      writeOnce(folder, name, new TextEncoder().encode(text));
      return (await recall(name)) ?? text;
    },
  };
}

/** Milliseconds after which workers that cannot serve a run are told of. */
const UNSERVED = 10_000;

interface Watched<O, Y> {
  readonly work: Work<O, Y>;
  readonly plan: Plan<O>;
  readonly submit: SubmitOptions;
  readonly folder: RunFolder;
  readonly directory: string;
  readonly patience: number;
  readonly poll: number;
  readonly only: boolean;
  /** The time of the file system, in seconds. */
  readonly clock: () => number;
}

function watchRun<O, Y>(watched: Watched<O, Y>): ClusterRun<Y> {
  const { work, plan, folder, directory, clock } = watched;
  const gather = makeGather(work, plan, folder.blobs);
  const feed = makeFeed();
  const tasks = openTasks(folder.path, STALE, clock, !watched.only);
  const result = untilDone(watched, gather, tasks, (workers, audited) => {
    const progress = { ...gather.progress(workers), duplicates: audited };
    feed.push(tasks.full ? { ...progress, waiting: `the disk of ${directory} is full` } : progress);
  });
  result.finally(feed.end).catch(() => {});
  return { id: gather.id, result: () => result, [Symbol.asyncIterator]: feed.iterate };
}

/** Results are looked for until all are there; whoever computes them. */
async function untilDone<O, Y>(
  watched: Watched<O, Y>,
  gather: Gather<Y>,
  tasks: RunTasks,
  tell: (workers: number, audited: number) => void,
): Promise<ClusterResult<Y>> {
  const { work, plan, submit, folder, directory, patience, poll, only, clock } = watched;
  const { signal, deadline = Infinity, audit = 0 } = submit;
  const key = classKey(work, plan);
  const start = performance.now();
  const audits = auditsOf(gather, audit);
  let news = start;
  let closed = false;
  let [seen, most] = ['', -1];
  const finished = (): Promise<ClusterResult<Y>> => {
    gather.differences.push(...tasks.differences());
    return gather.result(folder.get);
  };
  // A failure, or a deadline, of an earlier call says nothing about this one.
  if (!only) {
    tasks.open();
    tasks.lead(key);
  }
  for (;;) {
    signal?.throwIfAborted();
    if (!only && tasks.class !== key) throw otherLeads(directory);
    const damaged = await collect(folder, gather, only ? key : undefined);
    const complete = gather.fold.count === gather.total;
    const audited = complete ? tasks.ask(audits) : 0;
    const workers = aliveWorkers(directory, clock());
    const there = gather.fold.count + audited;
    const serving = workers.filter(({ classes }) => classes.includes(key));
    const threads = serving.reduce((sum, worker) => sum + worker.threads, 0);
    gather.retried = tasks.retried();
    const sight = `${there} ${threads} ${gather.retried}`;
    if (there > most || (serving.length > 0 && !tasks.full)) news = performance.now();
    if (sight !== seen || tasks.full) tell(threads, audited);
    [seen, most] = [sight, Math.max(most, there)];
    const failure = tasks.failure();
    if (failure !== undefined) throw failure;
    if (complete && audited === audits.length) return finished();
    if (only) throw new MissingShards(gather.fold.missing(), damaged);
    if (!closed && performance.now() - start > deadline) {
      closed = true;
      tasks.close();
    }
    // Shards that were begun before the deadline are waited for.
    if (closed && tasks.active().length === 0) {
      await collect(folder, gather);
      return finished();
    }
    const unserved = workers.length > 0 && serving.length === 0;
    if (performance.now() - news > (unserved ? Math.min(patience, UNSERVED) : patience))
      throw tasks.full ? full(directory, gather) : nobody(watched, gather, workers);
    await new Promise((resolve) => setTimeout(resolve, poll));
  }
}

/** Shards that are computed twice. */
function auditsOf<Y>({ id, total }: Gather<Y>, share: number): readonly number[] {
  if (share === 0) return [];
  return Array.from({ length: total }, (_, index) => index).filter((index) => isAudited(id, index, share));
}

/**
 * New results of the folder; answers the files of those that could not be used, and are gone.
 * @param key class whose results alone are read; others are told, and stay.
 */
async function collect<Y>(folder: RunFolder, gather: Gather<Y>, key?: string): Promise<readonly string[]> {
  const damaged: string[] = [];
  for (const index of folder.indices()) {
    if (index >= gather.total || gather.fold.has(index)) continue;
    const record = folder.get(index);
    const other = record === undefined || key === undefined ? undefined : otherClass(record, key);
    if (other !== undefined) throw otherVersion(other, index);
    if (record !== undefined && !(await offerKept(gather, folder, index, record)))
      damaged.push(folder.fileOf(index));
  }
  return damaged;
}

/** The header of a record of another class. */
function otherClass(record: Uint8Array, key: string): RecordHeader | undefined {
  try {
    const { header } = readRecord(record);
    return header.class === key ? undefined : header;
  } catch {
    return undefined;
  }
}

/** Numbers as schedulers take them: '3,17-20'. */
export function arraySyntax(indices: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < indices.length; ) {
    let j = i;
    while (j + 1 < indices.length && indices[j + 1] === indices[j]! + 1) j++;
    parts.push(i === j ? `${indices[i]}` : `${indices[i]}-${indices[j]}`);
    i = j + 1;
  }
  return parts.join(',');
}

/** Runs in a folder: itself, or the folders in it that hold a plan. */
export function runFoldersIn(directory: string): readonly string[] {
  if (readPlanFile(directory) !== undefined) return [directory];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]{32}$/.test(entry.name))
    .map(({ name }) => join(directory, name))
    .filter((path) => statSync(join(path, 'plan.bin'), { throwIfNoEntry: false }) !== undefined);
}

/** Some shards have no result. `missing` lists them, `damaged` the files of results that could not be used and are gone. */
export class MissingShards extends ClusterError {
  readonly missing: readonly number[];
  readonly damaged: readonly string[];
  constructor(missing: readonly number[], damaged: readonly string[] = []) {
    const words = missing.length === 1 ? 'shard has' : 'shards have';
    const gone = damaged.length === 0 ? '' : ` (damaged, and deleted: ${damaged.join(', ')})`;
    super({
      where: 'cluster',
      found: `${missing.length} ${words} no result: ${arraySyntax(missing)}${gone}`,
      expected: 'a result of each',
      fix: 'Compute what is missing, and merge again.',
    });
    this.missing = missing;
    this.damaged = damaged;
  }
}

function nobody<O, Y>(
  { directory, work, plan }: Watched<O, Y>,
  gather: Gather<Y>,
  workers: readonly Announcement[],
): ClusterError {
  const own = { engine: VERSION, v8: v8Version() };
  const { words, fix } = fleetLack(workers, work, plan, own);
  const others = workers.length === 0 ? '' : `; ${words}`;
  const start = `ensample worker --files ${directory} --models DIR. Then the same call goes on.`;
  return new ClusterError({
    where: 'cluster',
    found: `nobody computes shards in ${directory} (${gather.fold.count} of ${gather.total} are there${others})`,
    expected: workers.length === 0 ? 'a worker' : 'a worker that can serve this run',
    fix: fix === '' ? `Start some: ${start}` : `${fix} Or start another: ${start}`,
  });
}

function otherVersion({ engine, host }: RecordHeader, index: number): ClusterError {
  return new ClusterError({
    where: 'cluster',
    shard: index,
    found: `the result of shard ${index} is from ${host}, of ensample ${engine} and its Node, here ensample ${VERSION} and V8 ${v8Version()}`,
    expected: 'results of the same versions of ensample, Node and the model',
    fix: 'Merge where the shards were computed, or compute them again in an empty folder.',
  });
}

function otherLeads(directory: string): ClusterError {
  return new ClusterError({
    where: 'cluster',
    found: `a coordinator of another version of ensample, Node or the work has taken over the run in ${directory}`,
    expected: 'coordinators of one version',
    fix: 'Leave the run to that one, or take another folder.',
  });
}

function full<Y>(directory: string, gather: Gather<Y>): ClusterError {
  return new ClusterError({
    where: 'cluster',
    found: `the disk of ${directory} is full (${gather.fold.count} of ${gather.total} shards are there)`,
    expected: 'room for results',
    fix: 'Make room. Workers go on then, and the same call gathers what they compute.',
  });
}

function noAudit(audit: unknown): OptionError {
  const found = `option \`audit\` is ${String(audit)} with \`gather\`, and nobody is asked to compute`;
  const expected = 'no audit; shards that happen to be computed twice are compared';
  return new OptionError({ where: 'files', option: 'audit', value: audit, found, expected });
}
