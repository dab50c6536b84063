import { type KernelName, twins } from '../wasm/kernels.ts';
import { blockCount } from '../wasm/twins/sums.ts';
import type { Backend, Card } from './backend.ts';

/** What a backend that is the processor and nothing else answers. */
export const NO_CARD: Card = { gpu: undefined };

/** Plain JavaScript on the calling thread: the reference every other backend is tested against. */
export function jsBackend(): Backend {
  return {
    name: 'js',
    precision: 'float64',
    threads: 1,
    adapter: 'plain JavaScript',
    arena: () => ({
      f64: (length) => new Float64Array(length),
      u32: (length) => new Uint32Array(length),
      u8: (length) => new Uint8Array(length),
      holds: () => true,
      release() {},
    }),
    dispatch: async (kernel, args, count) => runTwin(kernel, args, 0, count),
    async chain(calls, rows) {
      for (const { kernel, args, over } of calls)
        runTwin(kernel, args, 0, over === 'rows' ? rows : blockCount(rows));
    },
    evaluateModule: undefined,
    card: async () => NO_CARD,
    async dispose() {},
  };
}

/** A kernel in plain JavaScript over lo..hi-1. */
export function runTwin(kernel: KernelName, args: readonly unknown[], lo: number, hi: number): void {
  // The compiler cannot see that `args` belongs to this very kernel once the name is a variable.
  const run = twins[kernel] as (...all: unknown[]) => void;
  run(...args, lo, hi);
}
