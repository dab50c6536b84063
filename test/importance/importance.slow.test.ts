import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { run } from '../../engine/run.ts';
import { crossEntropy } from '../../estimators/importance/cross-entropy.ts';
import { EVENTS } from '../smc/rare/events.ts';
import { expectMeans, expectRejected } from '../support/law.ts';

const SEED = 20_261_130;
const backend = await hostBackend({ threads: 1 });
afterAll(() => backend.dispose());

// Standard errors of log p at the sizes below, with room for a factor of 2.
const CASES = { linear: 0.07, ring: 0.2, parabola: 0.06, exponentials: 0.15 } as const;

for (const [name, widest] of Object.entries(CASES)) {
  test(`crossEntropy(): the ${name} event within 4 standard errors, which are small`, async () => {
    const { options, p } = EVENTS[name]!;
    const method = crossEntropy({ ...options, components: 1 });
    const { logProbability, outcome } = await run(method, { seed: SEED, backend });
    expect(outcome.kind).toBe('converged');
    expect(Math.abs(logProbability.value - Math.log(p))).toBeLessThan(4 * logProbability.standardError);
    expect(logProbability.standardError).toBeLessThan(widest);
  });
}

test('crossEntropy(): over 100 small runs the mean is the probability and the errors are the spread', async () => {
  const { options, p } = EVENTS.parabola!;
  const values = new Float64Array(100);
  let squares = 0;
  let told = 0;
  for (let r = 0; r < 100; r++) {
    const method = crossEntropy({ ...options, stagePoints: 200, points: 1000 });
    const { probability, logProbability } = await run(method, { seed: SEED + r, backend });
    values[r] = probability.value / p;
    if (logProbability.method === 'none') continue;
    told++;
    squares += ((logProbability.value - Math.log(p)) / logProbability.standardError) ** 2;
  }
  // 100 runs catch a bias of 0.73 sd of one run, which is some 0.06, 99 % of the time.
  expectMeans({ runs: 100, width: 1, values }, 1);
  expectRejected(() => expectMeans({ runs: 100, width: 1, values }, 1.1));
  // Some small runs are refused an interval. Chi-square of 80 degrees lies in 0.4 .. 2 of its own with false alarm 1e-6.
  expect(told).toBeGreaterThanOrEqual(80);
  expect(squares / told).toBeGreaterThan(0.4);
  expect(squares / told).toBeLessThan(2);
});
