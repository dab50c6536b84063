import { fillTerm } from './index-sums.ts';
import { philoxBlock } from './philox.ts';
import { BLOCK } from './sums.ts';

/**
 * Bootstrap of rows by counts: a resample draws n of n rows, and the sum of a term over it is the sum of the term
 * times how often each row was drawn. Counts are bytes (255 copies of one row of n > 255 do not happen).
 */
const words = new Uint32Array(4);

/** Resamples that are summed together, the width of a group of accumulators. */
export const LANES = 8;

/**
 * Counts of resamples first + lo .. first + hi - 1 into counts[r * n ..], r = lo..hi-1. Draw m of a resample is
 * floor(w n / 2^32), w word m of the stream (particle 0, step 0, purpose and sub = channel + resample).
 */
export function resampleCounts(
  counts: Uint8Array,
  n: number,
  k0: number,
  k1: number,
  first: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  for (let r = lo; r < hi; r++) {
    const at = r * n;
    counts.fill(0, at, at + n);
    for (let m = 0; m < n; m += 4) {
      philoxBlock(0, 0, m >>> 2, (channel + first + r) >>> 0, k0, k1, words);
      const last = Math.min(4, n - m);
      for (let i = 0; i < last; i++) {
        const w = words[i]!;
        const row = Math.floor(((w >>> 16) * n + Math.floor(((w & 0xffff) * n) / 65536)) / 65536);
        counts[at + row]!++;
      }
    }
  }
}

/**
 * Sums of row terms over resamples: partial[(b * terms + t) * resamples + r] for blocks b = 0..blocks-1 of 1024 rows,
 * the first of which is row `from` of n. Within a block rows are added one after the other.
 *
 * The range is over tasks: task i of `tasks` does blocks floor(i blocks / tasks) up to those of task i + 1 and owns
 * scratch[i * (resamples + 2) * 1024 ..]. `resamples` is a multiple of 8; rows of `counts` [resamples, n].
 */
export function bootstrapSums(
  y: Float64Array,
  base: number,
  stride: number,
  n: number,
  program: Uint32Array,
  terms: number,
  centre: number,
  counts: Uint8Array,
  resamples: number,
  from: number,
  blocks: number,
  tasks: number,
  scratch: Float64Array,
  partial: Float64Array,
  lo: number,
  hi: number,
): void {
  const size = (resamples + 2) * BLOCK;
  for (let task = lo; task < hi; task++) {
    const tile = task * size;
    const term = tile + resamples * BLOCK;
    const last = Math.floor(((task + 1) * blocks) / tasks);
    for (let b = Math.floor((task * blocks) / tasks); b < last; b++) {
      const row = from + b * BLOCK;
      const rows = Math.min(n - row, BLOCK);
      spreadCounts(counts, n, resamples, row, rows, scratch, tile);
      for (let t = 0; t < terms; t++) {
        fillTerm(program, t, y, base, stride, centre, row, rows, scratch, term);
        const out = (b * terms + t) * resamples;
        for (let g = 0; g < resamples; g += LANES) {
          sumLanes(scratch, term, tile + g * BLOCK, rows, partial, out + g);
        }
      }
    }
  }
}

/** Counts of rows row .. row + rows - 1 as numbers: group g of 8 resamples is [rows, 8] at tile + g * 8 * 1024. */
function spreadCounts(
  counts: Uint8Array,
  n: number,
  resamples: number,
  row: number,
  rows: number,
  scratch: Float64Array,
  tile: number,
): void {
  for (let r = 0; r < resamples; r++) {
    const to = tile + (r - (r % LANES)) * BLOCK + (r % LANES);
    const source = r * n + row;
    for (let i = 0; i < rows; i++) scratch[to + i * LANES] = counts[source + i]!;
  }
}

/** Sums of term times count for 8 resamples into partial[out .. out + 7]. */
function sumLanes(
  scratch: Float64Array,
  term: number,
  tile: number,
  rows: number,
  partial: Float64Array,
  out: number,
): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  let s5 = 0;
  let s6 = 0;
  let s7 = 0;
  for (let i = 0, c = tile; i < rows; i++, c += LANES) {
    const x = scratch[term + i]!;
    s0 += x * scratch[c]!;
    s1 += x * scratch[c + 1]!;
    s2 += x * scratch[c + 2]!;
    s3 += x * scratch[c + 3]!;
    s4 += x * scratch[c + 4]!;
    s5 += x * scratch[c + 5]!;
    s6 += x * scratch[c + 6]!;
    s7 += x * scratch[c + 7]!;
  }
  partial[out] = s0;
  partial[out + 1] = s1;
  partial[out + 2] = s2;
  partial[out + 3] = s3;
  partial[out + 4] = s4;
  partial[out + 5] = s5;
  partial[out + 6] = s6;
  partial[out + 7] = s7;
}
