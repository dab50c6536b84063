import { expect, test } from 'vitest';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import type { TreeOptions } from '../../estimators/tree/types.ts';
import reference from '../reference/dts.json' with { type: 'json' };
import { columnMoments, expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { grown, logTotal } from '../support/tree.ts';
import { enumeratedTokens, exactKernelChain, TOKEN_LAMBDA, tokenChain } from '../support/tree-chains.ts';

type Name = 'ring8' | 'skew5';

/** exp(log Z) / Z of trees of 100 iterations on chains without error. */
async function ratios(name: Name, options: Omit<TreeOptions, 'chain'>, runs: number): Promise<Replicates> {
  const chain = exactKernelChain(name);
  const { lambda, logZ } = reference.problems[name];
  const values = new Float64Array(runs);
  for (let r = 0; r < runs; r++) {
    const state = await grown({ chain, inverseTemperature: lambda, iterations: 100, ...options }, [r, 3]);
    values[r] = Math.exp(logTotal(state, (options.mode ?? 'ipw') === 'ipw') - logZ);
  }
  return { runs, width: 1, values };
}

test('the published tree has the bias it is known for', async () => {
  for (const name of ['ring8', 'skew5'] as const) {
    const found = await ratios(name, { mode: 'paper' }, 300);
    const { zRatio, standardError } = reference.paperBias[name];
    const error = Math.hypot(columnMoments(found).sd[0]! / Math.sqrt(found.runs), standardError);
    expectMeans(found, zRatio, { standardError: [error] });
    expectRejected(() => expectMeans(found, 1));
  }
});

test('planned children take the bias away on the same chains', async () => {
  for (const name of ['ring8', 'skew5'] as const) {
    expectMeans(await ratios(name, {}, 300), 1);
    expectMeans(await ratios(name, { mode: 'prior' }, 100), 1);
  }
});

test('cells of the ring have their masses under the weights of one long tree', async () => {
  const { prior, cellMass, lambda } = reference.problems.ring8;
  const chain = exactKernelChain('ring8');
  const state = await grown({ chain, inverseTemperature: lambda, iterations: 10_000 });
  const weight = leafWeights(state, true).map(Math.exp);
  const all = weight.reduce((sum, w) => sum + w, 0);
  const found = new Float64Array(8);
  const points = state.arena.slabs[0]!;
  for (let s = 0; s < weight.length; s++) {
    const distance = prior.means.map(([x, y]) => Math.hypot(points[2 * s]! - x!, points[2 * s + 1]! - y!));
    const cell = distance.indexOf(Math.min(...distance));
    found[cell] = found[cell]! + weight[s]! / all;
  }
  const apart = cellMass.reduce((sum, p, k) => sum + Math.abs(p - found[k]!) / 2, 0);
  expect(apart).toBeLessThan(0.03);
});

const { logZ, marginals } = enumeratedTokens();

/** Of many small trees of tokens: the weight in all, and of each token at each place, in units of Z. */
async function tokenWeights(options: TreeOptions, runs: number): Promise<Replicates> {
  const values = new Float64Array(runs * 13);
  for (let r = 0; r < runs; r++) {
    const state = await grown({ inverseTemperature: TOKEN_LAMBDA, iterations: 40, ...options }, [r, 12]);
    const weight = leafWeights(state, (options.mode ?? 'ipw') === 'ipw').map((l) => Math.exp(l - logZ));
    const points = state.arena.slabs[0]!;
    for (let s = 0; s < weight.length; s++) {
      values[13 * r] = values[13 * r]! + weight[s]!;
      for (let i = 0; i < 4; i++) {
        const cell = 13 * r + 1 + 3 * i + points[4 * s + i]!;
        values[cell] = values[cell]! + weight[s]!;
      }
    }
  }
  return { runs, width: 13, values };
}

const EXACT = [1, ...marginals.flat()];
const RUNS = 500;

test('weights of tokens are unbiased in planned trees, in independent runs, and where visits are blind', async () => {
  const chain = tokenChain();
  for (const mode of ['ipw', 'prior'] as const)
    expectMeans(await tokenWeights({ chain, mode }, RUNS), EXACT, { about: mode });
  const widening = { factor: 1, exponent: 0.6 };
  for (const mode of ['paper', 'precision'] as const) {
    expectMeans(await tokenWeights({ chain, mode, widening, explore: 1 }, RUNS), EXACT, { about: mode });
  }
  const byValue = await tokenWeights({ chain, mode: 'paper', widening }, RUNS);
  expectRejected(() => expectMeans(byValue, EXACT));
});

test('tokens drawn from another law have unbiased weights with their edges, and not without', async () => {
  expectMeans(await tokenWeights({ chain: tokenChain(0.3) }, RUNS), EXACT);
  expectMeans(await tokenWeights({ chain: tokenChain(0.3), mode: 'prior' }, RUNS), EXACT);
  const uncorrected = await tokenWeights({ chain: tokenChain(0.3, false) }, RUNS);
  expectRejected(() => expectMeans(uncorrected, EXACT));
});

test('weights stay unbiased in batches of planned children, and of blind visits', async () => {
  expectMeans(await tokenWeights({ chain: tokenChain(0.3), batch: 8 }, RUNS), EXACT);
  const widening = { factor: 1, exponent: 0.6 };
  const blind = { chain: tokenChain(), mode: 'paper', widening, explore: 1, batch: 8 } as const;
  expectMeans(await tokenWeights(blind, RUNS), EXACT);
});

test('visits by value have the same bias in batches of M / 64, and not in one of M', async () => {
  const options = { chain: tokenChain(), mode: 'paper', widening: { factor: 1, exponent: 0.6 } } as const;
  const ratio = async (batch: number): Promise<Replicates> => {
    const values = new Float64Array(100);
    for (let r = 0; r < 100; r++) {
      const tree = { ...options, inverseTemperature: TOKEN_LAMBDA, iterations: 320, batch };
      values[r] = Math.exp(logTotal(await grown(tree, [r, 14 + batch]), false) - logZ);
    }
    return { runs: 100, width: 1, values };
  };
  const [one, five, all] = [await ratio(1), await ratio(5), await ratio(320)];
  const { mean, sd } = columnMoments(one);
  const standardError = [Math.hypot(sd[0]!, columnMoments(five).sd[0]!) / Math.sqrt(100)];
  expectMeans(five, mean[0]!, { standardError });
  expectRejected(() => expectMeans(all, mean[0]!));
});
