import { NondeterminismError } from './cluster-error.ts';
import { type ReadRecord, type RecordHeader, readFields, readRecord } from './record.ts';
import type { BlobStore, Field, Plan, ShardDifference } from './types.ts';

/** Two results of tier B that are no further apart than this agree: what normals of two graphics cards may differ by. */
export const TOLERANCE = 1e-5;

/**
 * Compares two results of one shard, as the tier of the plan allows: in tier A the bytes, in tier B the numbers.
 * @returns undefined where the bytes are the same.
 * @throws NondeterminismError in tier A; ClusterError for a bad blob.
 */
export async function compareRecords(
  { tier }: Pick<Plan<unknown>, 'tier'>,
  one: Uint8Array,
  other: Uint8Array,
  blobs: BlobStore,
): Promise<ShardDifference | undefined> {
  const [a, b] = [readRecord(one), readRecord(other)];
  const shard = a.header.index;
  if (a.header.bodyHash === b.header.bodyHash) return undefined;
  if (tier === 'A') throw differ(shard, a.header, b.header);
  const largest = await largestDifference(a, b, blobs);
  return { shard, largest, agrees: largest !== undefined && largest <= TOLERANCE };
}

/** The error of two records of a shard with other bodies. */
export function differ(shard: number, one: RecordHeader, other: RecordHeader): NondeterminismError {
  const told = ({ bodyHash: hash, host, pid }: RecordHeader): { hash: string; worker: string } => ({
    hash,
    worker: `${host}, process ${pid}`,
  });
  return new NondeterminismError('cluster', shard, told(one), told(other));
}

async function largestDifference(
  one: ReadRecord,
  other: ReadRecord,
  blobs: BlobStore,
): Promise<number | undefined> {
  const [a, b] = [await readFields(one, blobs), await readFields(other, blobs)];
  let largest = 0;
  if (Object.keys(a).join() !== Object.keys(b).join()) return undefined;
  for (const [name, field] of Object.entries(a)) {
    const found = fieldDifference(field, b[name]!);
    if (!(found < Infinity)) return undefined;
    largest = Math.max(largest, found);
  }
  return largest;
}

/** Infinity where integers, shapes or NaN differ. */
function fieldDifference(one: Field, other: Field): number {
  const [a, b] = [one.data, other.data];
  if (one.shape.join() !== other.shape.join() || a.constructor !== b.constructor) return Infinity;
  const floats = a instanceof Float64Array || a instanceof Float32Array;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (Object.is(x, y) || x === y) continue;
    const off = Math.abs(x - y) / Math.max(1, Math.abs(x), Math.abs(y));
    largest = floats && off < Infinity ? Math.max(largest, off) : Infinity;
  }
  return largest;
}
