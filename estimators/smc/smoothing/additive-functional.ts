import { checkCount, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';

/**
 * k sums along a path, S = s_0(x_0) + sum of s_t(x_{t-1}, x_t) over t = 1..T-1: sufficient statistics, path lengths,
 * cross moments. Each function handles n rows at once.
 */
export interface AdditiveFunctional {
  /** Names of the k sums. */
  readonly names: readonly string[];
  /** s_0 of x [n, d] into `out` [n, k]. Default 0. */
  initial?(x: Float64Array, out: Float64Array): void;
  /** s_t of parents [n, d] and x [n, d] into `out` [n, k], t >= 1. */
  term(step: number, parent: Float64Array, x: Float64Array, out: Float64Array): void;
}

/** @throws OptionError unless it has names and a function `term`, and for a property that it may not have. */
export function checkFunctional(where: string, functional: AdditiveFunctional): AdditiveFunctional {
  const given = functional as Partial<AdditiveFunctional> | null | undefined;
  if (typeof given?.term !== 'function' || !Array.isArray(given.names)) {
    throw new OptionError({
      where,
      option: 'functional',
      value: functional,
      found: `option \`functional\` is ${show(functional)}`,
      expected: '{ names, term } with the names of the sums and s_t(x_{t-1}, x_t) over rows',
    });
  }
  checkOptionNames(`${where}: functional`, given, ['names', 'initial', 'term']);
  checkCount(where, 'functional.names.length', given.names.length, { min: 1 });
  if (given.initial !== undefined && typeof given.initial !== 'function') {
    throw new OptionError({
      where,
      option: 'functional.initial',
      value: given.initial,
      found: `\`functional.initial\` is ${show(given.initial)}`,
      expected: 's_0(x, out) over rows, or nothing',
    });
  }
  return functional;
}
