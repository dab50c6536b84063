import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { ValueError } from '../../engine/errors.ts';
import { ess } from '../../engine/particles/log-weight.ts';
import { iterate, run } from '../../engine/run.ts';
import { adviceOf, adviceWarning } from '../../estimators/tree/advice.ts';
import { heaviestChild, leafWeights } from '../../estimators/tree/leaves.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeOptions, TreeResult } from '../../estimators/tree/types.ts';
import { columnsOf, grown } from '../support/tree.ts';
import { dummyChain, tokenChain } from '../support/tree-chains.ts';

const backend = jsBackend();
const found = (options: TreeOptions): Promise<TreeResult> => run(treeSampler(options), { seed: 2, backend });
const codes = ({ diagnostics }: TreeResult): string[] => diagnostics.warnings.map(({ code }) => code);

/** exp(r) = exp(-k x) of a uniform x: of plain runs, a share of about 2 / k counts. */
const rare = (k: number): TreeChain => ({
  ...dummyChain(2),
  reward(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = -k * x[i]!;
  },
});

describe('advice', () => {
  test('rests on the first leaf of each child of the root, whatever the mode', async () => {
    const chain = tokenChain(0.5);
    for (const mode of ['ipw', 'precision', 'paper'] as const) {
      const { arena, plan, iterations } = await grown({ chain, mode, iterations: 300 });
      const { parent, edge, level, slot, children } = columnsOf(arena);
      const weights: number[] = [];
      for (let id = 1; id < arena.nodes; id++) {
        if (parent[id] !== 0) continue;
        // Nodes of one run are born one after another.
        const edges = edge.slice(id, id + 4).reduce((sum, g) => sum + g, 0);
        expect(level[id + 3]).toBe(0);
        weights.push(edges + arena.reward[slot[id + 3]!]!);
      }
      const state = { arena, plan, iterations } as Parameters<typeof adviceOf>[1][number];
      const advice = adviceOf(plan, [state], { done: 300, total: 300 });
      expect(advice.runs).toBe(children[0]);
      expect(advice.ess).toBeCloseTo(ess(Float64Array.from(weights)), 10);
    }
  });

  test('names plain runs from 5 % on, a planned tree below, and values where a handful counts', async () => {
    expect((await found({ chain: rare(10), iterations: 400 })).advice.mode).toBe('prior');
    const less = await found({ chain: rare(80), iterations: 2000 });
    expect(less.advice.mode).toBe('ipw');
    expect(less.advice.ess / less.advice.runs).toBeCloseTo(1 / 40, 1);
    expect((await found({ chain: rare(1e4), iterations: 2000 })).advice.mode).toBe('precision');
    const search = await found({ chain: rare(10), mode: 'search', iterations: 100 });
    expect([search.advice.mode, codes(search)]).toEqual(['search', []]);
  });

  test('is not given before 5 % of the iterations, nor by a few runs', async () => {
    const few = await found({ chain: rare(80), iterations: 40 });
    expect(few.advice).toMatchObject({ mode: undefined, reason: expect.stringMatching(/too few/) });
    const seen: boolean[] = [];
    const method = treeSampler({ chain: rare(10), mode: 'precision', iterations: 2000 });
    for await (const { info } of iterate(method, { seed: 2, backend })) {
      const told = info.warnings.some(({ code }) => code === 'tree-advice');
      if (info.done < 100) expect(told).toBe(false);
      seen.push(told);
    }
    expect(seen.at(-1)).toBe(true);
  });

  test('is a warning where another mode does better, and silence elsewhere', async () => {
    const tree = await found({ chain: rare(10), mode: 'precision', iterations: 400 });
    const [warning] = tree.diagnostics.warnings;
    expect(warning).toMatchObject({ code: 'tree-advice', threshold: 0.05 });
    expect(warning!.value).toBeGreaterThan(0.05);
    expect(warning!.message).toMatch(/^Of \d+ plain runs of the chain \d+ % count .* Use mode: 'prior'/);
    expect(codes(await found({ chain: rare(10), mode: 'prior', iterations: 400 }))).toEqual([]);
    const plain = await found({ chain: rare(200), mode: 'prior', iterations: 2000 });
    expect(plain.diagnostics.warnings[0]!.message).toMatch(/^Of 2000 runs only .* Use mode: 'ipw'/);
    for (const mode of ['prior', 'ipw', 'precision'] as const)
      for (const other of ['prior', 'ipw', 'precision'] as const)
        for (const { message } of adviceWarning({ ...tree, mode } as never, {
          runs: 1e6,
          ess: 123456,
          mode: other,
          reason: '',
        }))
          expect(message.length).toBeLessThanOrEqual(240);
  });
});

describe('warnings', () => {
  test('a leaf of most of the weight is told, and so are a few leaves that count', async () => {
    const one = await found({ chain: rare(1e6), mode: 'prior', iterations: 100 });
    expect(codes(one)).toContain('one-weight');
    const few = await found({ chain: rare(50), mode: 'prior', iterations: 100 });
    expect(codes(few)).toContain('thin-weights');
    for (const { message } of [...one.diagnostics.warnings, ...few.diagnostics.warnings])
      expect(message.length).toBeLessThanOrEqual(240);
  });

  test('a tree without any weight says which of rewards and edges took it', async () => {
    const dead = {
      ...dummyChain(2),
      reward: (_: Float64Array, out: Float64Array) => void out.fill(-Infinity),
    };
    const rewards = await found({ chain: dead, iterations: 40 });
    expect(rewards.outcome).toMatchObject({
      kind: 'degenerate',
      message: expect.stringMatching(/has a reward above/),
    });
    expect(rewards.estimate.value.slice(1).every(Number.isNaN)).toBe(true);
    const off: TreeChain = {
      ...dummyChain(2),
      step({ next, edge, streams }) {
        next.set(streams.map((stream) => stream.uniform()));
        edge.fill(-Infinity);
      },
    };
    for (const mode of ['ipw', 'precision', 'prior'] as const) {
      const { outcome } = await found({ chain: off, mode, iterations: 40 });
      expect(outcome).toMatchObject({
        kind: 'degenerate',
        message: expect.stringMatching(/^Edges of -Infinity/),
      });
    }
  });
});

test('the heaviest child of the root has the weight of all leaves below it', async () => {
  const { arena, plan, iterations } = await grown({
    ...{ chain: tokenChain(), mode: 'paper', iterations: 200, widening: { factor: 1, exponent: 0.5 } },
  });
  const state = { arena, iterations };
  const weight = leafWeights(state as Parameters<typeof leafWeights>[0], plan.mode === 'ipw').map(Math.exp);
  const shares = new Map<number, number>();
  const { parent, children } = columnsOf(arena);
  for (const [s, w] of weight.entries()) {
    let at = arena.leaf[s]!;
    while (parent[at] !== 0) at = parent[at]!;
    shares.set(at, (shares.get(at) ?? 0) + w);
  }
  expect(heaviestChild(arena, weight)).toBeCloseTo(Math.max(...shares.values()), 12);
  expect(shares.size).toBe(children[0]);
  expect(arena.filled[0]! / shares.size).toBeGreaterThan(3);
});

describe('bad numbers of a chain', () => {
  const told = async (chain: TreeChain, batch = 1): Promise<string> => {
    const method = treeSampler({ chain, mode: 'precision', iterations: 50, batch });
    const error = await run(method, { seed: 2, backend }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ValueError);
    return (error as ValueError).message;
  };

  test('are named with their level, row, iteration and state', async () => {
    let calls = 0;
    const broken: TreeChain = {
      ...dummyChain(2),
      init: ({ x }) => void x.fill(0.25),
      step: ({ next }) => void next.fill(0.5),
      reward: (_, out) => void out.fill(++calls === 3 ? Infinity : 0),
    };
    expect(await told(broken)).toBe(
      'treeSampler: the reward is Infinity at level 0, row 0, iteration 2, in state [0.5]; expected a finite number, or -Infinity. Look at what `chain.reward` writes there: -Infinity is for what must not be.',
    );
    const nowhere: TreeChain = {
      ...dummyChain(2),
      step({ next, level, edge }) {
        next.fill(level[0]!);
        if (level[0] === 1) edge[edge.length - 1] = Number.NaN;
      },
    };
    expect(await told(nowhere, 4)).toBe(
      'treeSampler: the edge is NaN at level 0, row 3, iteration 3, in state [1]; expected a finite number, or -Infinity. It is log p - log q: draw nothing where q has no density, and write -Infinity where p has none.',
    );
  });

  test('once, leave a tree that can be gone on with', async () => {
    const whole = dummyChain(2);
    let calls = 0;
    const chain: TreeChain = {
      ...whole,
      reward(x, out) {
        whole.reward(x, out);
        if (++calls === 40) out[0] = Number.NaN;
      },
    };
    let bytes = new Uint8Array(0);
    const options = { mode: 'precision', iterations: 100 } as const;
    const broken = async () => {
      for await (const at of iterate(treeSampler({ chain, ...options }), { seed: 2, backend }))
        bytes = new Uint8Array(await at.snapshot());
    };
    await expect(broken()).rejects.toThrow(/the reward is NaN .* iteration 39/);
    const resumed = await run(treeSampler({ chain, ...options }), { seed: 2, backend, from: bytes });
    expect(resumed.sample).toEqual((await found({ chain: whole, ...options })).sample);
  });
});
