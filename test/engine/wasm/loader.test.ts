import { expect, test } from 'vitest';
import { BackendError } from '../../../engine/errors.ts';
import { bindKernels, compileKernels, RESERVED_BYTES, rawKernels } from '../../../engine/wasm/loader.ts';

function memoryOf(shared: boolean): WebAssembly.Memory {
  return shared
    ? new WebAssembly.Memory({ initial: 2, maximum: 16, shared })
    : new WebAssembly.Memory({ initial: 2 });
}

for (const shared of [false, true]) {
  const kind = shared ? 'shared' : 'unshared';

  test(`loader: kernels over ${kind} memory work on views of it and by byte offsets`, () => {
    const memory = memoryOf(shared);
    const x = new Float64Array(memory.buffer, RESERVED_BYTES, 5).fill(1.5);
    const partial = new Float64Array(memory.buffer, RESERVED_BYTES + 64, 1);
    bindKernels(compileKernels(shared), memory).sumBlocks(x, 5, partial, 0, 1);
    expect(partial[0]).toBe(7.5);
    rawKernels(compileKernels(shared), memory).sumBlocks?.(x.byteOffset, 4, partial.byteOffset, 0, 1);
    expect(partial[0]).toBe(6);
  });

  test(`loader: an array outside ${kind} memory is refused and nothing is written`, () => {
    const memory = memoryOf(shared);
    const kernels = bindKernels(compileKernels(shared), memory);
    const partial = new Float64Array(memory.buffer, RESERVED_BYTES, 1);
    for (const foreign of [new Float64Array(5), new Float64Array(memoryOf(shared).buffer, 0, 5)]) {
      expect(() => kernels.sumBlocks(foreign, 5, partial, 0, 1)).toThrow(BackendError);
    }
    expect(() => kernels.sumBlocks(new Float64Array(5), 5, partial, 0, 1)).toThrow(
      'sumBlocks: an array of 40 bytes outside the kernel memory; expected arrays from an arena of this backend',
    );
    expect(partial[0]).toBe(0);
  });
}

test('loader: views of a shared memory stay valid when it grows, however often', () => {
  const memory = memoryOf(true);
  const kernels = bindKernels(compileKernels(true), memory);
  const first = new Float64Array(memory.buffer, RESERVED_BYTES, 5).fill(2);
  memory.grow(1);
  const second = new Float64Array(memory.buffer, RESERVED_BYTES + 64, 1);
  memory.grow(1);
  kernels.sumBlocks(first, 5, second, 0, 1);
  expect(second[0]).toBe(10);
});

test('loader: a view that an unshared memory detached by growing is refused', () => {
  const memory = memoryOf(false);
  const kernels = bindKernels(compileKernels(false), memory);
  const x = new Float64Array(memory.buffer, RESERVED_BYTES, 5);
  memory.grow(1);
  const partial = new Float64Array(memory.buffer, RESERVED_BYTES + 64, 1);
  expect(() => kernels.sumBlocks(x, 5, partial, 0, 1)).toThrow(BackendError);
});
