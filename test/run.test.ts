import { expect, test } from 'vitest';
import { chooseBackend } from '../engine/backend/choose.ts';
import { jsBackend } from '../engine/backend/js.ts';
import { uniform } from '../engine/distribution/uniform.ts';
import { BackendError, DeviceLostError } from '../engine/errors.ts';
import { named } from '../engine/model/model.ts';
import { iterate, type RunOptions, resume, run } from '../engine/run.ts';
import type { Info, Result, Sampler, Step } from '../engine/sampler.ts';
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

test('run(): a backend by its name, or not yet awaited, is refused with what to write', async () => {
  for (const [given, message] of [
    [
      'webgpu',
      'option `backend` is "webgpu"; expected a backend. Write backend: await chooseBackend({ backend: \'webgpu\' }).',
    ],
    [
      chooseBackend(),
      'option `backend` is a promise; expected a backend. Write backend: await chooseBackend(...).',
    ],
    [null, 'option `backend` is null'],
  ] as const) {
    await expect(run(mean(), untyped({ seed: 1, backend: given }))).rejects.toThrow(`run: ${message}`);
  }
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

interface Count {
  steps: number;
}

/** Counts to 6; a card goes away in the step to `breaks`, and the state with it unless it `keeps` what it needs on the host. */
function counting(breaks: number, keeps = true): Sampler<Count> {
  const info = (state: Count): Info => ({
    ess: 1,
    evaluations: state.steps,
    warnings: [],
    done: state.steps,
    total: 6,
  });
  const step = (state: Count): Step<Count> => ({ state, done: state.steps === 6, info: info(state) });
  return {
    name: 'counting',
    sources: [],
    init: async () => step({ steps: 1 }),
    async step(state) {
      if (state.steps + 1 === breaks) throw new DeviceLostError({ where: 'webgpu', reason: 'unplugged' });
      return step({ steps: state.steps + 1 });
    },
    result: async (state, ending) => ({
      estimate: { names: [], value: new Float64Array(), standardError: new Float64Array() },
      sample: { points: new Float64Array(), shape: [0, 1], logWeight: new Float64Array() },
      diagnostics: info(state),
      ...ending,
    }),
    async snapshot(state) {
      if (!keeps && state.steps + 1 === breaks) throw new Error('it was on the card');
      return Uint8Array.of(state.steps);
    },
    restore: async (bytes) => step({ steps: bytes[0]! }),
    dispose() {},
  };
}

const lost = (work: Promise<unknown>): Promise<DeviceLostError> =>
  work.then(
    () => expect.fail('it should have rejected'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(DeviceLostError);
      return error as DeviceLostError;
    },
  );

test('run(): when the card goes away it rejects with the last checkpoint, the seed and the way to go on', async () => {
  const error = await lost(run(counting(4), { seed: 9, backend }));
  expect(error).toMatchObject({ code: 'backend', where: 'counting', reason: 'unplugged', seed: 9 });
  expect(error).toBeInstanceOf(BackendError);
  expect(error.message).toBe(
    'counting: the graphics card went away (unplugged); expected a card that stays until the end. To go on from the last checkpoint: resume(method, error.snapshot, { seed: 9, backend }).',
  );
  expect([...error.snapshot!]).toEqual([3]);
  expect(Object.keys(error)).not.toContain('snapshot');
  const result = await resume(counting(0), error.snapshot!, { seed: error.seed!, backend });
  expect([result.outcome.kind, result.diagnostics.done]).toEqual(['converged', 6]);
});

test('iterate(): a state that went away with the card leaves the newest snapshot that was taken', async () => {
  const taking = async (): Promise<void> => {
    for await (const at of iterate(counting(5, false), { seed: 9, backend }))
      if (at.step < 3) await at.snapshot();
  };
  expect([...(await lost(taking())).snapshot!]).toEqual([2]);
  const resumed = await lost(resume(counting(3, false), Uint8Array.of(2), { seed: 9, backend }));
  expect([...resumed.snapshot!]).toEqual([2]);
});

test('run(): a card that goes away before the first step leaves no checkpoint, and the message says so', async () => {
  const early = { ...counting(0), init: counting(2).step.bind(undefined, { steps: 1 }) } as Sampler<Count>;
  const error = await lost(run(early, { seed: 9, backend }));
  expect(error.snapshot).toBeUndefined();
  expect(error.message).toMatch(/There is no checkpoint yet: start again with seed: 9\.$/);
});
