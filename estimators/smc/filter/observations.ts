import { show } from '../../../engine/check.ts';
import { OptionError, ShapeError } from '../../../engine/errors.ts';
import type { Observation, StateSpaceModel } from '../state-space.ts';

/**
 * Observations as vectors of k numbers, null where missing.
 * @throws OptionError when they are no array; ShapeError, with the step, for one of another length or not finite.
 */
export function readObservations(
  where: string,
  model: StateSpaceModel,
  observations: readonly Observation[],
): (Float64Array | null)[] {
  if (Array.isArray(observations) || ArrayBuffer.isView(observations))
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
  const vector = typeof y === 'number' ? Float64Array.of(y) : Float64Array.from(y);
  const wrong = vector.findIndex((value) => !Number.isFinite(value));
  if (vector.length === observed && wrong < 0) return vector;
  const found =
    vector.length === observed
      ? `number ${wrong} of observation ${step} is ${vector[wrong]}`
      : `observation ${step} has ${vector.length} ${vector.length === 1 ? 'number' : 'numbers'}`;
  throw new ShapeError({
    where,
    found,
    expected: `${observed} finite ${observed === 1 ? 'number' : 'numbers'}, or null where it is missing`,
  });
}
