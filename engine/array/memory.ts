import { BackendError } from '../errors.ts';
import type { Arena } from './arena.ts';
import { type Blocks, makeBlocks } from './blocks.ts';

/** One WebAssembly memory and the arrays in it. */
export interface HostMemory {
  readonly wasm: WebAssembly.Memory;
  /** Whether workers can see it. A shared memory grows as needed; an unshared one has a fixed size. */
  readonly shared: boolean;
  /** Bytes at which an array is refused. */
  readonly limit: number;
  /** Bytes handed out and not yet given back. */
  readonly used: number;
  arena(): Arena;
  /** Byte offset of an array of this memory; undefined for any other array. */
  offset(array: ArrayBufferView): number | undefined;
}

export interface MemoryOptions {
  /** Bytes at the start that belong to the kernels. A multiple of 64. */
  readonly reserved: number;
  /** Default: what `canShare()` says. */
  readonly shared?: boolean;
  /** Bytes at which an array is refused. Default 4 GiB - 64 KiB shared, 1 GiB unshared. */
  readonly limit?: number;
}

const PAGE = 65536;
/** One page short of 4 GiB, so that the end of the last array is still a 32-bit offset. */
const SHARED_PAGES = 65535;
const UNSHARED_PAGES = 16384;
/** Growing is a system call: take at least 16 MiB at a time. */
const STEP_PAGES = 256;

/** Whether memory can be shared with workers: always in Node, in a page only when it is cross-origin isolated. */
export function canShare(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  return typeof crossOriginIsolated === 'undefined' || crossOriginIsolated;
}

/**
 * A memory of its own for one backend.
 *
 * Growing an unshared memory would detach every array handed out before. So an unshared memory takes its
 * whole size at once (pages never touched cost address space only) and refuses what does not fit.
 * @throws BackendError where the host gives no memory at all.
 */
export function hostMemory(options: MemoryOptions): HostMemory {
  const shared = options.shared ?? canShare();
  const { wasm, limit } = shared ? openShared(options) : openUnshared(options);
  const blocks = makeBlocks(options.reserved, limit);
  // A shared memory makes a new buffer object at each growth; the earlier ones stay valid views of it.
  const buffers = new WeakSet<ArrayBufferLike>([wasm.buffer]);
  let last: ArrayBufferLike = wasm.buffer;
  const take = (bytes: number): number => {
    const at = blocks.take(bytes);
    if (at === undefined) throw full(bytes, blocks.used, limit);
    const missing = Math.ceil((at + bytes - wasm.buffer.byteLength) / PAGE);
    if (missing > 0) grow(wasm, missing, limit, bytes, () => blocks.give(at, bytes));
    buffers.add(wasm.buffer);
    return at;
  };
  return {
    wasm,
    shared,
    limit,
    get used() {
      return blocks.used;
    },
    arena: () => arena(wasm, blocks, take, buffers),
    offset(array) {
      const { buffer } = array;
      // Nearly always the one of the array before: looking it up takes longer than a small kernel.
      if (buffer !== last && !buffers.has(buffer)) return undefined;
      last = buffer;
      return array.byteOffset;
    },
  };
}

function arena(
  wasm: WebAssembly.Memory,
  blocks: Blocks,
  take: (bytes: number) => number,
  buffers: WeakSet<ArrayBufferLike>,
): Arena {
  const held: { readonly at: number; readonly bytes: number }[] = [];
  const place = (length: number, width: number): number => {
    if (!Number.isInteger(length) || length < 0) throw badLength(length);
    const bytes = length * width;
    const at = take(bytes);
    held.push({ at, bytes });
    return at;
  };
  // The offset comes first: taking it may grow the memory, which makes a new buffer.
  const f64 = (at: number, length: number): Float64Array => new Float64Array(wasm.buffer, at, length);
  const u32 = (at: number, length: number): Uint32Array => new Uint32Array(wasm.buffer, at, length);
  const u8 = (at: number, length: number): Uint8Array => new Uint8Array(wasm.buffer, at, length);
  return {
    f64: (length) => zeroed(blocks, f64(place(length, 8), length)),
    u32: (length) => zeroed(blocks, u32(place(length, 4), length)),
    u8: (length) => zeroed(blocks, u8(place(length, 1), length)),
    holds: (array) => buffers.has(array.buffer),
    release: () => {
      for (const { at, bytes } of held.splice(0)) blocks.give(at, bytes);
    },
  };
}

/** Fresh pages are zero already; only what was handed out before is cleared. */
function zeroed<T extends Float64Array | Uint32Array | Uint8Array>(blocks: Blocks, array: T): T {
  if (array.byteOffset < blocks.touched) array.fill(0);
  blocks.touch(array.byteOffset + array.byteLength);
  return array;
}

interface Opened {
  readonly wasm: WebAssembly.Memory;
  readonly limit: number;
}

function openShared(options: MemoryOptions): Opened {
  const pages = Math.min(SHARED_PAGES, Math.ceil((options.limit ?? Infinity) / PAGE));
  const initial = Math.ceil(options.reserved / PAGE) + STEP_PAGES;
  return largest(Math.max(pages, initial), initial, (maximum) => {
    return new WebAssembly.Memory({ initial, maximum, shared: true });
  });
}

function openUnshared(options: MemoryOptions): Opened {
  const pages = Math.min(UNSHARED_PAGES, Math.ceil((options.limit ?? Infinity) / PAGE));
  return largest(pages, 1, (initial) => new WebAssembly.Memory({ initial, maximum: initial }));
}

/** The largest memory of `pages`, a half, a quarter, ... that the host agrees to reserve. */
function largest(pages: number, least: number, open: (pages: number) => WebAssembly.Memory): Opened {
  try {
    return { wasm: open(pages), limit: pages * PAGE };
  } catch (cause) {
    if (pages > Math.max(least, 2 * STEP_PAGES)) return largest(Math.max(least, pages >> 1), least, open);
    throw new BackendError({
      where: 'hostMemory',
      found: `the host refused a memory of ${pages * PAGE} bytes`,
      expected: 'a WebAssembly memory',
      fix: "Use backend: 'js' here.",
      tried: ['WebAssembly.Memory'],
      cause,
    });
  }
}

function grow(
  wasm: WebAssembly.Memory,
  missing: number,
  limit: number,
  bytes: number,
  undo: () => void,
): void {
  const room = (limit - wasm.buffer.byteLength) / PAGE;
  const pages = Math.min(room, Math.max(missing, STEP_PAGES));
  try {
    wasm.grow(pages);
  } catch (cause) {
    undo();
    throw full(bytes, wasm.buffer.byteLength, limit, cause);
  }
}

function full(bytes: number, used: number, limit: number, cause?: unknown): BackendError {
  return new BackendError({
    where: 'arena',
    found: `an array of ${bytes} bytes does not fit beside the ${used} bytes in use`,
    expected: `at most ${limit} bytes in all`,
    fix: 'Use fewer points, or release what is no longer needed.',
    tried: ['host memory'],
    cause,
  });
}

function badLength(length: number): BackendError {
  return new BackendError({
    where: 'arena',
    found: `the length of an array is ${length}`,
    expected: 'an integer >= 0',
    tried: [],
  });
}
