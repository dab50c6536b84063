import { classKey, encodePlan, shardCount } from '../plan.ts';
import type { AnyWork, BlobStore, Plan, SubmitOptions, Work } from '../types.ts';
import { type Ledger, openLedger } from './ledger.ts';
import type { Link } from './link.ts';
import type { Queue, QueueEvents } from './load.ts';
import { KEPT, RUNS, type RunKeys, runKeys, type ShardJob, shardOfJob, type Timing } from './names.ts';
import type { OpenQueues } from './open-queues.ts';
import { openRoom, type Room, tellFull } from './room.ts';

/* A run as its coordinator has it. */

/** What a run is made of. */
export interface Submission<O, Y> {
  readonly link: Promise<Link>;
  readonly queues: OpenQueues;
  readonly work: Work<O, Y>;
  readonly plan: Plan<O>;
  readonly options: SubmitOptions;
  readonly blobs: BlobStore;
  readonly timing: Timing;
}

/** Whether this coordinator hands out, and who else does. */
export interface Seat {
  leads: boolean;
  other: string | undefined;
}

/** A run under way. */
export interface Running<Y> {
  readonly id: string;
  readonly key: string;
  readonly keys: RunKeys;
  readonly link: Link;
  readonly plan: Plan<unknown>;
  readonly work: Pick<AnyWork, 'name' | 'version' | 'span'>;
  readonly options: SubmitOptions;
  readonly timing: Timing;
  readonly total: number;
  readonly ledger: Ledger<Y>;
  readonly queue: Queue<ShardJob>;
  readonly seat: Seat;
  readonly hints: Hints;
  /** Nothing is handed out while the server is full. */
  readonly room: Room;
  /** Failures of earlier calls were forgotten. */
  arrived: boolean;
  /** Shards in the queue as far as this coordinator knows. */
  readonly handed: Set<number>;
  /** Shards before this one were handed out once, or are there. */
  next: number;
  /** Shards to be handed out again. */
  readonly again: number[];
  /** Audits to be handed out, and those that are out. */
  readonly audits: { readonly due: number[]; readonly out: Set<number> };
  readonly began: number;
  /** Shards that were there when this coordinator came. */
  before: number;
  threads: number;
  /** Somebody was there who can serve it. */
  served: boolean;
  /** When somebody who can serve it was last there; as if there were one while the server is full and nobody can say so. */
  alone: number;
  /** Of this coordinator among those of its process. */
  readonly token: string;
  /** When reconcile was last done. */
  reconciled: number;
  /** No more is handed out after the deadline. */
  closed: boolean;
}

/** What events told. */
export interface Hints {
  readonly done: Set<number>;
  readonly audited: Set<number>;
  failed: boolean;
  /** Resolves at the next event, at once where there are hints, at the latest after these milliseconds. */
  wait(milliseconds: number): Promise<void>;
  wake(): void;
  /** Listens no more. */
  end(): void;
}

/** Puts the plan where workers find it, and opens the queue. */
export async function openRun<O, Y>(
  { queues, work, plan, options, blobs, timing }: Submission<O, Y>,
  link: Link,
  id: string,
  seat: Seat,
): Promise<{ readonly run: Running<Y>; readonly close: () => Promise<void> }> {
  const key = classKey(work, plan);
  const keys = runKeys(id);
  const { queue, events, leave } = queues.use(link, key);
  const hints = listen(events, id);
  const end = (): Promise<void> => {
    hints.end();
    return leave();
  };
  try {
    await Promise.all([putPlan(link, keys, plan, id), events.waitUntilReady()]);
  } catch (error) {
    await end();
    tellFull(link.address, error);
  }
  const room = openRoom(link, timing.poll, () => hints.wake());
  const run: Running<Y> = {
    ...{ id, key, keys, link, plan, work, options, timing, queue, seat, hints, room },
    ...{ total: shardCount(plan), ledger: openLedger(link, work, plan, blobs, options.checkpoint) },
    ...{ handed: new Set<number>(), next: 0, again: [], audits: { due: [], out: new Set<number>() } },
    ...{
      began: performance.now(),
      before: 0,
      threads: 0,
      served: false,
      arrived: false,
      alone: performance.now(),
      token: crypto.randomUUID(),
      reconciled: performance.now(),
      closed: false,
    },
  };
  const close = async (): Promise<void> => {
    room.close();
    // Commands to a server that is away would be waited for.
    if (seat.leads && link.client.status === 'ready') await leaveSeat(run).catch(() => {});
    await end();
  };
  return { run, close };
}

/** Another may have taken over from a coordinator that was silent too long. */
async function leaveSeat({ link, keys, token }: Running<unknown>): Promise<void> {
  const leader = await link.client.get(keys.leader);
  if (leader?.endsWith(token) === true) await link.client.del(keys.leader);
}

/** Puts the plan where workers find it, unless it is there. */
export async function putPlan(
  { client }: Pick<Link, 'client'>,
  keys: RunKeys,
  plan: Plan<unknown>,
  id: string,
): Promise<void> {
  const bytes = Buffer.from(encodePlan(plan));
  await client.multi().set(keys.plan, bytes, 'EX', KEPT, 'NX').expire(keys.plan, KEPT).sadd(RUNS, id).exec();
}

/** Collects what a queue tells of one run. */
function listen(events: QueueEvents, id: string): Hints {
  let wake = (): void => {};
  const hints: Hints = {
    ...{ done: new Set<number>(), audited: new Set<number>(), failed: false },
    wake: () => wake(),
    wait: (milliseconds) =>
      new Promise((resolve) => {
        if (hints.failed || hints.done.size + hints.audited.size > 0) {
          resolve();
          return;
        }
        const timer = setTimeout(resolve, milliseconds);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    end: () => events.off('completed', completed).off('failed', failed),
  };
  const own = (name: string): ShardJob | undefined => {
    const job = shardOfJob(name);
    return job?.run === id ? job : undefined;
  };
  const completed = ({ jobId: name }: { readonly jobId: string }): void => {
    const job = own(name);
    if (job === undefined) return;
    (job.audit === true ? hints.audited : hints.done).add(job.index);
    wake();
  };
  const failed = ({ jobId: name }: { readonly jobId: string }): void => {
    if (own(name) === undefined) return;
    hints.failed = true;
    wake();
  };
  events.on('completed', completed).on('failed', failed);
  return hints;
}
