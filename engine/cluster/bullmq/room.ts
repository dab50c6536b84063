import { ClusterError } from '../cluster-error.ts';
import type { Address } from './address.ts';
import type { Redis } from './load.ts';

/*
 * A server whose memory is used up refuses writes and goes on to answer reads (`noeviction`). Then nothing is handed out
 * and nothing begun, what was computed is kept, and one small write, tried again and again, finds out when there is room.
 *
 * A script is refused at its first write only, and those of BullMQ that end a job or give it back begin with taking away
 * its lock, which needs no room. So a shard can be ended on a full server, and no shard can be added, claimed or renewed.
 */

/** Whether a server has room for writes, as far as one process knows. */
export interface Room {
  readonly full: boolean;
  /** Whether an error says that there is none; from then on it is full until a small write succeeds. */
  note(error: unknown): boolean;
  /** Writes once. False where the server refused it for want of room; other errors are thrown. */
  tried(write: () => Promise<unknown>): Promise<boolean>;
  /** Writes as soon as there is room. @throws the reason of the signal. */
  insist<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T>;
  close(): void;
}

/** What is written to find out. */
const PROBE = 'ens:room';

/** @param every milliseconds between small writes while the server is full. @param changed told at every change. */
export function openRoom(
  { client }: { readonly client: Redis },
  every: number,
  changed: (full: boolean) => void,
): Room {
  let [full, closed] = [false, false];
  const waiting = makeWaiting();
  const probe = async (): Promise<void> => {
    if (closed) return;
    const answer = await client.set(PROBE, '1', 'PX', every).catch(() => undefined);
    if (answer !== 'OK') {
      timer = setTimeout(probe, every);
      return;
    }
    full = false;
    waiting.go();
    if (!closed) changed(false);
  };
  let timer: NodeJS.Timeout | undefined;
  const note = (error: unknown): boolean => {
    if (!isFull(error)) return false;
    if (full || closed) return true;
    full = true;
    timer = setTimeout(probe, every);
    changed(true);
    return true;
  };
  return {
    get full() {
      return full;
    },
    note,
    async tried(write) {
      try {
        await write();
        return true;
      } catch (error) {
        if (note(error)) return false;
        throw error;
      }
    },
    async insist(write, signal) {
      for (;;) {
        if (full) await waiting.wait(signal);
        signal.throwIfAborted();
        try {
          return await write();
        } catch (error) {
          if (!note(error)) throw error;
        }
      }
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Those who wait for room. */
function makeWaiting(): { wait(signal: AbortSignal): Promise<void>; go(): void } {
  let waiting: (() => void)[] = [];
  return {
    wait: (signal) =>
      new Promise((resolve) => {
        const go = (): void => {
          signal.removeEventListener('abort', go);
          waiting = waiting.filter((other) => other !== go);
          resolve();
        };
        waiting.push(go);
        signal.addEventListener('abort', go, { once: true });
        if (signal.aborted) go();
      }),
    go() {
      for (const go of waiting) go();
    },
  };
}

/** Whether a server refused a write because its memory is used up. */
export function isFull(error: unknown): boolean {
  const { message = '', previousErrors = [] } = error as {
    readonly message?: string;
    readonly previousErrors?: readonly unknown[];
  };
  return /\bOOM command not allowed/.test(message) || previousErrors.some(isFull);
}

/** @throws ClusterError in the place of what a full server answers; other errors as they are. */
export function tellFull(address: Address, error: unknown): never {
  if (!isFull(error)) throw error;
  throw new ClusterError({
    where: 'cluster',
    found: `Redis at ${address.shown} is full`,
    expected: 'room for plans and results',
    fix: 'Raise its maxmemory, or forget runs: ensample cluster forget RUN.',
  });
}
