import type { JobsOptions, WorkerOptions } from './load.ts';

/* Names of queues, keys and jobs, and how long things last. */

/** The queue of a class. */
export function queueName(classKey: string): string {
  return `ens-${classKey}`;
}

/** The keys of a run; the braces keep them together on a Redis Cluster. All last a week after the last write. */
export function runKeys(id: string): RunKeys {
  const key = (name: string): string => `ens:{${id}}:${name}`;
  return {
    plan: key('plan'),
    results: key('res'),
    conflict: key('conflict'),
    failures: key('fail'),
    words: key('words'),
    audits: key('audit'),
    counts: key('stat'),
    leader: key('lock'),
    stop: key('stop'),
  };
}

export interface RunKeys {
  /** Bytes of the plan. */
  readonly plan: string;
  /** Hash shard -> record; the first result of a shard stays. */
  readonly results: string;
  /** Two results of a shard that differ. */
  readonly conflict: string;
  /** Hash shard -> why it can never be computed. */
  readonly failures: string;
  /** Hash shard -> last words of whoever computed it and ended. */
  readonly words: string;
  /** Hash shard -> body hash of its second computation. */
  readonly audits: string;
  /** Hash of counters, and of what lists of runs show. */
  readonly counts: string;
  /** Who hands out. */
  readonly leader: string;
  /** There while workers are to leave the run alone. */
  readonly stop: string;
}

/** Set of all runs. */
export const RUNS = 'ens:runs';
/** Set of the ids of workers; each has a key of its own that lasts only while it renews it. */
export const WORKERS = 'ens:workers';
export function workerKey(id: string): string {
  return `ens:worker:${id}`;
}
/** How a run is cut, under the name that it has uncut. */
export function cutKey(name: string): string {
  return `ens:cut:${name}`;
}
/** There while a coordinator has shards for a class, so that workers open its queue. */
export function openKey(classKey: string): string {
  return `ens:open:${classKey}`;
}

/** What a run keeps, in seconds after the last write. */
export const KEPT: number = 7 * 86_400;

/** Durations in milliseconds. Workers and coordinators need not agree on them. */
export interface Timing {
  /** A shard whose worker has not renewed it for so long is given to another; default 10 000. */
  readonly lock: number;
  /** How often such shards are looked for; default 5000. Recovery takes at most lock + 2 stall. */
  readonly stall: number;
  /** First wait before a shard is tried again after its thread ended; it doubles. Default 1000. */
  readonly backoff: number;
  /** How often a coordinator looks at what events did not tell; default 1000. */
  readonly poll: number;
  /** How often shards that Redis lost are put back; default 30 000. */
  readonly reconcile: number;
  /** How long a coordinator that says nothing still leads, default 30 000. */
  readonly lease: number;
  /** How long a worker that says nothing counts as alive, default 30 000. */
  readonly announce: number;
  /** How long a run waits for a worker that can serve it, default 10 000. */
  readonly nobody: number;
  /** Work that a worker claims ahead of each thread where shards are short, besides the one that always waits; default 5. */
  readonly ahead: number;
  /** What a stopping worker gives its shards to finish before it hands them back, default 20 000. */
  readonly grace: number;
}

export const TIMING: Timing = {
  ...{ lock: 10_000, stall: 5000, backoff: 1000, poll: 1000, reconcile: 30_000 },
  ...{ lease: 30_000, announce: 30_000, nobody: 10_000, ahead: 5, grace: 20_000 },
};

/** What travels in a queue: names and numbers, about 60 bytes. The result never travels there. */
export interface ShardJob {
  readonly run: string;
  readonly index: number;
  /** A second computation, to compare. */
  readonly audit?: boolean;
}

/** A shard may begin this often, whoever computes it; then it is poison. */
export const MOST_STARTS = 6;

/**
 * Attempts are for threads that end, not for models that fail: the same address gives the same failure. The default
 * `maxStalledCount` of 1 would fail a shard whose worker is taken away twice.
 */
export function workerSettings(timing: Timing, claims: number): Omit<WorkerOptions, 'connection'> {
  return {
    concurrency: claims,
    lockDuration: timing.lock,
    stalledInterval: timing.stall,
    maxStalledCount: 100,
    maxStartedAttempts: MOST_STARTS,
    // A server that was away or full for a moment is asked again soon, and not after 15 s.
    runRetryDelay: 1000,
  };
}

export function jobSettings(timing: Timing, priority: number): JobsOptions {
  return {
    attempts: 5,
    backoff: { type: 'exponential', delay: timing.backoff },
    removeOnComplete: true,
    removeOnFail: { count: 1000 },
    ...(priority === 0 ? {} : { priority }),
  };
}

export function jobId(run: string, index: number, audit = false): string {
  return `${run}-${index}${audit ? '-a' : ''}`;
}

/** The run and the shard of a job. Undefined for any other job. */
export function shardOfJob(id: string): ShardJob | undefined {
  const [, run, index, audit] = /^([0-9a-f]{32})-(\d+)(-a)?$/.exec(id) ?? [];
  if (run === undefined) return undefined;
  return { run, index: Number(index), ...(audit === undefined ? {} : { audit: true }) };
}
