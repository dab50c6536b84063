import { decodePlan } from '../plan.ts';
import { readRecord } from '../record.ts';
import type { BlobRef } from '../types.ts';
import { forgetRun } from './fleet.ts';
import type { Link } from './link.ts';
import { RUNS, runKeys } from './names.ts';

/* Contents above 256 kB are named by their hash, so two runs may have the same one: it goes with the last of them. */

/** Records read at once. */
const BATCH = 64;

type Client = Link['client'];

/** What was forgotten. */
export interface Forgotten {
  /** False when there was no such run. */
  readonly gone: boolean;
  /** Contents that only this run had. */
  readonly blobs: readonly BlobRef[];
}

/**
 * Forgets a run with its contents in the blob store.
 * @param remove takes one content away; without it they stay.
 * @throws what `remove` throws: the run is kept then, and the same call goes on.
 */
export async function forgetWhole(
  link: Pick<Link, 'client'>,
  id: string,
  remove?: (ref: BlobRef) => Promise<void>,
): Promise<Forgotten> {
  const { client } = link;
  const own = await blobsOf(client, id);
  for (const other of own.size === 0 ? [] : await client.smembers(RUNS))
    if (other !== id) for (const hash of (await blobsOf(client, other)).keys()) own.delete(hash);
  const blobs = [...own.values()];
  if (remove !== undefined) for (const ref of blobs) await remove(ref);
  return { gone: await forgetRun(link, id), blobs };
}

/** Contents that a run's plan and results name, by hash. */
async function blobsOf(client: Client, id: string): Promise<Map<string, BlobRef>> {
  const found = new Map<string, BlobRef>();
  const take = (ref: BlobRef): unknown => found.set(ref.sha256, ref);
  const { plan, results } = runKeys(id);
  const bytes = await client.getBuffer(plan);
  if (bytes !== null) namedIn(decodePlan(bytes).options, take);
  const indices = await client.hkeys(results);
  for (let at = 0; at < indices.length; at += BATCH) {
    const part = indices.slice(at, at + BATCH);
    for (const record of await client.hmgetBuffer(results, ...part))
      if (record !== null) readRecord(record).header.blobs.forEach(take);
  }
  return found;
}

/** References in the options of a plan. */
function namedIn(value: unknown, take: (ref: BlobRef) => unknown): void {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
  const { sha256, bytes } = value as Partial<BlobRef>;
  if (typeof sha256 === 'string' && typeof bytes === 'number') take({ sha256, bytes });
  else for (const part of Object.values(value)) namedIn(part, take);
}
