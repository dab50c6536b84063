import { checkCount, spaced } from '../../check.ts';
import { BackendError } from '../../errors.ts';
import { type Faults, refused, type Tell } from './faults.ts';
import type { GpuArena, GpuArray, GpuType } from './types.ts';

/** Arrays of one device. */
export interface GpuMemory {
  /** Bytes of the largest array. */
  readonly largest: number;
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

/** @param flush sends off what was asked for, before arrays are destroyed under it. */
export function gpuMemory(device: GPUDevice, faults: Faults, flush: () => void): GpuMemory {
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
    faults.check();
    checkCount('gpu arena', 'length', length, { min: 0 });
    // A binding of no bytes is not allowed.
    const size = 4 * Math.max(1, length);
    if (size > largest) throw tooLarge(size, largest);
    const array = { type, length };
    const make = (): GPUBuffer => device.createBuffer({ size, usage: STORAGE | COPY });
    buffers.set(array, faults.watch([array], noRoom(size, used), make));
    used += size;
    return array;
  };
  return {
    largest,
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
          if (held.length > 0) flush();
          for (const array of held.splice(0)) give(array);
        },
      };
    },
    buffer: (array, where) => buffers.get(array) ?? stranger(where),
    clear() {
      for (const array of [...buffers.keys()]) give(array);
    },
  };
}

function stranger(where: string): never {
  throw new BackendError({
    where,
    found: 'an array was given back, or belongs to another device',
    expected: 'an array from an arena of this device',
    tried: [],
  });
}

function tooLarge(bytes: number, limit: number): BackendError {
  return new BackendError({
    where: 'gpu arena',
    found: `an array of ${spaced(bytes)} bytes`,
    expected: `at most ${spaced(limit)} bytes, the largest array of this card`,
    fix: 'Work in batches of fewer points.',
    tried: [],
  });
}

/** What an allocation that failed tells: the bytes it wanted and those that were taken before it. */
function noRoom(bytes: number, used: number): Tell {
  return (complaint, memory) =>
    memory
      ? new BackendError({
          where: 'gpu arena',
          found: `the card has no memory left for an array of ${spaced(bytes)} bytes (${spaced(used)} are taken by this program)`,
          expected: 'memory for it',
          fix: 'Work in batches of fewer points, or on another backend.',
          tried: [],
        })
      : refused(complaint, `an array of ${spaced(bytes)} bytes`);
}
