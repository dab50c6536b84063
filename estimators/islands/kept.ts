import { decodeState, encodeState } from '../../engine/array/codec.ts';
import type { BlobRef, BlobStore } from '../../engine/cluster/types.ts';
import { InputError } from '../../engine/errors.ts';
import type { Sample } from '../../engine/sampler.ts';

/* Whole particles of islands, which stay in the blob store: only references to them travel. */

/** Keeps bytes, and answers where they are. */
export type Keep = (bytes: Uint8Array) => Promise<BlobRef>;

/** A weighted sample as bytes, bit for bit. */
export function encodeParticles({ points, shape, logWeight }: Sample): Uint8Array {
  return encodeState({ particles: shape }, { points, logWeight });
}

/**
 * The particles behind a reference of `result.islands.particles`.
 * @param blobs of the cluster that ran: `cluster.blobs`.
 * @throws ClusterError when they are not there; InputError for a reference to something else.
 */
export async function readParticles(blobs: Pick<BlobStore, 'get'>, ref: BlobRef): Promise<Sample> {
  const { header, arrays } = decodeState(await blobs.get(ref));
  const shape = (header as { readonly particles?: readonly [number, number] } | null)?.particles;
  const { points, logWeight } = arrays;
  if (shape !== undefined && points instanceof Float64Array && logWeight instanceof Float64Array)
    return { points, shape, logWeight };
  throw new InputError({
    where: 'readParticles',
    file: ref.sha256.slice(0, 12),
    found: 'the reference is to something else',
    expected: 'one of `result.islands.particles`',
  });
}

/** References as bytes that can be put one behind the other. */
export function encodeRefs(refs: readonly BlobRef[]): Uint8Array {
  return new TextEncoder().encode(refs.map(({ sha256, bytes }) => `${sha256} ${bytes}\n`).join(''));
}

/** What `encodeRefs` wrote, and was put one behind the other. */
export function decodeRefs(bytes: Uint8Array): readonly BlobRef[] {
  const lines = new TextDecoder().decode(bytes).split('\n').slice(0, -1);
  return lines.map((line) => {
    const [sha256 = '', size] = line.split(' ');
    return { sha256, bytes: Number(size) };
  });
}
