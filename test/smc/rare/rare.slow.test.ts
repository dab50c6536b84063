import { afterAll, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { componentwise } from '../../../engine/kernel/componentwise.ts';
import { independentMoves } from '../../../engine/kernel/independent.ts';
import { randomWalk } from '../../../engine/kernel/random-walk.ts';
import { run } from '../../../engine/run.ts';
import { dynamicSplitting } from '../../../estimators/smc/rare/dynamic-splitting.ts';
import { lastParticle } from '../../../estimators/smc/rare/last-particle.ts';
import { splitting } from '../../../estimators/smc/rare/splitting.ts';
import type { RareEventResult } from '../../../estimators/smc/rare/types.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';
import { EVENTS, RUIN } from './events.ts';

const SEED = 20_261_126;
const RUNS = 100;
const backend = await hostBackend({ threads: 1 });
afterAll(() => backend.dispose());

/** p-hat / p of each run; with 100 runs a bias of 0.73 sd of one run is caught 99 % of the time. */
function ratios({ logProbability }: RareEventResult, p: number): Replicates {
  const values = logProbability.runs.map((log) => Math.exp(log) / p);
  return { runs: values.length, width: 1, values };
}

const spread = (values: Float64Array): number => {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
};

// particles, share: sizes at which a run's coefficient of variation stays below 0.7.
const SIZES = {
  linear: [200, 0.2],
  ring: [200, 0.3],
  parabola: [200, 0.2],
  exponentials: [200, 0.3],
} as const;

for (const [name, [particles, share]] of Object.entries(SIZES)) {
  const { options, p } = EVENTS[name]!;
  test(`splitting(): the mean over runs is the probability of the ${name} event`, async () => {
    const result = await run(splitting({ ...options, particles, share, moves: 5, runs: RUNS }), {
      seed: SEED,
      backend,
    });
    expectMeans(ratios(result, p), 1);
    expectRejected(() => expectMeans(ratios(result, p * 1.6), 1));
  });
}

test('splitting(): log p varies over runs nearly as if particles were drawn afresh', async () => {
  // The sd of 100 normal values lies in 0.68 to 1.37 of its own with false alarm 1e-6 (chi-square, 99 degrees of freedom).
  const { options } = EVENTS.linear!;
  const { logProbability } = await run(splitting({ ...options, particles: 300, runs: RUNS }), {
    seed: SEED,
    backend,
  });
  const ratio = spread(logProbability.runs) / (logProbability.idealStandardError * Math.sqrt(RUNS));
  expect(ratio).toBeGreaterThan(0.68);
  expect(ratio).toBeLessThan(1.37 * 1.15);
});

test('splitting(): scores with ties are counted as they are; p0 in their place is rejected', async () => {
  const { options, p } = EVENTS.discrete!;
  const share = 0.2;
  const method = splitting({
    ...options,
    particles: 200,
    share,
    moves: 2,
    kernel: componentwise(),
    runs: RUNS,
  });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(ratios(result, p), 1);
  // Au and Beck's formula counts p0 for every level, whatever share survived: here it is 7 to 27 times too large.
  for (let r = 0; r < 3; r++) {
    const one = splitting({ ...options, particles: 500, share, moves: 2, kernel: componentwise(), runs: 1 });
    const { levels } = await run(one, { seed: SEED + r, backend });
    expect(share ** (levels.length - 1) * levels.at(-1)!.survivors).toBeGreaterThan(4 * p);
  }
});

// Kernels that accept by the law of the inputs; without it they give 10 to 1000 times too much.
const WITH_DENSITY = {
  'a random walk': randomWalk(),
  'independent moves': independentMoves({ inflation: 1.5 }),
} as const;

for (const [name, kernel] of Object.entries(WITH_DENSITY)) {
  test(`splitting(): by ${name} the mean over runs is the probability`, async () => {
    const { options, p } = EVENTS.parabola!;
    const method = splitting({ ...options, kernel, particles: 150, share: 0.2, moves: 5, runs: RUNS });
    const result = await run(method, { seed: SEED, backend });
    expectMeans(ratios(result, p), 1);
    expectRejected(() => expectMeans(ratios(result, p * 2.5), 1));
  });
}

test('lastParticle(): a random walk of the replaced alone keeps the law of the inputs', async () => {
  const { options, p } = EVENTS.parabola!;
  const method = lastParticle({ ...options, kernel: randomWalk(), particles: 20, moves: 8, runs: RUNS });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(ratios(result, p), 1);
  expectRejected(() => expectMeans(ratios(result, p * 2.5), 1));
});

test('lastParticle(): the mean over runs is the probability, the spread the ideal one', async () => {
  const { options, p } = EVENTS.parabola!;
  const method = lastParticle({ ...options, particles: 20, moves: 8, runs: RUNS });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(ratios(result, p), 1);
  expectRejected(() => expectMeans(ratios(result, p * 1.6), 1));
  const { runs, idealStandardError } = result.logProbability;
  expect(idealStandardError * Math.sqrt(RUNS)).toBeCloseTo(Math.sqrt(-Math.log(p) / 20), 1);
  expect(spread(runs)).toBeLessThan(1.6 * Math.sqrt(-Math.log(p) / 20));
});

test('dynamicSplitting(): the mean over runs is the probability of ruin averted', async () => {
  const method = dynamicSplitting({
    process: RUIN.process,
    levels: [3, 6, 10, 15, 20],
    particles: 200,
    runs: 500,
  });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(ratios(result, RUIN.p), 1);
  expectRejected(() => expectMeans(ratios(result, RUIN.p * 1.2), 1));
});
