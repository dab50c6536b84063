import { expect, test } from 'vitest';
import type { Backend } from '../../../engine/backend/backend.ts';
import { openDevice } from '../../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../../engine/backend/gpu/device.ts';
import { gpuBackend } from '../../../engine/backend/gpu.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { DeviceLostError } from '../../../engine/errors.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { describeGpu } from '../../support/gpu.ts';
import { LINEAR } from './card-models.ts';

describeGpu('a card that goes away under a filter', () => {
  test('leaves the step before as a checkpoint, from which another card gives the bits of the whole run', async () => {
    const observations = [0.4, -1.2, null, 2.5, 0, 0.8];
    const method = particleFilter({ model: LINEAR, particles: 100, runs: 3, threshold: 1, observations });
    const opened = await openDevice(true);
    const gpu = makeGpu(opened);
    const backend: Backend = { ...jsBackend(), name: 'webgpu', card: async () => ({ gpu }) };
    let steps = 0;
    const watching = (async () => {
      for await (const at of iterate(method, { seed: 3, backend })) {
        steps = at.step;
        if (at.step === 3) opened.device.destroy();
      }
    })();
    const error = await watching.catch((reason: unknown) => reason);
    if (!(error instanceof DeviceLostError)) throw error;
    expect([steps, error.seed]).toEqual([3, 3]);
    const other = await gpuBackend({ allowSoftware: true, threads: 1 });
    try {
      const whole = await run(method, { seed: 3, backend: other });
      const rest = await resume(method, error.snapshot!, { seed: 3, backend: other });
      expect(rest.sample).toEqual(whole.sample);
      expect(rest.increments).toEqual(whole.increments);
      expect(rest.mean).toEqual(whole.mean);
      expect(rest.families).toEqual(whole.families);
    } finally {
      await other.dispose();
    }
  });
});
