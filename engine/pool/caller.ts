import {
  ASLEEP,
  AWAITED,
  CALLS,
  type Call,
  COLD,
  COUNT,
  COUNTERS,
  type Cut,
  FAILED,
  FIRST,
  HOT,
  type Line,
  PIECE,
  POSTED,
  ROOM,
  RUNNING,
  STATE,
  watchState,
  ZONE,
  ZONES,
} from './line.mjs';

/** Kernels for workers that look out for work, one after the other on the cells that a thread claims. */
export interface Job {
  readonly calls: readonly Call[];
  /** Offset of the words from which all threads claim their next cells. */
  readonly counters: number;
}

/** Whether the worker looks out for work. */
export function isHot({ words }: Line): boolean {
  return Atomics.load(words, STATE) === HOT;
}

/** Hand a worker its share of a job; false when it does not look out, or not any longer. */
export function post({ words, numbers }: Line, job: Job, cut: Cut): boolean {
  const { calls } = job;
  if (Atomics.load(words, STATE) !== HOT) return false;
  if (calls.reduce<number>((sum, { args }) => sum + 4 + args.length, FIRST) > ROOM) return false;
  numbers[COUNT] = cut.count;
  numbers[PIECE] = cut.piece;
  numbers[ZONE] = cut.zone;
  numbers[ZONES] = cut.zones;
  numbers[COUNTERS] = job.counters;
  numbers[CALLS] = calls.length;
  let at = FIRST;
  for (const { kernel, each, items, args } of calls) {
    for (const number of [kernel, each, items, args.length]) numbers[at++] = number;
    for (const arg of args) numbers[at++] = arg;
  }
  if (Atomics.compareExchange(words, STATE, HOT, POSTED) !== HOT) return false;
  if (Atomics.load(words, ASLEEP) === 1) Atomics.notify(words, STATE);
  return true;
}

/** Milliseconds for which the calling thread looks at a worker that is about to be done before it sleeps. */
const PATIENCE = 0.1;

/**
 * Once all pieces are claimed: take the job back from a worker that never came to it, or wait until its last piece is
 * done. Nothing is written by it from then on.
 * @throws what stands for an error of the kernel in the worker.
 */
export function settle(line: Line): void {
  const { words } = line;
  if (Atomics.compareExchange(words, STATE, POSTED, HOT) === POSTED) return;
  let state = watchState(words, RUNNING, maySleep() ? PATIENCE : Infinity);
  if (state === RUNNING) {
    Atomics.store(words, AWAITED, 1);
    while (Atomics.load(words, STATE) === RUNNING) Atomics.wait(words, STATE, RUNNING);
    Atomics.store(words, AWAITED, 0);
    state = Atomics.load(words, STATE);
  }
  if (state === FAILED) {
    Atomics.store(words, STATE, COLD);
    throw new Error('a kernel failed in a worker');
  }
}

/** Send a worker that looks out back to its event loop, because a message is about to come. */
export function cool({ words }: Line): void {
  if (Atomics.compareExchange(words, STATE, HOT, COLD) === HOT) Atomics.notify(words, STATE);
}

let sleeper: boolean | undefined;

/** Whether this thread may sleep on a word: not the one of a page. */
function maySleep(): boolean {
  if (sleeper === undefined) {
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
      sleeper = true;
    } catch {
      sleeper = false;
    }
  }
  return sleeper;
}
