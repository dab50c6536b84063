import { normal, normalQuantiles } from './twins/normal.ts';
import { philoxWords, uniform } from './twins/philox.ts';
import { sumBlocks } from './twins/sums.ts';

/**
 * Every kernel of the core, by name: a pure function over typed arrays and numbers whose last two arguments
 * are the range [lo, hi) it works on (rows, elements or blocks). The WASM module exports the same names with
 * the arrays as byte offsets; the loader puts both behind this one type.
 */
export interface Kernels {
  readonly philoxWords: typeof philoxWords;
  readonly uniform: typeof uniform;
  readonly normal: typeof normal;
  readonly normalQuantiles: typeof normalQuantiles;
  readonly sumBlocks: typeof sumBlocks;
}

export const twins: Kernels = { philoxWords, uniform, normal, normalQuantiles, sumBlocks };

export type KernelName = keyof Kernels;
export type KernelArray = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;
/** The arguments of a kernel without its range. */
export type KernelArgs<K extends KernelName> =
  Parameters<Kernels[K]> extends [...infer Head, number, number] ? Head : never;
