import { type KernelName, type Kernels, twins } from '../../engine/wasm/kernels.ts';
import { compileKernels, rawKernels } from '../../engine/wasm/loader.ts';

/** The WebAssembly kernels over `memory`, called like their twins on views of it. */
export function bind(memory: WebAssembly.Memory): Kernels {
  const shared = !(memory.buffer instanceof ArrayBuffer);
  const raw = rawKernels(compileKernels(shared), memory);
  const bound: Record<string, unknown> = {};
  for (const name of Object.keys(twins) as KernelName[]) {
    bound[name] = (...args: (number | ArrayBufferView)[]): void => {
      raw[name](...args.map((arg) => (typeof arg === 'number' ? arg : arg.byteOffset)));
    };
  }
  return bound as unknown as Kernels;
}
