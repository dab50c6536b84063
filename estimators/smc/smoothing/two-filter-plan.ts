import { checkCount, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import { type AdditiveFunctional, checkFunctional } from './additive-functional.ts';
import type { ReversedModel } from './reversed-model.ts';
import {
  checkFilter,
  checkMemory,
  checkTransition,
  FILTER_OPTIONS,
  type FilterPlan,
} from './smoother-plan.ts';
import type { SmoothedFilterOptions } from './smoother-types.ts';

export interface TwoFilterOptions extends SmoothedFilterOptions {
  /** The model told from its end. */
  readonly reversed: ReversedModel;
  /** 'all' N^2 pairs of particles a step, or a number of independent pairs. Default N of them. */
  readonly pairs?: 'all' | number;
  /** Sums along the path to be estimated with it. */
  readonly functional?: AdditiveFunctional;
}

export interface TwoFilterPlan extends FilterPlan {
  readonly reversed: ReversedModel;
  readonly pairs: 'all' | number;
  readonly functional: AdditiveFunctional | undefined;
  readonly fingerprint: string;
}

const WHERE = 'twoFilterSmoother';

/** @throws OptionError for the first option that cannot be used. */
export function checkTwoFilters(options: TwoFilterOptions): TwoFilterPlan {
  const known = [...FILTER_OPTIONS, 'reversed', 'pairs', 'functional'] as const;
  checkOptionNames(WHERE, options, known satisfies readonly (keyof TwoFilterOptions)[]);
  const filter = checkFilter(WHERE, options);
  const { model, particles, runs, dimension, steps } = filter;
  checkTransition(WHERE, model, '');
  const reversed = checkReversed(options.reversed);
  const pairs =
    options.pairs === 'all'
      ? 'all'
      : checkCount(WHERE, 'pairs', options.pairs ?? particles, { min: 1, max: 2 ** 32 });
  const functional =
    options.functional === undefined ? undefined : checkFunctional(WHERE, options.functional);
  // A pair holds two states, its uniforms, slots and weight, and what is averaged over pairs.
  const k = functional?.names.length ?? 0;
  checkMemory(filter, { kind: 'full' }, pairs === 'all' ? 0 : 8 * pairs * (4 * dimension + 3 * k + 8));
  const { scheme, threshold, measure } = options;
  const sizes = [particles, runs, dimension, steps, pairs, functional?.names];
  const fingerprint = JSON.stringify([WHERE, filter.mark, sizes, scheme, threshold, measure]);
  return { ...filter, reversed, pairs, functional, fingerprint };
}

const FUNCTIONS = ['logPrior', 'initial', 'transition'] as const;
const OPTIONAL = ['logInitial', 'logTransition'] as const;

function checkReversed(reversed: ReversedModel): ReversedModel {
  const given = reversed as Partial<ReversedModel> | null | undefined;
  const bad =
    FUNCTIONS.find((name) => typeof given?.[name] !== 'function') ??
    OPTIONAL.find((name) => given?.[name] !== undefined && typeof given[name] !== 'function');
  if (bad !== undefined)
    throw new OptionError({
      where: WHERE,
      option: 'reversed',
      value: reversed,
      found: `\`reversed.${bad}\` is ${show(given?.[bad])}`,
      expected: `an object with the functions ${FUNCTIONS.join(', ')}: an artificial prior and a way to move back`,
    });
  checkOptionNames(`${WHERE}: reversed`, reversed, ['noise', ...FUNCTIONS, ...OPTIONAL]);
  checkCount(WHERE, 'reversed.noise', reversed.noise ?? 1, { min: 1 });
  return reversed;
}
