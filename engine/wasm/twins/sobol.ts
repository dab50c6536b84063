/**
 * Points of a Sobol' sequence in Gray-code order (Antonov & Saleev 1979), scrambled on the way out.
 *
 * Point n of a coordinate is the XOR of its direction numbers v_k over the set bits k of n XOR (n >> 1), and
 * point n + 1 is point n XOR v_c, c = 1 + trailing zeros of n + 1. A range starts by the first rule and goes
 * on by the second, so the points do not depend on how a range is cut.
 *
 * Modes: 0 as it is; 1 hash form of Owen's nested uniform scramble, by the four words of the coordinate;
 * 2 digital shift by the first of its words (after a matrix scramble of the direction numbers, or alone).
 */
const TILE = 512;
const tile = new Uint32Array(TILE);

function reverseBits(x: number): number {
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}

/**
 * Nested permutation of the 32-bit integers: the top b bits of the result depend only on the top b bits of x.
 * On the reversed bits every step (XOR with a word, r ^= r * even, r *= odd, r += word) carries only upwards.
 */
export function hashOwen(x: number, w0: number, w1: number, w2: number, w3: number): number {
  let r = reverseBits(x) ^ w0;
  r ^= Math.imul(r, w1 & -2);
  r = Math.imul(r, (w1 >>> 7) | 1) + w2;
  r ^= Math.imul(r, w2 & -2);
  r = Math.imul(r, (w2 >>> 7) | 1) + w3;
  r ^= Math.imul(r, w3 & -2);
  r = Math.imul(r, (w3 >>> 7) | 1) + w0;
  return reverseBits(r) >>> 0;
}

/** Points index .. index + count - 1 of coordinate c into the tile. */
function fillTile(
  directions: Uint32Array,
  scramble: Uint32Array,
  mode: number,
  c: number,
  index: number,
  count: number,
): void {
  const v = 32 * c;
  let x = 0;
  for (let gray = (index ^ (index >>> 1)) >>> 0; gray !== 0; gray &= gray - 1) {
    x ^= directions[v + 31 - Math.clz32(gray & -gray)]!;
  }
  tile[0] = x;
  for (let j = 1; j < count; j++) {
    const n = (index + j) | 0;
    x ^= directions[v + 31 - Math.clz32(n & -n)]!;
    tile[j] = x;
  }
  if (mode === 0) return;
  const w0 = scramble[4 * c]!;
  if (mode === 2) {
    for (let j = 0; j < count; j++) tile[j]! ^= w0;
    return;
  }
  const w1 = scramble[4 * c + 1]!;
  const w2 = scramble[4 * c + 2]!;
  const w3 = scramble[4 * c + 3]!;
  for (let j = 0; j < count; j++) tile[j] = hashOwen(tile[j]!, w0, w1, w2, w3);
}

/**
 * 32-bit points of the sequence: row i of `out` [n, d] is point first + i, for rows lo..hi-1.
 * `directions` [d, 32] direction numbers v_1..v_32 of each coordinate; `scramble` [d, 4] its words (any, when mode
 * is 0); first + hi <= 2^32.
 */
export function sobolWords(
  directions: Uint32Array,
  scramble: Uint32Array,
  mode: number,
  d: number,
  out: Uint32Array,
  first: number,
  lo: number,
  hi: number,
): void {
  for (let from = lo; from < hi; from += TILE) {
    const count = Math.min(TILE, hi - from);
    for (let c = 0; c < d; c++) {
      fillTile(directions, scramble, mode, c, first + from, count);
      for (let j = 0, at = from * d + c; j < count; j++, at += d) out[at] = tile[j]!;
    }
  }
}

/** The same points as uniforms u = (x + 1/2) / 2^32, never 0 or 1, into `out` [n, d]. */
export function sobolPoints(
  directions: Uint32Array,
  scramble: Uint32Array,
  mode: number,
  d: number,
  out: Float64Array,
  first: number,
  lo: number,
  hi: number,
): void {
  for (let from = lo; from < hi; from += TILE) {
    const count = Math.min(TILE, hi - from);
    for (let c = 0; c < d; c++) {
      fillTile(directions, scramble, mode, c, first + from, count);
      for (let j = 0, at = from * d + c; j < count; j++, at += d) out[at] = (tile[j]! + 0.5) * 2 ** -32;
    }
  }
}
