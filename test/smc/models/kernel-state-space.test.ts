import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gpuKernel } from '../../../engine/backend/user-kernel.ts';
import { run } from '../../../engine/run.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import {
  type KernelStateSpaceOptions,
  kernelStateSpace,
} from '../../../estimators/smc/models/kernel-state-space.ts';
import { perParticle } from '../../../estimators/smc/models/per-particle.ts';

const OPTIONS: KernelStateSpaceOptions = {
  ...{ dimension: 2, observed: 2, noise: 3 },
  initial: gpuKernel((z) => [z[0]! - z[2]!, 2 * z[1]!], { dims: 3 }),
  // x, x, z, z, z, t
  transition: gpuKernel((at) => [0.5 * at[0]! + at[2]! * at[4]!, at[1]! - 0.1 * at[5]! + at[3]!], {
    dims: 6,
  }),
  // x, x, y, y
  logObservation: gpuKernel((at) => -Math.abs(at[2]! - at[0]!) - 2 * Math.abs(at[3]! - at[1]!), { dims: 4 }),
  logInitial: gpuKernel((x) => -x[0]! - x[1]!, { dims: 2 }),
  // parent, parent, x, x, t
  logTransition: gpuKernel((at) => at[0]! + 10 * at[1]! + 100 * at[2]! + 1000 * at[3]! + at[4]!, { dims: 5 }),
};

test('a model of kernels gives the bits of the same model one particle at a time', async () => {
  const model = kernelStateSpace(OPTIONS);
  const twin = perParticle({
    ...{ dimension: 2, observed: 2, noise: 3 },
    initial(z, x) {
      x[0] = z[0]! - z[2]!;
      x[1] = 2 * z[1]!;
    },
    transition(step, parent, z, x) {
      x[0] = 0.5 * parent[0]! + z[0]! * z[2]!;
      x[1] = parent[1]! - 0.1 * step + z[1]!;
    },
    logObservation: (_, y, x) => -Math.abs(y[0]! - x[0]!) - 2 * Math.abs(y[1]! - x[1]!),
  });
  const observations = [[0.5, 1], [1, -1], null, [0, 0.3]];
  const [a, b] = await Promise.all(
    [model, twin].map((each) =>
      run(particleFilter({ model: each, observations, particles: 99 }), { seed: 2, backend: jsBackend() }),
    ),
  );
  expect(a!.increments).toEqual(b!.increments);
  expect(a!.mean).toEqual(b!.mean);
  const out = new Float64Array(2);
  model.logInitial!(Float64Array.of(1, 2, 3, 4), out);
  expect([...out]).toEqual([-3, -7]);
  model.logTransition!(7, Float64Array.of(1, 2, 3, 4), Float64Array.of(5, 6, 7, 8), out);
  expect([...out]).toEqual([1 + 20 + 500 + 6000 + 7, 3 + 40 + 700 + 8000 + 7]);
});

test('a kernel that does not fit is refused with what it takes and what is wanted', () => {
  const wrong = (change: Readonly<Record<string, unknown>>): (() => unknown) => {
    const options = { ...OPTIONS, ...change } as KernelStateSpaceOptions;
    return () => kernelStateSpace(options);
  };
  const line = gpuKernel((x) => x[0]!, { dims: 2 });
  expect(wrong({ transition: line })).toThrow(
    'kernelStateSpace: `transition` is a kernel with dims: 2 that returns 1; expected a gpuKernel with dims: 5 (or 6, with the step) that returns 2',
  );
  expect(wrong({ initial: OPTIONS.transition })).toThrow('expected a gpuKernel with dims: 3 that returns 2');
  expect(wrong({ logObservation: () => 0 })).toThrow('option `logObservation` is');
  expect(wrong({ logObservation: undefined })).toThrow('expected a gpuKernel with dims: 4 (or 5');
  expect(wrong({ logTransition: line })).toThrow('`logTransition` is a kernel with dims: 2');
  expect(wrong({ dimension: 0 })).toThrow('option `dimension` is 0');
  expect(wrong({ kernels: 1 })).toThrow('kernels');
});
