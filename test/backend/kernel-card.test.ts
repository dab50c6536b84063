import { expect, test } from 'vitest';
import type { Gpu } from '../../engine/backend/gpu-types.ts';
import { bindKernel, type GpuKernel, gpuKernel } from '../../engine/index.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

/** Outputs of a kernel at points, on the card. */
async function onCard(
  gpu: Gpu,
  kernel: GpuKernel,
  points: readonly (readonly number[])[],
): Promise<number[]> {
  const arena = gpu.arena();
  const x = arena.f32(points.length * kernel.dims);
  const y = arena.f32(points.length * kernel.outputs);
  gpu.write(x, Float32Array.from(points.flat()));
  const bound = await bindKernel(gpu, kernel);
  try {
    bound.run(x, y, points.length);
    return [...(await gpu.read(y))];
  } finally {
    bound.release();
    arena.release();
  }
}

const gauss = gpuKernel(
  function (x) {
    let s = 0;
    for (let j = 0; j < this.constants.d; j++) s += x[j] * x[j];
    return -0.5 * s;
  },
  { dims: 3, constants: { d: 3 } },
);

describeGpu('gpuKernel on a card', () => {
  test('bindKernel(): a kernel gives on the card what it gives on the host, to float32', () =>
    withGpu(async (gpu) => {
      const points = [
        [1, 2, 3],
        [0.5, -1.5, 4],
      ];
      const found = await onCard(gpu, gauss, points);
      points.forEach((point, i) => {
        expect(found[i]).toBeCloseTo(gauss.evaluate(Float64Array.from(point)) as number, 5);
      });
      expect(gpu.used).toBe(0);
    }));
});
