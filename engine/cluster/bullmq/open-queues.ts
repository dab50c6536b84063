import { type Link, within } from './link.ts';
import type { Queue, QueueEvents } from './load.ts';
import { queueName, type ShardJob } from './names.ts';

/*
 * Queues of a coordinator with what they tell. They stay open from one run to the next: to connect takes longer than a short
 * run does, and an adapting method makes a run of every batch.
 */

/** A queue that a run uses. */
export interface OpenQueue {
  readonly queue: Queue<ShardJob>;
  readonly events: QueueEvents;
  /** The run has ended. */
  leave(): Promise<void>;
}

export interface OpenQueues {
  /** The queue of a class. */
  use(link: Link, classKey: string): OpenQueue;
  /** For when no run is under way. */
  close(): Promise<void>;
}

interface Kept extends Omit<OpenQueue, 'leave'> {
  users: number;
  /** Not for further runs: after some errors its events are no longer listened to. */
  stale: boolean;
}

/** Milliseconds in which a queue closes; the server may be away. */
const LEAVE = 3000;

export function openQueues(): OpenQueues {
  const kept = new Map<string, Kept>();
  return {
    use(link, classKey) {
      let own = kept.get(classKey);
      if (own === undefined || own.stale) {
        own = open(link, queueName(classKey));
        kept.set(classKey, own);
      }
      const used = own;
      used.users++;
      return {
        ...{ queue: used.queue, events: used.events },
        async leave() {
          used.users--;
          if (used.stale && used.users === 0) await shut(used);
        },
      };
    },
    async close() {
      await Promise.all([...kept.values()].map(shut));
      kept.clear();
    },
  };
}

function open({ bullmq, client }: Link, name: string): Kept {
  const streams = { events: { maxLen: 10_000 } };
  const queue = new bullmq.Queue<ShardJob>(name, { connection: client, streams });
  const events = new bullmq.QueueEvents(name, { connection: client });
  const own = { queue, events, users: 0, stale: false };
  queue.on('error', () => {});
  // A lost connection mends itself and hints are not needed, but they are what makes a short run short.
  events.on('error', () => {
    own.stale = true;
  });
  // Each run listens.
  events.setMaxListeners(0);
  return own;
}

function shut({ queue, events }: Kept): Promise<void> {
  return within(LEAVE, Promise.allSettled([events.close(), queue.close()]));
}
