import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRow } from './bullmq/fleet.ts';
import { aliveWorkers, clockOf } from './file-tasks.ts';
import { runFoldersIn } from './files.ts';
import { openRunFolder, readPlanFile } from './folder.ts';
import { decodePlan, isPilot, runId, shardCount } from './plan.ts';
import { readRecord } from './record.ts';
import type { WorkerInfo } from './types.ts';

/** Records that say how long shards take. */
const SAMPLE = 8;

/** Who works in a shared folder, and how far its runs are. */
export function folderStatus(directory: string): {
  readonly workers: readonly WorkerInfo[];
  readonly runs: readonly RunRow[];
} {
  const workers = aliveWorkers(directory, clockOf(directory)());
  const threads = workers.reduce((sum, worker) => sum + worker.threads, 0);
  return { workers, runs: runFoldersIn(directory).map((path) => rowOf(path, threads)) };
}

function rowOf(path: string, threads: number): RunRow {
  const plan = decodePlan(readPlanFile(path)!);
  const { indices, get } = openRunFolder(path);
  const there = indices();
  const [done, total] = [there.length, shardCount(plan)];
  const mean = meanTime(there.slice(0, SAMPLE).map((index) => get(index)));
  const rate = threads > 0 && mean > 0 && done < total ? (1000 * threads) / mean : undefined;
  return {
    ...{ id: runId(plan), work: plan.work, module: plan.module?.name, seed: plan.seed, done, total },
    ...{ failed: listed(join(path, 'fail')).length, duplicates: 0, leader: undefined },
    retried: listed(join(path, 'retry')).length,
    ...{ pilot: isPilot(plan), rate, left: rate === undefined ? undefined : (total - done) / rate },
  };
}

function meanTime(records: readonly (Uint8Array | undefined)[]): number {
  const times = records.flatMap((record) => (record === undefined ? [] : [readRecord(record).header.wallMs]));
  return times.reduce((sum, time) => sum + time, 0) / times.length;
}

function listed(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
