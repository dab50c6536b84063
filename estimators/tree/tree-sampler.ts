import { decodeState, encodeState } from '../../engine/array/codec.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Context, Sampler, Step } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import { makeTurn } from '../../engine/turn.ts';
import type { Source } from '../../engine/types.ts';
import { infoOf, treeAnswer } from './answer.ts';
import { restoreArena, saveArena } from './arena.ts';
import { grow } from './grow.ts';
import { checkTree, openPlan, type TreePlan, WHERE } from './plan.ts';
import { openState, type TreeState } from './state.ts';
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
export function treeSampler(options: TreeOptions): Sampler<TreeState, TreeResult> {
  const scheme = checkTree(options);
  const turn = makeTurn();
  const step = async (state: TreeState, ctx: Context): Promise<Step<TreeState>> => {
    const { plan } = state;
    await grow(plan, state, nextStop(plan, state.iterations), turn, ctx.signal);
    return report(state);
  };
  return {
    name: 'tree-sampler',
    sources: TREE_SOURCES,
    async init(ctx) {
      const plan = await openPlan(scheme, ctx);
      return orRelease(
        () => step(openState(plan, ctx.rng.key), ctx),
        () => plan.chain.dispose(),
      );
    },
    step,
    result: async (state, ending) => treeAnswer(state.plan, state, infoOf(state.plan, state), ending),
    snapshot: async (state) => save(state),
    async restore(bytes, ctx) {
      const plan = await openPlan(scheme, ctx);
      return orRelease(
        async () => report(goOn(plan, bytes, ctx)),
        () => plan.chain.dispose(),
      );
    },
    dispose: ({ plan }) => plan.chain.dispose(),
  };
}

const FIRST_STOP = 16;

/** A sixteenth more iterations: what a step costs besides stays in proportion to the tree. */
function nextStop({ iterations }: TreePlan, done: number): number {
  return Math.max(done, Math.min(iterations, done + Math.max(FIRST_STOP, done >> 4)));
}

interface Saved extends Pick<TreeState, 'key' | 'iterations' | 'evaluations' | 'rewards'> {
  readonly plan: string;
}

function save({ plan, key, iterations, evaluations, rewards, expansions, arena }: TreeState): Uint8Array {
  const header: Saved = { plan: plan.fingerprint, key, iterations, evaluations, rewards };
  return encodeState(header, { ...saveArena(arena), expansions });
}

function goOn(plan: TreePlan, bytes: Uint8Array, { rng }: Context): TreeState {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  checkSavedRun(WHERE, saved, { plan: plan.fingerprint, key: rng.key }, 'another chain or other options');
  const { dimension, steps } = plan.chain;
  const state = openState(plan, rng.key, restoreArena(dimension, steps, arrays));
  state.iterations = saved.iterations;
  state.evaluations = saved.evaluations;
  Object.assign(state.rewards, saved.rewards);
  state.expansions.set(arrays.expansions!);
  return state;
}

function report(state: TreeState): Step<TreeState> {
  const { plan } = state;
  return { state, done: state.iterations >= plan.iterations, info: infoOf(plan, state) };
}
