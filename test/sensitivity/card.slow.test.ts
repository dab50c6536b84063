import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { openDevice } from '../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../engine/backend/gpu/device.ts';
import { gpuBackend } from '../../engine/backend/gpu.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { DeviceLostError } from '../../engine/errors.ts';
import { ESTIMATORS } from '../../engine/math/sobol-estimators.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { contract, numbers } from '../contract/sampler.ts';
import { around } from '../support/around.ts';
import { ishigami } from '../support/functions.ts';
import { describeGpu } from '../support/gpu.ts';
import { ishigamiKernel, kernelCases } from '../support/kernels.ts';

const SEED = 20_261_126;

const two: SobolOptions = { model: ishigamiKernel(), inputs: ishigami().inputs, points: 8192, replicates: 4 };

/** Largest difference of any index. */
function apart(one: SobolResult, two: SobolResult): number {
  const all = ({ estimate, outputs }: SobolResult): number[] => [
    ...estimate.value,
    ...outputs.flatMap(({ secondOrder, superset, closed, closedTotal }) =>
      [secondOrder, superset, closed, closedTotal].flatMap((part) => [...(part?.value ?? [])]),
    ),
  ];
  const others = all(two);
  return Math.max(...all(one).map((value, i) => Math.abs(value - others[i]!)));
}

describeGpu("Sobol' indices on a card", () => {
  let card: Backend;
  let host: Backend;
  beforeAll(async () => {
    card = await gpuBackend({ allowSoftware: true });
    host = await hostBackend();
  });
  afterAll(async () => {
    await card.dispose();
    await host.dispose();
  });

  const alone = (): Promise<SobolResult> => run(sobolIndices(two), { seed: SEED, backend: card });
  const both = async (options: SobolOptions): Promise<{ there: SobolResult; here: SobolResult }> => ({
    there: await run(sobolIndices(options), { seed: SEED, backend: card }),
    here: await run(sobolIndices(options), { seed: SEED, backend: host }),
  });

  // Measured: at most 7.1e-8, of wing_weight.
  test.each(kernelCases().map((each) => [each.known.id, each] as const))(
    '%s: first-order and total indices are within 1e-4 of the processor at the same points',
    async (_, { known: { inputs }, kernel }) => {
      const { there, here } = await both({ model: kernel, inputs, points: 8192 });
      expect(there.provenance.precision).toBe('float32');
      expect(there.design.evaluations).toBe(here.design.evaluations);
      expect(apart(there, here)).toBeLessThan(1e-4);
    },
  );

  test('other points are further away than 1e-4, so the comparison sees the points', async () => {
    const options = { model: ishigamiKernel(), inputs: ishigami().inputs, points: 8192 };
    const { here } = await both(options);
    const other = await run(sobolIndices(options), { seed: SEED + 1, backend: card });
    expect(apart(other, here)).toBeGreaterThan(1e-4);
  });

  test.each(ESTIMATORS)(
    '%s: all indices are within 1e-4 of the processor at the same points',
    async (estimator) => {
      const sets = estimator === 'owen' ? {} : { secondOrder: true, superset: true as const };
      const means = estimator === 'oracle' ? { means: [3.5] } : {};
      const { inputs } = ishigami();
      const options = { model: ishigamiKernel(), inputs, points: 8192, estimator, closed: [['x1', 'x3']] };
      const { there, here } = await both({ ...options, ...sets, ...means });
      expect(apart(there, here)).toBeLessThan(1e-4);
    },
  );

  test('doubling ends where it ends on the processor', async () => {
    const options = { model: ishigamiKernel(), inputs: ishigami().inputs, points: 8192, until: 2e-3 };
    const { there, here } = await both(options);
    expect(here.design.points).toBeGreaterThan(8192);
    expect(there.design.points).toBe(here.design.points);
    expect(apart(there, here)).toBeLessThan(1e-4);
  });

  test('a card that goes away in mid-run: the error has a checkpoint that the processor goes on from', async () => {
    const opened = await openDevice(true);
    const backend = around(makeGpu(opened));
    const error = await (async () => {
      for await (const at of iterate(sobolIndices(two), { seed: SEED, backend }))
        if (at.step === 2) opened.device.destroy();
    })().catch((caught: unknown) => caught);
    if (!(error instanceof DeviceLostError)) throw error;
    const rest = await resume(sobolIndices(two), error.snapshot!, {
      seed: error.seed!,
      backend: jsBackend(),
    });
    expect(apart(rest, await alone())).toBeLessThan(1e-4);
  });

  test('two cards at once give what each gives alone', async () => {
    const second = makeGpu(await openDevice(true));
    const [one, other] = await Promise.all([
      alone(),
      run(sobolIndices(two), { seed: SEED, backend: around(second) }),
    ]);
    expect(numbers(one)).toEqual(numbers(other));
    expect(second.used).toBe(0);
    second.dispose();
  });

  contract(
    'sobolIndices of a kernel on a card',
    () => sobolIndices({ model: ishigamiKernel(), inputs: ishigami().inputs, points: 8192, replicates: 4 }),
    { bad: {}, open: () => card },
  );
});
