import type { Arena } from '../array/arena.ts';
import type { RowFailure } from '../pool/evaluate-rows.mjs';
import type { KernelArgs, KernelName } from '../wasm/kernels.ts';
import type { Gpu } from './gpu/types.ts';

export type { Arena } from '../array/arena.ts';

/**
 * Where the arithmetic happens. Estimators allocate through `arena()`, run kernels by name with `dispatch`,
 * and never ask which backend they have: results are the same bits on every host backend.
 */
export interface Backend {
  /** 'js', 'wasm' or 'webgpu'. */
  readonly name: string;
  readonly precision: 'float64' | 'float32';
  /** Workers that share the range of a dispatch, the calling thread included. */
  readonly threads: number;
  /** What answered: 'WASM SIMD, 2 threads', or the adapter's name. */
  readonly adapter: string;
  /** What runs `dispatch` and functions in JavaScript; present where that is not what `name` says. */
  readonly processor?: { readonly name: string; readonly adapter: string };
  arena(): Arena;
  /**
   * Run a kernel over [0, count). Arrays must come from this backend's arena. Split among workers when the
   * range is worth it: `grain` = least items a worker should get; default by the kernel's cost, and Infinity (one
   * call with the whole range) for a kernel whose cost is not known.
   * @throws BackendError when an array is not from an arena of this backend.
   */
  dispatch<K extends KernelName>(
    kernel: K,
    args: KernelArgs<K>,
    count: number,
    grain?: number,
  ): Promise<void>;
  /**
   * Run kernels one after the other over [0, rows), in one go: each thread takes some rows through all of them while the
   * numbers are in its cache, and all wait for each other but once, at the end. The range of each kernel is rows or blocks
   * of 1024 rows; on a row it may read nothing that an earlier one writes for a row of another block.
   * @throws BackendError as `dispatch`.
   */
  chain(calls: readonly KernelCall[], rows: number): Promise<void>;
  /** Evaluate a module model on rows lo..hi-1 in the workers; undefined when this backend has none. */
  readonly evaluateModule: ModuleEvaluator | undefined;
  /**
   * The graphics card to use for about `evaluations` evaluations of a `gpuKernel`: always the one of 'webgpu'; with
   * 'auto' the hardware card, if there is one and it pays; none on other backends. Kernels of `dispatch` stay on the
   * host all the same.
   */
  card(evaluations: number): Promise<Card>;
  /** Stop workers and give memory back. The default backend is shared and ignores it. */
  dispose(): Promise<void>;
}

/** A kernel and its arguments, to run over rows or over blocks of 1024 of them. */
export type KernelCall = {
  readonly [K in KernelName]: {
    readonly kernel: K;
    readonly args: KernelArgs<K>;
    readonly over: 'rows' | 'blocks';
  };
}[KernelName];

/** A graphics card, or why there is none to use. */
export interface Card {
  readonly gpu: Gpu | undefined;
  /**
   * As in 'Ran on the processor: no GPU was found (webgpu is not installed).' or 'Ran on the GPU: asked for.'; absent
   * when nothing else was in question. `cardNotes` makes notes of it.
   */
  readonly reason?: string;
}

/** A model that workers import by themselves. */
export interface ModuleTask {
  /** file: or data: URL of a module. */
  readonly url: string;
  readonly exportName: string;
  /** Names of the inputs, for models that take { name: value }. */
  readonly names: readonly string[];
  /** Numbers a point returns. */
  readonly outputs: number;
  /** Take every number as it is: NaN and infinities are no failures. Default false. */
  readonly unchecked?: boolean;
}

/**
 * Rows 0..n-1 of `x` [n, d] into `out` [n, k], split among the workers; both from an arena. Rows that fail are
 * NaN and listed in order. A worker awaits an asynchronous model row by row, so as many rows are under way as
 * there are workers.
 * @throws ModelError when the module cannot be loaded, exports no model or ends its worker; `signal.reason`
 * when aborted (busy workers are replaced).
 */
export type ModuleEvaluator = (
  task: ModuleTask,
  x: Float64Array,
  n: number,
  out: Float64Array,
  signal: AbortSignal,
) => Promise<readonly RowFailure[]>;
