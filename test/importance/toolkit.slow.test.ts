import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { exponential } from '../../engine/distribution/exponential.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import type { ModelLike } from '../../engine/model/model.ts';
import { run } from '../../engine/run.ts';
import type { IntervalEstimate } from '../../engine/types.ts';
import { controlVariates } from '../../estimators/importance/controls/control-variates.ts';
import { monteCarlo } from '../../estimators/importance/plain/monte-carlo.ts';
import { stratified } from '../../estimators/importance/strata/stratified.ts';
import { expectCoverage, expectMeans, expectRejected } from '../support/law.ts';

const RUNS = 1000;
const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
const model: ModelLike = (x, out) => {
  for (let i = 0; i < out.length; i++) out[i] = Math.exp(x[2 * i]! + x[2 * i + 1]!);
};
const MEAN = (Math.E - 1) ** 2;
const VARIANCE = ((Math.E ** 2 - 1) / 2) ** 2 - MEAN ** 2;

/** Runs of one method, how often each interval covers, and how often one 0.7 times as wide would. */
async function covered(
  estimate: (seed: number) => Promise<IntervalEstimate>,
  exact: readonly number[],
): Promise<{ hits: number[]; narrow: number[]; values: Float64Array }> {
  const hits = exact.map(() => 0);
  const narrow = exact.map(() => 0);
  const values = new Float64Array(RUNS * exact.length);
  for (let seed = 0; seed < RUNS; seed++) {
    const { value, low, high } = await estimate(seed);
    exact.forEach((truth, i) => {
      values[seed * exact.length + i] = value[i]!;
      if (low[i]! <= truth && truth <= high[i]!) hits[i]!++;
      const off = (truth - value[i]!) / 0.7 + value[i]!;
      if (low[i]! <= off && off <= high[i]!) narrow[i]!++;
    });
  }
  return { hits, narrow, values };
}

describe('95 % intervals cover 95 % of 1000 runs, 0.7 times as wide they do not, and the mean of the runs is right:', () => {
  test('antithetic pairs, mean and variance', async () => {
    const method = monteCarlo({ model, inputs, design: 'antithetic', points: 400 });
    const once = async (seed: number): Promise<IntervalEstimate> =>
      (await run(method, { seed, backend: jsBackend() })).estimate;
    const { hits, narrow, values } = await covered(once, [MEAN, VARIANCE]);
    for (const n of hits) expectCoverage(n, RUNS);
    for (const n of narrow) expectRejected(() => expectCoverage(n, RUNS));
    expectMeans({ runs: RUNS, width: 2, values }, [MEAN, VARIANCE]);
  });

  test.each([
    ['independent points, cross-fitted', { design: 'iid', points: 40, crossFit: true }],
    ['independent points, one coefficient', { design: 'iid', points: 40, crossFit: false }],
    ["Sobol' points", { points: 128, crossFit: true }],
  ] as const)('control variates, %s, mean and ratio', async (_, options) => {
    const ratios = {
      r: { numerator: 'y', denominator: (_: Float64Array, x: Float64Array) => 1 + x[0]! ** 2 },
    };
    const method = controlVariates({ model, inputs, outputs: ['y'], ratios, ...options });
    const once = async (seed: number): Promise<IntervalEstimate> =>
      (await run(method, { seed, backend: jsBackend() })).estimate;
    const { hits, narrow, values } = await covered(once, [MEAN, (3 / 4) * MEAN]);
    for (const n of hits) expectCoverage(n, RUNS);
    for (const n of narrow) expectRejected(() => expectCoverage(n, RUNS));
    if (options.crossFit)
      expectMeans({ runs: RUNS, width: 1, values: values.filter((_, i) => i % 2 === 0) }, MEAN);
  });

  test.each(['proportional', 'neyman'] as const)(
    'stratified, %s, mean; of a probability at least that',
    async (allocation) => {
      const strata = { a: 5, b: [0.5, 0.9] };
      // P(a + b < 1/2) = 1/8.
      const probabilities = { small: { below: Math.exp(0.5) } };
      const method = stratified({ model, inputs, strata, allocation, probabilities, points: 400 });
      const once = async (seed: number): Promise<IntervalEstimate> =>
        (await run(method, { seed, backend: jsBackend() })).estimate;
      const { hits, narrow, values } = await covered(once, [MEAN, 1 / 8]);
      expectCoverage(hits[0]!, RUNS);
      expect(hits[1]).toBeGreaterThanOrEqual(913);
      expectRejected(() => expectCoverage(narrow[0]!, RUNS));
      expectMeans({ runs: RUNS, width: 2, values }, [MEAN, 1 / 8]);
    },
  );
});

test('stratified(): the mean of a skewed output is unbiased over small runs with a pilot', async () => {
  // 1000 runs: a bias of 0.23 sd of one run is caught 99 % of the time.
  const skewed: ModelLike = (x, out) => {
    for (let i = 0; i < out.length; i++) out[i] = x[i]! ** 2;
  };
  const method = stratified({
    model: skewed,
    inputs: { t: exponential(1) },
    strata: { t: [0.5, 0.9] },
    allocation: 'neyman',
    points: 24,
  });
  const values = new Float64Array(RUNS);
  for (let seed = 0; seed < RUNS; seed++)
    values[seed] = (await run(method, { seed, backend: jsBackend() })).mean.value[0]!;
  expectMeans({ runs: RUNS, width: 1, values }, 2);
});
