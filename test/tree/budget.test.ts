import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeOptions, TreeResult } from '../../estimators/tree/types.ts';

/** A walk of 20 steps. */
const chain: TreeChain = {
  ...{ dimension: 1, steps: 20 },
  init: ({ x, streams }) => x.set(streams.map((s) => s.normal())),
  step: ({ x, next, streams }) => next.set(streams.map((s, i) => x[i]! + 0.1 * s.normal())),
  reward: (x, out) => void out.set(x.map((at) => -at * at)),
};
const backend = jsBackend();
const method = (options: Partial<TreeOptions> = {}) => treeSampler({ chain, iterations: 300, ...options });
const numbers = ({ sample, tree, logNormalizer }: TreeResult) => ({ sample, tree, logNormalizer });

describe('a budget of evaluations', () => {
  test('that is less than one run of the chain is refused, as the option is', async () => {
    const small = (options: Partial<TreeOptions>, evaluations = 19) =>
      run(method(options), { seed: 7, backend, budget: { evaluations } });
    await expect(small({})).rejects.toThrow(
      'treeSampler: option `budget.evaluations` is 19; expected an integer >= 20. A run of the chain takes 20 steps. Try budget: { evaluations: 20000 }.',
    );
    expect(() => method({ evaluations: 19 })).toThrow(
      'option `evaluations` is 19; expected an integer >= 20',
    );
    await expect(small({ batch: 4 }, 79)).rejects.toThrow('expected an integer >= 80');
    await expect(small({ trees: 3 }, 59)).rejects.toThrow('expected an integer >= 60');
    await expect(small({}, 20)).resolves.toMatchObject({ outcome: { kind: 'unfinished' } });
  });

  test.each([
    ['ipw', 1, 1],
    ['ipw', 4, 1],
    ['paper', 1, 3],
    ['precision', 4, 2],
    ['prior', 8, 1],
    ['search', 1, 1],
  ] as const)(
    'of mode %s, %i walks in flight, %i trees, is passed by less than one iteration',
    async (mode, batch, trees) => {
      const own = method({ mode, batch, trees });
      const least = 20 * batch * trees;
      const whole = await run(own, { seed: 7, backend });
      for (const budget of [least, 1.5 * least, 1800]) {
        const asked = { seed: 7, backend, budget: { evaluations: budget } };
        let bytes = new Uint8Array(0);
        let last: TreeResult | undefined;
        let steps = 0;
        for await (const at of iterate(own, asked)) {
          steps++;
          bytes = new Uint8Array(await at.snapshot());
          last = await at.result();
        }
        expect(last!.outcome.kind).toBe('unfinished');
        expect(last!.diagnostics.evaluations).toBeGreaterThanOrEqual(budget);
        expect(last!.diagnostics.evaluations).toBeLessThan(budget + 20 * batch);
        expect(steps).toBeLessThan(60);
        // Where it stopped leaves no trace.
        expect(numbers(await resume(own, bytes, { seed: 7, backend }))).toEqual(numbers(whole));
      }
    },
  );

  test('leaves no trace where subtrees are frozen for room', async () => {
    const own = method({ mode: 'precision', maxNodes: 1000, prune: 0.2 });
    const whole = await run(own, { seed: 7, backend });
    expect(whole.tree.pruned).toBeGreaterThan(0);
    let bytes = new Uint8Array(0);
    for await (const at of iterate(own, { seed: 7, backend, budget: { evaluations: 2000 } }))
      bytes = new Uint8Array(await at.snapshot());
    expect(numbers(await resume(own, bytes, { seed: 7, backend }))).toEqual(numbers(whole));
  });
});

test('a tree that has no room for all of its iterations is unfinished, and says how far it came', async () => {
  const { outcome, diagnostics, tree } = await run(method({ maxNodes: 500 }), { seed: 7, backend });
  expect(outcome).toEqual({ kind: 'unfinished' });
  expect([diagnostics.done, diagnostics.total]).toEqual([tree.iterations, 300]);
  expect(tree.iterations).toBeLessThan(300);
  expect(diagnostics.warnings.map(({ code }) => code)).toContain('tree-full');
  const ample = await run(method({ iterations: 9, maxNodes: 500 }), { seed: 7, backend });
  expect([ample.outcome.kind, ample.diagnostics.done]).toEqual(['converged', 9]);
});

test.each(['ipw', 'precision', 'paper', 'search', 'prior'] as const)(
  'rewards that are all -Infinity make a run of mode %s degenerate',
  async (mode) => {
    const none = { ...chain, reward: (_: Float64Array, out: Float64Array) => void out.fill(-Infinity) };
    for (const options of [{ mode }, { mode, trees: 2 }, { mode, inverseTemperature: 2 }] as const) {
      const found = await run(method({ chain: none, iterations: 40, ...options }), { seed: 7, backend });
      expect(found.outcome).toMatchObject({ kind: 'degenerate', ess: 0 });
      expect(found.outcome).toHaveProperty('message', expect.stringContaining('above -Infinity'));
    }
  },
);
