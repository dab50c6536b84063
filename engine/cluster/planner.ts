import { BLOCK, MOST_SHARDS } from './plan.ts';
import { MOST_INLINE } from './record.ts';

/*
 * How many shards, and what a cluster of W threads gains (scale-out, section 12). Times in seconds, sizes in bytes.
 *
 * | symbol | name here |
 * |---|---|
 * | W | workers: threads in all |
 * | tau, c | shardTime, variation: mean and coefficient of variation |
 * | o | overhead of a claim |
 * | mu | brokerRate, results a second |
 * | b, B | resultBytes, bandwidth |
 * | k | shards a worker |
 */

/** What a pilot measured, and what the path to the broker is like. */
export interface ClusterPilot {
  readonly workers: number;
  /** Seconds of one thread for a point. */
  readonly pointTime: number;
  /** Coefficient of variation of shard times. */
  readonly variation: number;
  /** Of a shard, however many points it has. */
  readonly resultBytes: number;
  /** What each point adds to the result of its shard; default 0. */
  readonly pointBytes?: number;
  /** Most bytes of a result. Default 256 kB, which need no folder for blobs. */
  readonly mostBytes?: number;
  /** Seconds that a shard takes beside its points; default 0. */
  readonly start?: number;
  /** Whether a shard may have any number of points, because rows are put together and not summed. Default false. */
  readonly rows?: boolean;
  /** Default 0.0002: loopback; add the round trip of a network. */
  readonly overhead?: number;
  /** Default 10 000 a second. */
  readonly brokerRate?: number;
  /** Default 500 MB a second. */
  readonly bandwidth?: number;
}

/** A choice and its reason, as it is printed. */
export interface ShardChoice {
  /** Points of a shard: 1024 * 2^m, or any number where shards are rows. */
  readonly size: number;
  readonly shards: number;
  /** Threads that are of use; below `workers` where the run is too short for all. */
  readonly workers: number;
  /** Seconds of a shard. */
  readonly shardTime: number;
  readonly reason: string;
}

const LONGEST = 60;
const OVERHEAD = 0.0002;
const RATE = 10_000;
const BANDWIDTH = 500e6;
/** Of the bytes that a result may have: its form needs some. */
const FILL = 0.9;

/** Points of a shard for a run of so many points. */
export function chooseShards(points: number, pilot: ClusterPilot): ShardChoice {
  const { pointTime, variation, resultBytes: b, pointBytes = 0, start = 0, rows = false } = pilot;
  const { overhead: o = OVERHEAD, brokerRate: mu = RATE, bandwidth: B = BANDWIDTH } = pilot;
  const { mostBytes = MOST_INLINE } = pilot;
  const total = points * pointTime;
  const few = total < 50 * pilot.workers * o;
  // Of results that grow with their shards no cut makes fewer bytes: more threads than fill the path are idle.
  const fed = pointBytes > 0 ? Math.max(1, Math.floor((B * pointTime) / pointBytes)) : pilot.workers;
  const workers = Math.min(few ? Math.max(1, Math.floor(total / (50 * o))) : pilot.workers, fed);
  const each = variation < 0.5 ? 20 : 50;
  const floors = [
    [50 * o, 'shorter ones would spend more than 2 % on being handed out'],
    [10 * start, 'shorter ones would spend more than a tenth on their start'],
    [(2 * workers) / mu, `shorter ones would wait for the broker (${mu} results a second)`],
    [(2 * workers * b) / B, `shorter ones would wait for results on the way (${b} bytes each)`],
  ] as const;
  const [least, why] = floors.reduce((most, floor) => (floor[0] > most[0] ? floor : most));
  const wanted = total / (each * workers);
  const time = Math.min(LONGEST, Math.max(least, wanted));
  const light = pointBytes > 0 ? (FILL * mostBytes) / pointBytes : Number.POSITIVE_INFINITY;
  const size = rows ? rowsOf(points, Math.min(light, time / pointTime)) : blocksOf(time / pointTime);
  const reason =
    rows && light < time / pointTime
      ? `larger ones would have results above ${Math.round(mostBytes / 1024)} kB`
      : wanted > LONGEST
        ? 'longer ones would lose more than 60 s with a worker'
        : wanted < least
          ? why
          : `${each} shards a thread`;
  const waits = few ? 'shards' : 'results on the way';
  const told =
    workers < pilot.workers
      ? `${reason}; ${workers} of ${pilot.workers} threads would do, more would wait for ${waits}`
      : reason;
  const shardTime = start + size * pointTime;
  return { size, shards: Math.ceil(points / size), workers, shardTime, reason: told };
}

/** The largest 1024 * 2^m that is not above, at least 1024. */
function blocksOf(points: number): number {
  return BLOCK * 2 ** Math.floor(Math.log2(Math.max(1, points / BLOCK)));
}

/** Shards of equal sizes. */
function rowsOf(points: number, most: number): number {
  const shards = Math.min(MOST_SHARDS, Math.ceil(points / Math.min(points, Math.max(1, Math.floor(most)))));
  return Math.ceil(points / shards);
}

/** E without the wait for the last shard: 1 / max(1 + o / tau, W / (mu tau), W b / (B tau)). */
export function steadyEfficiency(
  shardTime: number,
  pilot: Omit<ClusterPilot, 'pointTime' | 'variation'>,
): number {
  const { workers: w, resultBytes: b } = pilot;
  const { overhead: o = OVERHEAD, brokerRate: mu = RATE, bandwidth: B = BANDWIDTH } = pilot;
  return 1 / Math.max(1 + o / shardTime, w / (mu * shardTime), (w * b) / (B * shardTime));
}

/** What is simulated. */
export interface ClusterSimulation extends Omit<ClusterPilot, 'pointTime'> {
  readonly shardTime: number;
  /** Shards a worker. Default 20. */
  readonly shardsEach?: number;
}

/**
 * Efficiency of a simulated run: one broker and one path for results, each first come first served, shard times gamma
 * with the given variation. `uniform` gives numbers of (0, 1).
 */
export function simulateCluster(simulation: ClusterSimulation, uniform: () => number): number {
  const { workers, shardTime, variation, resultBytes, shardsEach = 20 } = simulation;
  const { overhead = OVERHEAD, brokerRate = RATE, bandwidth = BANDWIDTH } = simulation;
  const running = makeQueue(workers);
  let broker = 0;
  let path = 0;
  let busy = 0;
  const claim = (from: number): number => {
    broker = Math.max(broker, from) + 1 / brokerRate;
    const time = shardTime * gammaTime(variation, uniform);
    busy += time;
    return broker + overhead + time;
  };
  for (let w = 0; w < workers; w++) running.set(w, claim(0));
  // Results travel in the order in which shards end; then the thread claims its next one.
  for (let left = workers * (shardsEach - 1); running.least() < Infinity; left--) {
    path = Math.max(path, running.least()) + resultBytes / bandwidth;
    running.replace(left > 0 ? claim(path) : Infinity);
  }
  return busy / (workers * path);
}

/** Mean 1 and the given coefficient of variation: a sum of exponentials, of as many as come nearest. */
function gammaTime(variation: number, uniform: () => number): number {
  const parts = Math.max(1, Math.round(1 / variation ** 2));
  let log = 0;
  for (let i = 0; i < parts; i++) log -= Math.log(uniform());
  return log / parts;
}

/** The times at which shards end, as a heap that `set` fills from place 0 on. */
function makeQueue(size: number): {
  set(at: number, time: number): void;
  least(): number;
  replace(time: number): void;
} {
  const times = new Float64Array(size);
  return {
    set(from, time) {
      let at = from;
      for (let above = (at - 1) >> 1; at > 0 && times[above]! > time; above = (at - 1) >> 1) {
        times[at] = times[above]!;
        at = above;
      }
      times[at] = time;
    },
    least: () => times[0]!,
    replace(time) {
      let at = 0;
      for (let child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && times[child + 1]! < times[child]!) child++;
        if (times[child]! >= time) break;
        times[at] = times[child]!;
        at = child;
      }
      times[at] = time;
    },
  };
}
