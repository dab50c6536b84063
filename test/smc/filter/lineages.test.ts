import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import { bootstrap } from '../../../estimators/smc/filter/bootstrap.ts';
import { makeLineages } from '../../../estimators/smc/filter/lineages.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import type { StateFields } from '../../../estimators/smc/state-space.ts';
import { AUTOREGRESSION } from './models.ts';

const SEED = 20_260_205;
const Y = Array.from({ length: 30 }, (_, t) => Float64Array.of(2 * Math.sin(t)));

function open(): Smc<StateFields> {
  const rngs = [0, 1].map((r) => rngFromSeed(SEED).child(TAG.replicate, r));
  const model = bootstrap(AUTOREGRESSION, Y);
  const options = { where: 'test', backend: jsBackend(), model, rngs, particles: 60, threshold: 0.6 };
  return makeSmc({ ...options, history: { kind: 'full' } });
}

test('makeLineages(): families some steps back are those of the whole history, also after a restore', async () => {
  const smc = open();
  let lineages = makeLineages(smc);
  const flags: (readonly boolean[])[] = [];
  while (!smc.finished) {
    await smc.advance();
    lineages.record();
    flags.push(smc.runs.map((state) => state.resampled));
    if (smc.step === 17) {
      const { resampled, arrays } = lineages.snapshot();
      lineages = makeLineages(smc);
      lineages.restore(resampled, arrays);
    }
    for (const r of [0, 1]) {
      for (const lag of [20, 10, 5]) {
        const { family, resamplings } = lineages.families(r, lag)!;
        const back = Math.min(lag, smc.step);
        expect(family).toEqual(smc.history.ancestry(back).subarray(60 * r, 60 * (r + 1)));
        expect(resamplings).toBe(flags.slice(flags.length - back).filter((each) => each[r]).length);
      }
    }
  }
  expect(smc.runs[0]!.resamplings).toBeGreaterThan(5);
  expect(smc.runs[0]!.resamplings).not.toBe(29);
});

test('particleFilter(): the error of a mean from one run is near the spread of many runs', async () => {
  // The spread of 60 runs is known to 9 %, the mean of their own estimates to 2 %.
  const options = { model: AUTOREGRESSION, observations: Y.slice(0, 12), particles: 300 };
  const means: number[] = [];
  const errors: number[] = [];
  for (let seed = 0; seed < 60; seed++) {
    const method = particleFilter({ ...options, standardErrors: true });
    const { mean, meanError } = await run(method, { seed, backend: jsBackend() });
    means.push(mean.at(-1)!);
    errors.push(meanError.at(-1)! ** 2);
  }
  const center = means.reduce((sum, m) => sum + m, 0) / 60;
  const spread = Math.sqrt(means.reduce((sum, m) => sum + (m - center) ** 2, 0) / 59);
  const own = Math.sqrt(errors.reduce((sum, e) => sum + e, 0) / 60);
  expect(own / spread).toBeGreaterThan(0.6);
  expect(own / spread).toBeLessThan(1.6);
});
