/** Arrays that live where a backend's kernels can reach them, given back together. */
export interface Arena {
  /** [length] zeros. */
  f64(length: number): Float64Array;
  /** [length] zeros. */
  u32(length: number): Uint32Array;
  /** [length] zeros. */
  u8(length: number): Uint8Array;
  /** Whether kernels reach an array: one from any arena of the same backend, or a part of one. */
  holds(array: ArrayBufferView): boolean;
  /** Give everything back. Arrays handed out before must not be used afterwards. Idempotent. */
  release(): void;
}
