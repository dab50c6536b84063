import { decodeState, encodeState, type StateArray } from '../../engine/array/codec.ts';
import { OptionError } from '../../engine/errors.ts';
import { TAG } from '../../engine/random/purpose.ts';
import type { Rng } from '../../engine/random/rng.ts';
import type { Context } from '../../engine/sampler.ts';
import { checkSavedRun } from '../../engine/saved-run.ts';
import type { Turn } from '../../engine/turn.ts';
import { grow } from './grow.ts';
import { restoreLanes, saveLanes } from './lanes.ts';
import { type Doubts, openDoubts, renumber, settleDoubts } from './parting.ts';
import { type TreePlan, WHERE } from './plan.ts';
import { makeRoom } from './prune.ts';
import { keepWalks, rescoreTree } from './rescore.ts';
import { restoreArena, saveArena } from './saved-arena.ts';
import { keptSums, openState, type TreeState } from './state.ts';

/** Trees of one run side by side. They share nothing but the chain, so their spread tells the error of their mean. */
export interface TreeForest {
  readonly plan: TreePlan;
  readonly key: readonly [number, number];
  /** Tree r draws from child r of the key; a single tree from the key itself. */
  readonly trees: readonly TreeState[];
  readonly doubts: Doubts;
}

export function openForest(plan: TreePlan, rng: Rng): TreeForest {
  const trees = keysOf(plan, rng).map((key) => openState(plan, key));
  return { plan, key: rng.key, trees, doubts: openDoubts(plan) };
}

/** Tree r alone, as it grows among the others. */
export function openTree(plan: TreePlan, rng: Rng, r: number): TreeForest {
  return { plan, key: rng.key, trees: [openState(plan, keysOf(plan, rng)[r]!)], doubts: openDoubts(plan) };
}

function keysOf({ trees }: TreePlan, rng: Rng): (readonly [number, number])[] {
  if (trees === 1) return [rng.key];
  return Array.from({ length: trees }, (_, r) => rng.child(TAG.replicate, r).key);
}

/**
 * Every tree on to its next stop, or to where evaluations may end.
 * @param most evaluations of all trees since the beginning; passed by less than one iteration of the walks in flight.
 */
export async function growForest(
  { plan, trees, doubts }: TreeForest,
  turn: Turn,
  signal: AbortSignal,
  most: number = Infinity,
): Promise<void> {
  for (const [r, tree] of trees.entries()) {
    const left = most - trees.reduce((sum, { evaluations }) => sum + evaluations, 0);
    if (left <= 0) return;
    const until = Math.min(nextStop(plan, tree), tree.iterations + paidBy(plan, left / (trees.length - r)));
    if (until === tree.iterations) continue;
    tree.blind &&= plan.mode === 'prior' || (plan.mode !== 'ipw' && plan.explore === 1);
    await grow(plan, tree, until, turn, signal);
    await settleDoubts(plan, doubts, r, tree);
    if (makeRoom(plan, tree)) renumber(doubts, r, tree.arena.nodes);
  }
}

const FIRST_STOP = 16;
/** Trees whose chain is quick, since they have come so far, or very quick. */
const LARGE = 2 ** 10;
const HUGE = 2 ** 16;

/**
 * A sixteenth more iterations, a quarter in a large tree, half in a huge one: what a step costs besides stays in proportion to the tree. None where
 * the tree is done. An iteration takes at most D evaluations, so a bound on these is never passed, and is come near in a few steps.
 */
function nextStop(plan: TreePlan, tree: TreeState): number {
  const { iterations, batch, mode } = plan;
  const done = tree.iterations;
  const more = Math.max(FIRST_STOP, done >> (done < LARGE ? 4 : done < HUGE ? 2 : 1));
  const left = affordable(plan, tree);
  // All but one of a batch may be left in flight; planned children come in whole batches.
  if (mode !== 'ipw') return Math.max(done, Math.min(iterations, done + Math.min(more, left - batch + 1)));
  const batches = Math.min(Math.ceil(more / batch), Math.floor(left / batch));
  return Math.max(done, Math.min(iterations, done + batches * batch));
}

/** Iterations that evaluations pay for whatever happens in them, walks in flight among them; but at least one. */
function paidBy({ chain, mode, batch }: TreePlan, evaluations: number): number {
  const paid = Math.floor(evaluations / chain.steps);
  return mode === 'ipw' ? Math.max(batch, Math.floor(paid / batch) * batch) : Math.max(1, paid - batch + 1);
}

/** Iterations that evaluations and nodes are left for, whatever happens in them. */
function affordable(
  { evaluations = Infinity, maxNodes = Infinity, chain, depth }: TreePlan,
  tree: TreeState,
): number {
  const steps = Math.floor((evaluations - tree.evaluations) / chain.steps);
  return Math.min(steps, Math.floor((maxNodes - tree.arena.nodes) / (depth - 1)));
}

/** Whether a tree stopped for want of nodes. */
export function outgrown(
  { iterations, maxNodes = Infinity, depth, batch }: TreePlan,
  { arena, ...tree }: TreeState,
): boolean {
  return tree.iterations < iterations && Math.floor((maxNodes - arena.nodes) / (depth - 1)) < batch;
}

export function finished(plan: TreePlan, tree: TreeState): boolean {
  return nextStop(plan, tree) === tree.iterations;
}

interface SavedTree
  extends Pick<TreeState, 'iterations' | 'started' | 'evaluations' | 'blind' | 'rewards' | 'pruned'> {}

interface Saved extends Pick<TreePlan, 'mode' | 'births'> {
  /** Of all that changes numbers; and of the chain and the number of trees alone. */
  readonly plan: string;
  readonly shape: string;
  readonly key: readonly [number, number];
  readonly trees: readonly SavedTree[];
}

export function saveForest({ plan, key, trees }: TreeForest): Uint8Array {
  const { fingerprint, shape, mode, births } = plan;
  const saved = trees.map(({ iterations, started, evaluations, blind, rewards, pruned }) => ({
    ...{ iterations, started, evaluations, blind, rewards, pruned },
  }));
  const arrays: Record<string, StateArray> = {};
  for (const [r, { arena, lanes, expansions, frozen, listings }] of trees.entries()) {
    const leaves = { frozen: Int32Array.from(frozen.keys()), offset: Float64Array.from(frozen.values()) };
    const tree = { ...saveArena(arena), ...saveLanes(lanes), expansions };
    const own = { ...tree, ...(frozen.size > 0 ? leaves : {}), ...listedNodes(listings) };
    for (const [name, array] of Object.entries(own)) arrays[`${r}.${name}`] = array;
  }
  const header: Saved = { plan: fingerprint, shape, mode, births, key, trees: saved };
  return encodeState(header, arrays);
}

/** Nodes whose children have been told, and are not all there: they are asked for again. */
function listedNodes(listings: TreeState['listings']): Record<string, StateArray> {
  return listings.size === 0 ? {} : { listed: Int32Array.from(listings.keys()) };
}

/** @throws OptionError for the state of another run, and where it cannot be gone on with in this mode. */
export async function restoreForest(
  plan: TreePlan,
  bytes: Uint8Array,
  { rng, signal }: Pick<Context, 'rng' | 'signal'>,
): Promise<TreeForest> {
  const { header, arrays } = decodeState(bytes);
  const saved = header as Saved | null;
  if (plan.rescore) {
    const mark = { plan: plan.shape, key: rng.key };
    const stored = saved === null ? saved : { ...saved, plan: saved.shape };
    checkSavedRun(WHERE, stored, mark, 'another chain or another number of trees');
    checkGrown(plan, stored);
  } else {
    const mark = { plan: plan.fingerprint, key: rng.key };
    const fix = 'A run of another reward, temperature or mode can go on with rescore: true.';
    checkSavedRun(WHERE, saved, mark, 'another chain or other options', fix);
  }
  const keys = keysOf(plan, rng);
  const trees = saved!.trees.map((tree, r) => restoreTree(plan, keys[r]!, tree, own(arrays, r)));
  if (plan.rescore) for (const tree of trees) await rescoreTree(plan, tree, signal);
  for (const tree of trees) makeRoom(plan, tree);
  return { plan, key: rng.key, trees, doubts: openDoubts(plan) };
}

/** Weights of paths exist where children were planned, and independent leaves where they were drawn so. */
function checkGrown({ mode, births }: TreePlan, saved: Saved): void {
  const same =
    mode === saved.mode && (mode !== 'ipw' || JSON.stringify(births) === JSON.stringify(saved.births));
  if (same || (mode !== 'ipw' && mode !== 'prior')) return;
  throw new OptionError({
    where: WHERE,
    option: 'from',
    value: saved.mode,
    found: `the saved tree was grown with mode: '${saved.mode}'${mode === saved.mode ? ' and other births' : ''}, and is to go on as '${mode}'`,
    expected: mode === 'ipw' ? "a tree of 'ipw' with the same births" : "a tree of 'prior'",
    fix: "Rescore it with mode: 'precision'.",
  });
}

/** The arrays of tree r under their own names. */
function own(arrays: Readonly<Record<string, StateArray>>, r: number): Record<string, StateArray> {
  const prefix = `${r}.`;
  const found: Record<string, StateArray> = {};
  for (const [name, array] of Object.entries(arrays))
    if (name.startsWith(prefix)) found[name.slice(prefix.length)] = array;
  return found;
}

function restoreTree(
  plan: TreePlan,
  key: readonly [number, number],
  { iterations, started, evaluations, blind, rewards, pruned }: SavedTree,
  arrays: Readonly<Record<string, StateArray>>,
): TreeState {
  const { dimension, steps } = plan.chain;
  const state = openState(plan, key, restoreArena(dimension, steps, arrays, plan.mostNodes, keptSums(plan)));
  Object.assign(state, { iterations, started, evaluations, blind, pruned });
  for (const [i, slot] of arrays.frozen?.entries() ?? []) state.frozen.set(slot, arrays.offset![i]!);
  for (const at of arrays.listed ?? []) state.listings.set(at, undefined);
  Object.assign(state.rewards, rewards);
  state.expansions.set(arrays.expansions!);
  if (plan.rescore) keepWalks(state, arrays);
  else restoreLanes(state.lanes, arrays);
  return state;
}
