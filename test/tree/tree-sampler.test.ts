import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { ValueError } from '../../engine/errors.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeMode, TreeOptions } from '../../estimators/tree/types.ts';
import { contract, numbers } from '../contract/sampler.ts';
import reference from '../reference/dts.json' with { type: 'json' };
import { columnsOf, grown, logTotal } from '../support/tree.ts';
import { dummyChain, enumeratedTokens, tokenChain } from '../support/tree-chains.ts';

const chain = tokenChain();
const MODES: readonly TreeMode[] = ['ipw', 'precision', 'paper', 'search', 'prior'];
const bad = (options: Partial<TreeOptions>) => () => treeSampler({ chain, ...options });

contract('treeSampler', () => treeSampler({ chain, iterations: 60, inverseTemperature: 1.5 }), {
  bad: {
    'no chain': () => treeSampler({} as TreeOptions),
    'a chain without reward': bad({ chain: { ...chain, reward: undefined } as unknown as TreeChain }),
    'a chain without steps': bad({ chain: { ...chain, steps: 0 } }),
    'an unknown mode': bad({ mode: 'dts' as TreeMode }),
    'no iterations': bad({ iterations: 0 }),
    'a negative temperature': bad({ inverseTemperature: -1 }),
    'a search without a temperature': bad({ mode: 'search', inverseTemperature: 0 }),
    'widening of planned children': bad({ widening: { factor: 1, exponent: 0.5 } }),
    'planned children of a widening tree': bad({ mode: 'paper', births: {} }),
    'an exponent above 1': bad({ mode: 'paper', widening: { factor: 1, exponent: 1.1 } }),
    'planned children out of reach': bad({ explore: 0 }),
    'a tree beyond the memory': bad({ iterations: 1e8 }),
    'a misspelt option': bad({ iteration: 5 } as Partial<TreeOptions>),
  },
});

describe('deterministic counts', () => {
  for (const { iterations, C, alpha, children } of reference.rootChildren) {
    test(`the root has ${children} children after ${iterations} visits at C = ${C}, alpha = ${alpha}`, async () => {
      const widening = { factor: C, exponent: alpha };
      const { arena } = await grown({ chain: dummyChain(2), mode: 'paper', iterations, widening });
      expect(columnsOf(arena).children[0]).toBe(children);
    });
  }

  for (const { C, alpha, visits, children } of reference.untilFull) {
    test(`a node keeps expanding until ${visits} visits at C = ${C}, alpha = ${alpha}`, async () => {
      const widening = { factor: C, exponent: alpha };
      for (const more of [0, 1]) {
        const iterations = visits + more;
        const { arena } = await grown({ chain: dummyChain(2), mode: 'paper', iterations, widening });
        expect(columnsOf(arena).children[0]).toBe(children);
        expect(columnsOf(arena).visits[0]).toBe(iterations + 1);
      }
    });
  }
});

test('weights of the leaves add up to the value of the root to 1e-9', async () => {
  for (const mode of ['paper', 'precision', 'search', 'prior'] as const) {
    for (const power of [1, 0.3]) {
      const state = await grown({
        chain: tokenChain(power),
        mode,
        iterations: 3000,
        inverseTemperature: 1.5,
      });
      expect(Math.abs(logTotal(state, false) - columnsOf(state.arena).value[0]!)).toBeLessThan(1e-9);
    }
  }
});

test('every parent is the weighted mean of its children, and visits add up', async () => {
  const { arena, iterations } = await grown({ chain, mode: 'precision', iterations: 500 });
  const columns = columnsOf(arena);
  const sums = new Float64Array(arena.nodes);
  const weights = new Float64Array(arena.nodes);
  for (let id = 1; id < arena.nodes; id++) {
    const w = 1 / (1 + columns.spread[id]!);
    const parent = columns.parent[id]!;
    sums[parent] = sums[parent]! + w * Math.exp(columns.value[id]!);
    weights[parent] = weights[parent]! + w;
  }
  for (let id = 0; id < arena.nodes; id++) {
    if (columns.level[id] === 0) continue;
    expect(Math.abs(Math.log(sums[id]! / weights[id]!) - columns.value[id]!)).toBeLessThan(1e-13);
    expect(columns.spread[id]! * weights[id]!).toBeCloseTo(1, 13);
  }
  expect(columns.visits[0]).toBe(1 + iterations);
});

test('the enumeration of all sequences is the one of the reference', () => {
  const { logZ, marginals } = enumeratedTokens();
  expect(Math.abs(logZ - reference.disc4.logZ)).toBeLessThan(1e-9);
  for (const [i, row] of marginals.entries())
    for (const [token, p] of row.entries())
      expect(Math.abs(p - reference.disc4.marginals[i]![token]!)).toBeLessThan(1e-9);
});

test('a search finds the largest reward, and its greedy leaf has it', async () => {
  const options = { chain, mode: 'search', iterations: 400, inverseTemperature: 4 } as const;
  const { best, greedy, tree } = await run(treeSampler(options), { seed: 5, backend: jsBackend() });
  expect(best.reward).toBe(3);
  expect(greedy.reward).toBe(3);
  expect(tree.leaves).toBeLessThan(400);
});

describe.each(MODES)('mode %s', (mode) => {
  const options = { chain: tokenChain(0.5), mode, iterations: 200 };

  test('a run that goes on from a shorter one equals the longer one bit for bit', async () => {
    const whole = await run(treeSampler(options), { seed: 1, backend: jsBackend() });
    let bytes = new Uint8Array(0);
    const shorter = treeSampler({ ...options, iterations: 90 });
    for await (const at of iterate(shorter, { seed: 1, backend: jsBackend() }))
      bytes = new Uint8Array(await at.snapshot());
    const longer = await resume(treeSampler(options), bytes, { seed: 1, backend: jsBackend() });
    expect(numbers(longer)).toEqual(numbers(whole));
  });

  test('says unbiased where it is, counts evaluations, and has an error for independent leaves alone', async () => {
    const result = await run(treeSampler(options), { seed: 2, backend: jsBackend() });
    const { logNormalizer, tree, diagnostics, estimate } = result;
    expect(logNormalizer.claim).toBe(mode === 'ipw' || mode === 'prior' ? 'unbiased' : 'biased');
    expect(Number.isNaN(logNormalizer.standardError)).toBe(mode !== 'prior');
    expect(estimate.value[0]).toBe(logNormalizer.value);
    const steps = tree.expansions.reduce((sum, n, level) => sum + n * Math.min(level, 3), 0);
    expect(diagnostics.evaluations).toBe(steps);
    expect(tree.nodes).toBe(1 + tree.perLevel.reduce((sum, n) => sum + n, 0));
    expect(tree.leaves).toBe(tree.expansions.reduce((sum, n) => sum + n, 0));
  });
});

test('a cut run of planned children does not claim to be unbiased', async () => {
  const method = treeSampler({ chain, iterations: 200 });
  const { logNormalizer } = await run(method, { seed: 2, backend: jsBackend(), budget: { evaluations: 50 } });
  expect(logNormalizer.claim).toBe('biased');
});

test('the published tree warns that most children of its root are stale', async () => {
  const { diagnostics } = await run(treeSampler({ chain, mode: 'paper' }), { seed: 2, backend: jsBackend() });
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('stale-children');
});

test('a reward or an edge that is NaN or +Infinity is refused with its state; -Infinity is no mass', async () => {
  for (const reward of [Number.NaN, Infinity]) {
    const broken = { ...chain, reward: (_: Float64Array, out: Float64Array) => void out.fill(reward) };
    await expect(run(treeSampler({ chain: broken }), { seed: 1, backend: jsBackend() })).rejects.toThrow(
      ValueError,
    );
  }
  const edged = { ...chain, init: ({ edge }: { edge: Float64Array }) => void edge.fill(Number.NaN) };
  await expect(run(treeSampler({ chain: edged }), { seed: 1, backend: jsBackend() })).rejects.toThrow(
    /the edge is NaN at level 3/,
  );
  const dead = { ...chain, reward: (_: Float64Array, out: Float64Array) => void out.fill(-Infinity) };
  for (const mode of MODES) {
    const { outcome, logNormalizer } = await run(treeSampler({ chain: dead, mode }), {
      seed: 1,
      backend: jsBackend(),
    });
    expect(outcome.kind).toBe('degenerate');
    expect(logNormalizer.value).toBe(-Infinity);
  }
});

test('a proposal that draws where it has no density, log p - log q = Infinity, is refused with the level and the state', async () => {
  const step: TreeChain['step'] = ({ next, edge }) => {
    next.fill(0.25);
    edge[0] = 0.5 - Math.log(0);
  };
  for (const mode of MODES)
    await expect(
      run(treeSampler({ chain: { ...chain, step }, mode }), { seed: 1, backend: jsBackend() }),
    ).rejects.toThrow(/the edge is Infinity at level 2.*\[0\.25, .*draw nothing where q has no density/);
});

test('a tree beyond the memory is told with iterations and nodes that fit', () => {
  const of = (options: Partial<TreeOptions>) => () => treeSampler({ chain, ...options });
  const told =
    /can take .* GiB of nodes; expected at most 3\.5 GiB\. Try iterations: (\d+), or maxNodes: (\d+)\./;
  expect(of({ iterations: 1e8 })).toThrow(told);
  let message = '';
  try {
    of({ iterations: 1e8 })();
  } catch (error) {
    ({ message } = error as Error);
  }
  const [, iterations, maxNodes] = told.exec(message)!;
  expect(of({ iterations: Number(iterations) })).not.toThrow();
  expect(of({ iterations: 1e8, maxNodes: Number(maxNodes) })).not.toThrow();
  expect(of({ iterations: 4 * Number(iterations) })).toThrow(told);
});

describe('levels of nodes', () => {
  /** Six steps by which a walk on the line moves, stopped below -1. */
  const walk = (branches?: readonly number[], stopped = false): TreeChain => ({
    ...{ dimension: 1, steps: 6 },
    ...(branches === undefined ? {} : { branches }),
    init: ({ x, streams }) => x.set(streams.map((s) => s.normal())),
    step: ({ x, next, edge, streams }) =>
      streams.forEach((s, i) => {
        next[i] = x[i]! + s.normal() / 2;
        edge[i] = (next[i]! - x[i]!) / 4;
      }),
    reward: (x, out) => void out.set(x),
    ...(stopped
      ? {
          terminal: (x: Float64Array, _: Int32Array, out: Uint8Array) =>
            out.set(Array.from(x, (v) => (v < -1 ? 1 : 0))),
        }
      : {}),
  });

  test('states between two of them are passed through, and their edges add up', async () => {
    const all = await grown({ chain: walk(), mode: 'prior', iterations: 50 });
    for (const branches of [[], [6], [5, 2], [6, 4, 1]]) {
      const some = await grown({ chain: walk(branches), mode: 'prior', iterations: 50 });
      expect(some.arena.nodes).toBe(1 + 50 * (branches.length + 1));
      expect(new Set(columnsOf(some.arena).level)).toEqual(new Set([7, ...branches, 0]));
      // Independent runs draw from the same addresses, wherever nodes are.
      expect(some.arena.slabs[0]!.slice(0, 50)).toEqual(all.arena.slabs[0]!.slice(0, 50));
      expect(some.evaluations).toBe(300);
      for (const [i, log] of leafWeights(some, false).entries())
        expect(log).toBeCloseTo(leafWeights(all, false)[i]!, 12);
    }
  });

  test('a run that is at its end stops there, and counts the steps it took', async () => {
    for (const mode of MODES) {
      const { arena, evaluations } = await grown({ chain: walk([6, 3], true), mode, iterations: 60 });
      const ends = arena.slabs[0]!.slice(0, arena.filled[0]);
      expect(ends.some((x) => x < -1)).toBe(true);
      expect(evaluations).toBeLessThan(6 * arena.filled[0]!);
      for (const level of [6, 3])
        for (const x of arena.slabs[level]!.slice(0, arena.filled[level]))
          expect(x).toBeGreaterThanOrEqual(-1);
      const { children, level } = columnsOf(arena);
      for (let id = 0; id < arena.nodes; id++) expect(children[id]! === 0).toBe(level[id] === 0);
    }
  });

  test('they fall, and lie within the chain', () => {
    for (const branches of [[3, 5], [4, 4], [7], [0], [2.5]])
      expect(() => treeSampler({ chain: walk(branches) })).toThrow(/chain\.branches/);
    expect(() => treeSampler({ chain: { ...walk(), steps: 70_000 } })).toThrow(/chain\.steps/);
  });
});

test('a tree stops at its bound on nodes, says so, and goes on with a larger one', async () => {
  const options = { chain, iterations: 300, maxNodes: 400 };
  for (const [mode, batch] of [
    ['ipw', 1],
    ['precision', 1],
    ['precision', 4],
    ['ipw', 4],
  ] as const) {
    const backend = jsBackend();
    let bytes = new Uint8Array(0);
    const method = treeSampler({ ...options, mode, batch });
    for await (const at of iterate(method, { seed: 3, backend })) {
      bytes = new Uint8Array(await at.snapshot());
      const { tree, diagnostics, logNormalizer } = await at.result();
      expect(tree.nodes).toBeLessThanOrEqual(400);
      const codes = diagnostics.warnings.map(({ code }) => code);
      expect(codes.includes('tree-full')).toBe(tree.nodes > 400 - 4 * batch);
      if (codes.includes('tree-full')) expect(logNormalizer.claim).toBe('biased');
    }
    const longer = treeSampler({ ...options, mode, batch, maxNodes: 5000 });
    const whole = await run(longer, { seed: 3, backend });
    expect(numbers(await resume(longer, bytes, { seed: 3, backend }))).toEqual(numbers(whole));
    expect(whole.tree.iterations).toBe(300);
  }
  expect(bad({ maxNodes: 3 })).toThrow(/maxNodes/);
  expect(bad({ iterations: 1e8, maxNodes: 1e6 })).not.toThrow();
});
