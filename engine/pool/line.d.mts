export declare const COLD: 0;
export declare const HOT: 1;
export declare const POSTED: 2;
export declare const RUNNING: 3;
export declare const FAILED: 4;

export declare const STATE: 0;
export declare const ASLEEP: 1;
export declare const AWAITED: 2;

export declare const COUNT: 0;
export declare const PIECE: 1;
export declare const ZONE: 2;
export declare const ZONES: 3;
export declare const COUNTERS: 4;
export declare const CALLS: 5;
export declare const FIRST: 6;
export declare const ROOM: number;
export declare const STRIDE: 16;

/** Shared memory through which a worker that looks out for work is handed kernels. */
export interface Line {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

export declare function openLine(buffer?: SharedArrayBuffer): Line;

export declare function watchState(words: Int32Array, state: number, milliseconds: number): number;

/** A kernel of a job, which runs over cells: whole numbers of its items. */
export interface Call {
  /** Position of its name among the exports of the kernels' module. */
  readonly kernel: number;
  /** Arrays as byte offsets into the shared memory. */
  readonly args: readonly number[];
  /** Items in a cell. */
  readonly each: number;
  /** Items in all. */
  readonly items: number;
}

export declare function runCalls(
  kernels: readonly ((...args: number[]) => void)[],
  calls: readonly Call[],
  lo: number,
  hi: number,
): void;

/** How cells [0, count) are cut, and which of the zones a thread begins in. */
export interface Cut {
  readonly count: number;
  /** Least cells of a claim. */
  readonly piece: number;
  readonly zone: number;
  readonly zones: number;
}

export declare function inZones(run: (lo: number, hi: number) => void, counters: Uint32Array, cut: Cut): void;

export declare function serveLine(line: Line, run: (calls: Call[], counters: number, cut: Cut) => void): void;
