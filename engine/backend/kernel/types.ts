import type { GpuArray } from '../gpu/types.ts';

/** A constant of a kernel: a number, or an array of numbers with up to three levels. */
export type KernelConstant =
  | number
  | ArrayLike<number>
  | ArrayLike<ArrayLike<number>>
  | ArrayLike<ArrayLike<ArrayLike<number>>>;

/** Constants by name, `this.constants` inside a kernel. */
export type KernelConstants = Readonly<Record<string, KernelConstant>>;

/** A function of one point that runs on the card (float32) and on the host (float64), made by `gpuKernel`. */
export interface GpuKernel {
  readonly kind: 'gpu-kernel';
  /** How messages call it. */
  readonly name: string;
  /** Numbers in a point. */
  readonly dims: number;
  /** Numbers it returns. */
  readonly outputs: number;
  /** The function on the host in float64, at one point x [dims]. */
  readonly evaluate: (x: Float64Array) => number | ArrayLike<number>;
  /** data: URL of a module whose default export is the same function as a pointwise model, for workers. */
  readonly moduleUrl: string;
  /** What the card's program is made of, checked. Only engine/backend reads it. */
  readonly plan: unknown;
}

/** A kernel bound to a card. */
export interface BoundKernel {
  /**
   * Evaluate points 0..n-1 of `x` [n, dims] into `y` [n, outputs]; queued like any shader. All outputs of a point are NaN
   * (the bits 0x7fc00000) where it failed; an output is an infinity where the function returned the word
   * Infinity or a variable that still held it.
   */
  run(x: GpuArray<'f32'>, y: GpuArray<'f32'>, n: number): void;
  /** Give its constants back. Idempotent. */
  release(): void;
}

/** A kernel as WGSL, to be put into a larger shader. */
export interface KernelCode {
  /**
   * Defines `fn kernel(at: u32)`, which reads the point x[at] .. x[at + dims - 1] of a buffer `x` and the buffer
   * `constants` (both read f32), and leaves its outputs in the private array `result`: all NaN where the kernel cannot
   * be evaluated, and +-FLOAT_MAX (0x1.fffffep+127) for an infinity. `fn result_bits(j: u32) -> u32` gives the bits of
   * output j, infinities being such. Its other names are `failed`, `params`, or begin with e_, fn_, kernel_ or Kernel.
   */
  readonly code: string;
  /** Content of the buffer `constants`, never empty. */
  readonly constants: Float32Array<ArrayBuffer>;
}

/** The backends of gpu.js on the processor. */
export type GpuJsMode = 'cpu' | 'webasm';

/** A kernel run by gpu.js itself. */
export interface GpuJsFunction {
  /** Evaluate the points of `x` [n, dims] into `y` [n, outputs], in float32. */
  evaluate(x: Float64Array, y: Float64Array): Promise<void>;
  /** Give everything back. */
  dispose(): Promise<void>;
}
