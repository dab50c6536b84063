import { ess } from '../../engine/particles/log-weight.ts';
import type { Warning } from '../../engine/types.ts';
import { CHILDREN, edgeOf, LEVEL, SLOT, type TreeArena, WORDS } from './arena.ts';
import { tilt } from './grow.ts';
import type { TreePlan } from './plan.ts';
import { childAt } from './sibling-heap.ts';
import type { TreeState } from './state.ts';
import type { TreeAdvice } from './types.ts';

/*
 * What plain runs of the chain would be worth, and so whether a tree pays. Runs that began at the root are such runs: a child
 * of the root is drawn from the chain, and its first leaf is where the chain went on to.
 */

/** Share of the iterations after which there is advice. */
const SOON = 0.05;
/** Share of the plain runs that must count for them to beat a tree. */
const PLAIN = 0.05;
/** Effective runs below which a share is not known. */
const HANDFUL = 10;

/** Iterations done and planned. */
export interface TreeProgress {
  readonly done: number;
  readonly total: number;
}

/** What the first leaves of all children of the roots tell. */
export function adviceOf(
  plan: TreePlan,
  trees: readonly TreeState[],
  { done, total }: TreeProgress,
): TreeAdvice {
  const logWeight = plainRuns(plan, trees);
  const runs = logWeight.length;
  const plain = { runs, ess: ess(logWeight) };
  if (runs === 0)
    return {
      ...plain,
      mode: undefined,
      reason: 'children are listed, merged or pruned: first runs are gone',
    };
  if (plan.mode === 'search') return { ...plain, mode: 'search', reason: 'the largest reward is looked for' };
  if (done < SOON * total)
    return { ...plain, mode: undefined, reason: 'less than 5 % of the iterations are done' };
  const share = plain.ess / runs;
  if (plain.ess < HANDFUL && runs * PLAIN < HANDFUL)
    return { ...plain, mode: undefined, reason: `${runs} plain runs are too few to tell` };
  const counts = `${percent(share)} of ${runs} plain runs count`;
  if (share >= PLAIN) return { ...plain, mode: 'prior', reason: `${counts}: 5 % or more beat a tree` };
  if (share * total < HANDFUL)
    return { ...plain, mode: 'precision', reason: `${counts}, a handful in all of the iterations` };
  return { ...plain, mode: 'ipw', reason: `${counts}, less than 5 %` };
}

/** [n] log weights of the first leaves of all children of the roots; empty where these are no draws, or not there any more. */
function plainRuns({ lambda, chain }: TreePlan, trees: readonly TreeState[]): Float64Array {
  const found: number[] = [];
  const pruned = trees.some((tree) => tree.pruned > 0);
  if (pruned || chain.children !== undefined || chain.merge === true) return new Float64Array(0);
  if (trees.length === 1) return new Float64Array(firstRuns(trees[0]!.arena, lambda));
  for (const { arena } of trees) for (const weight of firstRuns(arena, lambda)) found.push(weight);
  return new Float64Array(found);
}

const seen = /* @__PURE__ */ new WeakMap<
  TreeArena,
  { readonly lambda: number; readonly weights: number[] }
>();

/** Of one tree. They stay as they are, so that only those of new children have to be looked for. */
function firstRuns(arena: TreeArena, lambda: number): readonly number[] {
  const { whole, reward } = arena;
  const before = seen.get(arena);
  const weights = before?.lambda === lambda ? before.weights : [];
  if (weights !== before?.weights) seen.set(arena, { lambda, weights });
  for (let k = weights.length + 1; k <= whole[CHILDREN]!; k++) {
    let at = childAt(arena, 0, k);
    let weight = edgeOf(arena, at);
    while (whole[WORDS * at + LEVEL]! > 0) {
      at = childAt(arena, at, 1);
      weight += edgeOf(arena, at);
    }
    weights.push(weight + tilt(lambda, reward[whole[WORDS * at + SLOT]!]!));
  }
  return weights;
}

/** Said where another mode would do better than this one. */
export function adviceWarning({ mode }: TreePlan, advice: TreeAdvice): readonly Warning[] {
  const tree = advice.mode === 'ipw' || advice.mode === 'precision';
  const value = advice.ess / advice.runs;
  const told = (message: string): readonly Warning[] => [
    { code: 'tree-advice', message, value, threshold: PLAIN },
  ];
  if (advice.mode === 'prior' && mode !== 'prior')
    return told(
      `Of ${advice.runs} plain runs of the chain ${percent(value)} count (5 % or more beat a tree). Use mode: 'prior', at as many evaluations.`,
    );
  if (tree && mode === 'prior')
    return told(
      `Of ${advice.runs} runs only ${percent(value)} count (below 5 % a tree does better). Use mode: '${advice.mode}'.`,
    );
  return [];
}

/** 0.1234 as '12 %'. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
