import { expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import type { Smc } from '../../../engine/particles/smc/types.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import { bootstrap } from '../../../estimators/smc/filter/bootstrap.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { type LinearGaussian, linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import { stochasticVolatility } from '../../../estimators/smc/models/stochastic-volatility.ts';
import type { StateFields, StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { splitBackend } from '../../support/split-backend.ts';

const SEED = 20_261_126;
/** The last but two kills every particle: its square is infinite. */
const Y = [0.3, -1.2, null, 1.9, 0.4, 0.1, 5, 1e200, 0.2, -0.7];
const OBSERVATIONS = Y.map((y) => (y === null ? null : Float64Array.of(y)));

/** Runs that see more or less sharply are resampled at different steps. */
const [linear, ...others] = [1, 0.1, 9].map((observationCovariance) =>
  linearGaussian({ transition: 0.9, transitionCovariance: 1, observationCovariance, initialCovariance: 5 }),
) as [LinearGaussian, ...LinearGaussian[]];
const volatile = stochasticVolatility({ mean: -1, persistence: 0.97, volatility: 0.2 });

const square = (x: Float64Array, out: Float64Array): void => {
  for (let i = 0; i < out.length; i++) out[i] = x[i]! ** 2;
};

function bytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** The same model without kernels. */
function plain({ kernels: _, ...functions }: StateSpaceModel): StateSpaceModel {
  return functions;
}

const BACKENDS = {
  JavaScript: jsBackend,
  'pieces of a range': () => splitBackend(7),
  'two threads': () => hostBackend({ threads: 2 }),
} as const;

for (const [name, make] of Object.entries(BACKENDS)) {
  test(`${name}: a loop by kernels has the particles, weights and ancestors of one by functions at every step`, async () => {
    const backend = await make();
    for (const models of [[linear], [linear, ...others]]) {
      const open = (of: (model: StateSpaceModel) => StateSpaceModel): Smc<StateFields> =>
        makeSmc({
          ...{ where: 'test', backend, particles: 2500, floor: -50 },
          model: models.map((model) => bootstrap(of(model), OBSERVATIONS)),
          rngs: models.map((_, r) => rngFromSeed(SEED + r)),
        });
      const [found, expected] = [open((model) => model), open(plain)];
      const resampled = new Set<number>();
      while (!expected.finished) {
        await Promise.all([found.advance(), expected.advance()]);
        expect(found.runs).toEqual(expected.runs);
        const state = found.particles.state();
        for (const [field, array] of Object.entries(expected.particles.state()))
          expect(bytes(state[field]!).equals(bytes(array)), field).toBe(true);
        resampled.add(found.runs.filter((state) => state.resampled).length);
      }
      expect(found.runs[0]!.floored).toBe(1);
      // Steps of each kind: all runs resampled, none, and some of several.
      expect(resampled.size).toBeGreaterThanOrEqual(models.length === 1 ? 2 : 3);
      for (const smc of [found, expected]) smc.release();
    }
    await backend.dispose();
  });

  test(`${name}: a filter by kernels has the answers of one by functions`, async () => {
    const backend = await make();
    const expectations = { square };
    for (const model of [linear, volatile])
      for (const moments of ['none', 'mean', 'covariance'] as const) {
        const options = { observations: Y, particles: 2500, floor: -50, moments, expectations };
        const of = async (which: StateSpaceModel): Promise<string> =>
          JSON.stringify(await run(particleFilter({ ...options, model: which }), { seed: SEED, backend }));
        expect(await of(model)).toEqual(await of(plain(model)));
      }
    await backend.dispose();
  });
}
