import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { makeSharedNoise } from '../../../estimators/smc/mcmc/shared-noise.ts';

const [STEPS, N, RHO] = [3, 4, 0.9];
const WIDTH = N + 1;

/** The normals of the resamplings at steps 1 and 2. */
const ofResamplings = (u: Float64Array): number[] => [1, 2].map((t) => u[t * WIDTH + N]!);

test('normals of resamplings that did not take place go on like all others', async () => {
  const size = { chains: 1, steps: STEPS, particles: N, noise: 1, dimension: 1, correlation: RHO };
  const shared = makeSharedNoise({ backend: jsBackend(), ...size });
  const filter = async (seed: number, fresh: boolean): Promise<void> => {
    const run = { index: 0, count: N, rng: rngFromSeed(seed) };
    for (let t = 0; t < STEPS; t++) await shared.noise([0], fresh)(t, run, new Float64Array(N));
  };
  await filter(1, true);
  expect(ofResamplings(shared.tried)).not.toContain(0);
  shared.accept(0);
  const held = ofResamplings(shared.held);
  // Not accepted: the next candidate starts from what the chain holds, and never from the one refused.
  await filter(2, false);
  await filter(3, false);
  const z = [1, 2].map((step) => rngFromSeed(3).stream({ purpose: 2, step }).normal());
  const expected = held.map((u, i) => RHO * u + Math.sqrt(1 - RHO * RHO) * z[i]!);
  expect(ofResamplings(shared.tried)).toEqual(expected);
});
