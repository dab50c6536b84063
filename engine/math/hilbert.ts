/*
 * The Hilbert curve in d dimensions: it visits the 2^(b d) cells of a grid one after the other, each a neighbour of the
 * one before, so that a stretch of the curve is a compact piece of space.
 *
 * Source: Skilling (2004), "Programming the Hilbert curve", AIP Conf. Proc. 707: at each level, from the coarsest, the
 * cell is reflected and swapped into the orientation of its quarter; a Gray code of the bits is left. Departure: the
 * last correction, the parity of the bits above, is taken by shifts at once.
 */

/** Bits of the index in all, and most bits of a coordinate: a grid of 65 536 tells any particles apart. */
const INDEX_BITS = 62;
const MOST_BITS = 16;

/** Most dimensions whose coordinates all get a bit. */
export const HILBERT_DIMENSIONS: number = INDEX_BITS;

/** Bits b a coordinate gets in d dimensions: floor(62 / d), 16 at most. */
export function hilbertBits(dimension: number): number {
  return Math.min(MOST_BITS, Math.floor(INDEX_BITS / dimension));
}

/**
 * Index along the curve of n cells, as two words: high 2^32 + low.
 * @param cell [n, d] coordinates in 0..2^bits - 1; overwritten.
 * @param bits b, 1..31, with b d <= 64.
 * @param high [n] output.
 * @param low [n] output.
 */
export function hilbertIndex(
  cell: Uint32Array,
  dimension: number,
  bits: number,
  high: Uint32Array,
  low: Uint32Array,
): void {
  for (let i = 0; i < low.length; i++) {
    const at = i * dimension;
    turnIntoPlace(cell, at, dimension, bits);
    grayCode(cell, at, dimension);
    interleave(cell, at, dimension, bits, i, high, low);
  }
}

/**
 * Reflect and swap the coordinates at `at` level by level, so that every piece of the curve runs as the whole does.
 * Masks, because a branch on random bits is mispredicted every other time.
 */
function turnIntoPlace(cell: Uint32Array, at: number, d: number, bits: number): void {
  let first = cell[at]!;
  for (let level = bits - 1; level > 0; level--) {
    const below = (1 << level) - 1;
    first ^= below & -((first >>> level) & 1);
    for (let c = at + 1; c < at + d; c++) {
      const x = cell[c]!;
      const set = -((x >>> level) & 1);
      // Where the bit is set the first coordinate is reflected, else the two are swapped.
      const swapped = (first ^ x) & below & ~set;
      first ^= swapped | (below & set);
      cell[c] = x ^ swapped;
    }
  }
  cell[at] = first;
}

function grayCode(cell: Uint32Array, at: number, d: number): void {
  const last = at + d - 1;
  for (let c = at + 1; c <= last; c++) cell[c] = cell[c]! ^ cell[c - 1]!;
  // Parity of all bits above each bit of the last coordinate.
  let parity = cell[last]! >>> 1;
  for (let shift = 1; shift < 32; shift <<= 1) parity ^= parity >>> shift;
  for (let c = at; c <= last; c++) cell[c] = cell[c]! ^ parity;
}

/** The top bits of all coordinates, then the next bits of all, ... into the words of index i. */
function interleave(
  cell: Uint32Array,
  at: number,
  d: number,
  bits: number,
  i: number,
  high: Uint32Array,
  low: Uint32Array,
): void {
  let left = bits * d;
  let word = 0;
  for (let bit = bits - 1; bit >= 0; bit--) {
    for (let c = at; c < at + d; c++) {
      word = (word << 1) | ((cell[c]! >>> bit) & 1);
      if (--left === 32) {
        high[i] = word;
        word = 0;
      }
    }
  }
  if (bits * d <= 32) high[i] = 0;
  low[i] = word;
}
