import type { MissingPolicy } from '../../engine/model/missing.ts';
import type { Columns, Store } from './store.ts';

/** Outputs `y` [n * rows, outputs] of base points at .. at + n - 1 into their columns. */
export function scatter(store: Columns, y: Float64Array, at: number, n: number): void {
  const { outputs, rows, stride } = store;
  const width = rows * outputs;
  for (let s = 0; s < outputs; s++) {
    for (let j = 0; j < rows; j++) {
      const to = (s * rows + j) * stride + at;
      const from = j * outputs + s;
      for (let i = 0; i < n; i++) store.y[to + i] = y[i * width + from]!;
    }
  }
}

/**
 * Put a number in place of the outputs of failed rows, or mark their base points as dropped. `failed` counts rows from
 * base point `at`. Returns how many base points were newly dropped.
 */
export function applyMissing(
  store: Store,
  policy: MissingPolicy,
  failed: readonly number[],
  at: number,
): number {
  const { rows, outputs, stride, dropped } = store;
  let count = 0;
  for (const row of failed) {
    const point = at + Math.floor(row / rows);
    if (typeof policy === 'number') {
      for (let s = 0; s < outputs; s++) store.y[(s * rows + (row % rows)) * stride + point] = policy;
    } else if (dropped[point] === 0) {
      dropped[point] = 1;
      count++;
    }
  }
  return count;
}
