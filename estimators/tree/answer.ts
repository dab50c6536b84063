import { spaced } from '../../engine/check.ts';
import { combinedLogNormalizer } from '../../engine/diagnostics/combined-normalizer.ts';
import { coordinates } from '../../engine/diagnostics/smc-estimates.ts';
import { ess, logSumExp, normalizedWeight } from '../../engine/particles/log-weight.ts';
import { known, pooledMoments } from '../../engine/particles/smc/pooled-moments.ts';
import type { Ending, Info, Sample } from '../../engine/sampler.ts';
import type { Estimate, Outcome, Warning } from '../../engine/types.ts';
import { log } from '../../engine/wasm/twins/elementary.ts';
import { adviceOf, adviceWarning, percent, type TreeProgress } from './advice.ts';
import { CHILDREN } from './arena.ts';
import { finished, outgrown, type TreeForest } from './forest.ts';
import { greedyLeaf, heaviestChild, leafWeights, staleShare } from './leaves.ts';
import type { TreePlan } from './plan.ts';
import type { TreeState } from './state.ts';
import type { TreeAdvice, TreeCounts, TreeLeaf, TreeNormalizer, TreeResult } from './types.ts';

/** Share of stale children of the root above which published values keep the luck of their first run. */
const STALE = 0.5;
/** Share of one leaf in the weight above which the sample is nearly a point. */
const HEAVY = 0.5;
/** Effective leaves below which averages rest on a few. */
const THIN = 10;

/** The leaves of all trees as one weighted sample. */
interface Leaves extends Sample {
  /** [R] row after the last leaf of each tree. */
  readonly ends: readonly number[];
  /** [R] log Z of each tree. */
  readonly logNormalizer: Float64Array;
  /** [n] */
  readonly weight: Float64Array;
  readonly reward: Float64Array;
}

/** The trees as a weighted sample, and what it tells. */
export function treeAnswer({ plan, trees }: TreeForest, info: Info, ending: Ending): TreeResult {
  const leaves = leavesOf(plan, trees);
  const { points, shape, logWeight, reward } = leaves;
  const normalizer = normalizerOf(plan, trees, leaves);
  const tree = countsOf(trees, leaves);
  const advice = adviceNow(plan, trees);
  const greedy = trees.map(({ arena }, r) => (leaves.ends[r - 1] ?? 0) + greedyLeaf(plan, arena));
  return {
    estimate: estimateOf(plan, leaves, normalizer),
    sample: { points, shape, logWeight },
    outcome: outcomeOf(normalizer, leaves, isFull({ plan, trees }) ? { kind: 'unfinished' } : ending.outcome),
    diagnostics: { ...info, warnings: warningsOf({ plan, trees }, tree, leaves, { advice, ess: info.ess }) },
    provenance: ending.provenance,
    logNormalizer: normalizer,
    trees: { logNormalizer: leaves.logNormalizer },
    reward,
    best: leafAt(leaves, indexOfLargest(reward)),
    greedy: leafAt(leaves, greedy[indexOfLargest(greedy.map((i) => reward[i]!))]!),
    tree,
    advice,
  };
}

function leavesOf(plan: TreePlan, trees: readonly TreeState[]): Leaves {
  const d = plan.chain.dimension;
  let n = 0;
  const ends = trees.map(({ arena }) => {
    n += arena.filled[0]!;
    return n;
  });
  const points = new Float64Array(n * d);
  const reward = new Float64Array(n);
  const logNormalizer = new Float64Array(trees.length);
  const pooled = pooledWeights(plan, trees, logNormalizer);
  // Those of a single tree are kept for another look.
  const logWeight = trees.length === 1 ? pooled.slice() : pooled;
  for (const [r, { arena }] of trees.entries()) {
    const first = ends[r - 1] ?? 0;
    const leaves = arena.filled[0]!;
    points.set(arena.slabs[0]!.subarray(0, leaves * d), first * d);
    reward.set(arena.reward.subarray(0, leaves), first);
  }
  const weight = normalizedWeight(logWeight);
  return { points, shape: [n, d], logWeight, ends, logNormalizer, weight, reward };
}

/**
 * Leaves of R trees weigh 1 / R of what they weigh in their own, so that all add up to the mean of the Z.
 * @param logNormalizer [R], to be filled.
 */
function pooledWeights(
  plan: TreePlan,
  trees: readonly TreeState[],
  logNormalizer?: Float64Array,
): Float64Array {
  const all = trees.map((tree) => weightsNow(plan, tree));
  if (logNormalizer !== undefined) for (const [r, own] of all.entries()) logNormalizer[r] = logSumExp(own);
  if (all.length === 1) return all[0]!;
  const pooled = new Float64Array(all.reduce((sum, own) => sum + own.length, 0));
  const share = log(all.length);
  let at = 0;
  for (const own of all) for (const l of own) pooled[at++] = l - share;
  return pooled;
}

const seen = new WeakMap<TreeState, { iterations: number; nodes: number; own: Float64Array }>();

/** Weights of the leaves of one tree; the last step of a run and its result ask for the same ones, in a long pass over the tree. */
function weightsNow({ mode }: TreePlan, tree: TreeState): Float64Array {
  const { iterations, arena } = tree;
  const last = seen.get(tree);
  if (last?.iterations === iterations && last.nodes === arena.nodes) return last.own;
  const own = leafWeights(tree, mode === 'ipw');
  seen.set(tree, { iterations, nodes: arena.nodes, own });
  return own;
}

function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function leafAt({ points, shape: [, d], reward }: Leaves, row: number): TreeLeaf {
  return { point: points.slice(row * d, (row + 1) * d), reward: reward[row]! };
}

function normalizerOf(plan: TreePlan, trees: readonly TreeState[], leaves: Leaves): TreeNormalizer {
  const claim = claimOf(plan, trees);
  if (trees.length > 1) return { ...combinedLogNormalizer(leaves.logNormalizer), ...claim };
  const value = leaves.logNormalizer[0]!;
  // Leaves of 'prior' are independent, and n times the weight of each is an estimate of Z.
  const { standardError } = combinedLogNormalizer(leaves.logWeight);
  return { value, standardError: plan.mode === 'prior' ? standardError : Number.NaN, ...claim };
}

function claimOf(plan: TreePlan, trees: readonly TreeState[]): Pick<TreeNormalizer, 'claim' | 'reason'> {
  const { mode, chain } = plan;
  if (trees.some(({ pruned }) => pruned > 0))
    return { claim: 'biased', reason: 'what was frozen for room depends on what was found there' };
  if (mode !== 'ipw' && !trees.every((tree) => tree.blind)) {
    const reason = 'visits go where values are large, so values that are too small by chance stay';
    return { claim: 'biased', reason };
  }
  const uneven = chain.terminal !== undefined || chain.merge === true;
  if (mode === 'ipw' || uneven) {
    if (bounded(plan))
      return { claim: 'biased', reason: `evaluations or nodes end it, when is by chance${always(plan)}` };
    if (trees.some(({ iterations }) => iterations !== plan.iterations))
      return { claim: 'biased', reason: 'the run was cut, and where may depend on what it found' };
  }
  if (mode === 'ipw') return { claim: 'unbiased', reason: 'children and iterations were planned beforehand' };
  if (mode === 'prior') return { claim: 'unbiased', reason: 'leaves are independent runs of the chain' };
  return { claim: 'unbiased', reason: 'visits do not depend on rewards' };
}

/** Whether there is a bound that could end it before the last iteration. */
function bounded(plan: TreePlan): boolean {
  return affordable(plan) < plan.iterations;
}

/** Iterations that bounds leave room for, whatever they take. Walks that are in flight at the end are paid for, too. */
function affordable({
  mode,
  batch,
  chain,
  depth,
  evaluations = Infinity,
  maxNodes = Infinity,
}: TreePlan): number {
  const paid = Math.min(Math.floor(evaluations / chain.steps), Math.floor((maxNodes - 1) / (depth - 1)));
  return mode === 'ipw' ? paid : paid - batch + 1;
}

/** How many planned iterations would keep a claim. */
function always(plan: TreePlan): string {
  const whole = plan.mode === 'ipw' ? plan.batch : 1;
  const fit = Math.floor(affordable(plan) / whole) * whole;
  return fit > 0 ? `; iterations: ${fit} always fit` : '';
}

function estimateOf({ mode }: TreePlan, leaves: Leaves, normalizer: TreeNormalizer): Estimate {
  const [n, d] = leaves.shape;
  const independent = mode === 'prior' && leaves.ends.length === 1 && n > 1;
  const { mean, standardError } = pooledMoments(leaves, leaves.ends, false);
  const { value, standardError: error } = normalizer;
  return {
    names: ['logNormalizer', ...coordinates(d)],
    value: Float64Array.of(value, ...mean),
    standardError: Float64Array.of(error, ...(independent ? errorOfLeaves(leaves, mean) : standardError)),
  };
}

/** [d] of means over independent leaves, by the delta method. */
function errorOfLeaves({ points, shape: [n, d], weight }: Leaves, mean: Float64Array): Float64Array {
  const squares = new Float64Array(d);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < d; c++)
      squares[c] = squares[c]! + (weight[i]! * (points[i * d + c]! - mean[c]!)) ** 2;
  return squares.map((s) => known(Math.sqrt(s)));
}

function outcomeOf({ value }: TreeNormalizer, { reward, ends }: Leaves, outcome: Outcome): Outcome {
  if (value > -Infinity) return outcome;
  const n = ends.at(-1)!;
  const alive = reward.some((r) => r > -Infinity);
  const message = alive
    ? `Edges of -Infinity lead to each of ${n} leaves: what was drawn has no density under the chain. Draw where log p - log q is finite.`
    : `None of ${n} leaves has a reward above -Infinity. Use more iterations, or a reward that is finite where the chain goes.`;
  return { kind: 'degenerate', ess: 0, message };
}

function warningsOf(
  { plan, trees }: Pick<TreeForest, 'plan' | 'trees'>,
  { stale, frozen }: TreeCounts,
  { weight }: Leaves,
  { advice, ess: effective }: { readonly advice: TreeAdvice; readonly ess: number },
): readonly Warning[] {
  const warnings: Warning[] = [...adviceWarning(plan, advice)];
  if (plan.mode === 'paper' && stale > STALE) {
    const message = `${percent(stale)} of the children of the root were never visited again (warned above 50 %), so values keep the luck of one run and Z is too small. Use mode: 'ipw', or 'precision'.`;
    warnings.push({ code: 'stale-children', message, value: stale, threshold: STALE });
  }
  if (isFull({ plan, trees })) {
    const message = `A tree stopped at ${spaced(plan.maxNodes ?? 0)} nodes (\`maxNodes\`), before its last iteration. Raise it, or name fewer levels in \`chain.branches\`.`;
    warnings.push({ code: 'tree-full', message, value: plan.maxNodes ?? 0, threshold: plan.maxNodes ?? 0 });
  }
  const allowed = plan.prune ?? 1;
  if (frozen > allowed) {
    const message = `Subtrees that were frozen for room hold ${percent(frozen)} of the weight now (\`prune\` allows ${percent(allowed)}), as values elsewhere fell. Raise \`maxNodes\`.`;
    warnings.push({ code: 'tree-pruned', message, value: frozen, threshold: allowed });
  }
  if (plan.mode === 'search' || weight.length < 2) return warnings;
  const largest = weight[indexOfLargest(weight)]!;
  if (largest > HEAVY) {
    const message = `One leaf holds ${percent(largest)} of the weight (warned above 50 %). The sample is nearly a single point.`;
    warnings.push({ code: 'one-weight', message, value: largest, threshold: HEAVY });
  } else if (effective > 0 && effective < THIN && weight.length > THIN) {
    const message = `Only ${Number(effective.toPrecision(2))} of ${weight.length} leaves count (warned below ${THIN}): averages rest on those few. Use more iterations.`;
    warnings.push({ code: 'thin-weights', message, value: effective, threshold: THIN });
  }
  return warnings;
}

function isFull({ plan, trees }: Pick<TreeForest, 'plan' | 'trees'>): boolean {
  return trees.some((tree) => outgrown(plan, tree));
}

function countsOf(trees: readonly TreeState[], { weight, ends }: Leaves): TreeCounts {
  const total = (of: (tree: TreeState) => number): number => trees.reduce((sum, tree) => sum + of(tree), 0);
  const perLevel = new Float64Array(trees[0]!.arena.filled.length);
  const expansions = new Float64Array(trees[0]!.expansions.length);
  for (const tree of trees) {
    for (const [k, n] of tree.arena.filled.entries()) perLevel[k] = perLevel[k]! + n;
    for (const [k, n] of tree.expansions.entries()) expansions[k] = expansions[k]! + n;
  }
  const rootChildren = total(({ arena }) => arena.whole[CHILDREN]!);
  const shares = trees.map(({ arena }, r) => heaviestChild(arena, weight.subarray(ends[r - 1] ?? 0)));
  return {
    iterations: total(({ iterations }) => iterations),
    gradients: total(({ evaluations, plan }) => evaluations * (plan.chain.gradients ?? 0)),
    nodes: total(({ arena }) => arena.nodes),
    leaves: total(({ arena }) => arena.filled[0]!),
    ...{ perLevel, expansions, rootChildren },
    stale: total((tree) => staleShare(tree) * tree.arena.whole[CHILDREN]!) / rootChildren,
    heaviest: Math.max(...shares),
    pruned: total(({ pruned }) => pruned),
    frozen: trees.reduce((sum, tree, r) => sum + frozenShare(tree, weight.subarray(ends[r - 1] ?? 0)), 0),
  };
}

/** @param weight by slot of the leaves. */
function frozenShare({ frozen }: TreeState, weight: Float64Array): number {
  let sum = 0;
  for (const slot of frozen.keys()) sum += weight[slot]!;
  return sum;
}

function adviceNow(plan: TreePlan, trees: readonly TreeState[]): TreeAdvice {
  return adviceOf(plan, trees, progress(plan, trees, finished));
}

/** @param whole whether a tree counts as all of its iterations. */
function progress(plan: TreePlan, trees: readonly TreeState[], whole: typeof finished): TreeProgress {
  const { iterations: planned, evaluations: most = Infinity } = plan;
  const done = trees.reduce((sum, tree) => {
    const share = Math.max(tree.iterations / planned, tree.evaluations / most);
    return sum + (whole(plan, tree) ? planned : Math.floor(planned * share));
  }, 0);
  return { done, total: planned * trees.length };
}

const told = /* @__PURE__ */ new WeakMap<
  readonly TreeState[],
  { readonly mark: string; readonly info: Info }
>();

/** Progress of a run. The pass over the leaves is why a step makes many iterations; the result asks for it again. */
export function infoOf({ plan, trees }: TreeForest): Info {
  const mark = trees
    .map(({ iterations, evaluations, arena }) => `${iterations} ${evaluations} ${arena.nodes}`)
    .join();
  const last = told.get(trees);
  if (last?.mark === mark) return last.info;
  const info = infoNow(plan, trees);
  told.set(trees, { mark, info });
  return info;
}

function infoNow(plan: TreePlan, trees: readonly TreeState[]): Info {
  return {
    ess: ess(pooledWeights(plan, trees)),
    evaluations: trees.reduce((sum, tree) => sum + tree.evaluations, 0),
    warnings: adviceWarning(plan, adviceNow(plan, trees)),
    // A tree without room for more is at its end, and not done.
    ...progress(plan, trees, (own, tree) => finished(own, tree) && !outgrown(own, tree)),
  };
}
