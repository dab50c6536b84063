import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { childrenWeight } from '../../estimators/tree/arena.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeOptions } from '../../estimators/tree/types.ts';
import { numbers } from '../contract/sampler.ts';
import { columnsOf, grown, logTotal } from '../support/tree.ts';
import { enumeratedTokens, listedTokenChain, TOKEN_LAMBDA, tokenChain } from '../support/tree-chains.ts';

const listed = listedTokenChain();
const merged: TreeChain = { ...tokenChain(), merge: true };
const paper = { mode: 'paper', inverseTemperature: TOKEN_LAMBDA } as const;
const backend = jsBackend();

test('a tree of listed children is exact once all are there: log Z and the law of each token', async () => {
  const { logZ, marginals } = enumeratedTokens();
  for (const mode of ['paper', 'search'] as const) {
    const state = await grown({ ...paper, chain: listed, mode, iterations: 4000, explore: 0.7 });
    expect(state.arena.nodes).toBe(1 + 3 + 9 + 27 + 81);
    expect(Math.abs(logTotal(state, false) - logZ)).toBeLessThan(1e-12);
    const found = Array.from({ length: 4 }, () => [0, 0, 0]);
    for (const [slot, log] of leafWeights(state, false).entries())
      for (let i = 0; i < 4; i++) found[i]![state.arena.slabs[0]![4 * slot + i]!]! += Math.exp(log - logZ);
    for (const [i, row] of marginals.entries())
      for (const [token, p] of row.entries()) expect(found[i]![token]).toBeCloseTo(p, 11);
  }
});

test('weights add up to the value of the root while children are still missing', async () => {
  for (const iterations of [1, 2, 3, 5, 11, 23, 40]) {
    const state = await grown({ ...paper, chain: listed, iterations });
    expect(Math.abs(logTotal(state, false) - columnsOf(state.arena).value[0]!)).toBeLessThan(1e-12);
  }
});

test('merged children differ, and weigh how often they were drawn', async () => {
  const state = await grown({ ...paper, chain: merged, iterations: 3000 });
  const { arena } = state;
  const { level, slot, parent, value } = columnsOf(arena);
  const seen = new Set<string>();
  for (let id = 1; id < arena.nodes; id++) {
    const x = arena.slabs[level[id]!]!.slice(4 * slot[id]!, 4 * slot[id]! + 4);
    seen.add(`${parent[id]} ${level[id]} ${x.join(' ')}`);
  }
  expect(seen.size).toBe(arena.nodes - 1);
  // As many draws as children of another tree: ceil(2 * 3000^0.8).
  expect(childrenWeight(arena, 0)).toBeCloseTo(Math.ceil(2 * 3000 ** 0.8), 6);
  expect(Math.abs(logTotal(state, false) - value[0]!)).toBeLessThan(1e-9);
  expect(Math.abs(logTotal(state, false) - enumeratedTokens().logZ)).toBeLessThan(0.2);
});

test('runs on listed and merged children go on bit for bit', async () => {
  for (const chain of [listed, merged]) {
    const whole = await run(treeSampler({ ...paper, chain, iterations: 200 }), { seed: 4, backend });
    let bytes = new Uint8Array(0);
    for await (const at of iterate(treeSampler({ ...paper, chain, iterations: 70 }), { seed: 4, backend }))
      bytes = new Uint8Array(await at.snapshot());
    const longer = await resume(treeSampler({ ...paper, chain, iterations: 200 }), bytes, {
      seed: 4,
      backend,
    });
    expect(numbers(longer)).toEqual(numbers(whole));
  }
});

test('listed and merged children are refused where children must be independent draws, and when they do not fit', async () => {
  for (const chain of [listed, merged])
    for (const mode of ['ipw', 'precision', 'prior'] as const)
      expect(() => treeSampler({ chain, mode })).toThrow(/independent draws/);
  const bad =
    (chain: TreeChain, options: Partial<TreeOptions> = {}) =>
    () =>
      treeSampler({ ...paper, chain, ...options });
  expect(bad(listed, { batch: 4 })).toThrow(/one walk/);
  expect(bad({ ...listed, merge: true })).toThrow(/one of them/);
  expect(bad({ ...listed, branches: [2] })).toThrow(/every level/);
  const off: TreeChain = {
    ...listed,
    children: (x, level) => ({ x: listed.children!(x, level).x, logProbability: new Float64Array(3) }),
  };
  await expect(run(bad(off)(), { seed: 1, backend })).rejects.toThrow(/sum to 1/);
});
