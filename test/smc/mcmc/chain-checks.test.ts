import { describe, expect, test } from 'vitest';
import { normal, OptionError, pcn, rngFromSeed, uniform } from '../../../estimators/index.ts';
import { chainAnswer, keepDraws, makeChainRecord } from '../../../estimators/smc/mcmc/chain-record.ts';
import { chainWarnings } from '../../../estimators/smc/mcmc/chain-warnings.ts';
import { conditionalSmc } from '../../../estimators/smc/mcmc/conditional-smc.ts';
import { particleGibbs } from '../../../estimators/smc/mcmc/particle-gibbs.ts';
import { pmmh } from '../../../estimators/smc/mcmc/pmmh.ts';
import { smcSquared } from '../../../estimators/smc/mcmc/smc-squared.ts';
import { autoregression } from './autoregression.ts';

const family = { model: autoregression, observations: [0.3, null, -1.2], prior: { rho: uniform(0, 1) } };
const { observations } = family;
const long = new Array<number>(4000).fill(0);

describe('refused before a run', () => {
  const bad: Readonly<Record<string, () => unknown>> = {
    'pmmh with a scheme under which Z-hat is biased': () => pmmh({ ...family, scheme: 'metropolis' }),
    'smcSquared with such a scheme': () => smcSquared({ ...family, scheme: 'metropolis' }),
    'pmmh with more draws than memory': () => pmmh({ ...family, iterations: 2e9 }),
    'pmmh with a warm-up beyond memory': () => pmmh({ ...family, iterations: 10, warmup: 2e9 }),
    'particleGibbs with more draws than memory': () => particleGibbs({ ...family, iterations: 2e9 }),
    'pmmh with more particles than memory': () => pmmh({ ...family, particles: 5e7 }),
    'pmmh with more noise filters than memory': () =>
      pmmh({ ...family, particles: 1e5, noiseFilters: 1000, chains: 1 }),
    'pmmh with more shared normals than memory': () =>
      pmmh({ ...family, observations: long, particles: 2e4, correlation: 0.9 }),
    'particleGibbs with more particles than memory': () => particleGibbs({ ...family, particles: 5e7 }),
    'particleGibbs by an update, with more particles than memory': () =>
      particleGibbs({
        ...{ model: autoregression, observations, particles: 5e7, parameters: ['rho'] },
        ...{ start: () => [0.5], update: (_, theta) => theta },
      }),
    'conditionalSmc with a history beyond memory': () =>
      conditionalSmc({
        model: autoregression([0.5]),
        observations: long,
        particles: 2e4,
        variant: 'backward',
      }),
    'smcSquared with more particles than memory': () => smcSquared({ ...family, innerParticles: 1e6 }),
    'smcSquared that grows beyond memory': () =>
      smcSquared({ ...family, innerParticles: 1e4, mostInnerParticles: 1e6 }),
    'a model that is none': () => pmmh({ ...family, model: () => ({ dimension: 1 }) as never }),
    'a kernel for another prior': () => pmmh({ ...family, kernel: pcn() }),
  };
  for (const [name, make] of Object.entries(bad)) test(name, () => expect(make).toThrow(OptionError));

  test('and not refused: other schemes, a normal prior, chains of paths that keep no draws', () => {
    expect(() => pmmh({ ...family, scheme: 'killing' })).not.toThrow();
    expect(() => pmmh({ ...family, prior: { rho: normal(0, 1) }, kernel: pcn() })).not.toThrow();
    const model = autoregression([0.5]);
    expect(() => conditionalSmc({ model, observations, iterations: 1e9 })).not.toThrow();
    // Compact paths where a full history would not fit; filters that may grow as far as memory goes.
    expect(() =>
      conditionalSmc({ model, observations: long, particles: 2e4, variant: 'plain' }),
    ).not.toThrow();
    expect(() => smcSquared({ ...family, innerParticles: 6e4 })).not.toThrow();
  });
});

test('chains-short: chains below ten relaxation times are told of, however many there are', () => {
  const codesOf = (relaxation: number, chains: number): string[] => {
    const rho = Math.exp(-1 / relaxation);
    const record = makeChainRecord(chains, 1, 200);
    const streams = Array.from({ length: chains }, (_, particle) =>
      rngFromSeed(3).stream({ purpose: 40, particle }),
    );
    const at = streams.map((stream) => stream.normal());
    for (let i = 0; i < 200; i++)
      keepDraws(record, (c) => {
        at[c] = rho * at[c]! + Math.sqrt(1 - rho * rho) * streams[c]!.normal();
        return [at[c]!];
      });
    return chainWarnings(['x'], chainAnswer(record, ['x'])).map(({ code }) => code);
  };
  // 200 draws, 4 of them independent: 160 in all chains.
  expect(codesOf(25, 40)).toContain('chains-short');
  expect(codesOf(6, 40)).not.toContain('chains-short');
});
