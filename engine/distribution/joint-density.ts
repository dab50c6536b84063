import type { Density } from '../types.ts';
import type { InputSpace } from './inputs.ts';
import { checkJointDensity } from './joint-parts.ts';
import { lawFamily, memberOf } from './law-family.ts';

/**
 * The joint law of inputs.
 * @throws OptionError as `checkJointDensity`.
 */
export function jointLaw(where: string, space: InputSpace): Density {
  checkJointDensity(where, space);
  const family = lawFamily([memberOf('inputs', space, space)]);
  const { dimension: d } = space;
  return {
    dimension: d,
    logDensity: (x, out) => family.logDensity(x, x.length / d, out),
    transport: (u, x) => space.transport(u, x, u.length / d),
  };
}

/** Sum of log densities; -Infinity outside the support, whatever the rest says there. */
export function joined(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : a + b;
}
