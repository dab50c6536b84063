import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { OptionError, ShapeError } from '../../../engine/errors.ts';
import { run } from '../../../engine/run.ts';
import { filterBatch } from '../../../estimators/smc/filter/filter-batch.ts';
import type { FilterBatchOptions } from '../../../estimators/smc/filter/filter-types.ts';
import { onlineFilter } from '../../../estimators/smc/filter/online-filter.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { contract } from '../../contract/sampler.ts';
import { AUTOREGRESSION, FORESIGHT, HALFWAY } from './models.ts';

const SEED = 20_260_202;
const Y: readonly (number | null)[] = [0.3, -1.2, null, 1.9, 2.4, 0.1, -0.7];
const SETTINGS = {
  model: AUTOREGRESSION,
  particles: 150,
  moments: 'covariance',
  expectations: { level: (x: Float64Array, out: Float64Array) => out.set(x) },
} as const;

describe('onlineFilter()', () => {
  for (const [name, more] of Object.entries({
    bootstrap: { standardErrors: true },
    'guided in runs': { proposal: HALFWAY, runs: 3 },
    auxiliary: { proposal: HALFWAY, lookahead: FORESIGHT },
  })) {
    test(`pushing a series gives the bits of particleFilter, saved and restored halfway, ${name}`, async () => {
      const options = { ...SETTINGS, ...more };
      const whole = await run(particleFilter({ ...options, observations: Y }), {
        seed: SEED,
        backend: jsBackend(),
      });
      let filter = await onlineFilter({ ...options, seed: SEED, backend: jsBackend() });
      for (const [t, y] of Y.entries()) {
        const at = await filter.push(y);
        expect(at.step).toBe(t);
        expect(at.increment).toBe(whole.increments[t]);
        expect([at.ess, at.families, at.resampled]).toEqual([
          ...[whole.ess[t], whole.families[t], whole.resampled[t]],
        ]);
        expect(at.mean).toEqual(whole.mean.subarray(t, t + 1));
        expect(at.meanError).toEqual(whole.meanError.subarray(t, t + 1));
        expect(at.covariance).toEqual(whole.covariance.subarray(t, t + 1));
        expect(at.expectations.value).toEqual(whole.expectations.value.subarray(t, t + 1));
        if (t !== 3) continue;
        const from = await filter.snapshot();
        filter.dispose();
        filter = await onlineFilter({ ...options, seed: SEED, backend: jsBackend(), from });
        expect(filter.step).toBe(3);
      }
      const { logNormalizer, sample, runs } = await filter.result();
      expect(logNormalizer).toEqual(whole.logNormalizer);
      expect(sample).toEqual(whole.sample);
      expect(runs).toEqual(whole.runs);
      filter.dispose();
    });
  }

  test('what it saves, and so what it holds, does not grow', async () => {
    const filter = await onlineFilter({ ...SETTINGS, seed: SEED, backend: jsBackend() });
    const sizes: number[] = [];
    for (let t = 0; t < 300; t++) {
      await filter.push(Math.sin(t));
      if (t % 100 === 99) sizes.push((await filter.snapshot()).length);
    }
    expect(sizes[2]! - sizes[1]!).toBeLessThan(64);
    expect((await filter.result()).increments).toHaveLength(1);
    filter.dispose();
  });

  test('pushes made at once are queued in order', async () => {
    const filter = await onlineFilter({ ...SETTINGS, seed: SEED, backend: jsBackend() });
    const steps = await Promise.all(Y.map((y) => filter.push(y)));
    expect(steps.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const whole = await run(particleFilter({ ...SETTINGS, observations: Y }), {
      seed: SEED,
      backend: jsBackend(),
    });
    expect(steps.at(-1)!.logNormalizer).toBe(whole.logNormalizer.value);
    filter.dispose();
  });

  test('a wrong observation is refused and not taken in; a failed step, an abort and a closed filter reject', async () => {
    const controller = new AbortController();
    const model: StateSpaceModel = {
      ...AUTOREGRESSION,
      logObservation: (_, y, __, out) => void out.fill(y[0] === 7 ? Number.NaN : 0),
    };
    const options = { ...SETTINGS, model, seed: SEED, backend: jsBackend(), signal: controller.signal };
    const filter = await onlineFilter(options);
    await expect(filter.push([1, 2])).rejects.toBeInstanceOf(ShapeError);
    expect((await filter.push(1)).step).toBe(0);
    await expect(filter.push(7)).rejects.toThrow('the log potential is NaN at step 1');
    await expect(filter.push(1)).rejects.toThrow('the log potential is NaN at step 1');
    const second = await onlineFilter(options);
    controller.abort(new Error('enough'));
    await expect(second.push(1)).rejects.toThrow('enough');
    const third = await onlineFilter({ ...SETTINGS, seed: SEED, backend: jsBackend() });
    third.dispose();
    third.dispose();
    await expect(third.push(1)).rejects.toThrow('the filter was disposed of');
    for (const each of [filter, second]) each.dispose();
  });

  test('a collapsed filter stays as it is', async () => {
    const model: StateSpaceModel = {
      ...AUTOREGRESSION,
      logObservation: (_, __, ___, out) => void out.fill(-Infinity),
    };
    const filter = await onlineFilter({ ...SETTINGS, model, seed: SEED, backend: jsBackend() });
    expect(await filter.push(1)).toMatchObject({ step: 0, logNormalizer: -Infinity, ess: 0 });
    expect(await filter.push(1)).toMatchObject({ step: 0, logNormalizer: -Infinity });
    expect((await filter.result()).collapsedAt).toBe(0);
    filter.dispose();
  });

  test('bad options are OptionErrors', async () => {
    const open = (more: object) => onlineFilter({ ...SETTINGS, seed: SEED, backend: jsBackend(), ...more });
    for (const more of [{ seed: -1 }, { observations: [1] }, { particles: 0 }, { from: new Uint8Array(3) }])
      await expect(open(more)).rejects.toBeInstanceOf(OptionError);
  });
});

/** The autoregression by its number. */
function regression(rho: number): StateSpaceModel {
  const { kernels: _, ...model } = linearGaussian({
    transition: rho,
    transitionCovariance: 1,
    observationCovariance: 1,
    initialCovariance: 1,
  });
  return model;
}

const MODELS = [0.2, 0.5, 0.9].map(regression);
const BATCH: FilterBatchOptions = { models: MODELS, observations: Y, particles: 100 };

contract('filterBatch', () => filterBatch(BATCH), {
  bad: {
    'no models': () => filterBatch({ ...BATCH, models: [] }),
    'models that are no array': () => filterBatch({ ...BATCH, models: MODELS[0] as never }),
    'models of two dimensions': () =>
      filterBatch({ ...BATCH, models: [MODELS[0]!, { ...MODELS[1]!, dimension: 2 }] }),
    'an option of particleFilter': () => filterBatch({ ...BATCH, runs: 3 } as FilterBatchOptions),
  },
  backends: { wasm: () => hostBackend({ threads: 1 }) },
});

describe('filterBatch()', () => {
  test('every model gives the bits of its replicate alone, with its own error', async () => {
    const batch = await run(filterBatch(BATCH), { seed: SEED, backend: jsBackend() });
    for (const [r, model] of MODELS.entries()) {
      const options = { model, observations: Y, particles: 100, runs: MODELS.length };
      const alone = await run(particleFilter(options), { seed: SEED, backend: jsBackend() });
      expect(batch.estimate.value[r]).toBe(alone.runs.logNormalizer[r]);
      expect(batch.runs.standardError[r]).toBe(alone.runs.standardError[r]);
    }
    expect(batch.runs.method).toBe('heuristic');
    const sums = MODELS.map((_, r) =>
      Y.reduce((sum: number, __, t) => sum + batch.increments[3 * t + r]!, 0),
    );
    for (const [r, total] of sums.entries()) expect(total).toBeCloseTo(batch.estimate.value[r]!, 12);
  });

  test('with shared noise equal models give equal numbers', async () => {
    const models = [MODELS[1]!, MODELS[1]!];
    const shared = await run(filterBatch({ ...BATCH, models, sharedNoise: true }), {
      seed: SEED,
      backend: jsBackend(),
    });
    const own = await run(filterBatch({ ...BATCH, models }), { seed: SEED, backend: jsBackend() });
    expect(shared.estimate.value[0]).toBe(shared.estimate.value[1]);
    expect(own.estimate.value[0]).not.toBe(own.estimate.value[1]);
    expect(shared.estimate.value[0]).toBe(own.estimate.value[0]);
  });
});
