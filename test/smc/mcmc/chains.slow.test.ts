import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { DegeneracyError, OptionError, ShapeError, ValueError } from '../../../engine/errors.ts';
import { randomWalk } from '../../../engine/kernel/random-walk.ts';
import { run } from '../../../engine/run.ts';
import { conditionalSmc } from '../../../estimators/smc/mcmc/conditional-smc.ts';
import type { ConditionalSmcOptions } from '../../../estimators/smc/mcmc/gibbs-types.ts';
import { particleGibbs } from '../../../estimators/smc/mcmc/particle-gibbs.ts';
import { pmmh } from '../../../estimators/smc/mcmc/pmmh.ts';
import { smcSquared } from '../../../estimators/smc/mcmc/smc-squared.ts';
import { kalmanFilter, kalmanSmoother } from '../../../estimators/smc/models/kalman.ts';
import { linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import { optimalProposal } from '../../../estimators/smc/models/optimal-proposal.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { expectLaw, expectMeans, expectRejected } from '../../support/law.ts';
import { autoregression } from './autoregression.ts';

const backend = jsBackend();
const SEED = 20_261_130;
const observations = [0.4, 2.9, null, -0.7, 1.3];
const prior = { rho: uniform(0, 1) };

/** Two states that pull on each other, one observed. */
const pair = linearGaussian({
  transition: [
    [0.8, 0.3],
    [-0.2, 0.6],
  ],
  transitionCovariance: [
    [0.5, 0.1],
    [0.1, 0.4],
  ],
  observation: [[1, 0]],
  observationCovariance: 0.5,
  initialCovariance: [
    [1, 0],
    [0, 1],
  ],
});

describe('conditionalSmc()', () => {
  const exact = kalmanSmoother(pair, observations);

  // 120 chains, the path of each after 7 sweeps: means of both states at all steps, exact by Kalman. Catches 0.66 sd with 99 %.
  const chainMeans = async (options: Partial<ConditionalSmcOptions>) => {
    const chain = { model: pair, observations, particles: 12, iterations: 1, warmup: 6, chains: 120 };
    const result = await run(conditionalSmc({ ...chain, ...options }), { seed: SEED, backend });
    const [runs, width] = result.sample.shape;
    return { runs, width, values: result.sample.points };
  };

  test('the paths of a linear Gaussian model have the mean of the exact smoother, with its kernels and a missing observation', async () => {
    const found = await chainMeans({ variant: 'backward' });
    expectMeans(found, exact.mean, { about: 'state' });
    expectRejected(() => expectMeans(found, kalmanFilter(pair, observations).mean));
  });

  test('the same with a proposal that has seen the observation', async () => {
    const proposal = optimalProposal(pair);
    const found = await chainMeans({ variant: 'ancestor', proposal, particles: 6 });
    expectMeans(found, exact.mean, { about: 'state' });
    // The law of one state, not only its mean.
    const sd = Math.sqrt(exact.covariance[4 * 4]!);
    const law = normal(exact.mean[8]!, sd);
    expectLaw(
      Float64Array.from({ length: found.runs }, (_, r) => found.values[r * 10 + 8]!),
      law.cdf,
    );
  });

  test('smoothed means, errors and renewal belong together', async () => {
    const chain = { observations, particles: 20, iterations: 100, warmup: 5, chains: 4 };
    const result = await run(conditionalSmc({ ...chain, model: autoregression([0.6]) }), {
      seed: SEED,
      backend,
    });
    const { mean, variance, standardError, renewal } = result.smoothed;
    expect(result.estimate.names.slice(0, 2)).toEqual(['x[0]', 'x[1]']);
    expect([...result.estimate.value]).toEqual([...mean]);
    for (let t = 0; t < observations.length; t++) {
      expect(variance[t]!).toBeGreaterThan(0.1);
      expect(variance[t]!).toBeLessThan(2);
      // 400 draws that hardly remember one another.
      expect(standardError[t]! / Math.sqrt(variance[t]! / 400)).toBeGreaterThan(0.5);
      expect(standardError[t]! / Math.sqrt(variance[t]! / 400)).toBeLessThan(2.5);
      expect(renewal[t]!).toBeGreaterThan(0.5);
      expect(renewal[t]!).toBeLessThanOrEqual(1);
    }
  });

  test('a path that hardly moves is said to be stuck', async () => {
    const flat: StateSpaceModel = {
      ...autoregression([0.5]),
      logObservation: (_, __, x, out) => pull(x, out),
    };
    const chain = {
      observations: new Array(40).fill(0),
      particles: 2,
      iterations: 120,
      warmup: 0,
      chains: 1,
    };
    const { diagnostics } = await run(
      conditionalSmc({ ...chain, model: flat, variant: 'plain', threshold: 1 }),
      {
        seed: SEED,
        backend,
      },
    );
    expect(diagnostics.warnings.map(({ code }) => code)).toContain('path-stuck');
  });

  test('an ancestor cannot be drawn without a transition density, and the message says what else to do', async () => {
    const { logTransition: _, ...bare } = autoregression([0.5]);
    const method = conditionalSmc({ model: bare, observations });
    await expect(run(method, { seed: 1, backend })).rejects.toThrow(/logTransition.*variant: 'plain'/);
    await expect(run(method, { seed: 1, backend })).rejects.toBeInstanceOf(OptionError);
  });

  test('observations that nothing can give are a DegeneracyError with the step, and a NaN names the particle', async () => {
    const dead: StateSpaceModel = {
      ...autoregression([0.5]),
      logObservation: (step, _, __, out) => out.fill(step === 1 ? -Infinity : 0),
    };
    const method = conditionalSmc({ model: dead, observations });
    await expect(run(method, { seed: 1, backend })).rejects.toBeInstanceOf(DegeneracyError);
    await expect(run(method, { seed: 1, backend })).rejects.toThrow(/step 1/);
    const sick: StateSpaceModel = { ...dead, logObservation: (_, __, ___, out) => out.fill(Number.NaN) };
    const other = conditionalSmc({ model: sick, observations });
    await expect(run(other, { seed: 1, backend })).rejects.toBeInstanceOf(ValueError);
  });

  test('an observation of another length is a ShapeError before any work', () => {
    expect(() => conditionalSmc({ model: pair, observations: [[1, 2]] })).toThrow(ShapeError);
  });
});

/** Sharp weights: whoever is at 0 wins. */
function pull(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = -50 * x[i]! * x[i]!;
}

describe('particleGibbs()', () => {
  test('a draw of parameters that is no number stops the run', async () => {
    const chain = { model: autoregression, observations, parameters: ['rho'], start: [0.5] };
    const method = particleGibbs({ ...chain, update: () => [Number.NaN] });
    await expect(run(method, { seed: 1, backend })).rejects.toThrow(/`update` gave \(NaN\)/);
  });

  test('a model whose state changes its length with theta stops the run', async () => {
    const model = (theta: Float64Array): StateSpaceModel => ({
      ...autoregression([0.5]),
      dimension: theta[0]!,
    });
    const chain = { model, observations, parameters: ['d'], start: [1] };
    const method = particleGibbs({ ...chain, update: () => [2] });
    await expect(run(method, { seed: 1, backend })).rejects.toThrow(
      /the state has 2 numbers at theta = \(2\)/,
    );
  });

  test('chains that start apart and are too short disagree', async () => {
    const chain = { model: autoregression, observations, parameters: ['rho'], warmup: 0, iterations: 20 };
    const start = (_: unknown, c: number): number[] => [0.1 + 0.2 * c];
    const update = (_: unknown, theta: Float64Array): ArrayLike<number> => [theta[0]! + 1e-6];
    const result = await run(particleGibbs({ ...chain, start, update, particles: 3 }), { seed: 1, backend });
    expect(result.rHat[0]).toBeGreaterThan(10);
    expect(result.diagnostics.warnings.map(({ code }) => code)).toEqual(['chains-disagree', 'chains-short']);
  });
});

describe('pmmh()', () => {
  const chain = {
    model: autoregression,
    observations: [0.3, 3, -2, 1, 2.5, -2.4, 0.2, 1.9],
    prior,
    chains: 2,
  };

  test('the noise of the likelihood is measured at one point, and too few particles are told with how many would do', async () => {
    const sizes = { particles: 2, iterations: 4, warmup: 2, noiseFilters: 64 };
    const result = await run(pmmh({ ...chain, ...sizes }), { seed: SEED, backend });
    expect(result.noise!.standardDeviation).toBeGreaterThan(1.7);
    expect(result.noise!.suggestedParticles).toBeGreaterThan(2);
    expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('noisy-likelihood');
    const more = await run(pmmh({ ...chain, ...sizes, particles: 512 }), { seed: SEED, backend });
    expect(more.noise!.standardDeviation).toBeLessThan(0.5);
    expect(more.noise!.suggestedParticles).toBeLessThan(512);
    expect(more.diagnostics.warnings.map(({ code }) => code)).not.toContain('noisy-likelihood');
  });

  test('every draw carries the estimate it was accepted with', async () => {
    const result = await run(pmmh({ ...chain, particles: 20, iterations: 60, warmup: 0 }), {
      seed: SEED,
      backend,
    });
    const { points } = result.sample;
    for (let i = 1; i < 60; i++)
      if (points[i] === points[i - 1]) expect(result.logLikelihood[i]).toBe(result.logLikelihood[i - 1]);
    const moves = Array.from(points).filter((rho, i) => i % 60 > 0 && rho !== points[i - 1]).length;
    expect(moves / (2 * 59)).toBeCloseTo(result.acceptance, 1);
  });

  test('with shared noise neighbouring estimates hang together', async () => {
    // Proposals next to where the chain is: log Z-hat changes little from one accepted draw to the next.
    const kernel = randomWalk({ covariance: [[1e-12]], adapt: false, scale: 1 });
    const still = { particles: 8, iterations: 150, warmup: 0, noiseFilters: 0, start: [0.7] };
    const jumps = async (correlation: number): Promise<number> => {
      const { logLikelihood } = await run(pmmh({ ...chain, ...still, kernel, correlation }), {
        seed: 1,
        backend,
      });
      let sum = 0;
      for (let i = 1; i < 150; i++) sum += (logLikelihood[i]! - logLikelihood[i - 1]!) ** 2;
      return sum;
    };
    expect(await jumps(0.99)).toBeLessThan(0.25 * (await jumps(0)));
  });

  test('with shared noise the estimates of a chain wander as far as independent ones', async () => {
    const kernel = randomWalk({ covariance: [[1e-12]], adapt: false, scale: 1 });
    const still = {
      particles: 30,
      iterations: 400,
      warmup: 0,
      noiseFilters: 0,
      start: [0.5],
      chains: 1,
      kernel,
    };
    const spread = async (correlation: number): Promise<number> => {
      const { logLikelihood: values } = await run(pmmh({ ...chain, ...still, correlation }), {
        seed: 2,
        backend,
      });
      const mean = values.reduce((sum, value) => sum + value) / 400;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400;
    };
    // If candidates did not take the place of what they came from, 1 - 0.9^2 = 0.19 of the variance would be left.
    expect((await spread(0.9)) / (await spread(0))).toBeGreaterThan(0.5);
  });

  test('a start where nothing is possible is a DegeneracyError', async () => {
    const dead = (): StateSpaceModel => ({
      ...autoregression([0.5]),
      logObservation: (_, __, ___, out) => out.fill(-Infinity),
    });
    const method = pmmh({ ...chain, model: dead, particles: 2 });
    await expect(run(method, { seed: 1, backend })).rejects.toBeInstanceOf(DegeneracyError);
  });
});

describe('smcSquared()', () => {
  const data = [0.3, 3, -2, 1, 2.5, -2.4, 0.2, 1.9];
  const family = { model: autoregression, observations: data, prior };

  test('filters are doubled when moves fail, up to the most, and the path tells', async () => {
    const sizes = {
      particles: 16,
      innerParticles: 3,
      mostInnerParticles: 12,
      leastAcceptance: 0.9,
      threshold: 1,
    };
    const { path } = await run(smcSquared({ ...family, ...sizes }), { seed: SEED, backend });
    expect([...new Set(path.innerParticles)]).toEqual([3, 6, 12]);
    expect(path.acceptance[0]).toBeNaN();
    expect(path.logNormalizer.length).toBe(data.length);
  });

  test('an observation that no parameter allows ends the run as degenerate', async () => {
    const dead = (theta: Float64Array): StateSpaceModel => ({
      ...autoregression(theta),
      logObservation: (step, _, __, out) => out.fill(step === 2 ? -Infinity : 0),
    });
    const result = await run(smcSquared({ ...family, model: dead, particles: 8, innerParticles: 4 }), {
      seed: 1,
      backend,
    });
    expect(result.outcome.kind).toBe('degenerate');
    expect(result.logNormalizer.value).toBe(-Infinity);
    expect(result.mean.value[0]).toBeNaN();
  });
});
