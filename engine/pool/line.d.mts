export declare const COLD: 0;
export declare const HOT: 1;
export declare const POSTED: 2;
export declare const RUNNING: 3;
export declare const FAILED: 4;

export declare const STATE: 0;
export declare const ASLEEP: 1;
export declare const AWAITED: 2;

export declare const KERNEL: 0;
export declare const COUNT: 1;
export declare const PIECE: 2;
export declare const ZONE: 3;
export declare const ZONES: 4;
export declare const COUNTERS: 5;
export declare const ARITY: 6;
export declare const ARGS: 7;
export declare const MOST_ARGS: 25;
export declare const STRIDE: 16;

/** Shared memory through which a worker that looks out for work is handed kernels. */
export interface Line {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

export declare function openLine(buffer?: SharedArrayBuffer): Line;

export declare function watchState(words: Int32Array, state: number, milliseconds: number): number;

/** How a range [0, count) is cut, and which of the zones a thread begins in. */
export interface Cut {
  readonly count: number;
  readonly piece: number;
  readonly zone: number;
  readonly zones: number;
}

export declare function inZones(run: (lo: number, hi: number) => void, counters: Uint32Array, cut: Cut): void;

export declare function serveLine(
  line: Line,
  run: (kernel: number, args: number[], counters: number, cut: Cut) => void,
): void;
