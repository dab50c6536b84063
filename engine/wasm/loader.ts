import { BackendError } from '../errors.ts';
import { bytes as unsharedBytes } from './generated/kernels.ts';
import { bytes as sharedBytes } from './generated/kernels-shared.ts';
import type { KernelName } from './kernels.ts';

/** Bytes at the start of a kernel memory that belong to the kernels; an arena hands out what follows. */
export const RESERVED_BYTES = 65536;

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

/** A kernel as the module exports it: arrays as byte offsets, then numbers. It checks no index. */
export type RawKernel = (...args: number[]) => void;
export type RawKernels = { readonly [name in KernelName]: RawKernel };

/** The kernels over `memory` by name, arrays given as byte offsets. The memory must be of the module's kind. */
export function rawKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): RawKernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as RawKernels;
}
