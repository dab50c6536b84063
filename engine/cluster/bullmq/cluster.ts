import { checkOptionNames } from '../../check.ts';
import { checkBlobs, openBlobs } from '../blobs.ts';
import { ClusterError } from '../cluster-error.ts';
import { moduleRef } from '../modules.ts';
import { chooseCut, MOST_IN_FOLDER, type PilotHome } from '../pilot.ts';
import { classKey } from '../plan.ts';
import type { BlobStore, Cluster, CutRequest, Plan, SubmitOptions, Work, WorkerInfo } from '../types.ts';
import { type RedisConnection, readAddress } from './address.ts';
import { type QueueRun, submitToQueue } from './coordinator.ts';
import { announced } from './fleet.ts';
import { type Link, openLink } from './link.ts';
import { cutKey, KEPT, TIMING, type Timing } from './names.ts';
import { openQueues } from './open-queues.ts';
import { tellFull } from './room.ts';

export interface BullmqOptions {
  /** Where Redis or Valkey is. Default: ENSAMPLE_REDIS_URL, else redis://127.0.0.1:6379. */
  readonly connection?: string | RedisConnection;
  /**
   * A folder that all machines share, or 's3://bucket/prefix', for contents above 256 kB. Without it no result may be so
   * large. Keys of S3 come from the environment, see docs/clusters.md.
   */
  readonly blobs?: string;
  /** Folder with ensample.models.json, or one model file. Default: what lies beside the model. */
  readonly models?: string;
  readonly timing?: Partial<Timing>;
}

/** Machines that share a queue. */
export interface BullmqCluster extends Cluster {
  /** Of the server, without user and password. */
  readonly address: string;
  /** What is not as it should be on the server. @throws ClusterError when it is not there. */
  warnings(): Promise<readonly string[]>;
  submit<O, Y>(work: Work<O, Y>, plan: Plan<O>, options?: SubmitOptions): QueueRun<Y>;
}

const WHERE = 'bullmq';

/**
 * Shards on a BullMQ queue in Redis or Valkey, computed by `ensample worker`. Needs the packages bullmq and ioredis.
 * @throws OptionError for an address that is none, or neither on this machine nor protected.
 */
export function bullmq(options: BullmqOptions = {}): BullmqCluster {
  checkOptionNames(WHERE, options, ['connection', 'blobs', 'models', 'timing']);
  const { connection } = options;
  const insecure = typeof connection === 'object' && connection.insecure === true;
  const blobs =
    options.blobs === undefined ? NO_BLOBS : openBlobs(checkBlobs(WHERE, options.blobs, insecure));
  const timing = { ...TIMING, ...options.timing };
  const address = readAddress(WHERE, connection).shown;
  const link = openLink(WHERE, connection);
  // Told to whoever uses it.
  link.catch(() => {});
  const queues = openQueues();
  const submit: BullmqCluster['submit'] = (work, plan, own = {}) =>
    submitToQueue({ link, queues, work, plan, options: own, blobs, timing });
  const workers: BullmqCluster['workers'] = async () => {
    const fleet = await announced(await link);
    return fleet.map(
      ({ id, host, pid, threads, classes }): WorkerInfo => ({ id, host, pid, threads, classes }),
    );
  };
  return {
    name: WHERE,
    address,
    blobs,
    warnings: async () => (await link).warnings,
    moduleOf: async (url, exportName) => moduleRef(url, exportName, options.models),
    submit,
    workers,
    cut: async (request) =>
      chooseCut(await pilotHome(await link, { submit, workers, blobs }, request), request),
    async close() {
      await queues.close();
      await (await link.catch(() => undefined))?.close();
    },
  };
}

/** Choices are kept as long as results. */
async function pilotHome(
  { client, address }: Link,
  { blobs, ...cluster }: Pick<BullmqCluster, 'submit' | 'workers' | 'blobs'>,
  { work }: CutRequest,
): Promise<PilotHome> {
  let way = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await client.ping();
    way = Math.min(way, performance.now() - start);
  }
  return {
    ...cluster,
    path: { overhead: 0.0002 + way / 1000, ...(blobs.none === true ? {} : { mostBytes: MOST_IN_FOLDER }) },
    async threads(plan) {
      const key = classKey(work, plan);
      const fleet = await announced({ client });
      return fleet.reduce((sum, { classes, threads }) => sum + (classes.includes(key) ? threads : 0), 0);
    },
    async recall(name) {
      await client.expire(cutKey(name), KEPT);
      return (await client.get(cutKey(name))) ?? undefined;
    },
    async keep(name, text) {
      await client.set(cutKey(name), text, 'EX', KEPT, 'NX').catch((error) => tellFull(address, error));
      return (await client.get(cutKey(name))) ?? text;
    },
  };
}

/** Where there is no shared folder. */
export const NO_BLOBS: BlobStore = {
  none: true,
  async put(bytes) {
    throw new ClusterError({
      where: WHERE,
      found: `a content of ${bytes.length} bytes and no place for it`,
      expected: 'at most 256 kB, or a folder or S3 that all machines share',
      fix: 'Give it: --blobs DIR or s3://BUCKET/PREFIX, or the option `blobs`.',
    });
  },
  async get({ sha256 }) {
    throw new ClusterError({
      where: WHERE,
      found: `a result lies in blob ${sha256.slice(0, 12)} and no place of blobs is known`,
      expected: 'the one that workers have as --blobs',
      fix: 'Give it: --blobs DIR or s3://BUCKET/PREFIX.',
    });
  },
};
