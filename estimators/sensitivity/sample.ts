import type { Arena, Backend } from '../../engine/backend/backend.ts';
import { blockCount, treeSum } from '../../engine/wasm/twins/sums.ts';
import type { Quantities } from './quantities.ts';
import type { Columns, Segment } from './store.ts';

/** Some base points as one sample, as point estimates see it: sums of row terms. */
export interface RowSample {
  readonly outputs: number;
  readonly n: number;
  /** Mean of output s over A and B. */
  centre(s: number): Promise<number>;
  /** Means of the terms of output s about `centre` into `out` [terms]. */
  means(s: number, centre: number, out: Float64Array): Promise<void>;
}

/** The base points of a segment of columns, summed by the fixed tree; scratch memory comes from `arena`. */
export function columnSample(
  backend: Backend,
  columns: Columns,
  segment: Segment,
  quantities: Quantities,
  centreWords: Uint32Array,
  arena: Arena,
): RowSample {
  const { outputs, rows, stride } = columns;
  const { program, terms } = quantities;
  const { from, n } = segment;
  const blocks = blockCount(n);
  const partial = arena.f64(blocks * Math.max(terms, 2));
  const centreTerms = copyWords(arena.u32(centreWords.length), centreWords);
  const words = copyWords(arena.u32(program.length), program);
  const sums = async (s: number, which: Uint32Array, count: number, m: number): Promise<void> => {
    const base = s * rows * stride + from;
    await backend.dispatch('indexSums', [columns.y, base, stride, n, which, count, m, partial], blocks);
  };
  return {
    outputs,
    n,
    async centre(s) {
      await sums(s, centreTerms, 2, 0);
      return (treeSum(partial, blocks, 0, 2) + treeSum(partial, blocks, 1, 2)) / (2 * n);
    },
    async means(s, centre, out) {
      await sums(s, words, terms, centre);
      for (let t = 0; t < terms; t++) out[t] = treeSum(partial, blocks, t, terms) / n;
    },
  };
}

function copyWords(to: Uint32Array, from: Uint32Array): Uint32Array {
  to.set(from);
  return to;
}
