import { expect, expectTypeOf, test } from 'vitest';
import { type GpuKernel, gpuKernel } from '../../../engine/index.ts';

test('gpuKernel(): types of the point and of the constants follow from the options, without annotations', () => {
  // Only the compiler reads these functions: what they call is not for the card.
  const typed = (): GpuKernel[] => [
    gpuKernel(
      function (x, j) {
        expectTypeOf(x).toEqualTypeOf<Float64Array>();
        expectTypeOf(j).toEqualTypeOf<number>();
        expectTypeOf(this.constants.d).toEqualTypeOf<number>();
        expectTypeOf(this.constants.mu).toEqualTypeOf<number[][]>();
        expectTypeOf(this.constants.w).toEqualTypeOf<Float32Array<ArrayBuffer>>();
        // @ts-expect-error there is no such constant
        return this.constants.nothing;
      },
      { dims: 2, outputs: 2, constants: { d: 3, mu: [[1], [2]], w: new Float32Array(2) } },
    ),
    // @ts-expect-error a text is no answer
    gpuKernel(() => 'text', { dims: 1 }),
    // @ts-expect-error a text is no constant
    gpuKernel((x) => x[0], { dims: 1, constants: { name: 'text' } }),
    gpuKernel((x) => x[0] * x[1], { dims: 2 }),
    gpuKernel((x) => [x[0], x[1]], { dims: 2 }),
  ];
  expect(typed).toBeTypeOf('function');
  const kernel = gpuKernel(
    function (x, j) {
      return x[j] * this.constants.d + this.constants.mu[1][0];
    },
    { dims: 2, outputs: 2, constants: { d: 3, mu: [[1], [2]] } },
  );
  expectTypeOf(kernel).toEqualTypeOf<GpuKernel>();
  expect(Array.from(kernel.evaluate(Float64Array.of(1, 10)) as ArrayLike<number>)).toEqual([5, 32]);
});
