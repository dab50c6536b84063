/** Bookkeeping of one address range: which bytes are handed out, which are free. Knows no memory. */
export interface Blocks {
  /** Offset of `bytes` free bytes, a multiple of 64; undefined when no gap is large enough. */
  take(bytes: number): number | undefined;
  /** Give back what `take` answered. */
  give(at: number): void;
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
  const sizes = new Map<number, number>();
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
      const size = Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);
      const best = bestFit(gaps, size);
      if (best === undefined) return undefined;
      const gap = gaps[best]!;
      const at = gap.at;
      gap.at += size;
      gap.size -= size;
      if (gap.size === 0) gaps.splice(best, 1);
      sizes.set(at, size);
      used += size;
      return at;
    },
    give(at) {
      const size = sizes.get(at);
      if (size === undefined) return;
      sizes.delete(at);
      used -= size;
      insert(gaps, { at, size });
    },
  };
}

/** Index of the smallest gap that holds `size`; the lowest of equals, so memory fills from the start. */
function bestFit(gaps: readonly Gap[], size: number): number | undefined {
  let best: number | undefined;
  for (let i = 0; i < gaps.length; i++) {
    if (gaps[i]!.size >= size && (best === undefined || gaps[i]!.size < gaps[best]!.size)) best = i;
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
