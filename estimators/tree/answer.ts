import { ess, logSumExp, normalizedWeight } from '../../engine/particles/log-weight.ts';
import type { Ending, Info, Sample } from '../../engine/sampler.ts';
import type { Estimate, Outcome, Warning } from '../../engine/types.ts';
import { greedyLeaf, leafWeights, staleShare } from './leaves.ts';
import type { TreePlan } from './plan.ts';
import type { TreeState } from './state.ts';
import type { TreeCounts, TreeLeaf, TreeNormalizer, TreeResult } from './types.ts';

/** Share of stale children of the root above which published values keep the luck of their first run. */
const STALE = 0.5;
/** Share of one leaf in the weight above which the sample is nearly a point. */
const HEAVY = 0.5;

/** The tree as a weighted sample, and what it tells. */
export function treeAnswer(plan: TreePlan, state: TreeState, info: Info, ending: Ending): TreeResult {
  const { arena } = state;
  const { dimension: d } = arena;
  const leaves = arena.filled[0]!;
  const logWeight = leafWeights(state, plan.mode === 'ipw');
  const sample: Sample = { points: arena.slabs[0]!.slice(0, leaves * d), shape: [leaves, d], logWeight };
  const weight = normalizedWeight(logWeight);
  const normalizer = normalizerOf(plan, state, logWeight, weight);
  const reward = arena.reward.slice(0, leaves);
  return {
    estimate: estimateOf(plan, sample, weight, normalizer),
    sample,
    outcome: outcomeOf(normalizer, leaves, ending.outcome),
    diagnostics: { ...info, warnings: warningsOf(plan, state, weight) },
    provenance: ending.provenance,
    logNormalizer: normalizer,
    reward,
    best: leafAt(sample, reward, reward.indexOf(most(reward))),
    greedy: leafAt(sample, reward, greedyLeaf(arena)),
    tree: countsOf(state),
  };
}

function most(values: Float64Array): number {
  let largest = -Infinity;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}

function leafAt({ points, shape: [, d] }: Sample, reward: Float64Array, slot: number): TreeLeaf {
  return { point: points.slice(slot * d, (slot + 1) * d), reward: reward[slot]! };
}

function normalizerOf(
  plan: TreePlan,
  { iterations }: TreeState,
  logWeight: Float64Array,
  weight: Float64Array,
): TreeNormalizer {
  const value = logSumExp(logWeight);
  const n = weight.length;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (weight[i]! - 1 / n) ** 2;
  const independent = plan.mode === 'prior' && n > 1 && value > -Infinity && squares > 0;
  const standardError = independent ? Math.sqrt((squares * n) / (n - 1)) : Number.NaN;
  return { value, standardError, ...claimOf(plan, iterations) };
}

function claimOf(plan: TreePlan, iterations: number): Pick<TreeNormalizer, 'claim' | 'reason'> {
  if (plan.mode === 'prior') return { claim: 'unbiased', reason: 'leaves are independent runs of the chain' };
  if (plan.explore === 1 && plan.mode !== 'ipw')
    return { claim: 'unbiased', reason: 'visits do not depend on rewards' };
  if (plan.mode !== 'ipw')
    return {
      claim: 'biased',
      reason: 'visits go where values are large, so values that are too small by chance stay',
    };
  if (iterations === plan.iterations)
    return { claim: 'unbiased', reason: 'children and iterations were planned beforehand' };
  return { claim: 'biased', reason: 'the run was cut, and where may depend on what it found' };
}

function estimateOf(
  { mode }: TreePlan,
  { points, shape: [n, d] }: Sample,
  weight: Float64Array,
  { value, standardError }: TreeNormalizer,
): Estimate {
  const mean = new Float64Array(d).fill(value > -Infinity ? 0 : Number.NaN);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < d; c++) mean[c] = mean[c]! + weight[i]! * points[i * d + c]!;
  const error = new Float64Array(d).fill(Number.NaN);
  if (mode === 'prior' && n > 1) {
    error.fill(0);
    for (let i = 0; i < n; i++)
      for (let c = 0; c < d; c++) error[c] = error[c]! + (weight[i]! * (points[i * d + c]! - mean[c]!)) ** 2;
    for (let c = 0; c < d; c++) error[c] = error[c]! > 0 ? Math.sqrt(error[c]!) : Number.NaN;
  }
  return {
    names: ['logNormalizer', ...Array.from({ length: d }, (_, c) => `x${c + 1}`)],
    value: Float64Array.of(value, ...mean),
    standardError: Float64Array.of(standardError, ...error),
  };
}

function outcomeOf({ value }: TreeNormalizer, leaves: number, outcome: Outcome): Outcome {
  if (value > -Infinity) return outcome;
  const message = `None of ${leaves} leaves has a reward above -Infinity. Use more iterations, or a reward that is finite where the chain goes.`;
  return { kind: 'degenerate', ess: 0, message };
}

function warningsOf({ mode }: TreePlan, { arena }: TreeState, weight: Float64Array): readonly Warning[] {
  const warnings: Warning[] = [];
  const stale = staleShare(arena);
  if (mode === 'paper' && stale > STALE) {
    const message = `${percent(stale)} of the children of the root were never visited again (warned above 50 %), so values keep the luck of one run and Z is too small. Use mode: 'ipw', or 'precision'.`;
    warnings.push({ code: 'stale-children', message, value: stale, threshold: STALE });
  }
  const largest = most(weight);
  if (mode !== 'search' && weight.length > 1 && largest > HEAVY) {
    const message = `One leaf holds ${percent(largest)} of the weight (warned above 50 %). The sample is nearly a single point.`;
    warnings.push({ code: 'one-weight', message, value: largest, threshold: HEAVY });
  }
  return warnings;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function countsOf({ arena, expansions }: TreeState): TreeCounts {
  return {
    nodes: arena.nodes,
    leaves: arena.filled[0]!,
    perLevel: arena.filled.slice(),
    expansions: expansions.slice(),
    rootChildren: arena.children[0]!,
    stale: staleShare(arena),
  };
}

/** Progress of a run. The pass over the leaves is why a step makes many iterations. */
export function infoOf(plan: TreePlan, state: TreeState): Info {
  return {
    ess: ess(leafWeights(state, plan.mode === 'ipw')),
    evaluations: state.evaluations,
    warnings: [],
    done: Math.min(state.iterations, plan.iterations),
    total: plan.iterations,
  };
}
