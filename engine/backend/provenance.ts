import type { Backend, Card } from './backend.ts';

/** What did the work, as a result tells it. */
export interface Worked {
  /** 'webgpu', 'wasm' or 'js': what ran, which may differ from what was asked for. */
  readonly backend: string;
  /** 'WASM SIMD, 2 threads', or the name of the graphics adapter. */
  readonly adapter: string;
  readonly precision: 'float64' | 'float32';
  /** Why it ran there, when there is something to say. */
  readonly notes: readonly string[];
}

const UNUSED =
  'The GPU was not used: only models and densities given as gpuKernel(...) run there, all others on the processor.';
const FLOAT32 =
  'Positions are float32 on the GPU; sums and weights are float64. Expect differences near 1e-4 from the host.';

/** The processor, whatever was chosen: true of every method that does not ask for a card. */
export function onProcessor(backend: Backend): Worked {
  const { name, adapter } = backend.processor ?? backend;
  return {
    backend: name,
    adapter,
    precision: 'float64',
    notes: backend.processor === undefined ? [] : [UNUSED],
  };
}

/**
 * What a `gpuKernel` ran on: the card that `backend.card(evaluations)` answered, or the processor when it answered
 * none. A method spreads it over the provenance it was given.
 */
export function onCard({ gpu, reason }: Card, backend: Backend): Worked {
  if (gpu === undefined)
    return {
      ...onProcessor(backend),
      notes: reason === undefined ? [] : [`Ran on the processor: ${reason}.`],
    };
  const notes = [`Ran on the GPU: ${reason}.`, FLOAT32];
  return { backend: 'webgpu', adapter: gpu.adapter, precision: 'float32', notes };
}
