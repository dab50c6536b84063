/** One failed row of a batch. */
export interface RowFailure {
  readonly row: number;
  /** 'returned NaN', 'threw Error: message', 'returned 3 numbers, expected 2'. */
  readonly reason: string;
}

/** A model that can be called in this thread. */
export type LocalModel =
  | { readonly kind: 'batch'; readonly evaluate: (x: Float64Array, out: Float64Array) => unknown }
  | { readonly kind: 'pointwise'; readonly evaluate: (x: Float64Array) => unknown }
  | { readonly kind: 'named'; readonly evaluate: (inputs: Readonly<Record<string, number>>) => unknown };

/**
 * Evaluate rows lo..hi-1 of `x` [n, d] into `out` [n, k]. A row that fails is filled with NaN and listed.
 * `pause` is awaited every few milliseconds. With `unchecked` every number is taken as it is, NaN and infinities too;
 * what is no number still fails. `open` always says which rows the model has been given: lo + 1 and hi.
 */
export declare function evaluateRows(
  model: LocalModel,
  names: readonly string[],
  k: number,
  x: Float64Array,
  lo: number,
  hi: number,
  out: Float64Array,
  options?: {
    readonly pause?: () => Promise<void>;
    readonly unchecked?: boolean;
    readonly open?: Uint32Array | undefined;
  },
): Promise<RowFailure[]>;
