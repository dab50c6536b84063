import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import { childrenWeight } from '../../estimators/tree/sibling-heap.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeChildren, TreeOptions } from '../../estimators/tree/types.ts';
import { numbers } from '../contract/sampler.ts';
import { columnsOf, grown, logTotal } from '../support/tree.ts';
import { enumeratedTokens, listedTokenChain, TOKEN_LAMBDA, tokenChain } from '../support/tree-chains.ts';

const listed = listedTokenChain();
/** At once. */
const lists = listed.children as (x: Float64Array, level: Int32Array) => readonly TreeChildren[];
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

/** The chain of listed tokens with lists that take a while, and what was asked for. */
function slowly(turns: number): {
  chain: TreeChain;
  asked: string[][];
  /** Steps that were taken while a list was on its way. */
  beside(): number;
} {
  const asked: string[][] = [];
  let [waiting, beside] = [0, 0];
  const chain: TreeChain = {
    ...listed,
    async children(x, level) {
      asked.push(Array.from(level, (at, i) => `${at}: ${x.slice(4 * i, 4 * (i + 1)).join(' ')}`));
      waiting++;
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      waiting--;
      return lists(x, level);
    },
    async step(step) {
      if (waiting > 0) beside++;
      await listed.step(step);
    },
  };
  return { chain, asked, beside: () => beside };
}

test('lists that are promises give the bits of lists at once, however long they take and whatever is in flight', async () => {
  for (const mode of ['paper', 'search'] as const)
    for (const batch of [1, 8]) {
      const found = async (chain: TreeChain): Promise<unknown> =>
        numbers(
          await run(treeSampler({ ...paper, chain, mode, batch, iterations: 150 }), { seed: 4, backend }),
        );
      const wanted = await found(listed);
      for (const turns of [0, 3]) expect(await found(slowly(turns).chain)).toEqual(wanted);
    }
});

test('a list is asked for once, with those of all walks that wait, while others take steps', async () => {
  for (const [batch, together] of [
    [1, 1],
    [8, 2],
  ] as const) {
    const { chain, asked, beside } = slowly(1);
    await run(treeSampler({ ...paper, chain, batch, iterations: 300 }), { seed: 4, backend });
    expect(new Set(asked.flat()).size).toBe(asked.flat().length);
    expect(Math.max(...asked.map((nodes) => nodes.length))).toBeGreaterThanOrEqual(together);
    expect(beside() > 0).toBe(batch > 1);
  }
});

test('walks side by side do not go round where children are on their way: a node that is visited gets all of them', async () => {
  for (const mode of ['paper', 'search'] as const) {
    const { arena } = await grown({ ...paper, chain: listed, mode, batch: 8, iterations: 500 });
    const { visits, level, children } = columnsOf(arena);
    const often = Array.from(visits.keys()).filter((id) => level[id]! > 0 && visits[id]! > 40);
    expect(often.length).toBeGreaterThan(3);
    for (const id of often) expect(children[id]).toBe(3);
  }
});

test('walks side by side come to the exact tree of listed children, and go on bit for bit', async () => {
  const { chain } = slowly(1);
  const options = { ...paper, chain, batch: 8, explore: 0.7 };
  const state = await grown({ ...options, iterations: 4000 });
  expect(state.arena.nodes).toBe(1 + 3 + 9 + 27 + 81);
  expect(Math.abs(logTotal(state, false) - enumeratedTokens().logZ)).toBeLessThan(1e-12);
  const { visits, pending } = columnsOf(state.arena);
  expect(visits[0]).toBe(1 + state.started);
  expect(pending.filter((p) => p > 0)).toHaveLength(0);
  const whole = await run(treeSampler({ ...options, iterations: 120 }), { seed: 4, backend });
  for (const iterations of [5, 17, 60]) {
    let bytes = new Uint8Array(0);
    for await (const at of iterate(treeSampler({ ...options, iterations }), { seed: 4, backend }))
      bytes = new Uint8Array(await at.snapshot());
    const longer = await resume(treeSampler({ ...options, iterations: 120 }), bytes, { seed: 4, backend });
    expect(numbers(longer)).toEqual(numbers(whole));
  }
});

test('a list that fails to come ends the run, and leaves a tree that goes on bit for bit', async () => {
  const options = { ...paper, batch: 8, iterations: 150 };
  const whole = await run(treeSampler({ ...options, chain: listed }), { seed: 4, backend });
  let asked = 0;
  const failing: TreeChain = {
    ...listed,
    children: async (x, level) => {
      if (++asked === 9) throw new Error('no answer');
      return lists(x, level);
    },
  };
  let bytes = new Uint8Array(0);
  const all = async (): Promise<void> => {
    for await (const at of iterate(treeSampler({ ...options, chain: failing }), { seed: 4, backend }))
      bytes = new Uint8Array(await at.snapshot());
  };
  await expect(all()).rejects.toThrow('no answer');
  const again = await resume(treeSampler({ ...options, chain: failing }), bytes, { seed: 4, backend });
  expect(numbers(again)).toEqual(numbers(whole));
});

test('listed and merged children are refused where children must be independent draws, and when they do not fit', async () => {
  for (const chain of [listed, merged])
    for (const mode of ['ipw', 'precision', 'prior'] as const)
      expect(() => treeSampler({ chain, mode })).toThrow(/independent draws/);
  const bad =
    (chain: TreeChain, options: Partial<TreeOptions> = {}) =>
    () =>
      treeSampler({ ...paper, chain, ...options });
  expect(bad(merged, { batch: 4 })).toThrow(/one walk/);
  expect(bad({ ...listed, merge: true })).toThrow(/one of them/);
  expect(bad({ ...listed, branches: [2] })).toThrow(/every level/);
  const off: TreeChain = {
    ...listed,
    children: (x, level) => lists(x, level).map((own) => ({ ...own, logProbability: new Float64Array(3) })),
  };
  await expect(run(bad(off)(), { seed: 1, backend })).rejects.toThrow(/sum to 1/);
  const few: TreeChain = { ...listed, children: (x, level) => lists(x, level).slice(1) };
  await expect(run(bad(few)(), { seed: 1, backend })).rejects.toThrow(/0 lists for 1 states/);
  for (const [nothing, words] of [
    [undefined, /gives undefined for 1 states/],
    [[undefined], /gives an array of 1 for 1 states/],
    [Promise.resolve(undefined), /gives undefined for 1 states/],
  ] as const) {
    const children = (() => nothing) as unknown as NonNullable<TreeChain['children']>;
    await expect(run(bad({ ...listed, children })(), { seed: 1, backend })).rejects.toThrow(words);
  }
});
