import type { Sampler } from '../../engine/sampler.ts';
import type { Source } from '../../engine/types.ts';
import { answer } from './answer.ts';
import { advance, begin, finished, goOn, infoOf, release, report, saved } from './chain-run.ts';
import { type ChainShards, chainShards } from './chain-shards.ts';
import { denoisingRounds } from './denoising-rounds.ts';
import { checkDenoising } from './plan.ts';
import type { DenoisingMcmcState } from './state.ts';
import type { DenoisingMcmcOptions, DenoisingMcmcResult } from './types.ts';

/*
 * Denoising MCMC: chains over (x, sigma) with p(x, sigma) = p_sigma(x) p(sigma), thinned; each kept state is denoised from
 * its own level. Whatever sigma was, the denoised point follows the law of the data, up to the steps of the integrator.
 *
 * | symbol | name here |
 * |---|---|
 * | p(sigma_g) | prior, levels [G] |
 * | K_sigma, p(sigma given x) | `moveChains`, `drawLevels`: a cycle |
 * | n_skip | skip |
 * | c | stepSize |
 *
 * Differs from the paper: moves are accepted or rejected, with steps that grow with sigma, and the level is drawn rather than
 * the most probable one ('published' does as the paper); the last state of a window is kept, not that of the smallest level;
 * c is adapted in warm-up only, towards an acceptance of 0.7.
 *
 * Source: Kim & Ye (2023).
 */

/** The paper behind this family. */
export const KIM_YE: Source = {
  authors: 'Kim, B. and Ye, J. C.',
  year: 2023,
  title: 'Denoising MCMC for accelerating diffusion-based generative models',
  reference: 'arXiv:2209.14593',
};

/**
 * Sample the data law of a denoiser by chains that wander over noise levels. For models whose noise ends where modes still tell,
 * so that reverse diffusion cannot begin right. Where it can, chains cost more: 2 to 15 times the evaluations for an independent
 * point on three mixtures (bench/denoising.bench.ts), and more with more dimensions.
 * @throws OptionError or ShapeError for bad options; what the denoiser throws.
 */
export function denoisingMcmc(
  options: DenoisingMcmcOptions,
): Sampler<DenoisingMcmcState, DenoisingMcmcResult> & { readonly shards: ChainShards<DenoisingMcmcResult> } {
  const plan = checkDenoising(options);
  return {
    name: 'denoising-mcmc',
    sources: [KIM_YE, ...plan.descent.integrator.sources],
    init: (ctx) => begin(plan, ctx),
    async step(state, ctx) {
      if (!finished(plan, state)) await advance(plan, state, ctx);
      return report(plan, state);
    },
    result: async (state, ending) => answer(plan, state, infoOf(plan, state), ending),
    snapshot: async (state) => saved(plan, state),
    restore: (bytes, ctx) => goOn(plan, bytes, ctx),
    dispose: release,
    shards: chainShards(denoisingRounds(plan), options.module),
  };
}
