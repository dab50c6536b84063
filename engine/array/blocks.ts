/** Bookkeeping of one address range: which bytes are handed out, which are free. Knows no memory. */
export interface Blocks {
  /** Offset of `bytes` free bytes, a multiple of 64; undefined when no gap is large enough. */
  take(bytes: number): number | undefined;
  /** Give back what `take` answered to the same number of bytes; once. */
  give(at: number, bytes: number): void;
  /** Bytes handed out, rounded up to multiples of 64. */
  readonly used: number;
  /** Everything from here on was never handed out. */
  readonly touched: number;
  /** Remember that bytes below `end` have been written. */
  touch(end: number): void;
}

interface Gap {
  at: number;
  size: number;
}

/** A cache line, and more than any SIMD load needs; two arrays never share a line that two workers write. */
const ALIGN = 64;

/**
 * Best fit over the gaps of [start, end), which are kept sorted and merged. A run holds tens of arrays, not
 * thousands, so a linear search over the gaps is the fast way.
 */
export function makeBlocks(start: number, end: number): Blocks {
  const gaps: Gap[] = [{ at: start, size: end - start }];
  let used = 0;
  let touched = start;
  return {
    get used() {
      return used;
    },
    get touched() {
      return touched;
    },
    touch(last) {
      if (last > touched) touched = last;
    },
    take(bytes) {
      const size = aligned(bytes);
      const best = bestFit(gaps, size);
      if (best === undefined) return undefined;
      const gap = gaps[best]!;
      const at = gap.at;
      gap.at += size;
      gap.size -= size;
      if (gap.size === 0) gaps.splice(best, 1);
      used += size;
      return at;
    },
    give(at, bytes) {
      const size = aligned(bytes);
      used -= size;
      insert(gaps, { at, size });
    },
  };
}

function aligned(bytes: number): number {
  return Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
}

/** Index of the smallest gap that holds `size`; the lowest of equals, so memory fills from the start. */
function bestFit(gaps: readonly Gap[], size: number): number | undefined {
  let best: number | undefined;
  let least = Infinity;
  for (let i = 0; i < gaps.length; i++) {
    const found = gaps[i]!.size;
    if (found === size) return i;
    if (found > size && found < least) {
      best = i;
      least = found;
    }
  }
  return best;
}

function insert(gaps: Gap[], gap: Gap): void {
  let i = 0;
  while (i < gaps.length && gaps[i]!.at < gap.at) i++;
  const before = gaps[i - 1];
  const after = gaps[i];
  if (after !== undefined && gap.at + gap.size === after.at) {
    gap.size += after.size;
    gaps.splice(i, 1);
  }
  if (before !== undefined && before.at + before.size === gap.at) before.size += gap.size;
  else gaps.splice(i, 0, gap);
}
