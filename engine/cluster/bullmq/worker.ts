import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { EngineError, InputError } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { ClusterError } from '../cluster-error.ts';
import { classKey, decodePlan, PROTOCOL, runId, v8Version } from '../plan.ts';
import { readRecord } from '../record.ts';
import type { WorkTable } from '../registry.ts';
import type { ModuleRef, Plan } from '../types.ts';
import { type Link, whenNotFull, within } from './link.ts';
import type { Job, Worker } from './load.ts';
import {
  KEPT,
  openKey,
  queueName,
  type RunKeys,
  runKeys,
  type ShardJob,
  TIMING,
  type Timing,
  WORKERS,
  workerKey,
  workerSettings,
} from './names.ts';

/*
 * A worker: claims shards of the classes it can serve, has them computed elsewhere (never on this thread, which must
 * renew locks), and writes each result where the first one stays.
 */

/** Computes one shard and answers its record. Rejections that are an EngineError are final, all others worth a retry. */
export type ShardRunner = (plan: Uint8Array, index: number, signal: AbortSignal) => Promise<Uint8Array>;

export interface QueueWorkerOptions {
  readonly link: Link;
  readonly works: WorkTable;
  /** The models registered on this machine. */
  readonly modules: readonly ModuleRef[];
  readonly threads: number;
  readonly run: ShardRunner;
  readonly timing?: Partial<Timing>;
  /** What happened, as one line: a shard done or failed, a queue opened. */
  readonly say?: (event: WorkerEvent) => void;
}

/** What a worker tells of itself, as it goes. */
export interface WorkerEvent {
  readonly kind: 'open' | 'done' | 'skipped' | 'duplicate' | 'conflict' | 'failed' | 'retry' | 'handed-back';
  readonly run?: string;
  readonly index?: number;
  readonly milliseconds?: number;
  readonly message?: string;
}

export interface QueueWorker {
  readonly id: string;
  /** Claims nothing more, waits for its shards, and after `grace` milliseconds hands them back. */
  stop(grace?: number): Promise<void>;
}

/** What a worker announces. */
export interface Announcement {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly threads: number;
  readonly protocol: number;
  readonly engine: string;
  readonly v8: string;
  readonly works: readonly { readonly name: string; readonly version: number }[];
  readonly modules: readonly { readonly name: string; readonly hash: string }[];
  readonly classes: readonly string[];
  readonly done: number;
}

/** How often workers look for queues that opened, in milliseconds. */
const LOOK = 250;
/** Milliseconds between such renewals. */
const RENEW = 60_000;
/** Milliseconds in which a worker that leaves tells the server; it may be away. */
const LEAVE = 3000;
/** An audit is left to other workers for so many milliseconds, so often. */
const PUT_OFF = 200;
const MOST_PUT_OFF = 10;
/** Plans kept for the shards to come. */
const MOST_PLANS = 16;

/** Starts serving. Resolves when the worker has announced itself. */
export async function queueWorker(options: QueueWorkerOptions): Promise<QueueWorker> {
  const { link, threads, run, say = () => {} } = options;
  const timing = { ...TIMING, ...options.timing };
  const classes = servedClasses(options.works, options.modules);
  const id = `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const handBack = new AbortController();
  // Each shard under way listens.
  setMaxListeners(0, handBack.signal);
  const work: Serving = {
    ...{ link, works: options.works, run, say, timing, handBack: handBack.signal, plans: new Map(), done: 0 },
    active: new Set(),
    renewed: new Map(),
    putOff: new Map(),
  };
  const workers = new Map<string, Worker>();
  const announce = (): Promise<void> => announceWorker(link, id, options, classes, work.done, timing);
  await announce();
  const again = setInterval(() => announce().catch(() => {}), timing.announce / 3);
  let looking = true;
  const look = async (): Promise<void> => {
    if (!looking) return;
    const open = await openedClasses(link, classes, workers).catch(() => []);
    for (const key of open) {
      if (!looking) return;
      workers.set(key, openQueue(key, work, threads));
      say({ kind: 'open', message: queueName(key) });
    }
    setTimeout(look, LOOK);
  };
  await look();
  return {
    id,
    async stop(grace = timing.grace) {
      looking = false;
      clearInterval(again);
      await within(LEAVE, Promise.all([...workers.values()].map((worker) => worker.pause(true))));
      await within(grace, Promise.allSettled(work.active));
      handBack.abort();
      await within(LEAVE, Promise.allSettled(work.active));
      const closing = [...workers.values()].map((worker) => worker.close(true));
      const leaving = link.client.multi().del(workerKey(id)).srem(WORKERS, id).exec();
      await within(LEAVE, Promise.allSettled([...closing, leaving]));
    },
  };
}

/** What the shards of a worker share. */
interface Serving {
  readonly link: Link;
  readonly works: WorkTable;
  readonly run: ShardRunner;
  readonly say: (event: WorkerEvent) => void;
  readonly timing: Timing;
  /** Aborted when shards are to be handed back. */
  readonly handBack: AbortSignal;
  readonly plans: Map<string, Promise<Uint8Array>>;
  readonly active: Set<Promise<unknown>>;
  /** When the keys of a run were last told to last. */
  readonly renewed: Map<string, number>;
  /** How often an audit was left to others. */
  readonly putOff: Map<string, number>;
  done: number;
}

/** Every class that these works can make with these models. Graphics cards (tier B) are not offered. */
export function servedClasses(works: WorkTable, modules: readonly ModuleRef[]): string[] {
  const refs: readonly (ModuleRef | undefined)[] = [undefined, ...modules];
  return works.names.flatMap((work) =>
    refs.map((module) => classKey(works.find({ work }), shell(work, module))),
  );
}

/** As much of a plan as its class depends on. */
function shell(work: string, module: ModuleRef | undefined): Plan {
  const plan = { protocol: PROTOCOL, work, options: null, seed: 0, tier: 'A' } as const;
  const shards = { kind: 'index', count: 1 } as const;
  return module === undefined ? { ...plan, shards } : { ...plan, shards, module };
}

async function announceWorker(
  { client }: Link,
  id: string,
  { works, modules, threads }: QueueWorkerOptions,
  classes: readonly string[],
  done: number,
  { announce }: Timing,
): Promise<void> {
  const told: Announcement = {
    ...{
      id,
      host: hostname(),
      pid: process.pid,
      threads,
      protocol: PROTOCOL,
      engine: VERSION,
      v8: v8Version(),
    },
    works: works.names.map((work) => ({ name: work, version: works.find({ work }).version })),
    modules: modules.map(({ name, hash }) => ({ name, hash })),
    ...{ classes, done },
  };
  await client.multi().sadd(WORKERS, id).set(workerKey(id), JSON.stringify(told), 'PX', announce).exec();
}

/** Classes that a coordinator has opened and this worker has not. */
async function openedClasses(
  { client }: Link,
  classes: readonly string[],
  workers: ReadonlyMap<string, Worker>,
): Promise<string[]> {
  const closed = classes.filter((key) => !workers.has(key));
  if (closed.length === 0) return [];
  const open = await client.mget(closed.map(openKey));
  return closed.filter((_, i) => open[i] !== null);
}

function openQueue(key: string, work: Serving, threads: number): Worker {
  const { bullmq, client } = work.link;
  const serve = (job: Job<ShardJob>, token?: string): Promise<number> => {
    const task = serveShard(job, token, key, work);
    work.active.add(task);
    const leave = (): boolean => work.active.delete(task);
    task.then(leave, leave);
    return task;
  };
  const settings = workerSettings(work.timing, threads);
  const worker = new bullmq.Worker<ShardJob, number>(queueName(key), serve, {
    ...settings,
    connection: client,
  });
  // Lost connections and late finishers (`Missing lock`) end up here; both mend themselves.
  worker.on('error', () => {});
  return worker;
}

/** One job: computed unless its result is there, or the run was stopped. */
async function serveShard(
  job: Job<ShardJob>,
  token: string | undefined,
  key: string,
  work: Serving,
): Promise<number> {
  const { client, bullmq } = work.link;
  const { run, index, audit = false } = job.data;
  const keys = runKeys(run);
  if (job.attemptsStarted > 1) await client.hincrby(keys.counts, 'retried', 1);
  // One write instead of two: on a fast network these are what an empty shard costs.
  const [stopped, there] = (await client
    .pipeline()
    .exists(keys.stop)
    .hexists(keys.results, String(index))
    .exec()) as [error: Error | null, found: number][];
  if (stopped![1] === 1) return 0;
  if (!audit && there![1] === 1) {
    await client.hincrby(keys.counts, 'skipped', 1);
    work.say({ kind: 'skipped', run, index });
    return 1;
  }
  if (audit && (await isOwn(job, work))) return putOff(job, token, work);
  const start = performance.now();
  const left = new AbortController();
  try {
    const plan = await planOf(run, key, work);
    const record = await orHandBack(work.run(plan, index, left.signal), work.handBack);
    if (record === undefined) {
      left.abort(new Error('handed back'));
      return await giveBack(job, token, work);
    }
    await keepResult(record, job.data, work);
    work.done++;
    work.say({ kind: 'done', run, index, milliseconds: performance.now() - start });
    return 1;
  } catch (error) {
    if (error instanceof bullmq.WaitingError) throw error;
    throw await toldFailure(error, job, work);
  }
}

/** Undefined when the worker stops before. */
function orHandBack<T>(task: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(undefined);
    signal.addEventListener('abort', leave, { once: true });
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

async function giveBack(job: Job<ShardJob>, token: string | undefined, work: Serving): Promise<never> {
  const { client, bullmq } = work.link;
  // A worker that is stopped says nothing against its shard: the start does not count.
  await client.hincrby(`bull:${job.queueName}:${job.id}`, 'ats', -1);
  await job.moveToWait(token);
  work.say({ kind: 'handed-back', run: job.data.run, index: job.data.index });
  throw new bullmq.WaitingError();
}

/** Whether an audit would compare this worker with itself, and another may come to it. */
async function isOwn({ data, id = '' }: Job<ShardJob>, { link, putOff: times }: Serving): Promise<boolean> {
  const { client } = link;
  if ((times.get(id) ?? 0) >= MOST_PUT_OFF || (await client.scard(WORKERS)) < 2) return false;
  const record = await client.hgetBuffer(runKeys(data.run).results, String(data.index));
  if (record === null) return false;
  const { host, pid } = readRecord(record).header;
  return host === hostname() && pid === process.pid;
}

async function putOff(job: Job<ShardJob>, token: string | undefined, work: Serving): Promise<never> {
  const { client, bullmq } = work.link;
  const id = job.id ?? '';
  if (work.putOff.size > 1000) work.putOff.clear();
  work.putOff.set(id, (work.putOff.get(id) ?? 0) + 1);
  await client.hincrby(`bull:${job.queueName}:${id}`, 'ats', -1);
  await job.moveToDelayed(Date.now() + PUT_OFF, token);
  throw new bullmq.DelayedError();
}

/** The plan of a run, verified to be the one that its name and this queue say. */
function planOf(run: string, key: string, work: Serving): Promise<Uint8Array> {
  const known = work.plans.get(run);
  if (known !== undefined) return known;
  const plan = readPlan(run, key, work);
  work.plans.set(run, plan);
  plan.catch(() => work.plans.delete(run));
  if (work.plans.size > MOST_PLANS) work.plans.delete(work.plans.keys().next().value!);
  return plan;
}

async function readPlan(run: string, key: string, { link, works }: Serving): Promise<Uint8Array> {
  const bytes = await link.client.getBuffer(runKeys(run).plan);
  if (bytes === null) throw new Error(`run ${run} has no plan in Redis`);
  const plan = decodePlan(bytes);
  if (runId(plan) !== run) throw badPlan(`run ${run} has the plan of run ${runId(plan)}`);
  const own = classKey(works.find(plan), plan);
  if (own !== key) throw badPlan(`run ${run} is of class ${own} and lies in the queue of class ${key}`);
  return bytes;
}

function badPlan(found: string): InputError {
  return new InputError({
    where: 'cluster',
    file: 'plan',
    found,
    expected: 'the plan that the queue was made for',
  });
}

/** Seconds that a result waits for room on a full server. */
const FULL = 60;

/** Writes a result unless there is one; then both must have the same body. */
async function keepResult(record: Uint8Array, { run, index, audit }: ShardJob, work: Serving): Promise<void> {
  const { client } = work.link;
  const keys = runKeys(run);
  const field = String(index);
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const first = await whenNotFull(() => client.hsetnx(keys.results, field, bytes), FULL);
  await renew(keys, work);
  if (first === 1 && audit !== true) return;
  const before = await client.hgetBuffer(keys.results, field);
  // A coordinator took away what it could not read.
  if (before === null) return;
  const [one, other] = [readRecord(before).header, readRecord(record).header];
  if (one.bodyHash === other.bodyHash) {
    if (audit === true) await client.hset(keys.audits, field, other.bodyHash);
    else await client.hincrby(keys.counts, 'duplicates', 1);
    work.say({ kind: 'duplicate', run, index });
    return;
  }
  const told = (header: typeof one): object => ({
    hash: header.bodyHash,
    worker: `${header.host}, process ${header.pid}`,
  });
  const conflict = JSON.stringify({ index, one: told(one), other: told(other) });
  await client.set(keys.conflict, conflict, 'EX', KEPT, 'NX');
  work.say({ kind: 'conflict', run, index });
}

/** What a run keeps lasts a week after the last write; told once a minute. */
async function renew(keys: RunKeys, work: Serving): Promise<void> {
  const now = performance.now();
  if (now - (work.renewed.get(keys.results) ?? Number.NEGATIVE_INFINITY) < RENEW) return;
  if (work.renewed.size > MOST_PLANS) work.renewed.clear();
  work.renewed.set(keys.results, now);
  const { client } = work.link;
  await client.pipeline().expire(keys.results, KEPT).expire(keys.plan, KEPT).expire(keys.counts, KEPT).exec();
}

/** The error that the queue gets: one that ends the job, for what would fail anywhere, or one worth another attempt. */
async function toldFailure(error: unknown, job: Job<ShardJob>, work: Serving): Promise<Error> {
  const { client, bullmq } = work.link;
  const { run, index } = job.data;
  const message = error instanceof Error ? error.message : String(error);
  const keys = runKeys(run);
  const final = error instanceof EngineError && !(error instanceof ClusterError);
  const told = { message, code: final ? error.code : '', worker: `${hostname()}, process ${process.pid}` };
  const place = final ? keys.failures : keys.words;
  await client.multi().hset(place, String(index), JSON.stringify(told)).expire(place, KEPT).exec();
  work.say({ kind: final ? 'failed' : 'retry', run, index, message });
  return final ? new bullmq.UnrecoverableError(message) : new Error(message);
}
