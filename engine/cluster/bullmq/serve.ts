import { hostname } from 'node:os';
import { EngineError, InputError } from '../../errors.ts';
import { ClusterError } from '../cluster-error.ts';
import { classKey, decodePlan, runId } from '../plan.ts';
import { readRecord } from '../record.ts';
import type { WorkTable } from '../registry.ts';
import type { Ahead } from './ahead.ts';
import type { Link } from './link.ts';
import type { Job } from './load.ts';
import { KEPT, type RunKeys, runKeys, type ShardJob, WORKERS } from './names.ts';
import type { Room } from './room.ts';

/*
 * What a worker does with one shard: has it computed elsewhere, and writes the result where the first one stays. While the
 * server is full the result is kept here.
 */

/** Computes one shard and answers its record. Rejections that are an EngineError are final, all others worth a retry. */
export type ShardRunner = (plan: Uint8Array, index: number, signal: AbortSignal) => Promise<Uint8Array>;

/** What a worker tells of itself, as it goes. */
export interface WorkerEvent {
  readonly kind:
    | 'open'
    | 'full'
    | 'away'
    | 'back'
    | 'done'
    | 'skipped'
    | 'duplicate'
    | 'conflict'
    | 'failed'
    | 'retry'
    | 'handed-back';
  readonly run?: string;
  readonly index?: number;
  /** Of a shard on its thread. */
  readonly milliseconds?: number;
  readonly message?: string;
}

/** What the shards of a worker share. */
export interface Serving {
  readonly link: Link;
  readonly works: WorkTable;
  readonly run: ShardRunner;
  readonly say: (event: WorkerEvent) => void;
  readonly room: Room;
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

/** One queue of a worker. */
export interface ServedQueue {
  /** The class. */
  readonly key: string;
  readonly ahead: Ahead;
}

/** Milliseconds between such renewals. */
const RENEW = 60_000;
/** An audit is left to other workers for so many milliseconds, so often. */
const PUT_OFF = 200;
const MOST_PUT_OFF = 10;
/** Plans kept for the shards to come. */
const MOST_PLANS = 16;

/** One job: computed unless its result is there, or the run was stopped. */
export async function serveShard(
  job: Job<ShardJob>,
  token: string | undefined,
  queue: ServedQueue,
  work: Serving,
): Promise<number> {
  const { client } = work.link;
  const { run, index, audit = false } = job.data;
  const keys = runKeys(run);
  if (job.attemptsStarted > 1) {
    queue.ahead.begunBefore();
    await count(keys, 'retried', work);
  }
  // One write instead of two, and the plan meanwhile: ways to the server are what an empty shard takes.
  planOf(run, queue.key, work).catch(() => {});
  const [stopped, there] = (await client
    .pipeline()
    .exists(keys.stop)
    .hexists(keys.results, String(index))
    .exec()) as [error: Error | null, found: number][];
  if (stopped![1] === 1) return 0;
  if (!audit && there![1] === 1) {
    await count(keys, 'skipped', work);
    work.say({ kind: 'skipped', run, index });
    return 1;
  }
  if (audit && (await isOwn(job, work))) return putOff(job, token, work);
  const left = new AbortController();
  try {
    const done = await orHandBack(computeAndKeep(job.data, queue, left.signal, work), work.handBack);
    if (done !== undefined) return done;
  } catch (error) {
    const told = await orHandBack(toldFailure(error, job, work), work.handBack);
    if (told !== undefined) throw told;
  }
  left.abort(new Error('handed back'));
  return giveBack(job, token, work);
}

async function computeAndKeep(
  shard: ShardJob,
  { key, ahead }: ServedQueue,
  signal: AbortSignal,
  work: Serving,
): Promise<number> {
  const { run, index } = shard;
  const record = await work.run(await planOf(run, key, work), index, signal);
  // Without what it waited for a thread.
  const { wallMs: milliseconds } = readRecord(record).header;
  ahead.took(milliseconds);
  await keepResult(record, shard, work);
  work.done++;
  work.say({ kind: 'done', run, index, milliseconds });
  return 1;
}

/** Counters are not worth waiting for on a full server. */
async function count(keys: RunKeys, name: string, { link, room }: Serving): Promise<void> {
  const { counts } = keys;
  await room.tried(() => link.client.multi().hincrby(counts, name, 1).expire(counts, KEPT).exec());
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
  await uncountStart(job, work);
  // Where the lock is lost the shard is another's already.
  await job.moveToWait(token).catch(() => {});
  work.say({ kind: 'handed-back', run: job.data.run, index: job.data.index });
  throw new work.link.bullmq.WaitingError();
}

/** A worker that is stopped, or leaves a shard to others, says nothing against it. */
async function uncountStart({ queueName, id }: Job<ShardJob>, { link, room }: Serving): Promise<void> {
  await room.tried(() => link.client.hincrby(`bull:${queueName}:${id}`, 'ats', -1));
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
  const id = job.id ?? '';
  if (work.putOff.size > 1000) work.putOff.clear();
  work.putOff.set(id, (work.putOff.get(id) ?? 0) + 1);
  await uncountStart(job, work);
  await job.moveToDelayed(Date.now() + PUT_OFF, token);
  throw new work.link.bullmq.DelayedError();
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

/** Writes a result unless there is one; then both must have the same body. Waits for room. */
async function keepResult(record: Uint8Array, { run, index, audit }: ShardJob, work: Serving): Promise<void> {
  const { room, handBack } = work;
  const { client } = work.link;
  const keys = runKeys(run);
  const field = String(index);
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const first = await room.insist(() => client.hsetnx(keys.results, field, bytes), handBack);
  await renew(keys, work);
  if (first === 1 && audit !== true) return;
  const before = await client.hgetBuffer(keys.results, field);
  // A coordinator took away what it could not read.
  if (before === null) return;
  const [one, other] = [readRecord(before).header, readRecord(record).header];
  if (one.bodyHash === other.bodyHash) {
    if (audit !== true) await count(keys, 'duplicates', work);
    else await room.insist(() => keepAudit(keys, field, other.bodyHash, work), handBack);
    work.say({ kind: 'duplicate', run, index });
    return;
  }
  const told = (header: typeof one): object => ({
    hash: header.bodyHash,
    worker: `${header.host}, process ${header.pid}`,
  });
  const conflict = JSON.stringify({ index, one: told(one), other: told(other) });
  await room.insist(() => client.set(keys.conflict, conflict, 'EX', KEPT, 'NX'), handBack);
  work.say({ kind: 'conflict', run, index });
}

function keepAudit({ audits }: RunKeys, field: string, hash: string, { link }: Serving): Promise<unknown> {
  return link.client.multi().hset(audits, field, hash).expire(audits, KEPT).exec();
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
  const { bullmq, client } = work.link;
  const { run, index } = job.data;
  const message = error instanceof Error ? error.message : String(error);
  const keys = runKeys(run);
  const final = error instanceof EngineError && !(error instanceof ClusterError);
  const told = { message, code: final ? error.code : '', worker: `${hostname()}, process ${process.pid}` };
  const place = final ? keys.failures : keys.words;
  const write = (): Promise<unknown> =>
    client.multi().hset(place, String(index), JSON.stringify(told)).expire(place, KEPT).exec();
  await work.room.insist(write, work.handBack);
  work.say({ kind: final ? 'failed' : 'retry', run, index, message });
  return final ? new bullmq.UnrecoverableError(message) : new Error(message);
}
