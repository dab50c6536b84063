import type { StateArray } from '../../../engine/array/codec.ts';
import type { SavedHistory } from '../../../engine/particles/history-state.ts';

type LoopArrays = SavedHistory['arrays'];

/** The arrays of a loop under names that no other has. */
export function markLoop(arrays: LoopArrays, mark = 'smc'): Record<string, StateArray> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${mark}:${name}`, array]));
}

/** The arrays that `markLoop` marked. */
export function loopArrays(arrays: Readonly<Record<string, StateArray>>, mark = 'smc'): LoopArrays {
  const own: Record<string, Float64Array | Float32Array | Uint32Array> = {};
  // A loop saves no other kinds of array.
  for (const [name, array] of Object.entries(arrays))
    if (name.startsWith(`${mark}:`))
      own[name.slice(mark.length + 1)] = array as Float64Array | Float32Array | Uint32Array;
  return own;
}
