import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import type { IntervalEstimate } from '../../../engine/types.ts';
import { monteCarlo } from '../../../estimators/importance/plain/monte-carlo.ts';
import type { MonteCarloOptions } from '../../../estimators/importance/plain/monte-carlo-types.ts';
import { expectCoverage, expectRejected } from '../../support/law.ts';

const RUNS = 1000;
const side = uniform(0, 1);
const model: ModelLike = (x, out) => {
  for (let i = 0; i < out.length; i++) out[i] = x[2 * i]! * x[2 * i + 1]!;
};
const below = 0.1 * (1 - Math.log(0.1));
// Mean, variance, quantiles at P(ab < 0.1) and at 0.95 (t (1 - log t) = 0.95), probability.
const exact = [1 / 4, 7 / 144, 0.1, 0.700920007319887, below];

/** How often each of the five intervals covers its exact value, and how often one `shrink` times as wide would. */
async function covered(
  options: Partial<MonteCarloOptions>,
  shrink: number,
): Promise<{ hits: number[]; shrunk: number[] }> {
  const method = monteCarlo({
    model,
    inputs: { a: side, b: side },
    quantiles: [below, 0.95],
    probabilities: { small: { below: 0.1 } },
    ...options,
  });
  const hits = [0, 0, 0, 0, 0];
  const shrunk = [0, 0, 0, 0, 0];
  for (let seed = 0; seed < RUNS; seed++) {
    const { estimate } = await run(method, { seed, backend: jsBackend() });
    exact.forEach((value, i) => {
      if (inside(estimate, i, value, 1)) hits[i]!++;
      if (inside(estimate, i, value, shrink)) shrunk[i]!++;
    });
  }
  return { hits, shrunk };
}

function inside({ value, low, high }: IntervalEstimate, i: number, truth: number, shrink: number): boolean {
  return (
    truth >= value[i]! + shrink * (low[i]! - value[i]!) &&
    truth <= value[i]! + shrink * (high[i]! - value[i]!)
  );
}

test("monteCarlo(): replicate intervals on Sobol' points cover 95 % of 1000 runs; 0.7 times as wide they do not", async () => {
  const { hits, shrunk } = await covered({ points: 8 * 64 }, 0.7);
  for (const n of hits) expectCoverage(n, RUNS);
  for (const n of shrunk) expectRejected(() => expectCoverage(n, RUNS));
});

test('monteCarlo(): iid intervals cover 95 % of 1000 runs, the exact ones at least that; 0.7 times as wide they do not', async () => {
  const { hits, shrunk } = await covered({ points: 512, design: 'iid' }, 0.7);
  expectCoverage(hits[0]!, RUNS);
  expectCoverage(hits[1]!, RUNS);
  // Order statistics and Clopper-Pearson are conservative: only the lower limit applies.
  for (const i of [2, 3, 4]) expect(hits[i]).toBeGreaterThanOrEqual(913);
  for (const i of [0, 1]) expectRejected(() => expectCoverage(shrunk[i]!, RUNS));
});

test('monteCarlo(): the replicate interval of a rare probability covers too seldom, which few-events warns of', async () => {
  // 512 points see 1.7 events of probability 0.0033; coverage of 90 % or less is rejected at least 91 times in 100.
  const t = 0.000365386;
  const probability = t * (1 - Math.log(t));
  const probabilities = { rare: { below: t } };
  const method = monteCarlo({ model, inputs: { a: side, b: side }, points: 512, probabilities });
  let hits = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const result = await run(method, { seed, backend: jsBackend() });
    const { low, high, value } = result.probabilities;
    if (low[0]! <= probability && probability <= high[0]!) hits++;
    const told = result.diagnostics.warnings.some(
      ({ code }) => code === 'few-events' || code === 'event-unseen',
    );
    expect(told, `seed ${seed}, estimate ${value[0]}`).toBe(true);
  }
  expectRejected(() => expectCoverage(hits, RUNS));
});
