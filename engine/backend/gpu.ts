import type { Backend } from './backend.ts';
import { openDevice } from './gpu/adapter.ts';
import { makeGpu } from './gpu/device.ts';
import type { Gpu } from './gpu/types.ts';
import { bestHost } from './host.ts';

export interface GpuOptions {
  /** Whether a software adapter (SwiftShader) will do; far slower than the host, for tests. Default false. */
  readonly allowSoftware?: boolean;
  /** Threads of the host part, where weights, sums and estimates are. */
  readonly threads?: number;
}

/**
 * A graphics card.
 * @throws BackendError when there is none, with what was tried.
 */
export async function openGpu(options: Pick<GpuOptions, 'allowSoftware'> = {}): Promise<Gpu> {
  return makeGpu(await openDevice(options.allowSoftware ?? false));
}

/**
 * The host with a graphics card: models and densities given as `gpuKernel` are evaluated on the card in float32;
 * weights, sums and estimates stay on the host in float64.
 * @throws BackendError when there is no card.
 */
export async function gpuBackend(options: GpuOptions = {}): Promise<Backend> {
  const gpu = await openGpu(options);
  const host = await bestHost(options.threads).catch((error: unknown) => {
    gpu.dispose();
    throw error;
  });
  return {
    ...host,
    name: 'webgpu',
    precision: 'float32',
    adapter: gpu.adapter,
    processor: { name: host.name, adapter: host.adapter },
    card: async () => ({ gpu, reason: "backend 'webgpu' was asked for" }),
    async dispose() {
      gpu.dispose();
      await host.dispose();
    },
  };
}
