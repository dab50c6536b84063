import { jsBackend } from '../../engine/backend/js.ts';
import { run } from '../../engine/run.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { ishigami } from '../support/functions.ts';

export const f: ReturnType<typeof ishigami> = ishigami();

/** Indices of the Ishigami function, or of another model. */
export function sobol(options: Partial<SobolOptions>, seed = 9): Promise<SobolResult> {
  const method = sobolIndices({ model: f.model, inputs: f.inputs, ...options });
  return run(method, { seed, backend: jsBackend() });
}
