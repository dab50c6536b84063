import type { Backend } from '../../engine/backend/backend.ts';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../engine/backend/js.ts';

/** A backend 'webgpu' around a card, with the plain processor. */
export function around(gpu: Gpu): Backend {
  const { name, adapter } = jsBackend();
  return {
    ...jsBackend(),
    name: 'webgpu',
    precision: 'float32',
    adapter: gpu.adapter,
    processor: { name, adapter },
    card: async () => ({ gpu, reason: 'asked for' }),
  };
}
