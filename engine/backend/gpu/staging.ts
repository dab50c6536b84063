import { BackendError } from '../../errors.ts';
import { type Faults, refused } from './faults.ts';

/** Copies from the card to the host. */
export interface Staging {
  /** Bytes `at` .. `at + bytes - 1` of a buffer, in a copy of their own; `bytes` > 0, both multiples of 4. */
  read(source: GPUBuffer, at: number, bytes: number): Promise<ArrayBuffer>;
  clear(): void;
}

const USAGE = 0x1 | 0x8;
const MAP_READ = 1;
/** Buffers up to this size are kept for the next read, and at most so many of them. */
const KEPT = { bytes: 2 ** 24, buffers: 4 };
const LEAST = 1024;

/** Buffers that the host can look into, of sizes that are powers of two so that they serve again. */
export function gpuStaging(device: GPUDevice, faults: Faults): Staging {
  const idle: GPUBuffer[] = [];
  const take = (bytes: number): GPUBuffer => {
    const size = bytes > KEPT.bytes ? bytes : Math.max(LEAST, 2 ** Math.ceil(Math.log2(bytes)));
    const at = idle.findIndex((buffer) => buffer.size === size);
    return at < 0 ? device.createBuffer({ size, usage: USAGE }) : idle.splice(at, 1)[0]!;
  };
  const give = (buffer: GPUBuffer): void => {
    buffer.unmap();
    if (buffer.size > KEPT.bytes) buffer.destroy();
    else if (idle.push(buffer) > KEPT.buffers) idle.shift()!.destroy();
  };
  return {
    async read(source, at, bytes) {
      const buffer = faults.watch(
        [],
        (complaint) => refused(complaint, 'a read'),
        () => {
          const staging = take(bytes);
          const encoder = device.createCommandEncoder();
          encoder.copyBufferToBuffer(source, at, staging, 0, bytes);
          device.queue.submit([encoder.finish()]);
          return staging;
        },
      );
      try {
        await buffer.mapAsync(MAP_READ, 0, bytes);
      } catch (cause) {
        buffer.destroy();
        await faults.checkSoon();
        throw unreadable(bytes, cause);
      }
      const copy = buffer.getMappedRange(0, bytes).slice(0);
      give(buffer);
      return copy;
    },
    clear() {
      for (const buffer of idle.splice(0)) buffer.destroy();
    },
  };
}

function unreadable(bytes: number, cause: unknown): BackendError {
  return new BackendError({
    where: 'gpu.read',
    found: `${bytes} bytes could not be copied from the card (${cause instanceof Error ? cause.message : String(cause)})`,
    expected: 'memory for the copy',
    fix: 'Read in smaller pieces.',
    cause,
    tried: [],
  });
}
