import type { Sampler } from '../../engine/sampler.ts';
import { type ChainShards, chainShards } from './chain-shards.ts';
import { KIM_YE } from './denoising-mcmc.ts';
import { checkNoisedDensity, type NoisedDensityOptions, type NoisedDensityResult } from './noised-density.ts';
import { noisedDensityRounds } from './noised-density-rounds.ts';
import {
  advance,
  answer,
  begin,
  goOn,
  lastCycle,
  type NoisedDensityState,
  release,
  report,
  saved,
} from './noised-density-run.ts';

/*
 * The chain of denoising MCMC when only a density pi of the data is known, up to a constant: x_0 stays in the state, and
 * everything is exact. Its law is pi(x_0) N(x; x_0, sigma^2 I) / sigma; a cycle is
 *
 *   x given x_0, sigma        N(x_0, sigma^2 I)
 *   sigma given x, x_0        r = |x - x_0|^2: y = r / (2 sigma^2) is gamma of shape d / 2, cut to the range of sigma
 *   x_0 given x, sigma        a Langevin move (MALA) on pi(x_0) N(x; x_0, sigma^2 I), c adapted in warm-up towards 0.7;
 *                             then a fresh x_0' from N(x, sigma^2 I), taken with probability min(1, pi(x_0') / pi(x_0))
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x_0, x | clean, noised | [n, d] |
 * | sigma | level | [n] |
 * | log pi, its gradient | logDensity, gradient | [n], [n, d] |
 *
 * Differs from the specification it follows: the fresh x_0', without which x_0 would change modes no faster than by itself.
 */

/**
 * Sample a density that is known up to a constant by chains that add noise and take it back. Exact.
 * @throws OptionError or ShapeError for bad options; ValueError when the density is NaN, +Infinity, or 0 at the start.
 */
export function noisedDensityMcmc(
  options: NoisedDensityOptions,
): Sampler<NoisedDensityState, NoisedDensityResult> & { readonly shards: ChainShards<NoisedDensityResult> } {
  const plan = checkNoisedDensity(options);
  return {
    name: 'noised-density-mcmc',
    sources: [KIM_YE],
    init: (ctx) => begin(plan, ctx),
    async step(state, ctx) {
      if (state.cycle < lastCycle(plan)) await advance(plan, state, ctx);
      return report(plan, state);
    },
    async result(state, ending) {
      return answer(plan, state, ending);
    },
    snapshot: async (state) => saved(plan, state),
    restore: (bytes, ctx) => goOn(plan, bytes, ctx),
    dispose: release,
    shards: chainShards(noisedDensityRounds(plan), options.module),
  };
}
