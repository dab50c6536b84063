import { toldNetworks } from '../../engine/model/place.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Context, Sampler, Step } from '../../engine/sampler.ts';
import { makeTurn } from '../../engine/turn.ts';
import type { Source } from '../../engine/types.ts';
import { infoOf, treeAnswer } from './answer.ts';
import { checkBudget } from './budget.ts';
import { finished, growForest, openForest, restoreForest, saveForest, type TreeForest } from './forest.ts';
import { checkTree, openPlan, type TreePlan } from './plan.ts';
import { shardsOf, type TreeShards } from './tree-shards.ts';
import type { TreeOptions, TreeResult } from './types.ts';

/*
 * Sampling and search on a tree of states. Each iteration walks from the root by values, adds one child where the walk ends,
 * lets the chain run on from it to a new leaf, and passes the reward up.
 *
 *   u(leaf) = lambda r      u(node) = log( sum_c w_c exp(g_c + u_c) / sum_c w_c )      w_c = 1, or 1 / (1 + rho_c)
 *
 * Departures from the paper:
 * - the answer is the tree itself, as weighted leaves, of which draws by value would be a resampling;
 * - the default is 'ipw', whose Z is unbiased, and not the published tree, whose Z falls short at every budget;
 * - a leaf that is visited again counts the visit, which matters in a search alone;
 * - the constant of the search is not in the paper: a tenth of the standard deviation of the rewards.
 */
export const TREE_SOURCES: readonly Source[] = [
  {
    authors: 'Jain, V., Sareen, K., Pedramfar, M. & Ravanbakhsh, S.',
    year: 2025,
    title: 'Diffusion tree sampling: scalable inference-time alignment of diffusion models',
    reference: 'arXiv:2506.20701',
  },
];

/**
 * Sample the ends of a chain in proportion to exp(lambda r), or look for the largest r.
 * @throws OptionError for bad options; ValueError when a reward or an edge is NaN or +Infinity; what the chain throws.
 */
export function treeSampler(
  options: TreeOptions,
): Sampler<TreeForest, TreeResult> & { readonly shards: TreeShards } {
  const scheme = checkTree(options);
  const turn = makeTurn();
  const networks = 'open' in options.chain ? (options.chain.networks ?? []) : [];
  const step = async (forest: TreeForest, ctx: Context): Promise<Step<TreeForest>> => {
    await growForest(forest, turn, ctx.signal, ctx.evaluations);
    return report(forest);
  };
  const opened = async (
    ctx: Context,
    start: (plan: TreePlan) => Promise<Step<TreeForest>>,
  ): Promise<Step<TreeForest>> => {
    const plan = await openPlan(scheme, ctx);
    return orRelease(
      () => start(plan),
      () => plan.chain.dispose(),
    );
  };
  return {
    name: 'tree-sampler',
    sources: TREE_SOURCES,
    init: async (ctx) => {
      checkBudget(scheme, ctx.evaluations);
      return opened(ctx, (plan) => step(openForest(plan, ctx.rng), ctx));
    },
    step,
    result: async (forest, { outcome, provenance }) =>
      treeAnswer(forest, infoOf(forest), { outcome, provenance: toldNetworks(provenance, networks) }),
    snapshot: async (forest) => saveForest(forest),
    restore: (bytes, ctx) => opened(ctx, async (plan) => report(await restoreForest(plan, bytes, ctx))),
    dispose: ({ plan }) => plan.chain.dispose(),
    shards: shardsOf(scheme, options.module),
  };
}

function report(state: TreeForest): Step<TreeForest> {
  return { state, done: state.trees.every((tree) => finished(state.plan, tree)), info: infoOf(state) };
}
