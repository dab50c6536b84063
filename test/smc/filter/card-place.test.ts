import { expect, test } from 'vitest';
import type { Backend } from '../../../engine/backend/backend.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gpuKernel } from '../../../engine/backend/user-kernel.ts';
import { OptionError } from '../../../engine/errors.ts';
import { run } from '../../../engine/run.ts';
import type { FilterOptions } from '../../../estimators/smc/filter/filter-types.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { kernelStateSpace } from '../../../estimators/smc/models/kernel-state-space.ts';
import { linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import { stochasticVolatility } from '../../../estimators/smc/models/stochastic-volatility.ts';
import { AUTOREGRESSION, FORESIGHT, HALFWAY } from './models.ts';

const LINEAR = linearGaussian({
  transition: 0.9,
  transitionCovariance: 1,
  observationCovariance: 1,
  initialCovariance: 2,
});
const VOLATILITY = stochasticVolatility({ mean: -1, persistence: 0.9, volatility: 0.3 });
const KERNELS = kernelStateSpace({
  initial: gpuKernel((z) => 2 * z[0]!, { dims: 1 }),
  transition: gpuKernel((at) => 0.9 * at[0]! + 0.5 * at[1]!, { dims: 2 }),
  logObservation: gpuKernel((at) => -0.5 * (at[1]! - at[0]!) * (at[1]! - at[0]!), { dims: 2 }),
});
const Y = [0.4, null, -1.2, 0.8];

/** A backend without a card that writes down how often it is asked for one. */
function asked(name: 'webgpu' | 'wasm'): { backend: Backend; readonly calls: number[] } {
  const calls: number[] = [];
  const card = async (evaluations: number) => {
    calls.push(evaluations);
    return { gpu: undefined, reason: 'the card is away' };
  };
  return { backend: { ...jsBackend(), name, card }, calls };
}

const CANNOT: readonly (readonly [
  option: string,
  options: Omit<FilterOptions, 'observations'>,
  text: RegExp,
])[] = [
  ['model', { model: AUTOREGRESSION }, /made of JavaScript functions.*gpuKernels.*kernelStateSpace/],
  [
    'proposal',
    { model: LINEAR, proposal: HALFWAY },
    /`proposal` is made of JavaScript.*Leave `proposal` out/,
  ],
  ['lookahead', { model: KERNELS, lookahead: FORESIGHT }, /`lookahead` is made of JavaScript/],
  ['scheme', { model: VOLATILITY, scheme: 'multinomial' }, /'multinomial'.*'systematic' or 'stratified'/],
  ['quasiRandom', { model: LINEAR, quasiRandom: true }, /`quasiRandom` is true.*random draws/],
];

test('a filter that the card cannot run is refused by webgpu before any work, with what to do', async () => {
  for (const [option, options, text] of CANNOT) {
    const { backend, calls } = asked('webgpu');
    const refused = run(particleFilter({ ...options, observations: Y }), { seed: 1, backend });
    const error = await refused.catch((reason: unknown) => reason);
    if (!(error instanceof OptionError)) throw error;
    expect([error.option, calls]).toEqual([option, []]);
    expect(error.message).toMatch(text);
    expect(error.message).toMatch(/^particleFilter: .*backend 'webgpu'.*backend: 'auto'/);
  }
});

test('the same filter runs on the host for any other backend, and so do builders, without a note', async () => {
  const fit = [LINEAR, VOLATILITY].map((model) => ['', { model }] as const);
  for (const [, options] of [...CANNOT, ...fit]) {
    const { backend, calls } = asked('wasm');
    const method = particleFilter({ ...options, particles: 64, observations: Y });
    const { provenance, logNormalizer } = await run(method, { seed: 1, backend });
    expect([provenance.precision, provenance.notes, calls]).toEqual(['float64', [], []]);
    expect(logNormalizer.value).toBeLessThan(0);
  }
});

test('a model of kernels asks for the card with all its evaluations, and tells why it ran on the host', async () => {
  const { backend, calls } = asked('wasm');
  const method = particleFilter({ model: KERNELS, particles: 64, runs: 3, observations: Y });
  const { provenance } = await run(method, { seed: 1, backend });
  expect(calls).toEqual([64 * 3 * 4]);
  expect(provenance).toMatchObject({
    precision: 'float64',
    notes: ['Ran on the processor: the card is away.'],
  });
});
