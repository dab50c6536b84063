import { test } from 'vitest';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { type MixtureParameters, mixtureParameters } from '../../engine/distribution/normal-mixture.ts';
import { type CardParticles, cardParticles } from '../../engine/particles/card-particles.ts';
import { TAG } from '../../engine/random/purpose.ts';
import { type Rng, rngFromSeed } from '../../engine/random/rng.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';

const SEED = 20260309;
const backend = jsBackend();

/** x_0 ~ N(0, 1), x_t = A x_{t-1} + S z, y_t = x_t + R e. */
const [A, S, R] = [0.9, 0.7, 0.5];
const Y = [0.3, -1.1, 1.9, 0.8];

/** log p(y) and the mean of the last state given all y, by the Kalman filter. */
function exact(): { logEvidence: number; mean: number } {
  let [mean, variance, logEvidence] = [0, 1, 0];
  Y.forEach((y, t) => {
    if (t > 0) [mean, variance] = [A * mean, A * A * variance + S * S];
    const total = variance + R * R;
    logEvidence -= 0.5 * (Math.log(2 * Math.PI * total) + (y - mean) ** 2 / total);
    const gain = variance / total;
    [mean, variance] = [mean + gain * (y - mean), (1 - gain) * variance];
  });
  return { logEvidence, mean };
}

/** The law of y given x as a function of x. */
function observed(y: number): MixtureParameters {
  return mixtureParameters({ means: [[y]], covariances: [[[R * R]]] });
}

/** A bootstrap filter; `spoil` may tamper with the weights after each resampling. */
async function filter(
  gpu: Gpu,
  rng: Rng,
  n: number,
  spoil?: (particles: CardParticles, before: Float64Array) => void,
): Promise<readonly [evidence: number, weightedMean: number]> {
  const particles = cardParticles({ gpu, backend, particles: n, dimension: 1, rng });
  try {
    await particles.scatter({ noise: 1 });
    for (const [t, y] of Y.entries()) {
      if (t > 0) {
        const before = particles.logWeight.slice();
        await particles.resample(t);
        spoil?.(particles, before);
        await particles.walk({ keep: A, noise: S, step: t });
      }
      await particles.reweight(await particles.logDensity(observed(y)));
    }
    const x = await particles.read();
    const w = particles.logWeight.map((l) => Math.exp(l));
    const ratio = Math.exp(particles.logNormalizer - exact().logEvidence);
    const total = w.reduce((sum, v) => sum + v, 0);
    // The normaliser times the mean is unbiased, the mean alone is not.
    return [ratio, (ratio * w.reduce((sum, v, i) => sum + v * x[i]!, 0)) / total];
  } finally {
    particles.release();
  }
}

describeGpu('card particles', () => {
  test('cardParticles(): a bootstrap filter is unbiased for the evidence and the last mean of a Kalman filter', () =>
    withGpu(async (gpu) => {
      const runs = 120;
      const root = rngFromSeed(SEED);
      const many = async (spoil?: Parameters<typeof filter>[3]): Promise<Replicates> => {
        const values = new Float64Array(2 * runs);
        for (let run = 0; run < runs; run++)
          values.set(await filter(gpu, root.child(TAG.replicate, run), 128, spoil), 2 * run);
        return { runs, width: 2, values };
      };
      const truth = [1, exact().mean];
      // Relative spread of the evidence 0.2: a bias of 12 % is caught 99 times in 100.
      expectMeans(await many(), truth);
      const notReset = await many((particles, before) => particles.logWeight.set(before));
      expectRejected(() => expectMeans(notReset, truth));
    }));
});
