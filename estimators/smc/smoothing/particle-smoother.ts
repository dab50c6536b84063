import { orRelease } from '../../../engine/or-release.ts';
import type { Context, Sampler, Step } from '../../../engine/sampler.ts';
import { answer, infoOf } from './smoother-answer.ts';
import { advanceSmoother } from './smoother-passes.ts';
import { checkPlan } from './smoother-plan.ts';
import { decodeSmoother, encodeSmoother, openSmoother, type SmootherState } from './smoother-state.ts';
import type { SmootherOptions, SmootherResult } from './smoother-types.ts';
import { SMOOTHER_SOURCES } from './sources.ts';

/*
 * Smoothing over a full history: a filter forward, then all paths back, a step at a time.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_t^i, W_t^i, A_t^i | frames of the filter's history | [N, d], [N], [N] |
 * | B_t, the particle a path passes through | slot | [R, P] |
 * | backward law of B_t given B_{t+1} | draw, see ancestor-draws.ts | |
 *
 * Departures: all paths of a step are drawn together, so that the transition density is called on whole arrays.
 */

/**
 * The states of a hidden Markov model given all observations: means, variances, sample paths, and expectations of sums
 * along the path. Steps of a run are T steps of the filter, then T back.
 *
 * @throws OptionError for bad options, a model without the densities that the method needs, and for a history that
 * does not fit into memory, with the number. A later ValueError names the step and particle at which a density or
 * functional cannot be used.
 */
export function particleSmoother(options: SmootherOptions): Sampler<SmootherState, SmootherResult> {
  const plan = checkPlan('particleSmoother', options);
  const report = (state: SmootherState): Step<SmootherState> => ({
    state,
    done: state.smc.finished && state.at < 0,
    info: infoOf(state, plan, []),
  });
  const step = async (state: SmootherState, ctx: Context): Promise<Step<SmootherState>> => {
    await advanceSmoother(state, plan, ctx);
    return report(state);
  };
  return {
    name: 'particle-smoother',
    sources: SMOOTHER_SOURCES,
    async init(ctx) {
      const state = openSmoother(plan, ctx);
      return orRelease(
        () => step(state, ctx),
        () => state.work.release(),
      );
    },
    step,
    result: async (state, ending) => answer(state, plan, ending),
    snapshot: async (state) => encodeSmoother(state, plan),
    restore: async (bytes, ctx) => report(await decodeSmoother(bytes, plan, ctx)),
    dispose: (state) => state.work.release(),
  };
}
