import { BackendError } from '../errors.ts';
import { bytes as unsharedBytes } from './generated/kernels.ts';
import { bytes as sharedBytes } from './generated/kernels-shared.ts';
import { type KernelName, type Kernels, twins } from './kernels.ts';

/** Bytes at the start of a kernel memory that belong to the kernels; an arena hands out what follows. */
export const RESERVED_BYTES = 65536;

/** Pages of 64 KiB that a shared memory may at most be declared with (`maximum`): 4 GiB. */
export const MAXIMUM_PAGES = 65536;

const modules: { shared?: WebAssembly.Module; unshared?: WebAssembly.Module } = {};

/**
 * The compiled kernels, compiled once: one build imports a shared memory, the other one refuses it.
 * @throws BackendError where WebAssembly or its SIMD instructions are missing.
 */
export function compileKernels(shared: boolean): WebAssembly.Module {
  const key = shared ? 'shared' : 'unshared';
  modules[key] ??= compile(shared ? sharedBytes : unsharedBytes);
  return modules[key];
}

function compile(base64: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BackendError({
      where: 'compileKernels',
      found: `the WebAssembly module did not compile (${reason})`,
      expected: 'a host with WebAssembly SIMD',
      fix: "Use backend: 'js' here.",
      tried: ['WebAssembly SIMD'],
      cause,
    });
  }
}

/** A kernel as the module exports it: arrays as byte offsets, then numbers. */
export type RawKernel = (...args: number[]) => void;
export type RawKernels = { readonly [name in KernelName]?: RawKernel };

/** The kernels over `memory` by name, arrays given as byte offsets. The memory must be of the module's kind. */
export function rawKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): RawKernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as RawKernels;
}

/**
 * The kernels over `memory`, called like their JavaScript twins. Every array must be a view of `memory`; a
 * kernel itself checks no index.
 * @throws BackendError at a call with an array that lives elsewhere, or was detached when the memory grew.
 */
export function bindKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  const raw = rawKernels(module, memory);
  const inside = membership(memory);
  const bound: Record<string, unknown> = {};
  for (const name of Object.keys(twins) as KernelName[]) {
    const kernel = raw[name];
    bound[name] =
      kernel === undefined
        ? twins[name]
        : (...args: (number | ArrayBufferView)[]): void => {
            const numbers = args.map((arg) => (typeof arg === 'number' ? arg : offset(name, arg, inside)));
            kernel(...numbers);
          };
  }
  // The exports were listed by name above; their parameters are those of the twins by construction.
  return bound as unknown as Kernels;
}

function offset(
  kernel: string,
  array: ArrayBufferView,
  inside: (buffer: ArrayBufferLike) => boolean,
): number {
  if (inside(array.buffer)) return array.byteOffset;
  throw new BackendError({
    where: kernel,
    found: `an array of ${array.byteLength} bytes outside the kernel memory`,
    expected: 'arrays from an arena of this backend, taken after it last grew',
    fix: 'Allocate them with backend.arena().',
    tried: [],
  });
}

/**
 * Whether a buffer is that of `memory`. A shared memory makes a new buffer object whenever it grows while the
 * old ones stay valid, so an unknown shared buffer is recognised by a change in the reserved bytes.
 */
function membership(memory: WebAssembly.Memory): (buffer: ArrayBufferLike) => boolean {
  const known = new WeakSet<ArrayBufferLike>();
  return (buffer) => {
    const own = memory.buffer as ArrayBufferLike;
    if (buffer === own) return true;
    if (own instanceof ArrayBuffer || buffer instanceof ArrayBuffer) return false;
    if (!known.has(buffer) && sameMemory(own, buffer)) known.add(buffer);
    return known.has(buffer);
  };
}

function sameMemory(a: SharedArrayBuffer, b: SharedArrayBuffer): boolean {
  if (b.byteLength < 4) return false;
  const mine = new Int32Array(a, 0, 1);
  const theirs = new Int32Array(b, 0, 1);
  for (let flip = 0; flip < 2; flip++) {
    const before = Atomics.load(theirs, 0);
    Atomics.xor(mine, 0, -1);
    if (Atomics.load(theirs, 0) !== ~before) return false;
  }
  return true;
}
