import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { openDevice } from '../../engine/backend/gpu/adapter.ts';
import { makeGpu } from '../../engine/backend/gpu/device.ts';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { gpuKernel } from '../../engine/backend/user-kernel.ts';
import { gamma } from '../../engine/distribution/gamma.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { ModelError } from '../../engine/errors.ts';
import { iterate, type RunOptions, resume, run } from '../../engine/run.ts';
import type { Warning } from '../../engine/types.ts';
import { monteCarlo } from '../../estimators/importance/plain/monte-carlo.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { numbers } from '../contract/sampler.ts';
import { around } from '../support/around.ts';
import { inputsOf, ishigami } from '../support/functions.ts';
import { describeGpu } from '../support/gpu.ts';
import { ishigamiKernel } from '../support/kernels.ts';

const SEED = 20_261_127;
const { inputs } = ishigami();
const model = ishigamiKernel();
/** Two outputs; four replicates of two blocks. */
const two: SobolOptions = {
  inputs,
  model: gpuKernel((x) => [x[0]! * x[1]! + x[2]!, 100 + Math.cos(x[0]!)], { dims: 3, name: 'two' }),
  outputs: ['mixed', 'far'],
  points: 8192,
  replicates: 4,
};

/** Largest difference of the indices and means of two results. */
function apart(one: SobolResult, two: SobolResult): number {
  const of = ({ estimate, outputs }: SobolResult): number[] => [
    ...estimate.value,
    ...outputs.flatMap(({ firstOrder, totalOrder, mean }) => [...firstOrder.value, ...totalOrder.low, mean]),
  ];
  const others = of(two);
  // An input that does nothing has no interval.
  const off = (a: number, b: number): number => (Number.isNaN(a) && Number.isNaN(b) ? 0 : Math.abs(a - b));
  return Math.max(...of(one).map((value, i) => off(value, others[i]!)));
}

describeGpu('a kernel on a card', () => {
  let gpu: Gpu;
  let card: Backend;
  const host = jsBackend();
  beforeAll(async () => {
    gpu = makeGpu(await openDevice(true));
    card = around(gpu);
  });
  afterAll(() => gpu.dispose());
  const there = (options: SobolOptions, more: RunOptions = {}): Promise<SobolResult> =>
    run(sobolIndices(options), { seed: SEED, backend: card, ...more });

  test('several outputs: indices, intervals, means and history are those of the processor to 1e-4', async () => {
    const onCard = await there(two);
    const onHost = await run(sobolIndices(two), { seed: SEED, backend: host });
    expect(apart(onCard, onHost)).toBeLessThan(1e-4);
    // Another seed is further away than that, so the comparison sees the points.
    expect(apart(await there(two, { seed: SEED + 1 }), onHost)).toBeGreaterThan(1e-3);
    expect(onCard.history.map(({ points }) => points)).toEqual([4096, 8192]);
    expect(onCard.base.n).toBe(8192);
    onCard.base.x.forEach((x, i) => {
      expect(Math.abs(x - onHost.base.x[i]!)).toBeLessThan(1e-5);
    });
    onCard.base.y.forEach((y, i) => {
      expect(Math.abs(y - onHost.base.y[i]!)).toBeLessThan(1e-4);
    });
    expect(onCard.provenance).toMatchObject({
      backend: 'webgpu',
      adapter: gpu.adapter,
      precision: 'float32',
    });
    expect(onCard.provenance.notes.join(' ')).toContain('float32 on the GPU');
    expect(onHost.provenance).toMatchObject({ backend: 'js', precision: 'float64', notes: [] });
    expect(gpu.used).toBe(0);
  });

  test('same seed, same bits, alone and beside another run on the same card', async () => {
    const alone = await there(two);
    const [again, other] = await Promise.all([there(two), there({ ...two, points: 16_384 })]);
    expect(numbers(again)).toEqual(numbers(alone));
    expect(other.design.points).toBe(16_384);
    expect(gpu.used).toBe(0);
  });

  test('a card with small arrays takes smaller tasks and gives the same bits', async () => {
    // One block of 5 rows of 3 numbers.
    const limits = { ...gpu.limits, arrayBytes: 4 * 1024 * 15 };
    const small: Gpu = Object.create(gpu, { limits: { value: limits } });
    const backend = around(small);
    expect(numbers(await there(two, { backend }))).toEqual(numbers(await there(two)));
    // Not even a block fits: outputs come back in pieces, and still nothing is refused.
    const tiny: Gpu = Object.create(gpu, { limits: { value: { ...limits, arrayBytes: 4 * 3 * 1000 } } });
    const pieces = await there(two, { backend: around(tiny) });
    expect(apart(pieces, await there(two))).toBeLessThan(1e-5);
  });

  test('a design of more rows than any memory holds is begun on the card, and refused on the processor', async () => {
    const huge = { inputs, model, points: 2 ** 30, replicates: 8 };
    // The first chunk: how large the next ones are depends on how fast it went.
    const begun = await there(huge, { budget: { steps: 1 } });
    expect(begun.design.points).toBe(1024);
    expect(begun.totalOrder.value.every(Number.isFinite)).toBe(true);
    await expect(run(sobolIndices(huge), { seed: SEED, backend: host })).rejects.toThrow(
      /sobolIndices: 1 073 741 824 points need \d+ GiB for their outputs/,
    );
    expect(gpu.used).toBe(0);
  });

  test('budget, abort and leaving the loop leave nothing on the card', async () => {
    const short = await there(two, { budget: { steps: 2 } });
    expect(short.outcome.kind).toBe('unfinished');
    expect(gpu.used).toBe(0);
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const _ of iterate(sobolIndices(two), { seed: 1, backend: card, signal: controller.signal }))
        controller.abort(new Error('enough'));
    })();
    await expect(aborted).rejects.toThrow('enough');
    expect(gpu.used).toBe(0);
    for await (const _ of iterate(sobolIndices(two), { seed: 1, backend: card })) break;
    expect(gpu.used).toBe(0);
  });

  test('a snapshot goes on, on the card to the same bits and on the processor to within 1e-4', async () => {
    let bytes = new Uint8Array(0);
    for await (const at of iterate(sobolIndices(two), { seed: SEED, backend: card })) {
      bytes = new Uint8Array(await at.snapshot());
      if (at.step === 2) break;
    }
    const whole = await there(two);
    const onCard = await resume(sobolIndices(two), bytes, { seed: SEED, backend: card });
    expect(numbers(onCard)).toEqual(numbers(whole));
    const onHost = await resume(sobolIndices(two), bytes, { seed: SEED, backend: host });
    expect(apart(onHost, whole)).toBeLessThan(1e-4);
    expect(onHost.design.evaluations).toBe(whole.design.evaluations);
    expect(onHost.provenance).toMatchObject({ backend: 'js', precision: 'float32' });
    expect(onHost.provenance.notes.join()).toContain(`evaluated on ${gpu.adapter}`);
  });

  test('points at which the kernel fails are told with their inputs, as on the processor', async () => {
    const failing = gpuKernel((x) => Math.sqrt(3.1 - x[0]!) + x[1]! * x[2]!, { dims: 3, name: 'failing' });
    const options = { inputs, model: failing, points: 8192 };
    const caught = async (backend: Backend): Promise<ModelError> => {
      const error = await run(sobolIndices(options), { seed: SEED, backend }).catch((e: unknown) => e);
      if (!(error instanceof ModelError)) throw error;
      return error;
    };
    const onCard = await caught(card);
    const onHost = await caught(host);
    expect(onCard.failures[0]!.index).toBe(onHost.failures[0]!.index);
    expect(onCard.failures[0]!.input).toEqual(onHost.failures[0]!.input);
    for (const { input, reason } of onCard.failures) {
      expect(input[0]).toBeGreaterThan(3.0999);
      expect(reason).toBe('returned NaN');
    }
    expect(gpu.used).toBe(0);
  });

  test.each<[string, Partial<SobolOptions>]>([
    ['an asymptotic interval of independent points', { design: 'iid', points: 2048, interval: 'asymptotic' }],
    ['Latin hypercubes', { design: 'lhs', points: 2048, replicates: 4 }],
    ['a law the card has no quantile of', { inputs: inputsOf(3, gamma(2, 1)) }],
    ['replicates that are not whole blocks', { points: 4096, replicates: 8 }],
  ])('%s: outputs come to the host, within 1e-4 of it', async (_, more) => {
    const options = { inputs, model, points: 8192, ...more };
    const onCard = await there(options);
    expect(onCard.provenance.precision).toBe('float32');
    const onHost = await run(sobolIndices(options), { seed: SEED, backend: host });
    expect(apart(onCard, onHost)).toBeLessThan(1e-4);
    expect(gpu.used).toBe(0);
  });

  test('dropped rows are those of the processor', async () => {
    const failing = gpuKernel((x) => Math.sqrt(3.1 - x[0]!) + x[1]! * x[2]!, { dims: 3, name: 'failing' });
    const options: SobolOptions = { inputs, model: failing, points: 2048, missing: 'drop-row' };
    const onCard = await there(options);
    const onHost = await run(sobolIndices(options), { seed: SEED, backend: host });
    expect(onCard.dropped).toBe(onHost.dropped);
    expect(onCard.dropped).toBeGreaterThan(0);
    expect(apart(onCard, onHost)).toBeLessThan(1e-4);
  });

  test('an output that float32 cannot resolve is told', async () => {
    const flat = gpuKernel((x) => 1000 + 1e-4 * x[0]! * x[1]!, { dims: 3, name: 'flat' });
    const result = await there({ inputs, model: flat, points: 8192 });
    expect(result.diagnostics.warnings.map(({ code }) => code)).toContain('float32-rounding');
    const onHost = await run(sobolIndices({ inputs, model: flat, points: 8192 }), {
      seed: SEED,
      backend: host,
    });
    expect(onHost.diagnostics.warnings.map(({ code }) => code)).not.toContain('float32-rounding');
    const plain = await run(monteCarlo({ inputs, model: flat }), { seed: SEED, backend: card });
    expect(plain.diagnostics.warnings.map(({ code }) => code)).toContain('float32-rounding');
  });

  test('an input that float32 cannot resolve is told: without the warning its index is just wrong', async () => {
    const far = {
      inputs: { a: normal(1e8, 1), b: uniform(0, 1) },
      model: gpuKernel((x) => x[0]! - 1e8 + x[1]!, { dims: 2, name: 'far' }),
      points: 8192,
    };
    const onCard = await there(far);
    const onHost = await run(sobolIndices(far), { seed: SEED, backend: host });
    expect(Math.abs(onCard.firstOrder.value[0]! - onHost.firstOrder.value[0]!)).toBeGreaterThan(0.5);
    const told = ({ diagnostics }: { readonly diagnostics: { readonly warnings: readonly Warning[] } }) =>
      diagnostics.warnings.filter(({ code }) => code === 'float32-rounding');
    expect(told(onCard).map(({ message }) => message)[0]).toContain(
      'Input a varies by only 1 about 100000000',
    );
    expect(told(onHost)).toEqual([]);
    expect(told(await run(monteCarlo(far), { seed: SEED, backend: card }))).toHaveLength(1);
    expect(told(await run(monteCarlo(far), { seed: SEED, backend: host }))).toEqual([]);
  });

  test('monteCarlo of a kernel is within 1e-5 of the processor, and tells where it ran', async () => {
    const options = { inputs, model, points: 4096, quantiles: [0.05], probabilities: { high: { above: 9 } } };
    const onCard = await run(monteCarlo(options), { seed: SEED, backend: card });
    const onHost = await run(monteCarlo(options), { seed: SEED, backend: host });
    onCard.estimate.value.forEach((value, i) => {
      expect(Math.abs(value - onHost.estimate.value[i]!)).toBeLessThan(1e-5 * Math.abs(value));
    });
    expect(onCard.provenance).toMatchObject({
      backend: 'webgpu',
      adapter: gpu.adapter,
      precision: 'float32',
    });
    expect(gpu.used).toBe(0);
  });

  test('a change that float32 rounds away is not blamed on the ranges of the inputs', async () => {
    const far = gpuKernel((x) => 1e10 + x[0]! + x[1]! + x[2]!, { dims: 3 });
    const result = await there({ inputs, model: far, points: 8192 });
    const told = result.diagnostics.warnings.find(({ code }) => code === 'constant-output');
    expect(told?.message).toMatch(
      /^The output never changed \(always 10000000000 as float32\).* backend: 'wasm'/,
    );
  });

  test('a kernel of other dimensions is refused before any work', async () => {
    await expect(there({ ...two, inputs: { a: uniform(0, 1), b: uniform(0, 1) } })).rejects.toThrow(
      'kernel `two` takes 3 numbers a point, and there are 2 inputs; expected a kernel with dims: 2.',
    );
    expect(gpu.used).toBe(0);
  });
});

test('the backend is asked once for a card, with the evaluations of the whole run, and its reason is a note', async () => {
  const asked: number[] = [];
  const backend: Backend = {
    ...jsBackend(),
    card: async (evaluations) => {
      asked.push(evaluations);
      return { gpu: undefined, reason: 'no GPU was found (webgpu is not installed)' };
    },
  };
  const result = await run(sobolIndices({ inputs, model, points: 1024 }), { seed: SEED, backend });
  expect(asked).toEqual([1024 * 5]);
  expect(result.provenance.notes).toEqual([
    'Ran on the processor: no GPU was found (webgpu is not installed).',
  ]);
  await run(monteCarlo({ inputs, model, points: 1024 }), { seed: SEED, backend });
  await run(sobolIndices({ inputs, model: (_, out) => void out.fill(1), points: 1024 }), { backend });
  expect(asked).toEqual([1024 * 5, 1024]);
});
