import { checkCount, checkOneOf, checkOptionNames } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import { type AdditiveFunctional, checkFunctional } from './additive-functional.ts';
import {
  checkBound,
  checkFilter,
  checkMemory,
  checkTransition,
  FILTER_OPTIONS,
  type FilterPlan,
  MOST_TRIALS,
} from './smoother-plan.ts';
import type { SmoothedFilterOptions } from './smoother-types.ts';

/**
 * 'paris': each particle averages over a few ancestors drawn from the backward law by rejection, O(N) a step, needs
 * `logTransitionBound`. 'forward-only': over all of them, O(N^2), with the least noise.
 */
export type AdditiveMethod = 'paris' | 'forward-only';

export interface AdditiveOptions extends SmoothedFilterOptions {
  /** The sums whose expectations are wanted. */
  readonly functional: AdditiveFunctional;
  /** Default 'paris'. */
  readonly method?: AdditiveMethod;
  /** Ancestors that each particle of 'paris' draws, at least 2. Default 2. */
  readonly draws?: number;
  /** Proposals of 'paris' before an exact draw. Default N, at most 2^20. */
  readonly maxTrials?: number;
}

export interface AdditivePlan extends FilterPlan {
  readonly functional: AdditiveFunctional;
  readonly method: AdditiveMethod;
  readonly draws: number;
  readonly maxTrials: number;
  readonly fingerprint: string;
}

const WHERE = 'additiveSmoother';

/** @throws OptionError for the first option that cannot be used. */
export function checkAdditive(options: AdditiveOptions): AdditivePlan {
  const known = [...FILTER_OPTIONS, 'functional', 'method', 'draws', 'maxTrials'] as const;
  checkOptionNames(WHERE, options, known satisfies readonly (keyof AdditiveOptions)[]);
  const filter = checkFilter(WHERE, options);
  const { model, particles, runs, dimension, steps } = filter;
  const method = checkOneOf(WHERE, 'method', options.method ?? 'paris', ['paris', 'forward-only'] as const);
  checkTransition(WHERE, model, '');
  if (method === 'paris') checkBound(WHERE, model, "method: 'forward-only'");
  if (options.draws === 1) throw oneDraw();
  const draws = checkCount(WHERE, 'draws', options.draws ?? 2, { min: 2, max: MOST_TRIALS });
  const most = Math.min(particles, MOST_TRIALS);
  const maxTrials = checkCount(WHERE, 'maxTrials', options.maxTrials ?? most, { min: 1, max: MOST_TRIALS });
  const functional = checkFunctional(WHERE, options.functional);
  const k = functional.names.length;
  checkMemory(filter, { kind: 'none' }, 8 * runs * (particles * (dimension + 1 + 2 * k) + steps * (k + 1)));
  const { scheme, threshold, measure } = options;
  const sizes = [particles, runs, dimension, steps, draws, maxTrials];
  const fingerprint = JSON.stringify([
    WHERE,
    method,
    sizes,
    functional.names,
    scheme,
    threshold,
    measure,
    filter.mark,
  ]);
  return { ...filter, functional, method, draws, maxTrials, fingerprint };
}

function oneDraw(): OptionError {
  return new OptionError({
    where: WHERE,
    option: 'draws',
    value: 1,
    found: 'option `draws` is 1',
    expected: 'at least 2',
    fix: 'With one draw the averages of all particles merge as the genealogy does, and the noise grows with T squared.',
  });
}
