import type { StateArray } from '../../../engine/array/codec.ts';
import { OptionError } from '../../../engine/errors.ts';
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

/** @throws OptionError unless a saved state belongs to the method and the seed that go on with it. */
export function checkSaved(
  where: string,
  same: boolean,
  key: readonly [number, number] | undefined,
  own: readonly [number, number],
): void {
  const refuse = (found: string, expected: string): never => {
    throw new OptionError({ where, option: 'from', value: undefined, found, expected });
  };
  if (!same)
    refuse(
      'the saved state belongs to another method, or to one with other options',
      'a snapshot of the same method with the same options',
    );
  if (key?.[0] !== own[0] || key?.[1] !== own[1])
    refuse('the saved state was made with another seed', 'the seed of the run that goes on');
}
