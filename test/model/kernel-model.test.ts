import { expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import type { GpuKernel } from '../../engine/backend/kernel/types.ts';
import { openEvaluator } from '../../engine/model/evaluator.ts';
import { type ModelLike, moduleModel, pointwise } from '../../engine/model/model.ts';
import { toldPlace } from '../../engine/model/place.ts';

const CODE = 'export default { kind: "pointwise", evaluate: (x) => [x[0] + x[1], x[0] / x[1]] };';

/** A kernel of two inputs and two outputs without a program for a card. */
const kernel: GpuKernel = {
  kind: 'gpu-kernel',
  name: 'sumAndRatio',
  dims: 2,
  outputs: 2,
  evaluate: (x) => [x[0]! + x[1]!, x[0]! / x[1]!],
  moduleUrl: `data:text/javascript,${encodeURIComponent(CODE)}`,
  plan: undefined,
};

const names = ['a', 'b'];
const signal = new AbortController().signal;

async function evaluated(model: ModelLike, backend: Backend): Promise<readonly number[]> {
  const evaluator = await openEvaluator({ where: 'test', model, names, planned: 4, backend, signal });
  const arena = backend.arena();
  const x = arena.f64(8);
  x.set([1, 2, 3, 4, 5, 6, 7, 8]);
  try {
    const { y, failures } = await evaluator.evaluate(x, 4);
    expect(failures).toEqual([]);
    expect(evaluator.outputs).toEqual(['y1', 'y2']);
    expect(evaluator.place).toEqual({ card: undefined, notes: [] });
    return [...y];
  } finally {
    arena.release();
    evaluator.dispose();
  }
}

test('a kernel runs on the host in float64, on this thread and in the workers', async () => {
  const expected = [3, 1 / 2, 7, 3 / 4, 11, 5 / 6, 15, 7 / 8];
  expect(await evaluated(kernel, jsBackend())).toEqual(expected);
  const host = await hostBackend({ threads: 2 });
  try {
    expect(await evaluated(kernel, host)).toEqual(expected);
  } finally {
    await host.dispose();
  }
});

test('a module that exports a kernel is that kernel', async () => {
  const code = `export default { kind: 'gpu-kernel', name: 'k', dims: 2, outputs: 2,
    evaluate: (x) => [x[0] + x[1], x[0] / x[1]], moduleUrl: '', plan: undefined };`;
  const model = moduleModel(`data:text/javascript,${encodeURIComponent(code)}`);
  expect(await evaluated(model, jsBackend())).toEqual([3, 1 / 2, 7, 3 / 4, 11, 5 / 6, 15, 7 / 8]);
  const backend: Backend = { ...jsBackend(), name: 'webgpu' };
  const asked = openEvaluator({ where: 'test', model, names: ['a'], planned: 4, backend, signal });
  await expect(asked).rejects.toThrow('kernel `k` takes 2 numbers a point, and there is 1 input');
});

test('a kernel of other dimensions, or with other outputs than named, is refused with both numbers', async () => {
  const open = (inputs: readonly string[], outputs?: readonly string[]) => {
    const known = outputs === undefined ? {} : { outputs };
    const backend = jsBackend();
    return openEvaluator({
      where: 'test',
      model: kernel,
      names: inputs,
      ...known,
      planned: 4,
      backend,
      signal,
    });
  };
  await expect(open(['a', 'b', 'c'])).rejects.toThrow(
    'test: kernel `sumAndRatio` takes 2 numbers a point, and there are 3 inputs; expected a kernel with dims: 3.',
  );
  await expect(open(names, ['y'])).rejects.toThrow(
    'test: option `outputs` names 1 output, and kernel `sumAndRatio` returns 2 numbers; expected one name for each',
  );
  expect((await open(names, ['p', 'q'])).outputs).toEqual(['p', 'q']);
});

test('a JavaScript model on the card is refused, as a function and as a module', async () => {
  const backend: Backend = { ...jsBackend(), name: 'webgpu' };
  const inModule = moduleModel(`data:text/javascript,${encodeURIComponent(CODE)}`);
  for (const model of [
    pointwise(([a]) => a!),
    inModule,
    (_: Float64Array, out: Float64Array) => out.fill(0),
  ]) {
    await expect(
      openEvaluator({ where: 'sobolIndices', model: model as ModelLike, names, planned: 4, backend, signal }),
    ).rejects.toThrow(
      "sobolIndices: the model is a JavaScript function, which cannot run on the graphics card; expected a model made by gpuKernel(...) for backend 'webgpu'. Wrap it in gpuKernel, or use backend: 'auto'.",
    );
  }
});

test('toldPlace(): a model on a card changes backend, adapter and precision, and adds its notes', () => {
  const provenance = { backend: 'wasm', adapter: 'WASM SIMD', precision: 'float64' as const, notes: ['a'] };
  expect(toldPlace(provenance, { card: undefined, notes: [] })).toEqual(provenance);
  expect(toldPlace(provenance, { card: { adapter: 'card' }, notes: ['b'] })).toEqual({
    backend: 'webgpu',
    adapter: 'card',
    precision: 'float32',
    notes: ['a', 'b'],
  });
});
