import { test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { run } from '../../engine/run.ts';
import { rescoreTree } from '../../estimators/tree/rescore.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeOptions } from '../../estimators/tree/types.ts';
import { expectCoverage, expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { grown, logTotal } from '../support/tree.ts';
import { enumeratedTokens, TOKEN_LAMBDA, tokenChain } from '../support/tree-chains.ts';

const { logZ, marginals } = enumeratedTokens();
/** Upper 2.5 % point of Student's law with 11 degrees of freedom. */
const STUDENT = 2.201;
/** Few children, so that values steer a tree of 40 iterations already. */
const narrow = { mode: 'paper', widening: { factor: 1, exponent: 0.6 } } as const;

test('intervals by the spread of 12 trees cover log Z and means, and those of a biased tree do not', async () => {
  const chain = tokenChain();
  const truth = [logZ, ...marginals.map((law) => law[1]! + 2 * law[2]!)];
  const cover = async (own: Partial<TreeOptions>, runs: number): Promise<number[]> => {
    const options = { chain, trees: 12, iterations: 32, inverseTemperature: TOKEN_LAMBDA, ...own };
    const hits = truth.map(() => 0);
    for (let seed = 0; seed < runs; seed++) {
      const { estimate } = await run(treeSampler(options), { seed, backend: jsBackend() });
      for (const [k, value] of truth.entries())
        if (Math.abs(estimate.value[k]! - value) < STUDENT * estimate.standardError[k]!)
          hits[k] = hits[k]! + 1;
    }
    return hits;
  };
  const found = await cover({}, 200);
  for (const hits of found) expectCoverage(hits, 200);
  const [biased] = await cover(narrow, 40);
  expectRejected(() => expectCoverage(biased!, 40));
});

/** Z / its truth of small trees that were weighed anew after they had grown. */
async function rescored(options: TreeOptions, runs: number): Promise<Replicates> {
  const values = new Float64Array(runs);
  const { signal } = new AbortController();
  for (let r = 0; r < runs; r++) {
    const state = await grown({ iterations: 40, ...options }, [r, 77]);
    await rescoreTree({ ...state.plan, lambda: TOKEN_LAMBDA }, state, signal);
    values[r] = Math.exp(logTotal(state, state.plan.mode === 'ipw') - logZ);
  }
  return { runs, width: 1, values };
}

test('a planned tree that is weighed anew is unbiased under the new target, whatever it grew by', async () => {
  const chain = tokenChain(0.5);
  for (const inverseTemperature of [0, 4]) expectMeans(await rescored({ chain, inverseTemperature }, 400), 1);
  expectMeans(await rescored({ chain, inverseTemperature: 4, batch: 8 }, 400), 1);
  const byValue = await rescored({ chain, ...narrow, inverseTemperature: 1 }, 400);
  expectRejected(() => expectMeans(byValue, 1));
});
