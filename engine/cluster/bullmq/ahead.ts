/*
 * How many shards a worker claims. One for each thread and one more keeps threads busy where shards take long; where they
 * take less than the way to the server, threads would wait for each: then more are claimed at once, as many as are computed
 * in a few milliseconds. Other workers lose at most that by it at the end of a run.
 */

/** Most shards claimed ahead of every thread: more make nothing faster. */
const MOST = 15;
/** Share of the last shard in the mean. */
const SHARE = 0.1;

/** Shards that may be claimed at once, from what is seen of them. */
export interface Ahead {
  /** With those that are being computed. */
  readonly claims: number;
  /** A shard took so many milliseconds on its thread. */
  took(milliseconds: number): void;
  /** A shard had been begun before: whoever did that may have ended by it, and so could this worker. */
  begunBefore(): void;
}

/**
 * Claims grow by one a shard, and begin anew at one ahead after a shard that was begun before.
 * @param most milliseconds of work claimed ahead of every thread.
 */
export function openAhead(threads: number, most: number): Ahead {
  let mean = 0;
  let trust = 0;
  return {
    get claims() {
      const few = Math.floor((most * threads) / Math.max(mean, 1e-3));
      return threads + 1 + Math.min(few, trust, MOST * threads);
    },
    took(milliseconds) {
      mean = trust === 0 ? milliseconds : mean + SHARE * (milliseconds - mean);
      trust = Math.min(trust + 1, MOST * threads);
    },
    begunBefore() {
      trust = 0;
    },
  };
}
