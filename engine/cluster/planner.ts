import { BLOCK } from './plan.ts';

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
  readonly resultBytes: number;
  /** Default 0.0002: loopback; add the round trip of a network. */
  readonly overhead?: number;
  /** Default 10 000 a second. */
  readonly brokerRate?: number;
  /** Default 500 MB a second. */
  readonly bandwidth?: number;
}

/** A choice and its reason, as it is printed. */
export interface ShardChoice {
  /** Points of a shard: 1024 * 2^m. */
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

/** Points of a shard for a run of so many points. */
export function chooseShards(points: number, pilot: ClusterPilot): ShardChoice {
  const { pointTime, variation, resultBytes: b } = pilot;
  const { overhead: o = OVERHEAD, brokerRate: mu = RATE, bandwidth: B = BANDWIDTH } = pilot;
  const total = points * pointTime;
  const few = total < 50 * pilot.workers * o;
  const workers = few ? Math.max(1, Math.floor(total / (50 * o))) : pilot.workers;
  const each = variation < 0.5 ? 20 : 50;
  const floors = [
    [50 * o, `50 claims of ${o} s`],
    [(2 * workers) / mu, `twice what the broker takes (${mu} results a second)`],
    [(2 * workers * b) / B, `twice what ${b} bytes take on the way`],
  ] as const;
  const [least, why] = floors.reduce((most, floor) => (floor[0] > most[0] ? floor : most));
  const wanted = total / (each * workers);
  const shardTime = Math.min(LONGEST, Math.max(least, wanted));
  const blocks = Math.max(1, shardTime / pointTime / BLOCK);
  const size = BLOCK * 2 ** Math.floor(Math.log2(blocks));
  const reason =
    wanted > LONGEST
      ? 'at most 60 s are lost with a worker'
      : wanted < least
        ? why
        : `${each} shards a thread`;
  const told = few ? `${reason}; ${workers} of ${pilot.workers} threads, more would wait for claims` : reason;
  return { size, shards: Math.ceil(points / size), workers, shardTime: size * pointTime, reason: told };
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
