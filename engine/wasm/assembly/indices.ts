// Sums of row terms over designs and over bootstrap resamples. See ../twins/index-sums.ts, ../twins/bootstrap.ts.
import { philox4, word0, word1, word2, word3 } from './philox';
import { BLOCK } from './sums';
import { fillTerm, selectTerm, sumTerm } from './terms';

// Resamples that are summed together.
const LANES: u32 = 8;

export function indexSums(
  y: usize, base: u32, stride: u32, n: u32, program: usize, terms: u32, centre: f64, partial: usize, lo: u32, hi: u32,
): void {
  for (let b = lo; b < hi; b++) {
    const from = b * BLOCK;
    const count = min<u32>(n - from, BLOCK);
    const rows = y + (<usize>(base + from) << 3);
    for (let t: u32 = 0; t < terms; t++) {
      selectTerm(program, t, rows, stride, centre);
      store<f64>(partial + (<usize>(b * terms + t) << 3), sumTerm(count));
    }
  }
}

/** floor(w n / 2^32) of four words, counted. */
@inline
function count4(counts: usize, words: v128, n: v128): void {
  const low = i64x2.extmul_low_i32x4_u(words, n);
  const high = i64x2.extmul_high_i32x4_u(words, n);
  count1(counts, i32x4.extract_lane(low, 1));
  count1(counts, i32x4.extract_lane(low, 3));
  count1(counts, i32x4.extract_lane(high, 1));
  count1(counts, i32x4.extract_lane(high, 3));
}

@inline
function count1(counts: usize, row: u32): void {
  const at = counts + <usize>row;
  store<u8>(at, load<u8>(at) + 1);
}

@inline
function row(word: u32, n: u32): u32 {
  return <u32>((<u64>word * <u64>n) >> 32);
}

/** The first `draws` words of block `lane` of the last four, counted. */
@inline
function countBlock(counts: usize, n: u32, draws: u32, w0: u32, w1: u32, w2: u32, w3: u32): void {
  if (draws > 0) count1(counts, row(w0, n));
  if (draws > 1) count1(counts, row(w1, n));
  if (draws > 2) count1(counts, row(w2, n));
  if (draws > 3) count1(counts, row(w3, n));
}

@inline
function less(a: u32, b: u32): u32 {
  return a > b ? a - b : 0;
}

export function resampleCounts(counts: usize, n: u32, k0: u32, k1: u32, first: u32, channel: u32, lo: u32, hi: u32): void {
  const zero = i32x4.splat(0);
  const rows = i32x4.splat(n);
  for (let r = lo; r < hi; r++) {
    const at = counts + <usize>r * <usize>n;
    const last = i32x4.splat(channel + first + r);
    memory.fill(at, 0, n);
    for (let m: u32 = 0; m < n; m += 16) {
      philox4(zero, zero, i32x4.add(i32x4.splat(m >>> 2), i32x4(0, 1, 2, 3)), last, k0, k1);
      if (m + 16 <= n) {
        count4(at, word0, rows);
        count4(at, word1, rows);
        count4(at, word2, rows);
        count4(at, word3, rows);
      } else {
        const left = n - m;
        countBlock(at, n, left, i32x4.extract_lane(word0, 0), i32x4.extract_lane(word1, 0), i32x4.extract_lane(word2, 0), i32x4.extract_lane(word3, 0));
        countBlock(at, n, less(left, 4), i32x4.extract_lane(word0, 1), i32x4.extract_lane(word1, 1), i32x4.extract_lane(word2, 1), i32x4.extract_lane(word3, 1));
        countBlock(at, n, less(left, 8), i32x4.extract_lane(word0, 2), i32x4.extract_lane(word1, 2), i32x4.extract_lane(word2, 2), i32x4.extract_lane(word3, 2));
        countBlock(at, n, less(left, 12), i32x4.extract_lane(word0, 3), i32x4.extract_lane(word1, 3), i32x4.extract_lane(word2, 3), i32x4.extract_lane(word3, 3));
      }
    }
  }
}

/** Counts of two resamples for two rows, as numbers. */
@inline
function spread2(to: usize, a: v128, b: v128): void {
  v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
  v128.store(to, v128.shuffle<i64>(a, b, 1, 3), 64);
}

@inline
function spread4(to: usize, a: v128, b: v128): void {
  spread2(to, f64x2.convert_low_i32x4_u(a), f64x2.convert_low_i32x4_u(b));
  spread2(to + 128, f64x2.convert_low_i32x4_u(v128.shuffle<i64>(a, a, 1, 1)), f64x2.convert_low_i32x4_u(v128.shuffle<i64>(b, b, 1, 1)));
}

/** Counts of rows row .. row + rows - 1 as numbers, groups of 8 resamples [rows, 8]. */
function spreadCounts(counts: usize, n: u32, resamples: u32, row: u32, rows: u32, tile: usize): void {
  for (let r: u32 = 0; r < resamples; r += 2) {
    const a = counts + <usize>r * <usize>n + <usize>row;
    const b = a + <usize>n;
    const to = tile + ((<usize>(r & ~7) << 13) + (<usize>(r & 7) << 3));
    let i: u32 = 0;
    for (; i + 8 <= rows; i += 8) {
      const x = v128.load8x8_u(a + i);
      const y = v128.load8x8_u(b + i);
      spread4(to + (<usize>i << 6), i32x4.extend_low_i16x8_u(x), i32x4.extend_low_i16x8_u(y));
      spread4(to + (<usize>(i + 4) << 6), i32x4.extend_high_i16x8_u(x), i32x4.extend_high_i16x8_u(y));
    }
    for (; i < rows; i++) {
      store<f64>(to + (<usize>i << 6), <f64>load<u8>(a + i));
      store<f64>(to + (<usize>i << 6), <f64>load<u8>(b + i), 8);
    }
  }
}

@inline
function addProduct(sum: v128, x: v128, count: v128): v128 {
  return f64x2.add(sum, f64x2.mul(x, count));
}

/** Sums of one term times count for 8 resamples. */
function sumLanes(term: usize, tile: usize, rows: u32, out: usize): void {
  let s0 = f64x2.splat(0.0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let i: u32 = 0; i < rows; i++) {
    const x = v128.load64_splat(term + (<usize>i << 3));
    s0 = addProduct(s0, x, v128.load(tile));
    s1 = addProduct(s1, x, v128.load(tile, 16));
    s2 = addProduct(s2, x, v128.load(tile, 32));
    s3 = addProduct(s3, x, v128.load(tile, 48));
    tile += 64;
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
}

/** The same for two terms, the second one 1024 numbers after the first; its sums go to `next`. */
function sumLanesOfTwo(term: usize, tile: usize, rows: u32, out: usize, next: usize): void {
  let s0 = f64x2.splat(0.0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  for (let i: u32 = 0; i < rows; i++) {
    const x = v128.load64_splat(term);
    const z = v128.load64_splat(term, 8192);
    const c0 = v128.load(tile);
    const c1 = v128.load(tile, 16);
    s0 = addProduct(s0, x, c0);
    t0 = addProduct(t0, z, c0);
    s1 = addProduct(s1, x, c1);
    t1 = addProduct(t1, z, c1);
    const c2 = v128.load(tile, 32);
    const c3 = v128.load(tile, 48);
    s2 = addProduct(s2, x, c2);
    t2 = addProduct(t2, z, c2);
    s3 = addProduct(s3, x, c3);
    t3 = addProduct(t3, z, c3);
    term += 8;
    tile += 64;
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
  v128.store(next, t0);
  v128.store(next, t1, 16);
  v128.store(next, t2, 32);
  v128.store(next, t3, 48);
}

export function bootstrapSums(
  y: usize, base: u32, stride: u32, n: u32, program: usize, terms: u32, centre: f64, counts: usize,
  resamples: u32, from: u32, blocks: u32, tasks: u32, scratch: usize, partial: usize, lo: u32, hi: u32,
): void {
  const tileBytes = <usize>resamples * <usize>(BLOCK << 3);
  const width = <usize>resamples << 3;
  for (let task = lo; task < hi; task++) {
    const tile = scratch + <usize>task * (tileBytes + (BLOCK << 4));
    const term = tile + tileBytes;
    const last = <u32>((<u64>(task + 1) * <u64>blocks) / <u64>tasks);
    for (let b = <u32>((<u64>task * <u64>blocks) / <u64>tasks); b < last; b++) {
      const row = from + b * BLOCK;
      const rows = min<u32>(n - row, BLOCK);
      const first = y + (<usize>(base + row) << 3);
      spreadCounts(counts, n, resamples, row, rows, tile);
      for (let t: u32 = 0; t < terms; t += 2) {
        const two = t + 1 < terms;
        const out = partial + <usize>(b * terms + t) * width;
        selectTerm(program, t, first, stride, centre);
        fillTerm(rows, term);
        if (two) {
          selectTerm(program, t + 1, first, stride, centre);
          fillTerm(rows, term + (BLOCK << 3));
        }
        for (let g: u32 = 0; g < resamples; g += LANES) {
          const at = tile + (<usize>g << 13);
          const to = out + (<usize>g << 3);
          if (two) sumLanesOfTwo(term, at, rows, to, to + width);
          else sumLanes(term, at, rows, to);
        }
      }
    }
  }
}
