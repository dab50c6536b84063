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
export declare const COUNTER: 3;
export declare const ARITY: 4;
export declare const ARGS: 5;
export declare const MOST_ARGS: 27;

/** Shared memory through which a worker that looks out for work is handed kernels. */
export interface Line {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

export declare function openLine(buffer?: SharedArrayBuffer): Line;

export declare function watchState(words: Int32Array, state: number, milliseconds: number): number;

export declare function serveLine(
  line: Line,
  run: (kernel: number, args: number[], count: number, piece: number, counter: number) => void,
): void;
