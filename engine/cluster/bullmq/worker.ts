import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { type Announcement, announcementOf, servedClasses } from '../announcement.ts';
import type { WorkTable } from '../registry.ts';
import type { ModuleRef } from '../types.ts';
import { openAhead } from './ahead.ts';
import { type Link, within } from './link.ts';
import type { Job, Worker } from './load.ts';
import {
  openKey,
  queueName,
  type ShardJob,
  TIMING,
  type Timing,
  WORKERS,
  workerKey,
  workerSettings,
} from './names.ts';
import { openPulse } from './pulse.ts';
import { openRoom } from './room.ts';
import { type Serving, type ShardRunner, serveShard, type WorkerEvent } from './serve.ts';

/*
 * A worker: claims shards of the classes it can serve, has them computed elsewhere (never on this thread, which must
 * renew locks), and writes each result where the first one stays.
 */

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

export interface QueueWorker {
  readonly id: string;
  /** Claims nothing more, waits for its shards, and after `grace` milliseconds hands them back. */
  stop(grace?: number): Promise<void>;
}

export type { Announcement };

/** How often workers look for queues that opened, in milliseconds. */
const LOOK = 250;
/** Milliseconds in which a worker that leaves tells the server; it may be away. */
const LEAVE = 3000;
/** Milliseconds between two words about a full server: near its limit it is full again and again. */
const REPEAT = 60_000;

/** Starts serving. Resolves when the worker has announced itself; on a full server that comes with the room. */
export async function queueWorker(options: QueueWorkerOptions): Promise<QueueWorker> {
  const { link, threads, run, say = () => {} } = options;
  const timing = { ...TIMING, ...options.timing };
  // Graphics cards (tier B) are not offered.
  const classes = servedClasses(options.works, options.modules, ['A']);
  const id = `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const handBack = new AbortController();
  // Each shard under way listens.
  setMaxListeners(0, handBack.signal);
  const workers = new Map<string, Worker>();
  const announce = (): Promise<unknown> =>
    room
      .tried(() => announceWorker(link, announcementOf(id, options, classes, work.done), timing))
      .catch(() => {});
  const warn = warner(link, say);
  const room = openRoom(link, timing.poll, (full) => {
    if (!full) {
      announce();
      return;
    }
    for (const worker of workers.values()) worker.pause(true);
    warn();
  });
  let away = false;
  const pulse = openPulse(link, timing.poll, (silent) => {
    if (away !== silent > 0) say(silent > 0 ? awayWords(link) : backWords(link));
    away = silent > 0;
  });
  const work: Serving = {
    ...{ link, works: options.works, run, say, room, handBack: handBack.signal, plans: new Map(), done: 0 },
    ...{ active: new Set(), renewed: new Map(), putOff: new Map() },
  };
  await room.tried(() => announceWorker(link, announcementOf(id, options, classes, work.done), timing));
  const again = setInterval(announce, timing.announce / 3);
  let looking = true;
  const look = async (): Promise<void> => {
    if (!looking) return;
    if (!room.full) for (const worker of workers.values()) wake(worker);
    const open = await openedClasses(link, classes, workers).catch(() => []);
    for (const key of open) {
      if (!looking) return;
      workers.set(key, openQueue(key, work, timing, threads));
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
      pulse.close();
      await within(LEAVE, Promise.all([...workers.values()].map((worker) => worker.pause(true))));
      await within(grace, Promise.allSettled(work.active));
      handBack.abort(new Error('handed back'));
      await within(LEAVE, Promise.allSettled(work.active));
      room.close();
      const closing = [...workers.values()].map((worker) => worker.close(true));
      const leaving = link.client.pipeline().del(workerKey(id)).srem(WORKERS, id).exec();
      await within(LEAVE, Promise.allSettled([...closing, leaving]));
    },
  };
}

function awayWords({ address }: Link): WorkerEvent {
  return { kind: 'away', message: `Redis at ${address.shown} does not answer: results are kept here.` };
}

function backWords({ address }: Link): WorkerEvent {
  return { kind: 'back', message: `Redis at ${address.shown} answers again.` };
}

/** Says that the server is full, not too often. */
function warner({ address }: Link, say: (event: WorkerEvent) => void): () => void {
  let told = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - told < REPEAT) return;
    told = performance.now();
    const message = `Redis at ${address.shown} is full: results are kept here until there is room.`;
    say({ kind: 'full', message });
  };
}

/**
 * Goes on after the server was full. Called by a timer, when the loop of a queue that was paused has either ended or not:
 * between the two `resume` would start nothing.
 */
function wake(worker: Worker): void {
  if (worker.isPaused() || !worker.isRunning()) worker.resume();
}

async function announceWorker({ client }: Link, told: Announcement, { announce }: Timing): Promise<void> {
  const { id } = told;
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

function openQueue(key: string, work: Serving, timing: Timing, threads: number): Worker {
  const { bullmq, client } = work.link;
  const ahead = openAhead(threads, timing.ahead);
  const serve = (job: Job<ShardJob>, token?: string): Promise<number> => {
    const task = serveShard(job, token, { key, ahead }, work);
    work.active.add(task);
    worker.concurrency = ahead.claims;
    const leave = (): void => {
      work.active.delete(task);
      worker.concurrency = ahead.claims;
    };
    task.then(leave, leave);
    return task;
  };
  const worker = new bullmq.Worker<ShardJob, number>(queueName(key), serve, {
    ...workerSettings(timing, ahead.claims),
    connection: client,
  });
  // Lost connections and late finishers (`Missing lock`) end up here; both mend themselves. On a full server the loop of
  // the queue would ask again at once, thousands of times a second.
  worker.on('error', (error) => {
    if (work.room.note(error)) worker.pause(true);
  });
  return worker;
}
