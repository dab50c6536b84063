import { expect, test } from 'vitest';
import type { Gpu, Shader } from '../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import type { BoundKernel } from '../../engine/backend/kernel/types.ts';
import { cardRows } from '../../engine/model/card-rows.ts';
import { describeGpu, withGpu } from '../support/gpu.ts';

/** Sum and difference of a point; both NaN where the first number is negative. */
const shader: Shader<'x' | 'y', never> = {
  name: 'sumAndDifference',
  buffers: { x: 'read f32', y: 'write words' },
  params: {},
  per: 'item',
  code: `fn item(i: u32) {
  let a = x[2u * i];
  let b = x[2u * i + 1u];
  y[2u * i] = select(bitcast<u32>(a + b), 0x7fc00000u, a < 0.0);
  y[2u * i + 1u] = select(bitcast<u32>(a - b), 0x7fc00000u, a < 0.0);
}`,
};

function bound(gpu: Gpu): BoundKernel & { released: () => boolean } {
  let released = false;
  return {
    run: (x, y, n) => gpu.run(shader, { x, y }, {}, n),
    release: () => {
      released = true;
    },
    released: () => released,
  };
}

const names = ['sum', 'difference'];
const signal = new AbortController().signal;

function points(n: number): Float64Array {
  return Float64Array.from({ length: 2 * n }, (_, i) => Math.fround(Math.sin(i) + 1));
}

describeGpu('rows on a card', () => {
  test.each([1, 255, 257, 5000])('%i rows come back widened, and what was taken is given back', (n) =>
    withGpu(async (gpu) => {
      const kernel = bound(gpu);
      const rows = cardRows({ gpu, bound: kernel, dims: 2, outputs: 2 }, names, jsBackend(), signal);
      const x = points(n);
      const { y, failed } = await rows.evaluate(x, n);
      expect(failed).toEqual([]);
      for (let i = 0; i < n; i++) {
        const [a, b] = [x[2 * i]!, x[2 * i + 1]!];
        expect(y[2 * i]).toBe(Math.fround(a + b));
        expect(y[2 * i + 1]).toBe(Math.fround(a - b));
      }
      rows.release();
      expect(kernel.released()).toBe(true);
      expect(gpu.used).toBe(0);
    }),
  );

  test('a batch larger than the largest array is split, and gives the same', () =>
    withGpu(async (gpu) => {
      const small: Gpu = {
        ...gpu,
        get used() {
          return gpu.used;
        },
        limits: { ...gpu.limits, arrayBytes: 4 * 2 * 300 },
      };
      const card = { bound: bound(gpu), dims: 2, outputs: 2 };
      const whole = cardRows({ gpu, ...card }, names, jsBackend(), signal);
      const pieces = cardRows({ gpu: small, ...card }, names, jsBackend(), signal);
      const x = points(1000);
      x[2 * 650] = -1;
      const expected = await whole.evaluate(x, 1000);
      const found = await pieces.evaluate(x, 1000);
      expect(found.y).toEqual(expected.y);
      expect(found.failed).toEqual([{ row: 650, reason: 'returned NaN' }]);
      expect(small.used).toBe(4 * 4 * 300 + 4 * 4 * 1000);
    }));

  test('aborted between two pieces it rejects with the reason', () =>
    withGpu(async (gpu) => {
      const controller = new AbortController();
      const limits = { ...gpu.limits, arrayBytes: 4 * 2 * 256 };
      const kernel = bound(gpu);
      const stopping: BoundKernel = {
        ...kernel,
        run(x, y, n) {
          kernel.run(x, y, n);
          controller.abort(new Error('enough'));
        },
      };
      const card = { gpu: { ...gpu, limits }, bound: stopping, dims: 2, outputs: 2 };
      const rows = cardRows(card, names, jsBackend(), controller.signal);
      await expect(rows.evaluate(points(1000), 1000)).rejects.toThrow('enough');
    }));
});
