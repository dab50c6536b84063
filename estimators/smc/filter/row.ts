/*
 * The numbers of one step of R runs, flat: column after column, each [R, size].
 */

/** Columns and how many numbers a run has in each. */
export interface RowLayout {
  /** R */
  readonly runs: number;
  /** Numbers in a row. */
  readonly width: number;
  readonly columns: Readonly<Record<Column, { readonly at: number; readonly size: number }>>;
}

export type Column =
  | 'logNormalizer'
  | 'increment'
  | 'ess'
  | 'resampled'
  | 'families'
  | 'mean'
  | 'covariance'
  | 'meanError'
  | 'expectation'
  | 'expectationError';

interface Sizes {
  readonly runs: number;
  /** d */
  readonly dimension: number;
  readonly moments: 'none' | 'mean' | 'covariance';
  /** k */
  readonly functions: number;
  readonly genealogyErrors: boolean;
}

export function rowLayout({ runs, dimension: d, moments, functions, genealogyErrors }: Sizes): RowLayout {
  const mean = moments === 'none' ? 0 : d;
  const sizes: Record<Column, number> = {
    ...{ logNormalizer: 1, increment: 1, ess: 1, resampled: 1, families: 1 },
    mean,
    covariance: moments === 'covariance' ? d * d : 0,
    meanError: genealogyErrors ? mean : 0,
    expectation: functions,
    expectationError: genealogyErrors ? functions : 0,
  };
  let at = 0;
  const place = (size: number): { at: number; size: number } => {
    const column = { at, size };
    at += runs * size;
    return column;
  };
  const columns = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, place(size)]));
  // Every column of `sizes` was placed.
  return { runs, width: at, columns: columns as RowLayout['columns'] };
}

/** A column of a row, [R, size]; a view. */
export function cells({ runs, columns }: RowLayout, row: Float64Array, column: Column): Float64Array {
  const { at, size } = columns[column];
  return row.subarray(at, at + runs * size);
}

/** Rows that grow in number. */
export interface Rows {
  readonly count: number;
  row(t: number): Float64Array;
  push(row: Float64Array): void;
  /** All of them, [count, width]; a copy. */
  copy(): Float64Array;
}

export function makeRows(width: number, first: ArrayLike<number> = []): Rows {
  let held = Float64Array.from(first);
  let count = first.length / width;
  return {
    get count() {
      return count;
    },
    row: (t) => held.subarray(t * width, (t + 1) * width),
    push(row) {
      if ((count + 1) * width > held.length) {
        const longer = new Float64Array(Math.max(16, 2 * count) * width);
        longer.set(held);
        held = longer;
      }
      held.set(row, count++ * width);
    },
    copy: () => held.slice(0, count * width),
  };
}
