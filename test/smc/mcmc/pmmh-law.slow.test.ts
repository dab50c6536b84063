import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { type PmmhPlan, pmmhPlan } from '../../../estimators/smc/mcmc/pmmh-plan.ts';
import {
  iteratePmmh,
  type PmmhState,
  releasePmmh,
  startChains,
} from '../../../estimators/smc/mcmc/pmmh-state.ts';
import type { PmmhOptions } from '../../../estimators/smc/mcmc/pmmh-types.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';

// Chains start at draws of the exact posterior with a fresh filter, each counting by w = Z-hat / p(y | theta), which has mean 1
// and turns that into the law of (theta, Z-hat) that PMMH is to keep. After a few iterations the weighted means of theta, of its
// square and of p(y | theta) / Z-hat must still be the exact ones. 1500 chains catch a shift of 0.19 standard deviations with 99 %.
const CHAINS = 1500;
const ITERATIONS = 3;
const SEED = 20_261_129;
const OBSERVATIONS = [1.2, -0.4];

/** x_0 ~ N(theta, 1), x_1 ~ N(x_0, 1), y_t ~ N(x_t, 1) without its constant, theta ~ N(0, 1). */
const drifting = ({ 0: theta }: ArrayLike<number>): StateSpaceModel => ({
  dimension: 1,
  initial: (z, x) => x.set(z.map((u) => theta! + u)),
  transition: (_, parent, z, x) => x.set(parent.map((p, i) => p + z[i]!)),
  logObservation(_, y, x, out) {
    for (let i = 0; i < out.length; i++) out[i] = -0.5 * (y[0]! - x[i]!) ** 2;
  },
});

/** y - theta ~ N(0, S), S = [[2, 1], [1, 3]], whose inverse is [[3, -1], [-1, 2]] / 5. */
const quadratic = ([a, b]: readonly number[]): number => (3 * a! * a! - 2 * a! * b! + 2 * b! * b!) / 5;
const logEvidence = (theta: number): number =>
  -0.5 * quadratic(OBSERVATIONS.map((y) => y - theta)) - 0.5 * Math.log(5);
/** theta | y: precision 1 + 1' S^-1 1 = 8/5, mean 1' S^-1 y over it. */
const MEAN = (2 * OBSERVATIONS[0]! + OBSERVATIONS[1]!) / 8;
const SD = Math.sqrt(5 / 8);

const ctx = { rng: rngFromSeed(SEED), backend: jsBackend(), signal: new AbortController().signal };

function planOf(options: Partial<PmmhOptions> = {}): PmmhPlan {
  return pmmhPlan('test', {
    ...{ model: drifting, observations: OBSERVATIONS, prior: { theta: normal(0, 1) }, particles: 5 },
    ...{ chains: CHAINS, iterations: ITERATIONS, warmup: 0, noiseFilters: 0, threshold: 1 },
    start: (stream) => [MEAN + SD * stream.normal()],
    ...options,
  });
}

/** log Z-hat / p(y | theta) of each chain. */
function errors({ states: { x, logLikelihood } }: PmmhState): Float64Array {
  return logLikelihood.map((logZ, c) => logZ - logEvidence(x[c]!));
}

/** w (f - E f) of each chain at its end, with w of its beginning. */
function weighted(begun: Float64Array, end: PmmhState): Replicates {
  const error = errors(end);
  const rows = Array.from(begun, (logW, c) => {
    const [w, u] = [Math.exp(logW), (end.states.x[c]! - MEAN) / SD];
    return [w - 1, w * u, w * (u * u - 1), w * (Math.exp(-error[c]!) - 1)];
  });
  return { runs: CHAINS, width: 4, values: Float64Array.from(rows.flat()) };
}

async function kept(options: Partial<PmmhOptions>): Promise<Replicates> {
  const plan = planOf(options);
  const state = await startChains(plan, ctx);
  const begun = errors(state);
  for (let k = 0; k < ITERATIONS; k++) await iteratePmmh(plan, state);
  releasePmmh(state);
  // Moves are made: most chains are elsewhere.
  expect(state.accepted).toBeGreaterThan(0.2 * ITERATIONS * CHAINS);
  return weighted(begun, state);
}

for (const correlation of [0, 0.9]) {
  test(`pmmh(): iterations leave the law of parameter and estimate in place, correlation ${correlation}`, async () => {
    expectMeans(await kept({ correlation }), new Float64Array(4), { about: 'statistic' });
  });
}

test('pmmh(): chains that estimate again what they hold have another law', async () => {
  let begun: Float64Array | undefined;
  let theta: Float64Array | undefined;
  let state: PmmhState | undefined;
  for (let k = 0; k < ITERATIONS; k++) {
    const at = theta;
    const plan = planOf(at === undefined ? {} : { start: (_, chain) => [at[chain]!] });
    state = await startChains(plan, { ...ctx, rng: ctx.rng.child(0, k) });
    begun ??= errors(state);
    await iteratePmmh(plan, state);
    theta = state.states.x.slice();
    releasePmmh(state);
  }
  const found = weighted(begun!, state!);
  expectRejected(() => expectMeans(found, new Float64Array(4)));
});
