import { BackendError } from '../errors.ts';
import type { GpuArena, GpuArray, GpuType } from './gpu-types.ts';

/** Arrays of one device. */
export interface GpuMemory {
  readonly used: number;
  arena(): GpuArena;
  /**
   * The buffer behind an array.
   * @throws BackendError when it was given back or belongs to another device.
   */
  buffer(array: GpuArray, where: string): GPUBuffer;
  /** Destroy everything. */
  clear(): void;
}

const STORAGE = 0x80;
const COPY = 0x4 | 0x8;

export function gpuMemory(device: GPUDevice, check: () => void): GpuMemory {
  const buffers = new Map<GpuArray, GPUBuffer>();
  const largest = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  let used = 0;
  const give = (array: GpuArray): void => {
    const buffer = buffers.get(array);
    if (buffer === undefined) return;
    used -= buffer.size;
    buffer.destroy();
    buffers.delete(array);
  };
  const take = <T extends GpuType>(type: T, length: number): GpuArray<T> => {
    check();
    // A binding of no bytes is not allowed.
    const size = 4 * Math.max(1, length);
    if (size > largest) throw tooLarge(size, largest);
    const array = { type, length };
    buffers.set(array, device.createBuffer({ size, usage: STORAGE | COPY }));
    used += size;
    return array;
  };
  return {
    get used() {
      return used;
    },
    arena() {
      const held: GpuArray[] = [];
      const keep = <T extends GpuType>(array: GpuArray<T>): GpuArray<T> => {
        held.push(array);
        return array;
      };
      return {
        f32: (length) => keep(take('f32', length)),
        u32: (length) => keep(take('u32', length)),
        release: () => {
          for (const array of held.splice(0)) give(array);
        },
      };
    },
    buffer(array, where) {
      const found = buffers.get(array);
      if (found !== undefined) return found;
      throw new BackendError({
        where,
        found: 'an array was given back, or belongs to another device',
        expected: 'an array from an arena of this device',
        tried: [],
      });
    },
    clear() {
      for (const array of [...buffers.keys()]) give(array);
    },
  };
}

function tooLarge(bytes: number, limit: number): BackendError {
  return new BackendError({
    where: 'gpu arena',
    found: `an array of ${bytes} bytes`,
    expected: `at most ${limit} bytes, the largest array of this card`,
    fix: 'Work in batches of fewer points.',
    tried: [],
  });
}
