import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { run } from '../../engine/run.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import type { TreeState } from '../../estimators/tree/state.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeMode, TreeOptions } from '../../estimators/tree/types.ts';
import reference from '../reference/dts.json' with { type: 'json' };
import { columnMoments, expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { grown, logTotal } from '../support/tree.ts';
import { exactKernelChain } from '../support/tree-chains.ts';

type Name = 'ring8' | 'skew5' | 'sine5';

/** Half of the absolute error of the masses of cells of points nearest to each mean of the prior. */
function variation(name: Name, state: TreeState, planned: boolean): number {
  const { prior, cellMass } = reference.problems[name];
  const logWeight = leafWeights(state, planned);
  const logAll = logTotal(state, planned);
  const points = state.arena.slabs[0]!;
  const found = new Float64Array(cellMass.length);
  for (let i = 0; i < logWeight.length; i++) {
    let [cell, least] = [0, Infinity];
    for (const [k, [x, y]] of prior.means.entries()) {
      const far = (points[2 * i]! - x!) ** 2 + (points[2 * i + 1]! - y!) ** 2;
      if (far < least) [cell, least] = [k, far];
    }
    found[cell] = found[cell]! + Math.exp(logWeight[i]! - logAll);
  }
  return cellMass.reduce((sum, p, k) => sum + Math.abs(p - found[k]!) / 2, 0);
}

/** exp(log Z) / Z and the variation of trees. [runs, 2] */
async function trees(name: Name, options: Omit<TreeOptions, 'chain'>, runs: number): Promise<Replicates> {
  const chain = exactKernelChain(name);
  const { lambda, logZ } = reference.problems[name];
  const planned = (options.mode ?? 'ipw') === 'ipw';
  const values = new Float64Array(2 * runs);
  for (let r = 0; r < runs; r++) {
    const state = await grown({ chain, inverseTemperature: lambda, ...options }, [r, 33]);
    values[2 * r] = Math.exp(logTotal(state, planned) - logZ);
    values[2 * r + 1] = variation(name, state, planned);
  }
  return { runs, width: 2, values };
}

/** exp(log Z) / Z of the trees of one run. */
async function ratios(name: Name, options: Omit<TreeOptions, 'chain'>, runs: number): Promise<Replicates> {
  const { lambda, logZ } = reference.problems[name];
  const shared = { chain: exactKernelChain(name), inverseTemperature: lambda, trees: runs };
  const { trees: own } = await run(treeSampler({ ...shared, ...options }), { seed: 4, backend: jsBackend() });
  return { runs, width: 1, values: own.logNormalizer.map((value) => Math.exp(value - logZ)) };
}

test('planned children are unbiased for Z over 2000 small trees', async () => {
  for (const name of ['ring8', 'sine5'] as const)
    expectMeans(await ratios(name, { iterations: 12 }, 2000), 1, { about: name });
  const widening = { factor: 1, exponent: 0.6 };
  const byValue = await ratios('ring8', { mode: 'paper', widening, iterations: 40 }, 400);
  expectRejected(() => expectMeans(byValue, 1));
});

test('trees that visit by value have the biased Z and the errors they are known for after 1000 iterations', async () => {
  for (const row of reference.thousand) {
    const widening = { factor: row.C, exponent: row.alpha };
    const options = { mode: row.mode as TreeMode, widening, iterations: row.M };
    const found = await trees(row.problem as Name, options, 100);
    const standardError = [row.zRatioSd, row.tvSd].map((sd) => sd * Math.sqrt(1 / 100 + 1 / row.runs));
    expectMeans(found, [row.zRatio, row.tv], { standardError, about: `${row.problem} ${row.mode}` });
    expectRejected(() => expectMeans(found, [1, row.tv], { standardError }));
  }
});

test('visits at random take bias from a Z that is too small, however precise values are', async () => {
  const [runs, widening] = [64, { factor: 1, exponent: 0.6 }];
  for (const name of ['ring8', 'skew5'] as const) {
    const found = async (explore: number): Promise<readonly [number, number]> => {
      const options = { mode: 'precision', widening, explore, iterations: 1000 } as const;
      const { mean, sd } = columnMoments(await trees(name, options, runs));
      return [mean[0]!, sd[0]! / Math.sqrt(runs)];
    };
    const [byValue, error] = await found(0);
    const [mixed, errorMixed] = await found(0.5);
    expect(mixed - byValue).toBeGreaterThan(4 * Math.hypot(error, errorMixed));
    expect(mixed).toBeLessThan(1 + 4 * errorMixed);
  }
});

test('masses come nearer as a tree grows, in every mode that has them for its limit', async () => {
  // The values of a tree that visits by value forget their bias slowly.
  for (const [mode, factor] of [
    ['prior', 2],
    ['precision', 1],
    ['ipw', 2],
  ] as const) {
    const mean = async (iterations: number, runs: number): Promise<number> => {
      const { values } = await trees('ring8', { mode, iterations }, runs);
      return values.reduce((sum, v, i) => sum + ((i % 2) * v) / runs, 0);
    };
    expect(factor * (await mean(1000, 16))).toBeLessThan(await mean(40, 64));
  }
});
