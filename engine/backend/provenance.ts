import type { Backend, Card } from './backend.ts';

/** The processor's part of a provenance: true of whatever did not run on a card, also when the backend has one. */
export function onProcessor(backend: Backend): {
  readonly backend: string;
  readonly adapter: string;
  readonly precision: 'float64';
} {
  const { name, adapter } = backend.processor ?? backend;
  return { backend: name, adapter, precision: 'float64' };
}

/**
 * Why a `gpuKernel` ran where `backend.card(evaluations)` sent it, and what follows from it: notes for provenance,
 * beside which the backend is then 'webgpu', the adapter the card's and the precision 'float32'.
 */
export function cardNotes({ gpu, reason }: Card): readonly string[] {
  if (gpu === undefined) return reason === undefined ? [] : [`Ran on the processor: ${reason}.`];
  return [
    ...(reason === undefined ? [] : [`Ran on the GPU: ${reason}.`]),
    'Positions are float32 on the GPU; sums and weights are float64. Expect differences near 1e-4 from the host.',
  ];
}
