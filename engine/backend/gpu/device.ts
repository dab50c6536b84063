import { type BackendError, ShapeError } from '../../errors.ts';
import type { OpenedDevice } from './adapter.ts';
import { gpuFaults, refused } from './faults.ts';
import { gpuMemory } from './memory.ts';
import { gpuPasses } from './passes.ts';
import { gpuStaging } from './staging.ts';
import type { Gpu, GpuArray } from './types.ts';

/**
 * The card behind a device: passes are collected and go out together, at the next read, write, release or full ring
 * of parameters.
 */
export function makeGpu({ device, adapter, software }: OpenedDevice): Gpu {
  const faults = gpuFaults(device);
  const memory = gpuMemory(device, faults, () => passes.flush());
  const passes = gpuPasses(device, faults, memory);
  const staging = gpuStaging(device, faults);
  const read = async (from: GpuArray, at = 0, length = from.length - at) => {
    faults.check();
    const source = memory.buffer(from, 'gpu.read');
    checkRange('gpu.read', from, at, length);
    passes.flush();
    const bytes = length === 0 ? new ArrayBuffer(0) : await staging.read(source, 4 * at, 4 * length);
    await faults.settle(from);
    return from.type === 'f32' ? new Float32Array(bytes) : new Uint32Array(bytes);
  };
  return {
    adapter,
    software,
    limits: { arrayBytes: memory.largest, arrays: device.limits.maxStorageBuffersPerShaderStage },
    get used() {
      return memory.used;
    },
    get lost() {
      return faults.lost;
    },
    arena: memory.arena,
    write(to: GpuArray, data: Float32Array | Uint32Array, at = 0) {
      faults.check();
      const target = memory.buffer(to, 'gpu.write');
      checkRange('gpu.write', to, at, data.length);
      passes.flush();
      const tell = (complaint: string): BackendError => refused(complaint, 'a write');
      faults.watch([to], tell, () => device.queue.writeBuffer(target, 4 * at, unshared(data)));
    },
    // One implementation behind the two overloads of `read`; the array's own type decides.
    read: read as Gpu['read'],
    run(shader, buffers, params, items) {
      faults.check();
      passes.run(shader, buffers, params, items);
    },
    async done() {
      faults.check();
      passes.flush();
      await device.queue.onSubmittedWorkDone();
      await faults.settle();
    },
    dispose() {
      faults.end();
      passes.clear();
      memory.clear();
      staging.clear();
      device.destroy();
    },
  };
}

/** Data in memory of its own: Dawn dies of shared memory. */
function unshared(data: Float32Array | Uint32Array): Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  const own = data.buffer instanceof ArrayBuffer ? data : data.slice();
  return own as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
}

function checkRange(where: string, array: GpuArray, at: number, length: number): void {
  const fits = Number.isInteger(at) && Number.isInteger(length) && at >= 0 && length >= 0;
  if (fits && at + length <= array.length) return;
  throw new ShapeError({
    where,
    found: `elements ${at} to ${at + length - 1} of an array of ${array.length}`,
    expected: 'elements that it has',
  });
}
