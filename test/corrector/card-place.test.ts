import { expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { OptionError } from '../../engine/errors.ts';
import {
  anneal,
  type CorrectorOptions,
  corrector,
  empiricalDenoiser,
  gaussianDenoiser,
  gpuKernel,
  guide,
  reward,
  run,
  vpLinear,
} from '../../estimators/index.ts';

const NORMAL = gaussianDenoiser({ mean: [0.3], covariance: [[0.5]] }, vpLinear());
const SET = empiricalDenoiser([[0.3], [1]], vpLinear());
const HALF = anneal(NORMAL, 1.5);
const PULL = {
  value: (x: Float64Array, out: Float64Array) => out.set(x),
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array) {
    out.set(x);
    gradient.fill(1);
  },
};

const CANNOT: readonly (readonly [options: CorrectorOptions, option: string, message: string])[] = [
  [
    { target: guide(NORMAL, SET, 0.5) },
    'target',
    'expert 1 is made of JavaScript functions, which cannot run on the graphics card; expected experts by mixtureDenoiser or gaussianDenoiser',
  ],
  [
    { target: reward(HALF, PULL) },
    'target',
    'a tilt is made of JavaScript functions, which cannot run on the graphics card; expected rewards by linearReward or quadraticReward',
  ],
  [
    { target: HALF, weights: 'exact' },
    'weights',
    "option `weights` is \"exact\", which is not done on the graphics card; expected 'left' or 'none'",
  ],
  [
    { target: HALF, control: 'transport' },
    'control',
    "option `control` is \"transport\", which is not done on the graphics card; expected 'none', 'linear', 'affine' or 'analytic'",
  ],
  [
    { target: HALF, resample: { clocks: true } },
    'resample',
    'option `resample` is an object with clocks, which is not done on the graphics card; expected { ess } or { every }',
  ],
  [
    { target: HALF, denoise: true },
    'denoise',
    'option `denoise` is true, which is not done on the graphics card; expected false',
  ],
  [
    { target: HALF, noise: (_, __, z) => z.fill(0.5) && undefined },
    'noise',
    'option `noise` is a function, which is not done on the graphics card; expected addressed draws',
  ],
];

/** A card that may not be asked for anything. */
function onCard(name: string, arrayBytes = 2 ** 27): Backend {
  const gpu = { adapter: 'a card', limits: { arrayBytes, arrays: 8 } } as unknown as Gpu;
  return { ...jsBackend(), name, card: async () => ({ gpu, reason: 'it pays' }) };
}

test('what a card cannot do is refused where it was asked for, with what to do', async () => {
  for (const [options, option, message] of CANNOT) {
    const method = corrector({ particles: 64, steps: 2, ...options });
    const error = await run(method, { seed: 1, backend: onCard('webgpu') }).catch(
      (reason: unknown) => reason,
    );
    if (!(error instanceof OptionError)) throw error;
    expect(error.option).toBe(option);
    expect(error.message).toBe(
      `corrector: ${message} for backend 'webgpu'. Change it, or use backend: 'auto', which runs it on the processor.`,
    );
  }
  const large = corrector({ target: HALF, particles: 4096, steps: 2 });
  await expect(run(large, { seed: 1, backend: onCard('webgpu', 2 ** 15) })).rejects.toThrow(
    'corrector: 4 096 particles need an array of 49 152 bytes, and the graphics card has at most 32 768; expected fewer particles, in more `runs`, for backend',
  );
});

test('what a card cannot do runs on the processor where it was not asked for, and the result says why', async () => {
  for (const [options, , message] of CANNOT) {
    const method = corrector({ particles: 64, steps: 2, ...options });
    const { provenance } = await run(method, { seed: 1, backend: onCard('js') });
    expect(provenance.precision).toBe('float64');
    expect(provenance.notes).toEqual([`Ran on the processor: ${message.split(';')[0]}.`]);
  }
  const method = corrector({ target: HALF, particles: 64, steps: 2 });
  expect((await run(method, { seed: 1, backend: jsBackend() })).provenance.notes).toEqual([]);
});

test('a reward by a gpuKernel is on the card alone, and the particles stay on the processor', async () => {
  const kernel = gpuKernel((x) => 0.1 * x[0]!, { dims: 1 });
  const method = corrector({ target: reward(HALF, kernel), particles: 64, steps: 2 });
  const backend: Backend = { ...onCard('webgpu'), card: async () => ({ gpu: undefined }) };
  const { provenance } = await run(method, { seed: 1, backend });
  expect([provenance.precision, provenance.notes]).toEqual([
    'float64',
    ['A reward came without a gradient: differences, 3 evaluations each.'],
  ]);
});
