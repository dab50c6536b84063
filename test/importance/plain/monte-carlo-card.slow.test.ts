import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../../engine/backend/backend.ts';
import { openDevice } from '../../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../../engine/backend/gpu/device.ts';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gpuKernel } from '../../../engine/backend/user-kernel.ts';
import { DeviceLostError } from '../../../engine/errors.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import { monteCarlo } from '../../../estimators/importance/plain/monte-carlo.ts';
import { contract } from '../../contract/sampler.ts';
import { around } from '../../support/around.ts';
import { ishigami } from '../../support/functions.ts';
import { describeGpu } from '../../support/gpu.ts';
import { ishigamiKernel } from '../../support/kernels.ts';

const { inputs } = ishigami();

describeGpu('monteCarlo of a kernel on a card', () => {
  let gpu: Gpu;
  let card: Backend;
  beforeAll(async () => {
    gpu = makeGpu(await openDevice(true));
    card = around(gpu);
  });
  afterAll(() => gpu.dispose());
  const make = () => monteCarlo({ model: ishigamiKernel(), inputs, points: 8192, replicates: 4 });

  contract('monteCarlo of a kernel on a card', make, { bad: {}, open: () => card });

  test('nothing is left on the card, not even by a model that fails in its first step', async () => {
    const failing = gpuKernel((x) => Math.sqrt(x[0]!), { dims: 3, name: 'failing' });
    await expect(run(monteCarlo({ model: failing, inputs }), { seed: 1, backend: card })).rejects.toThrow(
      'monteCarlo: the model returned NaN at',
    );
    expect(gpu.used).toBe(0);
  });

  test('a card that goes away in mid-run: the processor goes on from the checkpoint', async () => {
    const opened = await openDevice(true);
    const backend = around(makeGpu(opened));
    const error = await (async () => {
      for await (const at of iterate(make(), { seed: 5, backend }))
        if (at.step === 2) opened.device.destroy();
    })().catch((caught: unknown) => caught);
    if (!(error instanceof DeviceLostError)) throw error;
    const rest = await resume(make(), error.snapshot!, { seed: error.seed!, backend: jsBackend() });
    const whole = await run(make(), { seed: 5, backend: jsBackend() });
    expect(rest.provenance).toMatchObject({ backend: 'js', precision: 'float32' });
    rest.estimate.value.forEach((value, i) => {
      expect(Math.abs(value - whole.estimate.value[i]!)).toBeLessThan(1e-5 * Math.abs(value));
    });
  });
});
