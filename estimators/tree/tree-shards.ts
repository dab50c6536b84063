import { madeByModule, noModule, otherMethod } from '../../engine/cluster/made-by-module.ts';
import { arraysCodec, mergeRows } from '../../engine/cluster/summaries.ts';
import type { Work } from '../../engine/cluster/types.ts';
import type { ModuleModel } from '../../engine/model/model.ts';
import { orRelease } from '../../engine/or-release.ts';
import type { Context } from '../../engine/sampler.ts';
import type { Shards } from '../../engine/sharded.ts';
import { makeTurn } from '../../engine/turn.ts';
import { infoOf, treeAnswer } from './answer.ts';
import { finished, growForest, openTree, restoreForest, saveForest, type TreeForest } from './forest.ts';
import { openPlan, type TreePlan, type TreeScheme, WHERE } from './plan.ts';
import type { TreeResult } from './types.ts';

/*
 * The trees of a run on a cluster, one a shard. Workers make the method anew from the module that exports it, and check that
 * it is the same; what comes back are whole trees, so that the answer is that of one machine.
 */

/** Saved trees one after the other, and the length of each. */
interface SavedTrees {
  readonly states: Uint8Array;
  readonly lengths: Float64Array;
}

/** What a plan says of a run: enough to know it again. */
interface TreesPlan {
  readonly fingerprint: string;
  readonly iterations: number;
  readonly evaluations: number | null;
  readonly maxNodes: number | null;
}

/** What a worker needs of the method that it made. */
interface MadeByModule {
  readonly shards?: {
    cut(shards: undefined): { readonly options: unknown };
    tree?(r: number, context: Context): Promise<GrownTree>;
  };
}

interface GrownTree {
  readonly state: Uint8Array;
  readonly evaluations: number;
}

/** How a forest is cut, and one tree of it, to its end. */
export interface TreeShards extends Shards<TreeResult> {
  tree(r: number, context: Context): Promise<GrownTree>;
}

const EXAMPLE = 'treeSampler({ ... })';

export const treeRows: Work<TreesPlan, SavedTrees> = {
  name: 'tree-forest',
  version: 1,
  async compute({ index }, plan, context) {
    const { shards } = (await madeByModule(WHERE, context.model(), EXAMPLE)) as MadeByModule;
    if (shards?.tree === undefined || !samePlan(shards.cut(undefined).options, plan))
      throw otherMethod(WHERE, 'chain');
    const { state, evaluations } = await shards.tree(index, context);
    context.count(evaluations);
    return { states: state, lengths: Float64Array.of(state.length) };
  },
  codec: arraysCodec<SavedTrees & Record<string, Uint8Array | Float64Array>>({
    ...{ states: Uint8Array, lengths: Float64Array },
  }) as Work<TreesPlan, SavedTrees>['codec'],
  merge: (left, right) => mergeRows({ ...left }, { ...right }),
};

function samePlan(own: unknown, plan: TreesPlan): boolean {
  const names = ['fingerprint', 'iterations', 'evaluations', 'maxNodes'] as const;
  return names.every((name) => (own as TreesPlan)[name] === plan[name]);
}

export function shardsOf(scheme: TreeScheme, module: ModuleModel | undefined): TreeShards {
  const { fingerprint, iterations, evaluations = null, maxNodes = null, trees } = scheme;
  const options: TreesPlan = { fingerprint, iterations, evaluations, maxNodes };
  return {
    work: treeRows as Shards['work'],
    ...(module === undefined ? {} : { model: module }),
    cut() {
      if (module === undefined) throw noModule(WHERE, 'a chain is functions', EXAMPLE);
      return { options, shards: { kind: 'index', count: trees } };
    },
    tree: (r, context) => inUse(scheme, context, (plan) => growTree(plan, r, context)),
    answer: ({ value }, context, ending) =>
      inUse(scheme, context, async (plan) => {
        const forest = await gathered(plan, value as SavedTrees, context);
        return treeAnswer(forest, infoOf(forest), ending);
      }),
  };
}

/** With the chain of a scheme open as long as that takes. */
async function inUse<T>(
  scheme: TreeScheme,
  context: Context,
  use: (plan: TreePlan) => Promise<T>,
): Promise<T> {
  const plan = await openPlan(scheme, context);
  const used = await orRelease(
    () => use(plan),
    () => plan.chain.dispose(),
  );
  plan.chain.dispose();
  return used;
}

async function growTree(plan: TreePlan, r: number, { rng, signal }: Context): Promise<GrownTree> {
  const forest = openTree(plan, rng, r);
  const turn = makeTurn();
  const tree = forest.trees[0]!;
  while (!finished(plan, tree)) {
    signal.throwIfAborted();
    await growForest(forest, turn, signal);
  }
  return { state: saveForest(forest), evaluations: tree.evaluations };
}

/** Trees that came back, as one forest: all of them, or those that a deadline left. */
async function gathered(
  plan: TreePlan,
  { states, lengths }: SavedTrees,
  context: Context,
): Promise<TreeForest> {
  let at = 0;
  const forests: TreeForest[] = [];
  for (const length of lengths) {
    forests.push(await restoreForest(plan, states.slice(at, at + length), context));
    at += length;
  }
  return { ...forests[0]!, trees: forests.flatMap(({ trees }) => trees) };
}
