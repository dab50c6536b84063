const DIGIT_BITS = 11;
const BUCKETS = 1 << DIGIT_BITS;
/** Digits of a 64-bit key: three of the low word (11 + 11 + 10 bits), three of the high one. */
const DIGITS = [
  { high: false, shift: 0 },
  { high: false, shift: 11 },
  { high: false, shift: 22 },
  { high: true, shift: 0 },
  { high: true, shift: 11 },
  { high: true, shift: 22 },
] as const;

/**
 * Order of n 64-bit keys high 2^32 + low: order[0] is the index of the smallest; equal keys stay in the order of their
 * indices. Least significant digit first, cost O(n); digits that all keys share are skipped.
 * @param order [n] output.
 * @param scratch [n] overwritten.
 */
export function radixOrder(
  high: Uint32Array,
  low: Uint32Array,
  order: Uint32Array,
  scratch: Uint32Array,
): void {
  const n = order.length;
  if (n <= FEW) {
    insertionOrder(high, low, order);
    return;
  }
  const counts = new Uint32Array(BUCKETS);
  let from = order;
  let to = scratch;
  for (let i = 0; i < n; i++) from[i] = i;
  for (const digit of DIGITS) {
    const words = digit.high ? high : low;
    if (!startOfBuckets(words, digit.shift, counts, n)) continue;
    for (let j = 0; j < n; j++) {
      const i = from[j]!;
      const bucket = (words[i]! >>> digit.shift) & (BUCKETS - 1);
      to[counts[bucket]!++] = i;
    }
    [from, to] = [to, from];
  }
  if (from !== order) order.set(from);
}

/** Keys at most for which comparing them costs less than the buckets. */
const FEW = 128;

/** The same order by insertion. */
function insertionOrder(high: Uint32Array, low: Uint32Array, order: Uint32Array): void {
  for (let i = 0; i < order.length; i++) {
    const h = high[i]!;
    const l = low[i]!;
    let at = i;
    for (; at > 0; at--) {
      const before = order[at - 1]!;
      if (high[before]! < h || (high[before]! === h && low[before]! <= l)) break;
      order[at] = before;
    }
    order[at] = i;
  }
}

/** Where each digit's keys begin, into `counts`; false when all have the same digit. */
function startOfBuckets(words: Uint32Array, shift: number, counts: Uint32Array, n: number): boolean {
  counts.fill(0);
  for (let i = 0; i < n; i++) counts[(words[i]! >>> shift) & (BUCKETS - 1)]!++;
  if (n === 0 || counts[(words[0]! >>> shift) & (BUCKETS - 1)] === n) return false;
  let start = 0;
  for (let b = 0; b < BUCKETS; b++) {
    const count = counts[b]!;
    counts[b] = start;
    start += count;
  }
  return true;
}

const bits = new ArrayBuffer(8);
const asFloat = new Float64Array(bits);
const asWords = new Uint32Array(bits);
/** Which word of a float holds its sign. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/**
 * Keys for `radixOrder` that order numbers by size. 0 and -0 are equal; NaN comes last.
 * @param x [n]
 * @param high [n] output.
 * @param low [n] output.
 */
export function floatKeys(x: Float64Array, high: Uint32Array, low: Uint32Array): void {
  for (let i = 0; i < high.length; i++) {
    asFloat[0] = x[i]! + 0; // -0 + 0 is 0
    const top = asWords[HIGH]!;
    // Negative numbers grow with falling words, and come before the others.
    const flip = top >>> 31 ? 0xffffffff : 0;
    const nan = Number.isNaN(asFloat[0]) ? 0xffffffff : 0;
    high[i] = (top ^ (flip | 0x80000000)) | nan;
    low[i] = (asWords[1 - HIGH]! ^ flip) | nan;
  }
}
