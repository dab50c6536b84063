import type { Store } from './store.ts';
import type { SumStore } from './sum-store.ts';
import type { SobolResult } from './types.ts';

/** Base points and inputs kept in a result for pictures. */
const MOST_BASE = 2 ** 22;

/** Inputs and outputs of the A rows that were kept, replicate after replicate, without dropped rows. */
export function baseOf(store: Store | SumStore, filled: readonly number[], d: number): SobolResult['base'] {
  return store.kind === 'sums' ? fromPictures(store, filled, d) : fromColumns(store, filled, d);
}

function fromPictures(
  { pictures, outputs: k }: SumStore,
  filled: readonly number[],
  d: number,
): SobolResult['base'] {
  const { each } = pictures;
  const counts = filled.map((evaluated) => Math.min(evaluated, each));
  const n = counts.reduce((sum, count) => sum + count, 0);
  const x = new Float64Array(n * d);
  const y = new Float64Array(n * k);
  let at = 0;
  counts.forEach((count, r) => {
    x.set(pictures.x.subarray(r * each * d, (r * each + count) * d), at * d);
    y.set(pictures.y.subarray(r * each * k, (r * each + count) * k), at * k);
    at += count;
  });
  return { x, y, n };
}

function fromColumns(store: Store, filled: readonly number[], d: number): SobolResult['base'] {
  const { outputs: k, rows, stride, perReplicate } = store;
  const most = Math.max(1, Math.floor(MOST_BASE / (d + k)));
  const evaluated = filled.reduce((sum, n) => sum + n, 0);
  const x = new Float64Array(Math.min(most, evaluated) * d);
  const y = new Float64Array(Math.min(most, evaluated) * k);
  let n = 0;
  for (const { from, to } of keptRuns(store, filled, perReplicate)) {
    const count = Math.min(to - from, most - n);
    x.set(store.x.subarray(from * d, (from + count) * d), n * d);
    for (let s = 0; s < k; s++) {
      const column = s * rows * stride + from;
      for (let i = 0; i < count; i++) y[(n + i) * k + s] = store.y[column + i]!;
    }
    n += count;
  }
  return { x: x.subarray(0, n * d), y: y.subarray(0, n * k), n };
}

/** Runs from..to - 1 of evaluated base points that were not dropped. */
function* keptRuns(
  { dropped }: Store,
  filled: readonly number[],
  perReplicate: number,
): Generator<{ readonly from: number; readonly to: number }> {
  for (let r = 0; r < filled.length; r++) {
    const end = r * perReplicate + filled[r]!;
    let from = r * perReplicate;
    while (from < end) {
      const next = dropped.indexOf(1, from);
      const to = next < 0 || next > end ? end : next;
      if (to > from) yield { from, to };
      from = to + 1;
    }
  }
}
