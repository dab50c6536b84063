import { expect, test } from 'vitest';
import { openGpuJs } from '../../../engine/backend/kernel/gpujs.ts';
import { BackendError, gpuJsFunction, gpuKernel } from '../../../engine/index.ts';
import { onHost, worstDifference } from '../../support/kernel.ts';
import { CORPUS, corpusKernel, POINTS } from './corpus.ts';

const CHECKED_INDICES = [
  'an index computed from a number',
  'an index by a local number',
  'a row keeps its place when its index changes',
];

for (const mode of ['cpu', 'webasm'] as const) {
  test(`gpuJsFunction(): each construct of the corpus gives on ${mode} what it gives on the host, within 1e-5`, async () => {
    for (const entry of CORPUS.filter(({ name }) => !CHECKED_INDICES.includes(name))) {
      const kernel = corpusKernel(entry);
      const theirs = await gpuJsFunction(kernel, mode);
      const found = new Float64Array(POINTS.length * kernel.outputs);
      await theirs.evaluate(Float64Array.from(POINTS.flat()), found);
      await theirs.dispose();
      expect(worstDifference(found, onHost(kernel, POINTS)), entry.name).toBeLessThan(1e-5);
    }
  });

  test(`gpuJsFunction(): batches of any size on ${mode}, also smaller ones after larger ones`, async () => {
    const kernel = gpuKernel((x) => [x[0]! + x[1]!, 2 * x[1]!], { dims: 2 });
    const theirs = await gpuJsFunction(kernel, mode);
    for (const n of [1, 1000, 3, 0, 5000]) {
      const x = Float64Array.from({ length: 2 * n }, (_, i) => i);
      const y = new Float64Array(2 * n);
      await theirs.evaluate(x, y);
      expect([...y.slice(-2)]).toEqual(n === 0 ? [] : [4 * n - 3, 4 * n - 2]);
    }
    await theirs.dispose();
  });
}

test('gpuJsFunction(): exp in arithmetic is within 3e-7 over its whole range', async () => {
  const kernel = gpuKernel((x) => Math.exp(x[0]!), { dims: 1 });
  const x = Float64Array.from({ length: 4001 }, (_, i) => Math.fround(-87 + (175.7 * i) / 4000));
  const y = new Float64Array(x.length);
  for (const mode of ['cpu', 'webasm'] as const) {
    const theirs = await gpuJsFunction(kernel, mode);
    await theirs.evaluate(x, y);
    expect(Math.max(...y.map((value, i) => Math.abs(value / Math.exp(x[i]!) - 1)))).toBeLessThan(3e-7);
    const edges = new Float64Array(3);
    await theirs.evaluate(Float64Array.of(89, -100, NaN), edges);
    expect([...edges]).toEqual([Infinity, 0, NaN]);
    await theirs.dispose();
  }
});

test('gpuJsFunction(): a kernel whose indices must be checked while it runs is refused', async () => {
  const kernel = gpuKernel((x) => x[Math.floor(x[0]!)]!, { dims: 2 });
  await expect(gpuJsFunction(kernel, 'cpu')).rejects.toThrow(BackendError);
  await expect(gpuJsFunction(kernel, 'cpu')).rejects.toThrow(/computes an index/);
});

test("gpuJsFunction(): another backend than the one asked for is an error with gpu.js's reason", async () => {
  let disposed = 0;
  // gpu.js goes to its cpu backend with a warning when WebAssembly cannot take a kernel.
  const degrading = class {
    createKernel(): unknown {
      const call = (): number[] => [0];
      return Object.assign(call, {
        kernel: { constructor: { mode: 'cpu' }, fallbackReason: 'no WebAssembly' },
      });
    }
    async destroy(): Promise<void> {
      disposed++;
    }
  };
  const lowered = {
    body: 'return 1;',
    helpers: [],
    pool: new Map(),
    calls: new Set<string>(),
    outputs: 1,
    byOutput: false,
    infinite: false,
  };
  const open = openGpuJs(degrading as never, 'webasm', 'density', {
    lowered,
    packed: new Float32Array(1),
    dims: 1,
  });
  await expect(open).rejects.toThrow(
    'gpuJsFunction density: gpu.js ran on cpu (no WebAssembly); expected webasm.',
  );
  expect(disposed).toBe(1);
});

test('gpuJsFunction(): 60 rounds of opening and disposing leave memory flat', async () => {
  const round = async (i: number): Promise<void> => {
    const kernel = gpuKernel(`(x) => x[0] * ${i}.5`, { dims: 1 });
    const theirs = await gpuJsFunction(kernel, i % 2 === 0 ? 'cpu' : 'webasm');
    await theirs.evaluate(new Float64Array(100_000), new Float64Array(100_000));
    await theirs.dispose();
  };
  for (let i = 0; i < 20; i++) await round(i);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  for (let i = 20; i < 80; i++) await round(i);
  // Each round takes 1 MB for its points alone: 60 MB if nothing were given back.
  expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(60);
});
