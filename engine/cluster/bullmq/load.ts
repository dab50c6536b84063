import type { Job, JobsOptions, Queue, QueueEvents, Worker, WorkerOptions } from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import { ClusterError } from '../cluster-error.ts';

/* The one place that imports the optional packages `bullmq` and `ioredis`; types cost nothing. */

export type { Job, JobsOptions, Queue, QueueEvents, Redis, RedisOptions, Worker, WorkerOptions };

/** What is used of both packages. */
export interface Packages {
  readonly bullmq: typeof import('bullmq');
  readonly Redis: typeof Redis;
}

let loaded: Promise<Packages> | undefined;

/** Both packages. @throws ClusterError, telling how to install them. */
export function loadPackages(where: string): Promise<Packages> {
  loaded ??= importBoth().catch((cause: unknown) => {
    loaded = undefined;
    throw new ClusterError({
      where,
      found: `the packages of the queue cannot be loaded (${String((cause as Error)?.message).split('\n', 1)[0]})`,
      expected: 'bullmq 6.7 and ioredis 5',
      fix: 'Install them: npm install bullmq@6.7 ioredis@5.',
      cause,
    });
  });
  return loaded;
}

async function importBoth(): Promise<Packages> {
  // Names in variables, so that bundlers for browsers leave these imports alone.
  const names = ['bullmq', 'ioredis'];
  const [bullmq, ioredis] = await Promise.all(names.map((name) => import(name)));
  return { bullmq, Redis: ioredis.Redis } as Packages;
}
