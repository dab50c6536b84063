import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { makeTurn } from '../../engine/turn.ts';
import { grow } from '../../estimators/tree/grow.ts';
import { checkTree, openPlan } from '../../estimators/tree/plan.ts';
import { openState, type TreeState } from '../../estimators/tree/state.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeMode, TreeStep } from '../../estimators/tree/types.ts';
import { numbers } from '../contract/sampler.ts';
import { columnsOf, grown, logTotal } from '../support/tree.ts';
import { dummyChain, tokenChain } from '../support/tree-chains.ts';

const MODES: readonly TreeMode[] = ['ipw', 'precision', 'paper', 'search', 'prior'];
const B = 8;
const chain = tokenChain(0.5);

/** Step calls one row at a time, and tells how many rows it got, of how many levels. */
function byRows(of: TreeChain, calls: { rows: number; levels: number }[]): TreeChain {
  const d = of.dimension;
  return {
    ...of,
    async step({ x, level, next, edge, streams }: TreeStep) {
      calls.push({ rows: level.length, levels: new Set(level).size });
      await Promise.resolve();
      for (let i = 0; i < level.length; i++)
        await of.step({
          x: x.subarray(i * d, (i + 1) * d),
          level: level.subarray(i, i + 1),
          next: next.subarray(i * d, (i + 1) * d),
          edge: edge.subarray(i, i + 1),
          streams: [streams[i]!],
        });
    },
  };
}

const used = ({ arena, iterations, started, evaluations }: TreeState): unknown => ({
  ...{ iterations, started, evaluations, nodes: arena.nodes },
  ...columnsOf(arena),
  mass: arena.mass.slice(0, arena.filled[0]),
  x: arena.slabs[0]!.slice(0, arena.filled[0]! * arena.dimension),
});

describe.each(MODES)('a batch with mode %s', (mode) => {
  const widening = ['ipw', 'prior'].includes(mode) ? {} : { widening: { factor: 1, exponent: 0.6 } };
  const options = { chain, mode, iterations: 160, batch: B, ...widening };

  test('how the chain computes its rows does not matter, and its calls are full', async () => {
    const calls: { rows: number; levels: number }[] = [];
    const whole = await grown(options);
    expect(used(await grown({ ...options, chain: byRows(chain, calls) }))).toEqual(used(whole));
    expect(Math.max(...calls.map(({ rows }) => rows))).toBe(B);
    if (mode === 'ipw') {
      for (const { levels } of calls) expect(levels).toBe(1);
      return;
    }
    for (const { rows } of calls) expect(rows).toBe(B);
    expect(calls.some(({ levels }) => levels > 1)).toBe(mode !== 'prior');
  });

  test('a run that goes on from a shorter one equals the longer one bit for bit', async () => {
    const whole = await run(treeSampler(options), { seed: 1, backend: jsBackend() });
    const bytes: Uint8Array[] = [];
    const shorter = treeSampler({ ...options, iterations: 88 });
    for await (const at of iterate(shorter, { seed: 1, backend: jsBackend() }))
      bytes.push(await at.snapshot());
    for (const from of [bytes[1]!, bytes.at(-1)!]) {
      const longer = await resume(treeSampler(options), from, { seed: 1, backend: jsBackend() });
      expect(numbers(longer)).toEqual(numbers(whole));
    }
  });

  test('a chain that fails leaves a tree that can go on', async () => {
    let calls = 0;
    const failing: TreeChain = {
      ...chain,
      step: (step) => {
        if (++calls === 12) throw new Error('gone');
        return chain.step(step);
      },
    };
    const { signal } = new AbortController();
    const plan = await openPlan(checkTree({ ...options, chain: failing }), { backend: jsBackend(), signal });
    const state = openState(plan, [7, 1]);
    await expect(grow(plan, state, 160, makeTurn(), signal)).rejects.toThrow('gone');
    await grow(plan, state, 160, makeTurn(), signal);
    const { evaluations } = await grown(options);
    // Planned children begin their batch anew.
    if (mode === 'ipw') expect(state.evaluations).toBeGreaterThanOrEqual(evaluations);
    else expect(state.evaluations).toBe(evaluations);
    state.evaluations = evaluations;
    expect(used(state)).toEqual(used(await grown(options)));
  });

  test('weights add up to the value of the root, and what is in flight is known', async () => {
    const state = await grown({ ...options, iterations: 800, batch: 16 });
    const { arena, lanes, iterations, started } = state;
    const { value, visits, pending, parent, children: counted } = columnsOf(arena);
    if (mode !== 'ipw') expect(Math.abs(logTotal(state, false) - value[0]!)).toBeLessThan(1e-9);
    expect(iterations).toBe(800);
    expect(started - iterations).toBe(lanes.count);
    expect(visits[0]).toBe(1 + started);
    expect(pending.reduce((sum, n) => sum + n, 0)).toBe(lanes.count);
    const children = new Int32Array(arena.nodes);
    for (let id = 1; id < arena.nodes; id++) children[parent[id]!] = children[parent[id]!]! + 1;
    expect(counted).toEqual(children);
  });
});

test('children of the root are those of one walk after another, but for what is in flight', async () => {
  const options = { chain: dummyChain(2), mode: 'paper', iterations: 1000 } as const;
  const { arena } = await grown({ ...options, batch: 15 });
  const { children, pending } = columnsOf(arena);
  expect(Math.abs(children[0]! + pending[0]! - 503)).toBeLessThanOrEqual(15);
});

test('planned children come in whole batches', () => {
  expect(() => treeSampler({ chain, iterations: 100, batch: 8 })).toThrow(/Try iterations: 104/);
  expect(() => treeSampler({ chain, batch: 0 })).toThrow(/batch/);
  expect(() => treeSampler({ chain, batch: 7 })).not.toThrow();
});
