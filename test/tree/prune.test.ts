import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { makeTurn } from '../../engine/turn.ts';
import { CHILDREN, VALUE, WORDS } from '../../estimators/tree/arena.ts';
import { grow } from '../../estimators/tree/grow.ts';
import { greedyLeaf, leafWeights } from '../../estimators/tree/leaves.ts';
import { movingStream } from '../../estimators/tree/moving-stream.ts';
import { checkTree, openPlan, type TreePlan } from '../../estimators/tree/plan.ts';
import { makeRoom } from '../../estimators/tree/prune.ts';
import { rescoreTree } from '../../estimators/tree/rescore.ts';
import { restoreArena, saveArena } from '../../estimators/tree/saved-arena.ts';
import { openState, type TreeState } from '../../estimators/tree/state.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeOptions } from '../../estimators/tree/types.ts';
import { contract, numbers } from '../contract/sampler.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { columnsOf, logTotal } from '../support/tree.ts';
import { listedTokenChain, tokenChain } from '../support/tree-chains.ts';

const chain = tokenChain(0.5);
const backend = jsBackend();
const MODES = ['ipw', 'precision', 'paper', 'search'] as const;
const usual = { chain, iterations: 400, maxNodes: 500, prune: 0.1, inverseTemperature: 2 };
const bad = (options: Partial<TreeOptions>) => () => treeSampler({ ...usual, ...options });

// As many iterations as there is room for, so that they all are done.
const within = { ...usual, iterations: 240 };
contract('treeSampler with pruning', () => treeSampler({ ...within, mode: 'precision', batch: 2 }), {
  bad: {
    'nothing to prune': bad({ prune: 0 }),
    'all of it': bad({ prune: 1 }),
    'no bound': () => treeSampler({ chain, prune: 0.1 }),
    'independent runs': bad({ mode: 'prior' }),
    'values that are maxima': bad({ mode: 'search', backup: 'max' }),
    'listed children': bad({ mode: 'paper', chain: listedTokenChain() }),
    'merged children': bad({ mode: 'paper', chain: { ...chain, merge: true } }),
  },
});

const { signal } = new AbortController();

/** A tree that is as full as may be, and its plan. */
async function full(options: Partial<TreeOptions>): Promise<readonly [TreePlan, TreeState]> {
  const plan = await openPlan(checkTree({ ...usual, ...options }), { backend, signal });
  const state = openState(plan, [3, 4]);
  while (state.arena.nodes + plan.batch * (plan.depth - 1) <= 500)
    await grow(plan, state, state.iterations + plan.batch, makeTurn(), signal);
  return [plan, state];
}

/** The same tree with nothing in flight, to be pruned by other draws. */
function copyOf(plan: TreePlan, state: TreeState, draws: number): TreeState {
  const { dimension, steps } = plan.chain;
  const copy = openState(plan, state.key, restoreArena(dimension, steps, saveArena(state.arena)));
  const { iterations, started, evaluations, blind } = state;
  return Object.assign(copy, {
    iterations,
    started,
    evaluations,
    blind,
    selection: movingStream([draws, 6]),
  });
}

describe.each(MODES)('a full tree of mode %s', (mode) => {
  test('is pruned to fewer nodes with the same values, weight in all, best and greedy leaf', async () => {
    for (const batch of [1, 4]) {
      const [plan, state] = await full({ mode, batch });
      const { arena, lanes } = state;
      const before = { total: logTotal(state, mode === 'ipw'), root: arena.real[VALUE], nodes: arena.nodes };
      const greedy = arena.reward[greedyLeaf(plan, arena)];
      const best = Math.max(...arena.reward.slice(0, arena.filled[0]));
      const kin = arena.whole[CHILDREN];
      expect(makeRoom(plan, state)).toBe(true);
      expect(arena.nodes).toBeLessThan(before.nodes * (15 / 16));
      expect(state.pruned).toBe(before.nodes - arena.nodes);
      expect(arena.real[VALUE]).toBe(before.root);
      expect(arena.whole[CHILDREN]).toBe(kin);
      expect(Math.abs(logTotal(state, mode === 'ipw') - before.total)).toBeLessThan(1e-12);
      expect(Math.max(...arena.reward.slice(0, arena.filled[0]))).toBe(best);
      if (mode === 'search') expect(arena.reward[greedyLeaf(plan, arena)]).toBe(greedy);
      // A whole tree: parents come first, have as many children as they say, and states where their levels say.
      const columns = columnsOf(arena);
      const children = new Int32Array(arena.nodes);
      for (let id = 1; id < arena.nodes; id++) {
        if (columns.parent[id]! >= id) expect.fail(`node ${id} comes before its parent`);
        children[columns.parent[id]!] = children[columns.parent[id]!]! + 1;
      }
      expect(columns.children).toEqual(children);
      expect([...arena.filled].reduce((sum, n) => sum + n, 1)).toBe(arena.nodes);
      expect(arena.whole.subarray(WORDS * arena.nodes).every((n) => n === 0)).toBe(true);
      const leaves = arena.filled[0]!;
      expect([...arena.leaf.slice(0, leaves)].map((id) => columns.slot[id])).toEqual([
        ...Array(leaves).keys(),
      ]);
      const rewards = new Float64Array(leaves);
      chain.reward(arena.slabs[0]!.slice(0, 4 * leaves), rewards);
      expect(arena.reward.slice(0, leaves)).toEqual(rewards);
      const weight = leafWeights(state, mode === 'ipw').map((l) => Math.exp(l - before.total));
      const held = [...state.frozen.keys()].reduce((sum, slot) => sum + weight[slot]!, 0);
      expect(held).toBeGreaterThan(0.05);
      expect(held).toBeLessThan(0.1);
      for (let k = 0; k < lanes.count; k++)
        expect(
          columns.level[lanes.path[lanes.order[k]! * lanes.depth + lanes.length[lanes.order[k]!]! - 1]!],
        ).toBeGreaterThan(0);
      // It goes on, and its weights still add up to its value.
      await grow(plan, state, state.iterations + 8 * batch, makeTurn(), signal);
      if (mode !== 'ipw') expect(Math.abs(logTotal(state, false) - arena.real[VALUE]!)).toBeLessThan(1e-12);
    }
  });

  test('stays within its bound to the last iteration, claims nothing, and goes on bit for bit', async () => {
    const options = { ...usual, mode, maxNodes: 700, prune: 0.3 };
    const whole = await run(treeSampler(options), { seed: 5, backend });
    expect(whole.tree.iterations).toBe(400);
    expect(whole.tree.nodes).toBeLessThanOrEqual(700);
    expect(whole.tree.pruned).toBeGreaterThan(100);
    expect(whole.tree.frozen).toBeGreaterThan(0);
    expect(whole.tree.frozen).toBeLessThan(0.35);
    expect(whole.logNormalizer.claim).toBe('biased');
    let bytes = new Uint8Array(0);
    for await (const at of iterate(treeSampler({ ...options, iterations: 333 }), { seed: 5, backend }))
      bytes = new Uint8Array(await at.snapshot());
    expect(numbers(await resume(treeSampler(options), bytes, { seed: 5, backend }))).toEqual(numbers(whole));
    const other = treeSampler({ ...options, maxNodes: 800 });
    await expect(resume(other, bytes, { seed: 5, backend })).rejects.toThrow(/other options/);
  });
});

/** The weight in all, and what it makes of two functions of the tokens in which every subtree has a part. */
function weighed(state: TreeState, planned: boolean): readonly number[] {
  const found = [0, 0, 0];
  for (const [slot, l] of leafWeights(state, planned).entries()) {
    const code = state.arena.slabs[0]!.subarray(4 * slot, 4 * slot + 4).reduce((sum, x) => 3 * sum + x, 0);
    for (const [k, f] of [1, Math.cos(code), Math.sin(code)].entries()) found[k]! += Math.exp(l) * f;
  }
  return found;
}

test('over the draws of the leaves that are kept, weights are those of the whole tree, at another temperature too', async () => {
  for (const mode of ['ipw', 'precision'] as const) {
    const [plan, state] = await full({ mode, prune: 0.5 });
    const other = { ...plan, lambda: 1 };
    const whole = copyOf(plan, state, 0);
    await rescoreTree(other, whole, signal);
    const runs = 100;
    const values = new Float64Array(3 * runs);
    for (let r = 0; r < runs; r++) {
      const pruned = copyOf(plan, state, r);
      expect(makeRoom(plan, pruned)).toBe(true);
      await rescoreTree(other, pruned, signal);
      values.set(weighed(pruned, mode === 'ipw'), 3 * r);
    }
    const found: Replicates = { runs, width: 3, values };
    const exact = weighed(whole, mode === 'ipw');
    expectMeans(found, exact, { about: mode });
    expectRejected(() =>
      expectMeans(
        found,
        exact.map((x) => 1.1 * x),
      ),
    );
  }
});

test('where nothing of little weight is there, a tree stops at its bound and says so', async () => {
  const flat = { ...chain, reward: (_: Float64Array, out: Float64Array) => void out.fill(0) };
  const options = { ...usual, chain: flat, mode: 'paper', prune: 1e-9 } as const;
  const { tree, diagnostics } = await run(treeSampler(options), { seed: 5, backend });
  expect(tree.pruned).toBe(0);
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('tree-full');
});
