/*
 * `ensample/cluster`: many machines for one run. Node only, which is why it is an entry of its own: the main one runs in
 * browsers.
 */
import { type LocalOptions, localCluster } from '../engine/cluster/local.ts';
import { modelRows } from '../engine/cluster/on-cluster.ts';
import { type WorkTable, workTable } from '../engine/cluster/registry.ts';
import type { AnyWork, Cluster } from '../engine/cluster/types.ts';
import { chainPieces } from './denoising/chain-shards.ts';
import { pointRows } from './importance/plain/monte-carlo-shards.ts';
import { islandRows } from './islands/islands.ts';
import { sobolRows } from './sensitivity/sobol-shards.ts';
import { treeRows } from './tree/tree-shards.ts';

export { type BlobPlace, checkBlobs, openBlobs, tryBlobs } from '../engine/cluster/blobs.ts';
export type { RedisConnection } from '../engine/cluster/bullmq/address.ts';
export { type BullmqCluster, type BullmqOptions, bullmq } from '../engine/cluster/bullmq/cluster.ts';
export type { QueueRun } from '../engine/cluster/bullmq/coordinator.ts';
export {
  announced,
  forgetRun,
  listRuns,
  planOfRun,
  type RunRow,
} from '../engine/cluster/bullmq/fleet.ts';
export { type Forgotten, forgetWhole } from '../engine/cluster/bullmq/forget.ts';
export { type Link, openLink } from '../engine/cluster/bullmq/link.ts';
export type { Timing } from '../engine/cluster/bullmq/names.ts';
export { type QueueRow, queueRows } from '../engine/cluster/bullmq/queues.ts';
export type { WorkerEvent } from '../engine/cluster/bullmq/serve.ts';
export {
  type Announcement,
  type QueueWorker,
  type QueueWorkerOptions,
  queueWorker,
} from '../engine/cluster/bullmq/worker.ts';
export * from '../engine/cluster/cluster-error.ts';
export {
  type FileEvent,
  type FileWorker,
  type FileWorkerOptions,
  startFileWorker,
} from '../engine/cluster/file-worker.ts';
export { arraySyntax, type FilesOptions, files, MissingShards } from '../engine/cluster/files.ts';
export { type Fold, makeFold } from '../engine/cluster/fold.ts';
export { makeRunFolder, openRunFolder, type RunFolder, readPlanFile } from '../engine/cluster/folder.ts';
export { folderStatus } from '../engine/cluster/folder-status.ts';
export {
  fixedModules,
  hashModule,
  type ModuleRegistry,
  openModules,
  REGISTRY_FILE,
} from '../engine/cluster/modules.ts';
export { type OnClusterOptions, onCluster } from '../engine/cluster/on-cluster.ts';
export {
  classKey,
  decodePlan,
  encodePlan,
  makePlan,
  PROTOCOL,
  runId,
  shardAt,
  shardCount,
} from '../engine/cluster/plan.ts';
export {
  type ClusterPilot,
  type ClusterSimulation,
  chooseShards,
  type ShardChoice,
  simulateCluster,
  steadyEfficiency,
} from '../engine/cluster/planner.ts';
export {
  type ReadRecord,
  type RecordHeader,
  readFields,
  readRecord,
  writeRecord,
} from '../engine/cluster/record.ts';
export { type WorkTable, workTable } from '../engine/cluster/registry.ts';
export { computeShard, type ShardServices } from '../engine/cluster/shard.ts';
export {
  openShardService,
  openShardThreads,
  type ShardThreadOptions,
  type ShardThreads,
} from '../engine/cluster/threads.ts';
export type * from '../engine/cluster/types.ts';
export { planSharded } from '../engine/sharded.ts';
export { readParticles } from './islands/kept.ts';

/** The works of this package: one line for each, from its family. */
const WORKS: readonly AnyWork[] = [modelRows, sobolRows, pointRows, islandRows, treeRows, chainPieces];

/** The works that every worker of this package knows. */
export const ownWorks: WorkTable = workTable(WORKS);

/** URL of this module, from which threads of a worker take works and code. */
export const CLUSTER_ENTRY: string = import.meta.url;

/**
 * This machine as a cluster: shards on threads, with the bits of every other cluster. Close it at the end.
 * @throws OptionError for options that cannot be used.
 */
export function local(options: LocalOptions = {}): Cluster {
  return localCluster(options, { entry: CLUSTER_ENTRY, works: ownWorks });
}
