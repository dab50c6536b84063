import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blobFolder } from './folder.ts';
import { openS3, readS3 } from './s3.ts';
import type { BlobRef, BlobStore } from './types.ts';

/* Where blobs lie, as settings and threads name it: a folder, 'file:///shared/blobs', or 's3://bucket/prefix'. */

/** A place that contents can be taken out of. */
export interface BlobPlace extends BlobStore {
  /** Nothing happens where it is not there. */
  remove(ref: Pick<BlobRef, 'sha256'>): Promise<void>;
}

/**
 * Checks the place of blobs before any work, and answers it.
 * @param insecure allow plain HTTP beyond this machine.
 * @throws OptionError for an address that is none, keys that are not in the environment, or plain HTTP.
 */
export function checkBlobs(where: string, place: string, insecure = false): string {
  if (isS3(place)) readS3(where, place, { insecure });
  return place;
}

/** The store at a place that was checked. */
export function openBlobs(place: string): BlobPlace {
  if (isS3(place)) return openS3(readS3('blobs', place, { insecure: true }));
  const folder = place.startsWith('file:') ? fileURLToPath(place) : place;
  return {
    ...blobFolder(folder),
    async remove({ sha256 }) {
      if (/^[0-9a-f]{64}$/.test(sha256)) rmSync(join(folder, sha256), { force: true });
    },
  };
}

/** Blobs written to the first place, and read from the first that has them. */
export function openPlaces([first = '', ...others]: readonly string[]): BlobStore {
  const store = openBlobs(first);
  if (others.length === 0) return store;
  const behind = openPlaces(others);
  return { put: store.put, get: (ref) => store.get(ref).catch(() => behind.get(ref)) };
}

/** Whether contents can be written and read back: a worker asks before it takes shards. @throws what the store throws. */
export async function tryBlobs(store: BlobStore): Promise<void> {
  await store.get(await store.put(new TextEncoder().encode('ensample')));
}

function isS3(place: string): boolean {
  return /^s3:/i.test(place);
}
