import { OptionError } from '../../engine/errors.ts';
import type { StateSpaceModel } from './state-space.ts';

/** The densities of a model, which it may lack: called as its methods, because it may hold state. */
export type Densities = Required<Pick<StateSpaceModel, 'logInitial' | 'logTransition'>>;

/** @throws OptionError, with what they are for and the way round them, when the model lacks one. */
export function withDensities(
  where: string,
  model: StateSpaceModel,
  purpose: string,
  way: string,
): Densities {
  if (model.logTransition === undefined) throw lacksDensity(where, model, 'logTransition', purpose, way);
  if (model.logInitial === undefined) throw lacksDensity(where, model, 'logInitial', purpose, way);
  return {
    logInitial: (x, out) => model.logInitial!(x, out),
    logTransition: (step, parent, x, out) => model.logTransition!(step, parent, x, out),
  };
}

/** A model that lacks a density: what for, and the way round it. */
export function lacksDensity(
  where: string,
  model: StateSpaceModel,
  missing: 'logInitial' | 'logTransition',
  purpose: string,
  way: string,
): OptionError {
  const signature = missing === 'logTransition' ? '(step, parent, x, out)' : '(x, out)';
  return new OptionError({
    where,
    option: 'model',
    value: model,
    found: `the model has no \`${missing}\``,
    expected: `one for ${purpose}`,
    fix: `Add ${missing}${signature} to the model, or ${way}.`,
  });
}
