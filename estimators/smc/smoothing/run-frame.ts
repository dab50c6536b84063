import type { Frame } from '../../../engine/particles/history.ts';

/** The particles of one run at one step. */
export interface RunFrame {
  /** [N, d] */
  readonly x: Float64Array;
  /** [N] natural log, unnormalised. */
  readonly logWeight: Float64Array;
  /** Slot at the step before of the parent that a particle descends from. */
  parentOf(slot: number): number;
}

/** The part of run `index` in a frame of all runs, N particles each. */
export function runFrame(frame: Frame, index: number, n: number): RunFrame {
  const { ancestor } = frame;
  const all = frame.fields.x!;
  const width = (all.length / frame.logWeight.length) * n;
  // The field x of a state-space model is float64.
  const x = all.subarray(index * width, (index + 1) * width) as Float64Array;
  const offset = index * n;
  return {
    x,
    logWeight: frame.logWeight.subarray(offset, offset + n),
    parentOf: (slot) => (ancestor === undefined ? slot : ancestor[offset + slot]! - offset),
  };
}

/** Rows slot[0..count-1] of x [N, d] into `out` [count, d]. */
export function takeRows(
  x: Float64Array,
  d: number,
  slot: Uint32Array,
  count: number,
  out: Float64Array,
): void {
  if (d === 1) {
    for (let j = 0; j < count; j++) out[j] = x[slot[j]!]!;
    return;
  }
  for (let j = 0; j < count; j++) {
    const from = slot[j]! * d;
    for (let c = 0; c < d; c++) out[j * d + c] = x[from + c]!;
  }
}
