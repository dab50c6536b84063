import { checkOptionNames } from '../../engine/check.ts';
import type { SobolOptions } from './types.ts';

const OPTIONS: Readonly<Record<keyof SobolOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  groups: true,
  points: true,
  replicates: true,
  design: true,
  secondOrder: true,
  estimator: true,
  closed: true,
  superset: true,
  outputs: true,
  interval: true,
  bootstrap: true,
  resamples: true,
  level: true,
  missing: true,
  means: true,
  until: true,
  maxPoints: true,
};

/**
 * Options of a Sobol' run, of its design alone or of its analysis alone: one object may serve all three.
 * @throws OptionError for a name that is none of them.
 */
export function checkSobolOptions(where: string, options: unknown): void {
  checkOptionNames(where, options, Object.keys(OPTIONS));
}
