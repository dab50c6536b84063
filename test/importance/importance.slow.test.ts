import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import { run } from '../../engine/run.ts';
import { crossEntropy } from '../../estimators/importance/cross-entropy/cross-entropy.ts';
import { adaptiveMultiple } from '../../estimators/importance/sampling/adaptive-multiple.ts';
import { importanceSampling } from '../../estimators/importance/sampling/importance-sampling.ts';
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

test('adaptiveMultiple(): fresh points have the right mean; the points that the proposal was fitted to have not', async () => {
  const [fresh, reused] = [new Float64Array(400), new Float64Array(400)];
  for (let r = 0; r < 400; r++) {
    const options = {
      target: multivariateNormal([2], [[1]]),
      start: multivariateNormal([0], [[4]]),
      proposal: 'normal',
      defensive: 0,
      stages: 6,
      stagePoints: 10,
      points: 60,
      design: 'iid',
    } as const;
    const seed = SEED + r;
    fresh[r] = (await run(adaptiveMultiple(options), { seed, backend })).logNormalizer.value;
    reused[r] = (
      await run(adaptiveMultiple({ ...options, fresh: false }), { seed, backend })
    ).logNormalizer.value;
  }
  const mass = (logs: Float64Array) => ({ runs: 400, width: 1, values: logs.map((l) => Math.exp(l)) });
  console.log(
    mass(fresh).values.reduce((a, b) => a + b) / 400,
    mass(reused).values.reduce((a, b) => a + b) / 400,
  );
  expectMeans(mass(fresh), 1);
  expectRejected(() => expectMeans(mass(reused), 1));
});

test("importanceSampling(): 400 small runs have the right mean with plain weights; without the target's constant not", async () => {
  const values = new Float64Array(400);
  for (let r = 0; r < 400; r++) {
    const method = importanceSampling({
      target: multivariateNormal([0], [[1]]),
      proposal: multivariateNormal([0.5], [[2]]),
      expectations: { second: { of: (_, [x]) => x! * x! } },
      design: 'iid',
      points: 100,
    });
    values[r] = (await run(method, { seed: SEED + r, backend })).estimate.value[0]!;
  }
  // 400 runs catch a bias of 0.36 sd of one run 99 % of the time.
  expectMeans({ runs: 400, width: 1, values }, 1);
  const constant = Math.sqrt(2 * Math.PI);
  expectRejected(() => expectMeans({ runs: 400, width: 1, values: values.map((v) => v * constant) }, 1));
});
