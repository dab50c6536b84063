import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import type { MarkovKernel } from '../../../engine/kernel/kernel.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import type { InnerFilters } from '../../../estimators/smc/mcmc/inner-filters.ts';
import { smcSquared } from '../../../estimators/smc/mcmc/smc-squared.ts';
import { smcSquaredModel } from '../../../estimators/smc/mcmc/smc-squared-model.ts';
import { smcSquaredPlan } from '../../../estimators/smc/mcmc/smc-squared-plan.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { autoregression } from './autoregression.ts';

const prior = { rho: uniform(0, 1) };
const backend = jsBackend();

test.each([0, 0.8])(
  'smcSquared(): a filter goes with its parameter through resampling, moves and doubling below acceptance %d',
  async (leastAcceptance) => {
    // The first number of the state is the parameter of the filter that made it; a model must only ever meet its own.
    let met = 0;
    let strangers = 0;
    const marked = (theta: Float64Array): StateSpaceModel => {
      const put = (z: Float64Array, x: Float64Array): void => {
        for (let i = 0; i < z.length; i++) x.set([theta[0]!, z[i]!], 2 * i);
      };
      return {
        dimension: 2,
        noise: 1,
        initial: put,
        transition(_, parent, z, x) {
          for (let i = 0; i < z.length; i++) {
            met++;
            if (parent[2 * i] !== theta[0]) strangers++;
          }
          put(z, x);
        },
        logObservation(_, y, x, out) {
          for (let i = 0; i < out.length; i++) out[i] = -0.5 * (y[0]! - 3 * x[2 * i]! - x[2 * i + 1]!) ** 2;
        },
      };
    };
    const sizes = { particles: 16, innerParticles: 4, threshold: 1, leastAcceptance, moves: 2 };
    const observations = [1, 2.5, 0.4, 1.8, 2.2, 0.9];
    const { path } = await run(smcSquared({ model: marked, observations, prior, ...sizes }), {
      seed: 5,
      backend,
    });
    expect(met).toBeGreaterThan(500);
    expect(strangers).toBe(0);
    expect(path.innerParticles.at(-1)! > 4).toBe(leastAcceptance > 0);
    expect(Math.max(...path.acceptance.subarray(1))).toBeGreaterThan(0.1);
  },
);

test('smcSquared(): an exchange of filters weighs by the ratio of the estimates over its mean, and leaves the evidence', async () => {
  const sizes = { particles: 4, innerParticles: 8, threshold: 1, leastAcceptance: 0.5, moves: 1 };
  const plan = smcSquaredPlan('test', { model: autoregression, observations: [0, 0], prior, ...sizes });
  const fresh = [0.5, -1, 2, 0.1];
  const inner: InnerFilters = {
    ...{ particles: 8, evaluations: 0, open() {}, release() {} },
    ...{ follow: async () => {}, try: async () => {}, accept: async () => {}, restore: async () => {} },
    snapshot: () => ({ header: null, arrays: {} }),
    async advance(increment) {
      increment.fill(-1.5);
    },
    async double(_, out) {
      out.set(fresh);
    },
  };
  const none = { acceptance: 0, accepted: 0, squaredJump: 0 };
  // A kernel that never moves, so that the filters are exchanged.
  const kernel = {
    move: async () => none,
    tune() {},
    snapshot: () => ({}),
    restore() {},
  } as unknown as MarkovKernel;
  const model = smcSquaredModel(plan, inner, kernel, { acceptance: Number.NaN });
  const smc = makeSmc({ where: 'test', backend, model, rngs: [rngFromSeed(1)], particles: 4, threshold: 1 });
  await smc.advance();
  expect(smc.runs[0]!.logNormalizer).toBe(-1.5);
  await smc.advance();
  // Before the exchange every estimate was -1.5; after it the step adds -1.5 to the fresh ones.
  const ratio = fresh.map((value) => Math.exp(value + 1.5));
  const mean = ratio.reduce((sum, value) => sum + value) / 4;
  const { logWeight } = smc.population(0);
  for (let r = 0; r < 4; r++) expect(logWeight[r]).toBeCloseTo(Math.log(ratio[r]! / mean) - 1.5, 12);
  expect(smc.runs[0]!.logNormalizer).toBeCloseTo(-3, 12);
  expect([...smc.population(0).field('logLikelihood')]).toEqual(fresh.map((value) => value - 1.5));
});
