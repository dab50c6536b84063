import { InputError } from '../errors.ts';
import { ClusterError } from './cluster-error.ts';
import { compareRecords, differ } from './conflict.ts';
import { type Fold, makeFold } from './fold.ts';
import { classKey, runId, shardCount } from './plan.ts';
import { type ReadRecord, type RecordHeader, readFields, readRecord } from './record.ts';
import type { BlobStore, ClusterProgress, ClusterResult, Plan, ShardDifference, Work } from './types.ts';

/** Collects records of a run in any order, compares those that come twice, and merges them in the order of the tree. */
export interface Gather<Y> {
  readonly id: string;
  readonly total: number;
  readonly fold: Fold<Y>;
  retried: number;
  failed: number;
  /** Of tier B: shards that came twice with other bytes. */
  readonly differences: ShardDifference[];
  /**
   * @param first the record that came before, where there is one: in tier B numbers are compared.
   * @throws InputError for what is no record of this run; NondeterminismError when the shard came before with another
   * body (tier A); ClusterError for a bad blob.
   */
  offer(index: number, record: Uint8Array, first?: Uint8Array): Promise<'first' | 'duplicate'>;
  progress(workers: number): ClusterProgress;
  /** The answer of all shards, or of the longest prefix that is all there. */
  result(again: (index: number) => Kept | Promise<Kept>): Promise<ClusterResult<Y>>;
}

/** A record that was kept, where it was. */
type Kept = Uint8Array | null | undefined;

interface Counts {
  duplicates: number;
  bytes: number;
  evaluations: number;
}

/** Sums of milliseconds of shards and of their squares, and the least of them. */
interface Times {
  sum: number;
  squares: number;
  least: number;
}

/** Nothing gathered yet. */
export function makeGather<O, Y>(work: Work<O, Y>, plan: Plan<O>, blobs: BlobStore): Gather<Y> {
  const id = runId(plan);
  const key = classKey(work, plan);
  const total = shardCount(plan);
  const merge = (left: Y, right: Y): Y => work.merge(left, right);
  const fold = makeFold<Y>(total, merge);
  const seen = new Map<number, RecordHeader>();
  const differences: ShardDifference[] = [];
  const counts: Counts = { duplicates: 0, bytes: 0, evaluations: 0 };
  const times: Times = { sum: 0, squares: 0, least: Number.NaN };
  const start = performance.now();
  let before: number | undefined;
  const valued = async (record: ReadRecord): Promise<Y> => work.codec.decode(await readFields(record, blobs));
  return {
    id,
    total,
    fold,
    retried: 0,
    failed: 0,
    differences,
    async offer(index, bytes, first) {
      const record = readRecord(bytes, `result of shard ${index}`);
      checkOrigin(record.header, { runId: id, class: key, index });
      const earlier = seen.get(index);
      if (earlier !== undefined) {
        if (earlier.bodyHash === record.header.bodyHash) counts.duplicates++;
        else if (first === undefined) throw differ(index, earlier, record.header);
        else differences.push((await compareRecords(plan, first, bytes, blobs))!);
        return 'duplicate';
      }
      const value = await valued(record);
      // Others may have offered the same shard while a blob was read.
      if (!fold.add(index, value)) return 'duplicate';
      seen.set(index, record.header);
      counts.bytes += record.header.bodyBytes;
      counts.evaluations += record.header.evaluations;
      addTime(times, record.header.wallMs);
      return 'first';
    },
    progress(workers) {
      before ??= fold.count;
      const rate = (fold.count - before) / (performance.now() - start);
      const eta = rate > 0 ? (total - fold.count) / rate : undefined;
      const { failed, retried } = this;
      return {
        done: fold.count,
        total,
        failed,
        retried,
        workers,
        eta,
        ...counts,
        times: told(times, fold.count),
      };
    },
    async result(again) {
      const { evaluations } = counts;
      const told = { evaluations, ...(differences.length > 0 ? { differences } : {}) };
      if (fold.count === total) return { value: fold.result(), shards: total, complete: true, ...told };
      const { prefix } = fold;
      if (prefix === 0) throw nothingThere();
      // Of the whole tree other pairs are merged than of the prefix: it gets a tree of its own.
      const part = makeFold<Y>(prefix, merge);
      for (let index = 0; index < prefix; index++) {
        const bytes = await again(index);
        if (bytes == null) throw nothingThere();
        part.add(index, await valued(readRecord(bytes)));
      }
      return { value: part.result(), shards: prefix, complete: false, ...told };
    },
  };
}

function addTime(times: Times, milliseconds: number): void {
  times.sum += milliseconds;
  times.squares += milliseconds ** 2;
  if (!(times.least <= milliseconds)) times.least = milliseconds;
}

function told({ sum, squares, least }: Times, shards: number): ClusterProgress['times'] {
  const mean = sum / shards;
  return { mean, least, variation: Math.sqrt(Math.max(0, squares / shards - mean * mean)) / mean };
}

function checkOrigin(header: RecordHeader, own: Pick<RecordHeader, 'runId' | 'class' | 'index'>): void {
  for (const name of ['runId', 'class', 'index'] as const) {
    if (header[name] === own[name]) continue;
    throw new InputError({
      where: 'cluster',
      file: 'record',
      found: `a record has ${name} ${header[name]} (engine ${header.engine}, from ${header.host})`,
      expected: `${name} ${own[name]}`,
      fix: 'Workers and coordinator need the same version of ensample, of Node and of the model.',
    });
  }
}

function nothingThere(): ClusterError {
  return new ClusterError({
    where: 'cluster',
    found: 'the deadline came before the first shard was done',
    expected: 'time for at least one shard',
  });
}
