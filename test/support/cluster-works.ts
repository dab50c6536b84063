import { threadId } from 'node:worker_threads';
import { workTable } from '../../engine/cluster/registry.ts';
import { arraysCodec, mergeRows, mergeSums, sumOfRange } from '../../engine/cluster/summaries.ts';
import type { Work } from '../../engine/cluster/types.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';

/** Sums of e^u and of u over the points of a range, each with a uniform of its own. */
export const sumWork: Work<{ readonly slow?: number }, { readonly sums: Float64Array }> = {
  name: 'test-sums',
  version: 1,
  async compute({ lo, hi }, { slow = 0 }, { rng, count }) {
    const values = points(rng, lo, hi);
    if (slow > 0) await new Promise((resolve) => setTimeout(resolve, slow));
    count(hi - lo);
    return {
      sums: Float64Array.of(sumOfRange(values.map(Math.exp), hi - lo), sumOfRange(values, hi - lo)),
    };
  },
  codec: arraysCodec({ sums: Float64Array }),
  merge: (left, right) => ({ sums: mergeSums(left.sums, right.sums) }),
};

/** Numbers of [0, 1), that of point i addressed by i. */
export function points(
  rng: Parameters<typeof sumWork.compute>[2]['rng'],
  lo: number,
  hi: number,
): Float64Array {
  return Float64Array.from({ length: hi - lo }, (_, i) =>
    rng.stream({ purpose: PURPOSE.point, particle: lo + i }).uniform(),
  );
}

let computed = 0;

export interface WrongOptions {
  readonly way: string;
  readonly at: number;
  readonly bytes?: number;
}

export type Wrong = { readonly y: Float64Array };

/** Shards that go wrong in the way the options say. */
export const wrongWork: Work<WrongOptions, Wrong> = {
  name: 'test-wrong',
  version: 1,
  async compute({ index }, { way, at, bytes = 8 }, { model }) {
    if (index === at) {
      if (way === 'exit') process.exit(3);
      if (way === 'throw') throw new TypeError('no such luck');
      if (way === 'model') model();
      // Every computation gives another number, near or far.
      if (way === 'last bit') return { y: new Float64Array(bytes / 8).fill(1 + 1e-12 * ++computed) };
      if (way === 'apart') return { y: new Float64Array(bytes / 8).fill(++computed) };
    }
    // Biome forbids the global's usual spelling for a reason, and this work exists to break it.
    const noise = way === 'random' ? Number(process.hrtime.bigint() % 1000n) + threadId : 0;
    return { y: new Float64Array(bytes / 8).fill(index + noise) };
  },
  codec: arraysCodec({ y: Float64Array }),
  merge: mergeRows,
};

export const works = workTable([sumWork, wrongWork]);
