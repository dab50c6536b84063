import { expect, test } from 'vitest';
import type { Backend } from '../../../engine/backend/backend.ts';
import { openDevice } from '../../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../../engine/backend/gpu/device.ts';
import type { Gpu, GpuArray, Shader } from '../../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { DeviceLostError } from '../../../engine/errors.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import type { Info, Sampler, Step } from '../../../engine/sampler.ts';
import { describeGpu } from '../../support/gpu.ts';

interface State {
  readonly gpu: Gpu | undefined;
  readonly x: GpuArray<'f32'> | undefined;
  /** On the host, and set last. */
  sum: number;
  steps: number;
}

const squares: Shader<'x', 'step'> = {
  name: 'squares',
  buffers: { x: 'write f32' },
  params: { step: 'u32' },
  per: 'item',
  code: 'fn item(i: u32) { x[i] = f32((i + p.step) * (i + p.step)); }',
};
const N = 1000;

/** Adds up (i + step)^2 over i < 1000 in each of 8 steps; the squares are taken on a card where there is one. */
const squaring: Sampler<State> = {
  name: 'squaring',
  sources: [],
  init: async (ctx) => open(ctx.backend, 0, 0),
  async step(state) {
    const { gpu, x, steps } = state;
    let values = Float32Array.from({ length: N }, (_, i) => (i + steps) ** 2);
    if (gpu !== undefined && x !== undefined) {
      gpu.run(squares, { x }, { step: steps }, N);
      values = await gpu.read(x);
    }
    state.sum += values.reduce((sum, value) => sum + value, 0);
    state.steps++;
    return stepOf(state);
  },
  result: async (state, ending) => ({
    estimate: { names: ['sum'], value: Float64Array.of(state.sum), standardError: Float64Array.of(0) },
    sample: { points: new Float64Array(), shape: [0, 1], logWeight: new Float64Array() },
    diagnostics: stepOf(state).info,
    ...ending,
  }),
  snapshot: async ({ sum, steps }) => new Uint8Array(Float64Array.of(sum, steps).buffer),
  async restore(bytes, ctx) {
    const [sum, steps] = new Float64Array(bytes.slice().buffer);
    return open(ctx.backend, sum!, steps!);
  },
  dispose() {},
};

async function open(backend: Backend, sum: number, steps: number): Promise<Step<State>> {
  const { gpu } = await backend.card(N);
  return stepOf({ gpu, x: gpu?.arena().f32(N), sum, steps });
}

function stepOf(state: State): Step<State> {
  const info: Info = { ess: 1, evaluations: N, warnings: [], done: state.steps, total: 8 };
  return { state, done: state.steps === 8, info };
}

describeGpu('a card that goes away', () => {
  test('in mid-run: the run rejects with a checkpoint that another backend goes on from to the same result', async () => {
    const opened = await openDevice(true);
    const gpu = makeGpu(opened);
    const backend: Backend = { ...jsBackend(), card: async () => ({ gpu, reason: 'asked for' }) };
    const watching = (async () => {
      for await (const at of iterate(squaring, { seed: 3, backend }))
        if (at.step === 4) opened.device.destroy();
    })();
    const error = await watching.then(
      () => expect.fail('it should have rejected'),
      (reason: unknown) => reason,
    );
    if (!(error instanceof DeviceLostError)) throw error;
    expect(error.message).toMatch(/^squaring: the graphics card went away \(.+\); .* resume\(method, /);
    const host = { seed: error.seed!, backend: jsBackend() };
    const rest = await resume(squaring, error.snapshot!, host);
    const whole = await run(squaring, { seed: 3, backend: jsBackend() });
    expect(rest.estimate).toEqual(whole.estimate);
    // Nothing was lost but the step under way.
    expect(new Float64Array(error.snapshot!.slice().buffer)[1]).toBe(3);
  });
});
