import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { mixtureDenoiser } from '../../../engine/diffusion/analytic/mixture-denoiser.ts';
import { timeGrid } from '../../../engine/diffusion/grids.ts';
import { quadraticReward, type Reward } from '../../../engine/diffusion/reward.ts';
import { eulerMaruyama } from '../../../engine/diffusion/solver/euler-maruyama.ts';
import { vpDiscrete } from '../../../engine/diffusion/table-schedules.ts';
import { multivariateNormal } from '../../../engine/distribution/multivariate-normal.ts';
import { run } from '../../../engine/run.ts';
import type { Sampler } from '../../../engine/sampler.ts';
import type { SteeringState } from '../../../estimators/corrector/steering/open-chain.ts';
import { steering } from '../../../estimators/corrector/steering/steering.ts';
import { svdd } from '../../../estimators/corrector/steering/svdd.ts';
import { das, dps, twisted } from '../../../estimators/corrector/steering/twisted.ts';
import type { SteeringResult } from '../../../estimators/corrector/steering/types.ts';
import { bestOf, importanceAtEnd } from '../../../estimators/corrector/steering/unguided.ts';
import { chainLaw, normalChain, quadraticLogZ } from '../../support/chain.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';

const SEED = 11;

function solve(sampler: Sampler<SteeringState, SteeringResult>): Promise<SteeringResult> {
  return run(sampler, { seed: SEED, backend: jsBackend() });
}

/*
 * Z-hat of 1000 runs of 6 particles on a chain whose law and Z are known, its 6 steps included. One run has a relative sd of
 * 0.6 to 0.9, so a bias of 13 to 21 % is caught 99 % of the time (detectableBias(1000) = 0.228 sd). Z of the chain is 0.65 of
 * that without steps.
 */
describe('log Z of a chain of 6 steps on normal data, 1000 runs of 6 particles', () => {
  const runs = 1000;
  const coarse = { ...normalChain(6), reward: quadraticReward([1.6], [[4]]), particles: 6, runs };
  const euler = { ...coarse, integrator: eulerMaruyama() };
  const ratios = ({ runs: each }: SteeringResult, logZ: number): Replicates => ({
    runs,
    width: 1,
    values: each.logNormalizer.map((log) => Math.exp(log - logZ)),
  });
  const logZ = quadraticLogZ(chainLaw(coarse), 4, 1.6);

  test.each([
    ['steering', () => steering({ ...coarse, resample: { ess: 0.8 } }), logZ],
    ['steering by max', () => steering({ ...coarse, potential: 'max', scheme: 'multinomial' }), logZ],
    ['twisted on Euler steps', () => twisted(euler), quadraticLogZ(chainLaw(euler), 4, 1.6)],
    ['das', () => das({ ...coarse, shift: 'score' }), logZ],
  ] as const)('%s: exp(log Z) is unbiased for Z of the chain', async (_, make, exact) => {
    const result = await solve(make());
    expectMeans(ratios(result, exact), 1);
    expect(result.logNormalizer.claim).toBe('unbiased');
  });

  test('what the released code forgets, and the Z of other steps, are rejected', async () => {
    const forgetful = await solve(steering({ ...coarse, compat: 'public', adaptive: true }));
    expectRejected(() => expectMeans(ratios(forgetful, logZ), 1));
    expect(forgetful.logNormalizer.claim).toBe('biased');
    const faded = await solve(das(coarse));
    expectRejected(() => expectMeans(ratios(faded, quadraticLogZ(chainLaw(euler), 4, 1.6)), 1));
  });
});

/*
 * A chain of 20 steps from N(0, 1) to a mixture of three modes in one dimension, tilted by exp(1.5 r). Exact values by
 * transfer matrix, steps included (diffusion tree sampling, reference problem `oned`, start from the standard normal law):
 * log Z 0.83852, mean 0.19092, P(x > 0) 0.79240. Without the error of the steps: 0.80153, 0.26218, 0.78626.
 */
describe('a mild tilt in one dimension, against the transfer matrix of its chain', () => {
  const [runs, particles] = [160, 96];
  const betas = Array.from({ length: 20 }, (_, n) => 0.01 + (0.34 * n) / 19);
  const schedule = vpDiscrete({ betas });
  const mixture = {
    weights: [0.5, 0.3, 0.2],
    means: [[-2], [0.5], [2.5]],
    covariances: [[[0.16]], [[0.09]], [[0.25]]],
  };
  const value = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = 1.2 * Math.sin(2 * x[i]!) + 0.3 * x[i]! - 0.05 * x[i]! ** 2;
  };
  const reward: Reward = {
    value,
    gradient(x, out, gradient) {
      value(x, out);
      for (let i = 0; i < out.length; i++) gradient[i] = 2.4 * Math.cos(2 * x[i]!) + 0.3 - 0.1 * x[i]!;
    },
  };
  const options = {
    ...{ denoiser: mixtureDenoiser(mixture, schedule), reward, inverseTemperature: 1.5, runs, particles },
    ...{ grid: timeGrid(schedule, { steps: 20, stop: 0 }), start: multivariateNormal([0], [[1]]) },
  };
  const chain = {
    logZ: 0.8385220213038718,
    mean: 0.1909154923936525,
    variance: 1.6435695859312738,
    positive: 0.7923994763687,
  };
  const continuum = {
    logZ: 0.801533709011855,
    mean: 0.26217952404399203,
    variance: 2.007000747399154,
    positive: 0.786256230712,
  };
  const quantities = ({ mean, variance, positive }: typeof chain): number[] => [
    mean,
    variance + mean * mean,
    positive,
  ];

  /** [runs, 4]: Z-hat / Z, and mean, mean square and mass of x > 0 under it: without bias where Z-hat is. */
  function perRun({ sample }: SteeringResult, logZ: number): Replicates {
    const n = sample.logWeight.length / runs;
    const values = new Float64Array(runs * 4);
    for (const [i, l] of sample.logWeight.entries()) {
      const x = sample.points[i]!;
      const row = 4 * Math.floor(i / n);
      for (const [c, f] of [1, x, x * x, x > 0 ? 1 : 0].entries())
        values[row + c] = values[row + c]! + (Math.exp(l - logZ) / n) * f;
    }
    return { runs, width: 4, values };
  }

  test.each([
    ['importanceAtEnd', () => importanceAtEnd(options)],
    ['steering', () => steering(options)],
    ['steering as released, not adaptive', () => steering({ ...options, compat: 'public' })],
    ['das', () => das(options)],
  ] as const)('%s: Z, moments and mass are those of the chain', async (_, make) => {
    // 160 runs of 96 particles: 1 to 3 % of Z and 0.02 to 0.05 of the others are caught.
    expectMeans(perRun(await solve(make()), chain.logZ), [1, ...quantities(chain)]);
  });

  test('the law without the error of its steps is rejected', async () => {
    const result = await solve(importanceAtEnd(options));
    const scale = Math.exp(continuum.logZ - chain.logZ);
    const wrong = [1, ...quantities(continuum)].map((value) => scale * value);
    expectRejected(() => expectMeans(perRun(result, chain.logZ), wrong));
  });

  test.each([
    ['dps', () => dps({ ...options, particles: 48 })],
    ['svdd', () => svdd({ ...options, particles: 32, candidates: 4 })],
    ['bestOf', () => bestOf({ ...options, particles: 16, candidates: 8 })],
    [
      'steering as released, adaptive',
      () => steering({ ...options, particles: 32, compat: 'public', adaptive: true }),
    ],
  ] as const)('%s is not the tilt, and says so', async (_, make) => {
    const result = await solve(make());
    const { values } = perRun(result, 0);
    // Weighted means of each run: without weights Z-hat is 1.
    const own = Float64Array.from({ length: runs * 3 }, (_, at) => {
      const row = 4 * Math.floor(at / 3);
      return values[row + 1 + (at % 3)]! / values[row]!;
    });
    expectRejected(() => expectMeans({ runs, width: 3, values: own }, quantities(chain)));
    expect(result.limit.exact).toBe(false);
  });
});
