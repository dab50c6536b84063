/**
 * A line to a worker that has just worked: for a moment it looks out for kernels in shared memory, where handing it
 * one costs a microsecond instead of a message. Plain JavaScript because a worker must be able to load it before
 * anything is compiled. The first word of a line says how things stand:
 *
 *   COLD -> HOT       the worker has worked and looks out
 *   HOT -> POSTED     the calling thread has written a job
 *   POSTED -> RUNNING the worker has taken it
 *   POSTED -> HOT     the calling thread has taken it back: all its pieces are done
 *   RUNNING -> HOT    the worker has done its share
 *   RUNNING -> FAILED its kernel threw
 *   HOT -> COLD       nothing came, or a message is about to: the worker turns to its event loop
 *
 * What either side changes, it changes by compare-and-exchange from what it saw, so no job is lost or done twice.
 */
export const COLD = 0;
export const HOT = 1;
export const POSTED = 2;
export const RUNNING = 3;
export const FAILED = 4;

/** Words: the state; whether the worker, and whether the calling thread, sleeps until it changes. */
export const STATE = 0;
export const ASLEEP = 1;
export const AWAITED = 2;

/** Numbers: cells, least cells of a claim, the zone to begin in and how many there are, offset of their counters, calls. */
export const COUNT = 0;
export const PIECE = 1;
export const ZONE = 2;
export const ZONES = 3;
export const COUNTERS = 4;
export const CALLS = 5;
/** Then for each call the number of its kernel among the exports, items a cell, items, number of arguments and those. */
export const FIRST = 6;

/** Numbers that a line has room for: a dozen kernels with ten arguments. */
export const ROOM = 192;

/** 32-bit words from one counter to the next: each has a cache line of its own. */
export const STRIDE = 16;

/** The shared memory of a line, as its two arrays. */
export function openLine(buffer = new SharedArrayBuffer(64 + 8 * ROOM)) {
  return { buffer, words: new Int32Array(buffer, 0, 16), numbers: new Float64Array(buffer, 64) };
}

/** Milliseconds for which a worker looks out busily, and for which it then sleeps on the line. */
const BUSY = 0.2;
const DROWSY = 2;

/** Look at the state until it is no longer `state` or `milliseconds` have passed. Returns it. */
export function watchState(words, state, milliseconds) {
  const until = performance.now() + milliseconds;
  let now = Atomics.load(words, STATE);
  for (let looks = 1; now === state; looks++) {
    if ((looks & 63) === 0 && performance.now() > until) break;
    now = Atomics.load(words, STATE);
  }
  return now;
}

/**
 * Cells that go through all kernels of a job before the next ones: what they hold is then still in the second cache. Fewer
 * would not pay for the calls, 0.2 microseconds each.
 */
const STRIP = 8;

/** All kernels of a job over its cells lo..hi-1; `kernels` by number. */
export function runCalls(kernels, calls, lo, hi) {
  const strip = calls.length === 1 ? hi - lo : STRIP;
  for (let at = lo; at < hi; at += strip) {
    const end = Math.min(hi, at + strip);
    for (const { kernel, args, each, items } of calls)
      kernels[kernel](...args, at * each, Math.min(items, end * each));
  }
}

/** A claim takes one of so many parts of what a zone has left: little is left to wait for at the end. */
const PARTS = 4;

/**
 * Claim after claim of [0, count): in the own zone first, so that from one job to the next a thread mostly meets numbers it
 * has in its cache, then in the others. The first word of every `STRIDE` of `counters` says how many pieces of a zone are
 * claimed.
 */
export function inZones(run, counters, { count, piece, zone, zones }) {
  const pieces = Math.ceil(count / piece);
  for (let k = 0; k < zones; k++) {
    const z = (zone + k) % zones;
    const first = Math.floor((z * pieces) / zones);
    const size = Math.floor(((z + 1) * pieces) / zones) - first;
    for (let done = Atomics.load(counters, z * STRIDE); done < size; ) {
      const next = done + Math.ceil((size - done) / PARTS);
      const found = Atomics.compareExchange(counters, z * STRIDE, done, next);
      if (found === done) run((first + done) * piece, Math.min(count, (first + next) * piece));
      done = found === done ? Atomics.load(counters, z * STRIDE) : found;
    }
  }
}

/** The calls that `numbers` holds. */
function readCalls(numbers) {
  let at = FIRST;
  return Array.from({ length: numbers[CALLS] }, () => {
    const [kernel, each, items, arity] = numbers.subarray(at, at + 4);
    at += 4 + arity;
    return { kernel, each, items, args: Array.from(numbers.subarray(at - arity, at)) };
  });
}

/** The worker's side: take jobs off the line until it is cold. `run` does one: (calls, counters, cut). */
export function serveLine({ words, numbers }, run) {
  for (;;) {
    if (watchState(words, HOT, BUSY) === HOT) {
      Atomics.store(words, ASLEEP, 1);
      const slept = Atomics.wait(words, STATE, HOT, DROWSY);
      Atomics.store(words, ASLEEP, 0);
      if (slept === 'timed-out') Atomics.compareExchange(words, STATE, HOT, COLD);
    }
    if (Atomics.load(words, STATE) === COLD) return;
    if (Atomics.compareExchange(words, STATE, POSTED, RUNNING) !== POSTED) continue;
    let end = HOT;
    try {
      const [count, piece, zone, zones, counters] = numbers;
      run(readCalls(numbers), counters, { count, piece, zone, zones });
    } catch {
      end = FAILED;
    }
    Atomics.store(words, STATE, end);
    if (Atomics.load(words, AWAITED) === 1) Atomics.notify(words, STATE);
    if (end === FAILED) return;
  }
}
