import { BackendError } from '../errors.ts';
import type { OpenedDevice } from './gpu-adapter.ts';
import { gpuMemory } from './gpu-memory.ts';
import { LANES, makePipeline, type Pipeline } from './gpu-shader.ts';
import type { Gpu, GpuArray, Shader } from './gpu-types.ts';

/** Parameters of a dispatch take one slot of the ring; offsets must be multiples of 256 bytes. */
const SLOT = 256;
const SLOTS = 256;
const UNIFORM = 0x40 | 0x8;
const STAGING = 0x1 | 0x8;
const MAP_READ = 1;

/**
 * The card behind a device: passes are collected and go out together, at the next read, write or full ring of parameters.
 */
export function makeGpu({ device, adapter, software }: OpenedDevice): Gpu {
  const pipelines = new Map<Shader, Pipeline>();
  const ring = device.createBuffer({ size: SLOT * SLOTS, usage: UNIFORM });
  const params = new ArrayBuffer(SLOT * SLOTS);
  const words = { f32: new Float32Array(params), u32: new Uint32Array(params) } as const;
  const checks: Promise<GPUError | null>[] = [];
  let lost: string | undefined;
  let disposed = false;
  let open: { readonly encoder: GPUCommandEncoder; readonly pass: GPUComputePassEncoder } | undefined;
  let slots = 0;
  device.lost.then(({ message, reason }) => {
    lost ??= disposed ? 'it was disposed' : message || reason || 'unknown reason';
  });
  const check = (): void => {
    if (lost !== undefined) throw gone(lost);
  };
  const memory = gpuMemory(device, check);

  /** Errors of what `work` asks of the device are thrown by the next read. */
  const scoped = <T>(work: () => T): T => {
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    try {
      return work();
    } finally {
      checks.push(device.popErrorScope(), device.popErrorScope());
    }
  };
  const flush = (): void => {
    if (open === undefined) return;
    const { encoder, pass } = open;
    open = undefined;
    scoped(() => {
      pass.end();
      device.queue.writeBuffer(ring, 0, params, 0, slots * SLOT);
      device.queue.submit([encoder.finish()]);
    });
    slots = 0;
  };
  const settle = async (): Promise<void> => {
    const errors = await Promise.all(checks.splice(0));
    check();
    const error = errors.find((found) => found !== null);
    if (error !== undefined && error !== null) throw refused(error);
  };
  const pipelineOf = (shader: Shader): Pipeline => {
    const known = pipelines.get(shader) ?? scoped(() => makePipeline(device, shader));
    pipelines.set(shader, known);
    return known;
  };
  const groups = (shader: Shader, items: number): readonly [number, number] => {
    const all = shader.per === 'item' ? Math.ceil(items / LANES) : items;
    const width = Math.min(all, device.limits.maxComputeWorkgroupsPerDimension);
    return [width, Math.ceil(all / width)];
  };

  return {
    adapter,
    software,
    limits: {
      arrayBytes: Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize),
      arrays: device.limits.maxStorageBuffersPerShaderStage,
    },
    get used() {
      return memory.used;
    },
    get lost() {
      return lost;
    },
    arena: () => {
      const arena = memory.arena();
      return { ...arena, f32: (n) => scoped(() => arena.f32(n)), u32: (n) => scoped(() => arena.u32(n)) };
    },
    write(to: GpuArray, data: Float32Array | Uint32Array, at = 0) {
      check();
      flush();
      const source = data as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
      scoped(() => device.queue.writeBuffer(memory.buffer(to, 'gpu.write'), 4 * at, source));
    },
    // One implementation behind the two overloads of `read`; the array's own type decides.
    read: (async (from: GpuArray, at = 0, length = from.length - at) => {
      check();
      flush();
      const bytes = 4 * length;
      const source = memory.buffer(from, 'gpu.read');
      const staging = scoped(() => device.createBuffer({ size: Math.max(4, bytes), usage: STAGING }));
      scoped(() => {
        const encoder = device.createCommandEncoder();
        if (bytes > 0) encoder.copyBufferToBuffer(source, 4 * at, staging, 0, bytes);
        device.queue.submit([encoder.finish()]);
      });
      try {
        await staging.mapAsync(MAP_READ).catch((cause: unknown) => {
          check();
          throw cause;
        });
        await settle();
        const copy = staging.getMappedRange().slice(0, bytes);
        return from.type === 'f32' ? new Float32Array(copy) : new Uint32Array(copy);
      } finally {
        staging.destroy();
      }
    }) as Gpu['read'],
    run(shader, buffers, values, items) {
      check();
      if (items === 0) return;
      const made = pipelineOf(shader);
      if (slots === SLOTS) flush();
      const slot = slots++;
      const at = (slot * SLOT) / 4;
      words.u32[at] = items;
      made.params.forEach(([name, type], k) => {
        const value = values[name as keyof typeof values];
        if (type === 'f32') words.f32[at + 1 + k] = value;
        else words.u32[at + 1 + k] = value;
      });
      const group = scoped(() =>
        device.createBindGroup({
          layout: made.layout,
          entries: [
            { binding: 0, resource: { buffer: ring, offset: slot * SLOT, size: SLOT } },
            ...made.buffers.map((name, i) => ({
              binding: i + 1,
              resource: { buffer: memory.buffer(buffers[name as keyof typeof buffers], shader.name) },
            })),
          ],
        }),
      );
      if (open === undefined) {
        const encoder = device.createCommandEncoder();
        open = { encoder, pass: encoder.beginComputePass() };
      }
      const { pass } = open;
      pass.setPipeline(made.pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...groups(shader, items));
    },
    async done() {
      check();
      flush();
      await device.queue.onSubmittedWorkDone();
      await settle();
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      lost ??= 'it was disposed';
      memory.clear();
      ring.destroy();
      device.destroy();
    },
  };
}

function gone(reason: string): BackendError {
  return new BackendError({
    where: 'webgpu',
    found: `the graphics card went away (${reason})`,
    expected: 'a card that stays until the end',
    fix: 'Go on from the snapshot on another backend, or start again.',
    tried: [],
  });
}

function refused(error: GPUError): BackendError {
  return new BackendError({
    where: 'webgpu',
    found: `the device refused (${error.message.split('\n').slice(0, 3).join(' ')})`,
    expected: 'work it can do',
    tried: [],
  });
}
