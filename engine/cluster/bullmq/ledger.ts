import { EngineError, InputError } from '../../errors.ts';
import { offerKept } from '../drive.ts';
import { makeRunFolder } from '../folder.ts';
import { type Gather, makeGather } from '../gather.ts';
import type { BlobStore, ClusterResult, Plan, Work } from '../types.ts';
import type { Link } from './link.ts';
import { runKeys } from './names.ts';

/*
 * What a coordinator has of a run: results are read from Redis, which is the truth, checked, and folded at once.
 */

/** Records asked for at once: at most 256 kB each. */
const BATCH = 64;
/** A result that cannot be read is computed again, so often. */
const MOST_REPAIRS = 3;

export interface Ledger<Y> {
  readonly gather: Gather<Y>;
  /** Results that could not be read and were thrown away since the last call; their shards are missing again. */
  lost(): readonly number[];
  /** Reads these shards where they are there and not yet read. Answers the new ones. */
  read(indices: Iterable<number>): Promise<readonly number[]>;
  /** Takes what the checkpoint has. */
  resume(): Promise<void>;
  /** Reads all that Redis has, when it has more than was read. */
  readAll(): Promise<readonly number[]>;
  /** The answer, of the longest prefix where some are missing. */
  result(): Promise<ClusterResult<Y>>;
}

/** @param checkpoint a folder that keeps finished shards as well, should Redis be lost for good. */
export function openLedger<O, Y>(
  { client }: Pick<Link, 'client'>,
  work: Work<O, Y>,
  plan: Plan<O>,
  blobs: BlobStore,
  checkpoint?: string,
): Ledger<Y> {
  const gather = makeGather(work, plan, blobs);
  const { fold, total } = gather;
  const { results } = runKeys(gather.id);
  const repairs = new Map<number, number>();
  const folder = checkpoint === undefined ? undefined : makeRunFolder(checkpoint, plan);
  let lost: number[] = [];
  const offer = async (index: number, record: Buffer): Promise<boolean> => {
    try {
      const first = (await gather.offer(index, record)) === 'first';
      if (first) folder?.put(index, record);
      return first;
    } catch (error) {
      const bad = error instanceof InputError || (error instanceof EngineError && error.code === 'cluster');
      const times = (repairs.get(index) ?? 0) + 1;
      repairs.set(index, times);
      if (!bad || times > MOST_REPAIRS) throw error;
      await client.hdel(results, String(index));
      lost.push(index);
      return false;
    }
  };
  const records = async function* (indices: readonly number[]): AsyncGenerator<readonly [number, Buffer]> {
    for (let at = 0; at < indices.length; at += BATCH) {
      const part = indices.slice(at, at + BATCH);
      const found = await client.hmgetBuffer(results, ...part.map(String));
      for (let i = 0; i < part.length; i++) if (found[i] != null) yield [part[i]!, found[i]!];
    }
  };
  const read = async (indices: Iterable<number>): Promise<readonly number[]> => {
    const wanted = [...new Set(indices)].filter((index) => !fold.has(index));
    const fresh: number[] = [];
    for await (const [index, record] of records(wanted)) if (await offer(index, record)) fresh.push(index);
    return fresh;
  };
  return {
    gather,
    read,
    lost() {
      const told = lost;
      lost = [];
      return told;
    },
    async resume() {
      for (const index of folder?.indices() ?? []) {
        const record = index < total ? folder?.get(index) : undefined;
        if (record !== undefined) await offerKept(gather, folder!, index, record);
      }
    },
    async readAll() {
      // A checkpoint may have what Redis has not: then the numbers say nothing.
      if (folder === undefined && (await client.hlen(results)) <= fold.count) return [];
      const there = await client.hkeys(results);
      return read(there.map(Number).filter((index) => index < total));
    },
    result: () => gather.result((index) => folder?.get(index) ?? client.hgetBuffer(results, String(index))),
  };
}
