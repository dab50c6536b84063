import type { Segment, Store } from './store.ts';
import { blocksOf, squaresAbout } from './sum-sample.ts';
import { RANGES, type SumStore } from './sum-store.ts';

/** Range of an output, and the largest share of the squares about the mean in A and B. */
export interface OutputRange {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/** Over A and B; when nothing moves there, over all columns. */
export function outputRange(
  store: Store | SumStore,
  segments: readonly Segment[],
  s: number,
  centre: number,
): OutputRange {
  return store.kind === 'sums'
    ? rangeOfBlocks(store, segments, s, centre)
    : rangeOfColumns(store, segments, s, centre);
}

function rangeOfColumns(store: Store, segments: readonly Segment[], s: number, centre: number): OutputRange {
  const last = store.rows - 1;
  const range = { low: Infinity, high: -Infinity, largest: 0, squares: 0 };
  const include = (j: number): void => {
    const column = (s * store.rows + j) * store.stride;
    for (const { from, n } of segments) widen(range, store, column, from, from + n, centre);
  };
  include(0);
  include(last);
  const share = range.largest / range.squares;
  for (let j = 1; j < last && range.low === range.high; j++) include(j);
  return { low: range.low, high: range.high, share };
}

function rangeOfBlocks(
  store: SumStore,
  segments: readonly Segment[],
  s: number,
  centre: number,
): OutputRange {
  const blocks = blocksOf(segments);
  const ends = (at: number): { low: number; high: number } => {
    let [low, high] = [Infinity, -Infinity];
    for (const block of blocks) {
      const of = (block * store.outputs + s) * RANGES + at;
      low = Math.min(low, store.ranges[of]!);
      high = Math.max(high, store.ranges[of + 1]!);
    }
    return { low, high };
  };
  const base = ends(0);
  const { low, high } = base.low === base.high ? ends(2) : base;
  const far = Math.max(base.high - centre, centre - base.low);
  return { low, high, share: (far * far) / squaresAbout(store, segments, s, centre) };
}

function widen(
  range: { low: number; high: number; largest: number; squares: number },
  { y, dropped }: Store,
  column: number,
  from: number,
  to: number,
  centre: number,
): void {
  let { low, high, largest, squares } = range;
  for (let p = from; p < to; p++) {
    if (dropped[p] !== 0) continue;
    const value = y[column + p]!;
    if (value < low) low = value;
    if (value > high) high = value;
    const square = (value - centre) * (value - centre);
    squares += square;
    if (square > largest) largest = square;
  }
  range.low = low;
  range.high = high;
  range.largest = largest;
  range.squares = squares;
}
