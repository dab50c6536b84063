import { expect, test } from 'vitest';
import type { Result } from '../../engine/index.ts';
import { local, onCluster } from '../../estimators/cluster.ts';
import {
  expectations,
  gaussianCopula,
  type ModelLike,
  moduleModel,
  monteCarlo,
  normal,
  run,
  sobolIndices,
  triangular,
  truncated,
  uniform,
} from '../../estimators/index.ts';

const url = new URL('./models/wave.mjs', import.meta.url);
const side = uniform(-Math.PI, Math.PI);
const inputs = { a: side, b: truncated(normal(0, 2), -3, 3), c: triangular(-3, 0, 3) };

/** A result without what says where it was computed. */
function told(result: Result): string {
  const { provenance, ...rest } = result;
  return JSON.stringify({ ...rest, seed: provenance.seed }, (_, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
}

const METHODS = {
  sobol: () => sobolIndices({ model: moduleModel(url), inputs, points: 1024, secondOrder: true }),
  'sobol with failures': () =>
    sobolIndices({
      model: moduleModel(url, 'holed'),
      inputs,
      points: 512,
      missing: 'drop-row',
      interval: 'bootstrap',
    }),
  'iid sobol': () => sobolIndices({ model: moduleModel(url), inputs, points: 300, design: 'iid' }),
  'Monte Carlo': () => monteCarlo({ model: moduleModel(url), inputs, points: 3000, quantiles: [0.1] }),
  'dependent Monte Carlo': () =>
    monteCarlo({
      model: moduleModel(url, 'holed'),
      inputs,
      points: 2000,
      design: 'iid',
      missing: 'drop-row',
      dependence: gaussianCopula([
        [1, 0.5, 0],
        [0.5, 1, 0],
        [0, 0, 1],
      ]),
    }),
};

for (const [name, method] of Object.entries(METHODS)) {
  test(`run(${name}, { cluster }): the bits of one machine, for any cut`, async () => {
    const alone = told(await run<unknown, Result>(method(), { seed: 7 }));
    const cluster = local({ threads: 0 });
    try {
      for (const shards of [1, 7]) {
        const result = await run<unknown, Result>(method(), { seed: 7, cluster, submit: { shards } });
        expect(told(result) === alone).toBe(true);
        expect(result.provenance.notes.join()).toContain('cluster (local)');
      }
    } finally {
      await cluster.close();
    }
  });
}

test('onCluster(): an adapting method gets the bits of one machine, in batches inside the plan and in blobs', async () => {
  const wave = moduleModel(url);
  const of = (model: ModelLike): ReturnType<typeof expectations> =>
    expectations({
      model,
      inputs,
      points: 4096,
      outputs: ['y', 'z'],
      expectations: { y: { of: 'y' }, large: { event: { output: 'z', above: 100 } } },
    });
  const cluster = local({ threads: 0 });
  try {
    const alone = await run(of(wave), { seed: 3 });
    const result = await run(of(onCluster(cluster, wave, { shards: 3 })), { seed: 3 });
    expect(told(result) === told(alone)).toBe(true);
    expect(result.provenance.notes.join()).toContain('The model ran on a cluster (local).');
  } finally {
    await cluster.close();
  }
});
