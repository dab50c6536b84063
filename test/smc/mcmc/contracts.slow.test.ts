import { hostBackend } from '../../../engine/backend/host.ts';
import { gamma } from '../../../engine/distribution/gamma.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { mala } from '../../../engine/kernel/mala.ts';
import { conditionalSmc } from '../../../estimators/smc/mcmc/conditional-smc.ts';
import { particleGibbs } from '../../../estimators/smc/mcmc/particle-gibbs.ts';
import { pmmh } from '../../../estimators/smc/mcmc/pmmh.ts';
import { smcSquared } from '../../../estimators/smc/mcmc/smc-squared.ts';
import { contract } from '../../contract/sampler.ts';
import { autoregression, drawRho } from './autoregression.ts';

const observations = [0.3, null, -1.2, 0.8, 1.1];
const backends = {
  WASM: () => hostBackend({ threads: 1 }),
  '2 threads': () => hostBackend({ threads: 2 }),
};
const chains = { observations, particles: 7, iterations: 6, warmup: 2, chains: 2 };
const family = { model: autoregression, observations };
const prior = { rho: uniform(0, 1) };

contract(
  'conditionalSmc',
  () => conditionalSmc({ ...chains, model: autoregression([0.7]), variant: 'backward' }),
  {
    backends,
    bad: {
      'a single particle': () => conditionalSmc({ ...chains, model: autoregression([0.7]), particles: 1 }),
      'an unknown variant': () =>
        conditionalSmc({ ...chains, model: autoregression([0.7]), variant: 'forward' as 'plain' }),
      'no observation': () => conditionalSmc({ model: autoregression([0.7]), observations: [] }),
      'a misspelt option': () =>
        conditionalSmc({ ...chains, model: autoregression([0.7]), burnin: 3 } as never),
      'something that is no model': () => conditionalSmc({ ...chains, model: { dimension: 1 } as never }),
      'a threshold above 1': () => conditionalSmc({ ...chains, model: autoregression([0.7]), threshold: 2 }),
    },
  },
);

const drawn = {
  parameters: ['rho'],
  start: [0.5],
  update: (path: Float64Array, _: Float64Array, stream: Parameters<typeof drawRho>[1]) => [
    drawRho(path, stream),
  ],
};

contract('particleGibbs with a draw', () => particleGibbs({ ...family, ...chains, ...drawn }), {
  backends,
  bad: {
    'no parameters': () => particleGibbs({ ...family, ...drawn, parameters: [] }),
    'a start of another length': () => particleGibbs({ ...family, ...drawn, start: [0.5, 1] }),
    'neither update nor prior': () => particleGibbs({ ...family, parameters: ['rho'] } as never),
    'a model that is no function of theta': () =>
      particleGibbs({ ...drawn, observations, model: autoregression([0.5]) as never }),
    'no iterations': () => particleGibbs({ ...family, ...drawn, iterations: 0 }),
  },
});

contract('particleGibbs with a kernel', () => particleGibbs({ ...family, ...chains, prior, moves: 2 }), {
  backends,
  bad: {
    'a kernel that needs a gradient': () => particleGibbs({ ...family, prior, kernel: mala() }),
    'a draw and a kernel at once': () => particleGibbs({ ...family, ...drawn, kernel: mala() } as never),
    'no moves': () => particleGibbs({ ...family, prior, moves: 0 }),
  },
});

contract('pmmh', () => pmmh({ ...family, ...chains, prior, noiseFilters: 4 }), {
  backends,
  bad: {
    'a correlation of 1': () => pmmh({ ...family, prior, correlation: 1 }),
    'a kernel that needs a gradient': () => pmmh({ ...family, prior, kernel: mala() }),
    'an unknown scheme': () => pmmh({ ...family, prior, scheme: 'even' as 'systematic' }),
    'no chains': () => pmmh({ ...family, prior, chains: 0 }),
    'no prior': () => pmmh({ ...family } as never),
  },
});

contract('pmmh with shared noise', () => pmmh({ ...family, ...chains, prior, correlation: 0.9 }), {
  backends,
  bad: {},
});

// Seven observations and a vague prior: outer particles are resampled, moved, and their filters doubled.
contract(
  'smcSquared',
  () =>
    smcSquared({
      ...{ model: autoregression, observations: [...observations, 3, -2], prior },
      ...{ particles: 12, innerParticles: 5, threshold: 0.95, leastAcceptance: 0.7, moves: 2 },
    }),
  {
    backends,
    bad: {
      'one outer particle': () => smcSquared({ ...family, prior, particles: 1 }),
      'fewer inner particles at most than at first': () =>
        smcSquared({ ...family, prior, innerParticles: 10, mostInnerParticles: 5 }),
      'a least acceptance of 1': () => smcSquared({ ...family, prior, leastAcceptance: 1 }),
      'a discrete prior': () => smcSquared({ ...family, prior: { rho: gamma(1, 1), k: 3 as never } }),
    },
  },
);
