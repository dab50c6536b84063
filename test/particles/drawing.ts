import type { Backend } from '../../engine/backend/backend.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { integerWeights } from '../../engine/particles/integer-weights.ts';
import {
  type Drawing,
  type ResamplingScheme,
  takeScratch,
} from '../../engine/particles/resampling/scheme.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import type { Replicates } from '../support/law.ts';

/** Weight vectors that every scheme is tested on, as integers. */
export const WEIGHTS: Readonly<Record<string, readonly number[]>> = {
  uniform: [1, 1, 1, 1, 1, 1],
  'one-hot': [0, 0, 0, 1, 0],
  geometric: [32, 16, 8, 4, 2, 1],
  'with zeros': [0, 1, 7, 0, 20, 3, 0, 5, 16, 12, 0, 0],
  'one particle': [5],
};

/** Everything a scheme needs for integer weights; change `step` to draw again. */
export function drawing(
  scheme: ResamplingScheme,
  q: readonly number[],
  m: number,
  seed: number,
  backend: Backend = jsBackend(),
): Drawing & { step: number } {
  const arena = backend.arena();
  return {
    weights: integerWeights(q, arena),
    slots: m,
    ancestor: arena.u32(m),
    key: rngFromSeed(seed).key,
    step: 0,
    backend,
    scratch: takeScratch(scheme, q.length, m, arena),
  };
}

/** Offspring counts of `runs` drawings, [runs, n]. */
export async function offspring(
  scheme: ResamplingScheme,
  q: readonly number[],
  m: number,
  runs: number,
  seed: number,
  backend?: Backend,
): Promise<Replicates> {
  const task = drawing(scheme, q, m, seed, backend);
  const width = q.length;
  const values = new Float64Array(runs * width);
  for (let run = 0; run < runs; run++) {
    task.step = run;
    await scheme.ancestors(task);
    for (let j = 0; j < m; j++) values[run * width + task.ancestor[j]!]!++;
  }
  return { runs, width, values };
}

/** m W_i. */
export function expectedOffspring(q: readonly number[], m: number): number[] {
  const total = q.reduce((sum, x) => sum + x, 0);
  return q.map((x) => (m * x) / total);
}
