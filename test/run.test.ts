import { expect, test } from 'vitest';
import { jsBackend } from '../engine/backend/js.ts';
import { uniform } from '../engine/distribution/uniform.ts';
import { named } from '../engine/model/model.ts';
import { iterate, type RunOptions, resume, run } from '../engine/run.ts';
import type { Result, Sampler } from '../engine/sampler.ts';
import { monteCarlo, sobolIndices } from '../estimators/index.ts';

const backend = jsBackend();
const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
const model = named(({ a, b }) => a! + b!);
const mean = (): ReturnType<typeof monteCarlo> => monteCarlo({ model, inputs, points: 64 });
/** As plain JavaScript calls it, without types. */
const untyped = (options: object): RunOptions => options as RunOptions;

test('run(): a misspelt option is refused, not ignored', async () => {
  await expect(run(mean(), untyped({ sed: 1 }))).rejects.toThrow('no option `sed`');
  await expect(run(mean(), untyped({ seed: 1, budget: 3000 }))).rejects.toThrow('the options are 3000');
  await expect(run(mean(), untyped({ seed: 1, budget: { runs: 3 } }))).rejects.toThrow('no option `runs`');
  expect(() => sobolIndices({ model, inputs, ...{ secondorder: true } })).toThrow(
    'Did you mean secondOrder?',
  );
  expect(() => monteCarlo({ model, inputs, ...{ quantile: [0.5] } })).toThrow('Did you mean quantiles?');
});

test('run(): what is no method is told so', async () => {
  const stranger = { model, inputs } as unknown as Sampler<unknown, Result>;
  await expect(run(stranger)).rejects.toThrow('run: what is to be run is an object with model, inputs');
});

for (const [name, make] of [
  ['monteCarlo', mean],
  ['sobolIndices', () => sobolIndices({ model, inputs, points: 64 })],
] as const) {
  test(`resume(): ${name} goes on with the seed of the saved run only`, async () => {
    const method = make() as Sampler<unknown, Result>;
    let bytes = new Uint8Array();
    for await (const at of iterate(method, { seed: 5, backend })) {
      bytes = new Uint8Array(await at.snapshot());
      break;
    }
    await expect(resume(method, bytes, { backend })).rejects.toThrow('option `seed` is absent');
    await expect(resume(method, bytes, { seed: 6, backend })).rejects.toThrow('another seed');
    await expect(resume(method, bytes, { seed: 5, backend })).resolves.toMatchObject({
      outcome: { kind: 'converged' },
    });
  });
}
