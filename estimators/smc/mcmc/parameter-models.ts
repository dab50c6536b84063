import { show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { bootstrap } from '../filter/bootstrap.ts';
import { checkModel } from '../filter/filter-plan.ts';
import { guided } from '../filter/guided.ts';
import { readObservations } from '../filter/observations.ts';
import type { Observation, Proposal, StateFields, StateSpaceModel } from '../state-space.ts';

/** A family of state-space models: one for every theta. */
export interface ParameterModels {
  /** T */
  readonly steps: number;
  /** The model itself. */
  at(theta: Float64Array): StateSpaceModel;
  /**
   * Its filter over all observations: the bootstrap filter, or a guided one where there is a proposal. `ownNormals`: as of
   * `bootstrap`.
   */
  filter(theta: Float64Array, ownNormals?: boolean): FeynmanKac<StateFields>;
  /** y_0..y_{T-1} as vectors, null where missing. */
  observations(): readonly (Float64Array | null)[];
}

export interface ModelOptions {
  /** The model at parameter values theta [p]. States and observations have the same lengths for all theta. */
  readonly model: (theta: Float64Array) => StateSpaceModel;
  /** y_0..y_{T-1}; null where one is missing. At least one. */
  readonly observations: readonly Observation[];
  /** A proposal that has seen the observation, for the model at theta. Default: the model itself (bootstrap). */
  readonly proposal?: (theta: Float64Array) => Proposal;
}

/**
 * @throws OptionError when the model is no function or there are no observations. Models themselves are checked when they
 * are made: ShapeError for observations that do not fit.
 */
export function parameterModels(where: string, options: ModelOptions): ParameterModels {
  const { model, observations, proposal } = options;
  checkFamily(where, 'model', model);
  if (proposal !== undefined) checkFamily(where, 'proposal', proposal);
  const steps = observations?.length;
  if (!(steps > 0)) throw noObservations(where, observations);
  let read: readonly (Float64Array | null)[] | undefined;
  let dimension: number | undefined;
  const at = (theta: Float64Array): StateSpaceModel => {
    // A copy: a model may keep its parameters.
    const found = model(theta.slice());
    if (read === undefined) {
      checkModel(where, 'model', found);
      read = readObservations(where, found, observations);
      dimension = found.dimension;
    }
    if (found.dimension !== dimension) throw otherShape(where, theta, found.dimension, dimension!);
    return found;
  };
  return {
    steps,
    at,
    filter(theta, ownNormals = false) {
      const found = at(theta);
      return proposal === undefined
        ? bootstrap(found, read!, ownNormals)
        : guided(found, read!, proposal(theta.slice()), where);
    },
    observations: () => read!,
  };
}

function checkFamily(where: string, option: string, value: unknown): void {
  if (typeof value === 'function') return;
  const what = option === 'model' ? 'state-space model' : 'proposal';
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: `a function of the parameters theta that returns a ${what}`,
    fix: `Try ${option}: (theta) => ({ ... }).`,
  });
}

function noObservations(where: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: 'observations',
    value,
    found: `option \`observations\` is ${show(value)}`,
    expected: 'an array with at least one observation',
  });
}

function otherShape(where: string, theta: Float64Array, found: number, expected: number): OptionError {
  return new OptionError({
    where,
    option: 'model',
    value: found,
    found: `the state has ${found} numbers at theta = (${theta.join(', ')})`,
    expected: `${expected}, as at the first theta`,
  });
}
