import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { logMeanExp, logSumExp } from '../../engine/particles/log-weight.ts';
import { TAG } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { run } from '../../engine/run.ts';
import { greedyLeaf } from '../../estimators/tree/leaves.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeOptions } from '../../estimators/tree/types.ts';
import { contract } from '../contract/sampler.ts';
import { grown, logTotal } from '../support/tree.ts';
import { dummyChain, tokenChain } from '../support/tree-chains.ts';

const chain = tokenChain(0.5);
const backend = jsBackend();
const bad = (options: Partial<TreeOptions>) => () => treeSampler({ chain, ...options });
const found = (options: Partial<TreeOptions>) =>
  run(treeSampler({ chain, iterations: 60, ...options }), { seed: 8, backend });

contract('treeSampler of three trees', () => treeSampler({ chain, iterations: 40, trees: 3 }), {
  bad: {
    'no tree': bad({ trees: 0 }),
    'half a tree': bad({ trees: 1.5 }),
    'trees beyond the memory': bad({ trees: 1e6 }),
    'fewer evaluations than one run of the chain takes': bad({ evaluations: 2 }),
    'a rescore that is no flag': bad({ rescore: 1 as unknown as boolean }),
  },
});

describe.each(['ipw', 'precision', 'prior'] as const)('trees of mode %s', (mode) => {
  test('each is the tree of a child of the key, and Z is their mean with the error of a mean', async () => {
    const result = await found({ mode, trees: 5 });
    const own = result.trees.logNormalizer;
    for (let r = 0; r < 5; r++) {
      const { key } = rngFromSeed(8).child(TAG.replicate, r);
      const tree = await grown({ chain, mode, iterations: 60 }, key);
      expect(Math.abs(own[r]! - logTotal(tree, mode === 'ipw'))).toBeLessThan(1e-12);
    }
    const { value, standardError } = result.logNormalizer;
    expect(value).toBe(logMeanExp(own));
    expect(Math.abs(value - logSumExp(result.sample.logWeight))).toBeLessThan(1e-12);
    const z = Array.from(own, Math.exp);
    const mean = z.reduce((sum, x) => sum + x / 5, 0);
    const variance = z.reduce((sum, x) => sum + (x - mean) ** 2 / 4, 0);
    expect(standardError).toBeCloseTo(Math.sqrt(variance / 5) / mean, 12);
    expect(result.estimate.standardError.every((error) => error > 0)).toBe(true);
  });

  test('one tree is the default, bit for bit', async () => {
    const alone = await found({ mode });
    const one = await found({ mode, trees: 1 });
    expect(one.sample).toEqual(alone.sample);
    expect(one.trees.logNormalizer).toEqual(Float64Array.of(alone.logNormalizer.value));
  });
});

test('counts of several trees add up, and the best leaf is the best of all', async () => {
  const options = { chain: dummyChain(2), iterations: 60 };
  const { tree, sample, reward, best, greedy, diagnostics } = await run(
    treeSampler({ ...options, trees: 4 }),
    { seed: 6, backend },
  );
  expect(tree.iterations).toBe(240);
  expect(tree.leaves).toBe(sample.shape[0]);
  expect(tree.nodes).toBe(4 + tree.perLevel.reduce((sum, n) => sum + n, 0));
  expect(best.reward).toBe(Math.max(...reward));
  let most = -Infinity;
  for (let r = 0; r < 4; r++) {
    const { key } = rngFromSeed(6).child(TAG.replicate, r);
    const { arena, plan } = await grown(options, key);
    most = Math.max(most, arena.reward[greedyLeaf(plan, arena)]!);
  }
  expect(greedy.reward).toBe(most);
  expect([diagnostics.done, diagnostics.total]).toEqual([240, 240]);
});

describe('a bound on evaluations', () => {
  test('is never passed, leaves less than one run of the chain, and ends the run', async () => {
    for (const mode of ['ipw', 'precision', 'paper', 'search', 'prior'] as const) {
      for (const evaluations of [3, 200]) {
        const { diagnostics, outcome, tree } = await found({ mode, iterations: 1e4, evaluations });
        const stuck = tree.iterations === 1e4;
        expect(diagnostics.evaluations).toBeLessThanOrEqual(evaluations);
        if (!stuck) expect(diagnostics.evaluations).toBeGreaterThan(evaluations - 3);
        expect(outcome.kind).not.toBe('unfinished');
        expect(diagnostics.done).toBe(diagnostics.total);
      }
    }
  });

  test('takes the claim from where costs depend on what is found, and from nowhere else', async () => {
    const claim = async (options: Partial<TreeOptions>) =>
      (await found({ evaluations: 60, ...options })).logNormalizer;
    expect(await claim({})).toMatchObject({
      claim: 'biased',
      reason: expect.stringMatching(/^evaluations .*; iterations: 20 always fit$/),
    });
    expect((await claim({ iterations: 20 })).claim).toBe('unbiased');
    expect((await claim({ iterations: 21 })).claim).toBe('biased');
    expect((await claim({ iterations: 64, batch: 8 })).reason).toMatch(/iterations: 16 always/);
    expect((await claim({ iterations: 16, batch: 8 })).claim).toBe('unbiased');
    expect((await claim({ evaluations: 180 })).claim).toBe('unbiased');
    expect((await claim({ mode: 'prior' })).claim).toBe('unbiased');
    expect((await claim({ mode: 'precision', explore: 1 })).claim).toBe('unbiased');
    const ends = {
      ...chain,
      terminal: (_: Float64Array, __: Int32Array, out: Uint8Array) => void out.fill(0),
    };
    expect((await claim({ mode: 'prior', chain: ends })).claim).toBe('biased');
  });

  test('pays for all walks in flight, and is told what these take at least', async () => {
    for (const mode of ['ipw', 'precision', 'prior'] as const) {
      const { diagnostics } = await found({ mode, iterations: 80, evaluations: 200, batch: 8 });
      expect(diagnostics.evaluations).toBeLessThanOrEqual(200);
      expect(diagnostics.evaluations).toBeGreaterThan(200 - 2 * 3 * 8);
    }
    expect(bad({ evaluations: 23, batch: 8 })).toThrow(
      'expected an integer >= 24 and <= 2147483648. A run of the chain takes 3 steps, and 8 are in flight. Try evaluations: 24000.',
    );
  });

  test('below one run of the chain is told with what a run takes', () => {
    expect(bad({ evaluations: 2 })).toThrow(
      'treeSampler: option `evaluations` is 2; expected an integer >= 3 and <= 2147483648. A run of the chain takes 3 steps. Try evaluations: 3000.',
    );
  });
});
