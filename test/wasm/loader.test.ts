import { expect, test } from 'vitest';
import { compileKernels, RESERVED_BYTES, rawKernels } from '../../engine/wasm/loader.ts';

function memoryOf(shared: boolean): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 2, maximum: 16, shared });
}

for (const shared of [false, true]) {
  const kind = shared ? 'shared' : 'unshared';

  test(`loader: kernels over ${kind} memory work on it by byte offsets, before and after it grows`, () => {
    const memory = memoryOf(shared);
    const kernels = rawKernels(compileKernels(shared), memory);
    new Float64Array(memory.buffer, RESERVED_BYTES, 5).fill(1.5);
    kernels.sumBlocks(RESERVED_BYTES, 5, RESERVED_BYTES + 64, 0, 1);
    expect(new Float64Array(memory.buffer, RESERVED_BYTES + 64, 1)[0]).toBe(7.5);
    memory.grow(1);
    const far = 2 * 65536;
    kernels.sumBlocks(RESERVED_BYTES, 4, far, 0, 1);
    expect(new Float64Array(memory.buffer, far, 1)[0]).toBe(6);
  });

  test(`loader: the module for ${kind} memory refuses the other kind`, () => {
    expect(() => rawKernels(compileKernels(shared), memoryOf(!shared))).toThrow(WebAssembly.LinkError);
  });

  test(`loader: instantiating the module for ${kind} memory writes nothing into it`, () => {
    const memory = memoryOf(shared);
    new Uint8Array(memory.buffer).fill(7);
    rawKernels(compileKernels(shared), memory);
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 7)).toBe(true);
  });
}

test('loader: a module is compiled once', () => {
  expect(compileKernels(false)).toBe(compileKernels(false));
  expect(compileKernels(true)).not.toBe(compileKernels(false));
});

test('loader: arrays beyond 2 GiB are reached, offsets being unsigned', () => {
  // Pages that are never touched cost address space only.
  const memory = new WebAssembly.Memory({ initial: 40_000, maximum: 40_000, shared: true });
  const at = 2 ** 31 + 2 ** 28;
  new Float64Array(memory.buffer, at, 3).fill(2);
  rawKernels(compileKernels(true), memory).sumBlocks(at, 3, at + 64, 0, 1);
  expect(new Float64Array(memory.buffer, at + 64, 1)[0]).toBe(6);
});
