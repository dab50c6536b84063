import { orRelease } from '../../../engine/or-release.ts';
import type { Sampler, Step } from '../../../engine/sampler.ts';
import { TWO_FILTER_SOURCES } from './sources.ts';
import { type TwoFilterResult, twoFilterAnswer, twoFilterInfo } from './two-filter-answer.ts';
import { checkTwoFilters, type TwoFilterOptions } from './two-filter-plan.ts';
import {
  advanceTwoFilters,
  decodeTwoFilters,
  encodeTwoFilters,
  openTwoFilters,
  type TwoFilterState,
} from './two-filter-state.ts';

/**
 * Smoothed states from two filters, one forward and one backward in time, that meet at every pair of steps. The noise
 * does not grow along the path, as nothing is traced back; there are no sample paths. Steps of a run are T steps of the
 * information filter, then T of the filter.
 *
 * @throws OptionError for bad options, and a model without `logTransition`.
 */
export function twoFilterSmoother(options: TwoFilterOptions): Sampler<TwoFilterState, TwoFilterResult> {
  const plan = checkTwoFilters(options);
  const report = (state: TwoFilterState): Step<TwoFilterState> => ({
    state,
    done: state.forward.finished || plan.steps === 0,
    info: twoFilterInfo(state, plan, []),
  });
  const step = async (state: TwoFilterState): Promise<Step<TwoFilterState>> => {
    await advanceTwoFilters(state, plan);
    return report(state);
  };
  return {
    name: 'two-filter-smoother',
    sources: TWO_FILTER_SOURCES,
    async init(ctx) {
      const state = openTwoFilters(plan, ctx);
      return orRelease(
        () => step(state),
        () => state.release(),
      );
    },
    step,
    result: async (state, ending) => twoFilterAnswer(state, plan, ending),
    snapshot: async (state) => encodeTwoFilters(state, plan),
    restore: async (bytes, ctx) => report(await decodeTwoFilters(bytes, plan, ctx)),
    dispose: (state) => state.release(),
  };
}
