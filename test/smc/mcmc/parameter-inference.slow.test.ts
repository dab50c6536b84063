import { expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import { randomWalk } from '../../../engine/kernel/random-walk.ts';
import type { Stream } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import { particleGibbs } from '../../../estimators/smc/mcmc/particle-gibbs.ts';
import { pmmh } from '../../../estimators/smc/mcmc/pmmh.ts';
import { smcSquared } from '../../../estimators/smc/mcmc/smc-squared.ts';
import reference from '../../reference/parameter-inference.json' with { type: 'json' };
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';
import { autoregression, drawRho } from './autoregression.ts';

// Posterior mean and variance of rho, exact in the reference, from 100 or more independent chains (or batches much longer than a
// chain remembers): means of rho and of (rho - exact mean)^2 are compared with a t-test at 1e-6 in all.
const SEED = 20_261_129;
const MEAN = reference.posterior_mean_rho;
const VARIANCE = reference.posterior_var_rho;
const EXACT = [MEAN, VARIANCE];
const backend = await hostBackend({ threads: 1 });
const prior = { rho: uniform(0, 1) };
const family = { model: autoregression, observations: reference.observations };

/** Means of rho and its squared distance from the exact mean over rows of `size` neighbouring draws. */
function batches(draws: Float64Array, size: number): Replicates {
  const runs = Math.floor(draws.length / size);
  const values = new Float64Array(runs * 2);
  for (let i = 0; i < runs * size; i++) {
    const b = 2 * Math.floor(i / size);
    values[b] = values[b]! + draws[i]! / size;
    values[b + 1] = values[b + 1]! + (draws[i]! - MEAN) ** 2 / size;
  }
  return { runs, width: 2, values };
}

const near = (stream: Stream): number[] => [0.55 + 0.4 * stream.uniform()];

test('particleGibbs(): mean and variance of the parameter are exact', async () => {
  // A chain remembers about 2 draws; batches of 25 are independent. 104 batches catch a shift of the mean by 0.2 posterior sd.
  const update = (path: Float64Array, _: Float64Array, stream: Stream): number[] => [drawRho(path, stream)];
  const chain = { particles: 12, iterations: 650, warmup: 20, chains: 4, variant: 'ancestor' } as const;
  const method = particleGibbs({ ...family, ...chain, parameters: ['rho'], start: near, update });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(batches(result.sample.points, 25), EXACT, { about: 'rho' });
  expect(result.rHat[0]).toBeLessThan(1.02);
  expectRejected(() =>
    expectMeans(
      batches(
        result.sample.points.map((rho) => rho - 0.03),
        25,
      ),
      EXACT,
    ),
  );
});

const DRAWS = 30;
const chain = { start: near, warmup: 20, iterations: DRAWS, chains: 100, noiseFilters: 0 };
const fixed = randomWalk({ covariance: [[VARIANCE]], adapt: false });

test('pmmh(): mean and variance of the parameter are exact', async () => {
  // 100 independent chains of 30 draws, worth about 4 each: catches a shift of the mean by 0.36 posterior sd.
  const method = pmmh({ ...family, ...chain, prior, particles: 60, kernel: fixed });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(batches(result.sample.points, DRAWS), EXACT, { about: 'rho' });
  expect(result.acceptance).toBeGreaterThan(0.15);
});

test('pmmh() with shared noise: mean and variance of the parameter are exact', async () => {
  const method = pmmh({ ...family, ...chain, prior, particles: 20, kernel: fixed, correlation: 0.98 });
  const result = await run(method, { seed: SEED, backend });
  expectMeans(batches(result.sample.points, DRAWS), EXACT, { about: 'rho' });
});

/** A kernel that estimates the likelihood of the place it is in again before each move. */
const recomputing: KernelChoice = {
  ...fixed,
  open(context) {
    const kernel = fixed.open(context);
    return {
      ...kernel,
      get spread() {
        return kernel.spread;
      },
      async move(states, target, address) {
        await target.logPrior(states.x, states.count, states.logPrior);
        await target.logLikelihood(states.x, states.count, states.logLikelihood);
        return kernel.move(states, target, address);
      },
    };
  },
};

test('pmmh(): with the likelihood of the present place estimated again, the answer is another one', async () => {
  // With 4 particles mean and variance are 9.5 and 8.8 standard errors off; 7.6 are seen with 99 % probability.
  const short = { ...chain, warmup: 10, iterations: 20 };
  const method = pmmh({ ...family, ...short, prior, particles: 4, kernel: recomputing });
  const result = await run(method, { seed: SEED, backend });
  expectRejected(() => expectMeans(batches(result.sample.points, 20), EXACT));
});

/** Prefixes at which the evidence is compared. */
const PREFIXES = [1, 5, 15, 30, 50];

/**
 * Runs of SMC^2: Z-hat over its exact value for each prefix, and Z-hat times the error of mean and variance, which have
 * expectation 0 where Z-hat is unbiased.
 */
async function squaredRuns(kernel: KernelChoice, moves: number): Promise<Replicates> {
  const rows: number[][] = [];
  for (let r = 0; r < 100; r++) {
    const sizes = { particles: 24, innerParticles: 24, mostInnerParticles: 48, moves, kernel };
    const { path, mean, covariance } = await run(smcSquared({ ...family, prior, ...sizes }), {
      seed: SEED + r,
      backend,
    });
    const ratio = (k: number): number =>
      Math.exp(path.logNormalizer[k - 1]! - reference.log_evidence_first_k[k - 1]!);
    const off = mean.value[0]! - MEAN;
    rows.push([...PREFIXES.map(ratio), ratio(50) * off, ratio(50) * (covariance[0]! + off * off - VARIANCE)]);
  }
  return { runs: rows.length, width: rows[0]!.length, values: Float64Array.from(rows.flat()) };
}

const WANTED = [...PREFIXES.map(() => 1), 0, 0];

test('smcSquared(): the evidence of every prefix, mean and variance of the parameter are exact', async () => {
  // Z-hat varies by about 0.6 of itself at the end: a factor of 1.45 in it is caught with 99 %, a shift of the mean of 0.25 sd.
  expectMeans(await squaredRuns(randomWalk(), 2), WANTED, { about: 'statistic' });
});

test('smcSquared(): moved as if there were no data, the answer is another one', async () => {
  const walk = randomWalk();
  const blind: KernelChoice = {
    ...walk,
    open(context) {
      const kernel = walk.open(context);
      return {
        ...kernel,
        move: (states, target, at) => kernel.move(states, { ...target, factor: () => 0 }, at),
      };
    },
  };
  const found = await squaredRuns(blind, 1);
  expectRejected(() => expectMeans(found, WANTED));
});
