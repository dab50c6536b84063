import { expect, test } from 'vitest';
import type { Arena, Backend } from '../../../engine/backend/backend.ts';
import {
  jsBackend,
  kalmanFilter,
  linearGaussian,
  optimalLookahead,
  optimalProposal,
  particleFilter,
  run,
  type StateSpaceModel,
  stochasticVolatility,
} from '../../../estimators/index.ts';
import reference from '../../reference/stochastic-volatility.json' with { type: 'json' };
import { linearCase, modelOf } from './reference-models.ts';

const SEED = 5;
const volatility = stochasticVolatility({
  mean: reference.mu,
  persistence: reference.rho,
  volatility: reference.sigma,
});

test('stochasticVolatility: a filter finds the evidence and the means of quadrature', async () => {
  const particles = 8192;
  const method = particleFilter({ model: volatility, observations: reference.y, particles });
  const { logNormalizer, mean } = await run(method, { seed: SEED });
  // sd of log Z with 1000 particles is 0.1006 (reference); the false-alarm rate of 4.892 sd is 1e-6.
  const { sd_logZ: spread, sd_final_mean: finalSpread } =
    reference.monte_carlo_behaviour.rows['bootstrap, systematic ESS<N/2'];
  const scale = Math.sqrt(1000 / particles);
  expect(Math.abs(logNormalizer.value - reference.loglik)).toBeLessThan(4.892 * spread * scale);
  expect(Math.abs(mean.at(-1)! - reference.filter_mean.at(-1)!)).toBeLessThan(4.892 * finalSpread * scale);
  // A model with the sign of the persistence wrong is far outside.
  const wrong = stochasticVolatility({ mean: reference.mu, persistence: -0.9702, volatility: 0.178 });
  const other = await run(particleFilter({ model: wrong, observations: reference.y, particles }), {
    seed: SEED,
  });
  expect(Math.abs(other.logNormalizer.value - reference.loglik)).toBeGreaterThan(20 * spread * scale);
});

test('linearGaussian: with the optimal proposal and lookahead a filter has constant weights and little noise', async () => {
  const one = linearCase('lg1');
  const model = modelOf(one);
  const method = particleFilter({
    model,
    observations: one.y,
    particles: 1024,
    threshold: 1,
    proposal: optimalProposal(model),
    lookahead: optimalLookahead(model),
  });
  const { logNormalizer, sample } = await run(method, { seed: SEED });
  // sd 0.139 with 1000 particles (reference).
  expect(Math.abs(logNormalizer.value - one.loglik)).toBeLessThan(4.892 * 0.14);
  const first = sample.logWeight[0]!;
  expect(Math.max(...sample.logWeight.map((value) => Math.abs(value - first)))).toBeLessThan(1e-11);
});

test('linearGaussian: a singular transition noise can be filtered, also with observations missing', async () => {
  const track = linearGaussian({
    transition: [
      [1, 1],
      [0, 1],
    ],
    transitionCovariance: [
      [0.25, 0.5],
      [0.5, 1],
    ],
    observation: [[1, 0]],
    observationCovariance: 4,
    initialCovariance: [
      [1, 0],
      [0, 1],
    ],
  });
  const y = [0.3, null, 2.1, 3.7, null, null, 9.5, 12];
  const exact = kalmanFilter(track, y);
  const method = particleFilter({ model: track, observations: y, particles: 16384, runs: 8 });
  const { logNormalizer, mean, meanError } = await run(method, { seed: SEED });
  // Student intervals of 7 degrees of freedom at 1e-6 are 14.9 standard errors.
  expect(Math.abs(logNormalizer.value - exact.logNormalizer)).toBeLessThan(
    14.9 * logNormalizer.standardError,
  );
  expect(logNormalizer.standardError).toBeLessThan(0.02);
  mean.forEach((value, at) => {
    expect(Math.abs(value - exact.mean[at]!)).toBeLessThan(14.9 * meanError[at]! + 1e-12);
  });
});

/** Bytes that arenas of a backend hold, at most. */
function counting(): { readonly backend: Backend; readonly most: () => number } {
  let [now, most] = [0, 0];
  const backend: Backend = {
    ...jsBackend(),
    arena(): Arena {
      let own = 0;
      const take = <A extends { byteLength: number }>(array: A): A => {
        own += array.byteLength;
        now += array.byteLength;
        most = Math.max(most, now);
        return array;
      };
      return {
        f64: (length) => take(new Float64Array(length)),
        u32: (length) => take(new Uint32Array(length)),
        u8: (length) => take(new Uint8Array(length)),
        holds: () => true,
        release() {
          now -= own;
          own = 0;
        },
      };
    },
  };
  return { backend, most: () => most };
}

async function bytes(model: StateSpaceModel, steps: number, particles: number): Promise<number> {
  const { backend, most } = counting();
  const observations = Array.from({ length: steps }, (_, t) => Math.sin(t));
  await run(particleFilter({ model, observations, particles }), { seed: SEED, backend });
  return most();
}

test('particleFilter: without a history its memory is of order N d, and the same for 5 and for 60 steps', async () => {
  for (const model of [volatility, { ...volatility, kernels: undefined } as unknown as StateSpaceModel]) {
    const short = await bytes(model, 5, 512);
    expect(await bytes(model, 60, 512)).toBe(short);
    expect(await bytes(model, 5, 2048)).toBeLessThan(4.1 * short);
    // Two states, two normals or none, and nine numbers or less of 8 bytes for weights and ancestors.
    expect(short).toBeLessThan(512 * 8 * 13);
  }
});
