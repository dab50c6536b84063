/**
 * Sums by the fixed tree: blocks of 1024 from index 0; eight strided accumulators in a block, combined as
 * ((a0+a4)+(a2+a6))+((a1+a5)+(a3+a7)); then adjacent pairs of block sums, level by level, an odd last one
 * carried up. Whoever computes the blocks, the bits are the same.
 */
export const BLOCK = 1024;

/** Number of blocks that cover n elements. */
export function blockCount(n: number): number {
  return Math.ceil(n / BLOCK);
}

/** Sum of block b of `x` for b = lo..hi-1 into `partial` [blocks]; n = number of elements of x in use. */
export function sumBlocks(x: Float64Array, n: number, partial: Float64Array, lo: number, hi: number): void {
  for (let b = lo; b < hi; b++) {
    const from = b * BLOCK;
    const to = Math.min(n, from + BLOCK);
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let a4 = 0;
    let a5 = 0;
    let a6 = 0;
    let a7 = 0;
    let i = from;
    for (; i + 8 <= to; i += 8) {
      a0 += x[i]!;
      a1 += x[i + 1]!;
      a2 += x[i + 2]!;
      a3 += x[i + 3]!;
      a4 += x[i + 4]!;
      a5 += x[i + 5]!;
      a6 += x[i + 6]!;
      a7 += x[i + 7]!;
    }
    if (i < to) a0 += x[i]!;
    if (i + 1 < to) a1 += x[i + 1]!;
    if (i + 2 < to) a2 += x[i + 2]!;
    if (i + 3 < to) a3 += x[i + 3]!;
    if (i + 4 < to) a4 += x[i + 4]!;
    if (i + 5 < to) a5 += x[i + 5]!;
    if (i + 6 < to) a6 += x[i + 6]!;
    partial[b] = a0 + a4 + (a2 + a6) + (a1 + a5 + (a3 + a7));
  }
}

/** Sum of partial[offset + stride * b], b = 0..count-1, by adjacent pairs; `partial` is overwritten. 0 when count is 0. */
export function treeSum(partial: Float64Array, count: number, offset = 0, stride = 1): number {
  if (count === 0) return 0;
  for (let width = count; width > 1; width = (width + 1) >> 1) {
    const half = width >> 1;
    for (let b = 0; b < half; b++) {
      partial[offset + stride * b] =
        partial[offset + stride * 2 * b]! + partial[offset + stride * (2 * b + 1)]!;
    }
    if (width & 1) partial[offset + stride * half] = partial[offset + stride * (width - 1)]!;
  }
  return partial[offset]!;
}

/** Sum of the first n elements of `x` by the fixed tree. Allocates n / 1024 numbers. */
export function sum(x: Float64Array, n: number = x.length): number {
  const blocks = blockCount(n);
  const partial = new Float64Array(blocks);
  sumBlocks(x, n, partial, 0, blocks);
  return treeSum(partial, blocks);
}
