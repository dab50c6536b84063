import { show } from '../../../engine/check.ts';
import { OptionError, ShapeError } from '../../../engine/errors.ts';
import type { Observation, StateSpaceModel } from '../state-space.ts';

/** Observations as a filter reads them: each [k], null where missing. May grow during a run. */
export type ObservationSeries = ArrayLike<Float64Array | null>;

/**
 * Observations as vectors of k numbers, null where missing.
 * @throws OptionError when they are no array; ShapeError, with the step, for one of another length or not finite.
 */
export function readObservations(
  where: string,
  model: StateSpaceModel,
  observations: readonly Observation[],
): (Float64Array | null)[] {
  if (
    Array.isArray(observations) ||
    (ArrayBuffer.isView(observations) && !(observations instanceof DataView))
  )
    return Array.from(observations, (y, step) => readObservation(where, model, y, step));
  throw new OptionError({
    where,
    option: 'observations',
    value: observations,
    found: `option \`observations\` is ${show(observations)}`,
    expected: 'an array with a number, an array of numbers or null for each step',
  });
}

/** One observation, y_t at t = step. @throws ShapeError. */
export function readObservation(
  where: string,
  model: StateSpaceModel,
  y: Observation,
  step: number,
): Float64Array | null {
  if (y === null) return null;
  const { observed = 1 } = model;
  const expected = `${observed} finite ${observed === 1 ? 'number' : 'numbers'}, or null where it is missing`;
  const wrong = (found: string): ShapeError => new ShapeError({ where, found, expected });
  if (typeof y !== 'number' && (typeof y !== 'object' || typeof y?.length !== 'number'))
    throw wrong(`observation ${step} is ${show(y)}`);
  // A text is no number, though an array of numbers would take it for one.
  const told = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
  const vector = typeof y === 'number' ? Float64Array.of(y) : Float64Array.from(y, told);
  if (vector.length !== observed)
    throw wrong(`observation ${step} has ${vector.length} ${vector.length === 1 ? 'number' : 'numbers'}`);
  const bad = vector.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw wrong(`number ${bad} of observation ${step} is ${vector[bad]}`);
  return vector;
}

/** A number that tells one series of observations from another. */
export function digestObservations(observations: ObservationSeries): number {
  let hash = 0x811c9dc5;
  const add = (word: number): void => {
    hash = Math.imul(hash ^ word, 0x01000193);
  };
  for (let t = 0; t < observations.length; t++) {
    const y = observations[t]!;
    add(y === null ? 1 : 2);
    if (y !== null) for (const word of new Uint32Array(y.slice().buffer)) add(word);
  }
  return hash >>> 0;
}
