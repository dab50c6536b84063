import { expect, test } from 'vitest';
import { jsBackend, OptionError, run } from '../../../engine/index.ts';
import {
  type FilterOptions,
  optimalLookahead,
  optimalProposal,
  particleFilter,
  type StateSpaceModel,
} from '../../../estimators/index.ts';
import { contract } from '../../contract/sampler.ts';
import { linearCase, modelOf } from '../models/reference-models.ts';

const SEED = 77;
const lg1 = linearCase('lg1');
const model = modelOf(lg1);
const observations = lg1.y.slice(0, 8);
const exact = lg1.loglik_increments.slice(0, 8).reduce((a, b) => a + b, 0);
const filter = (more: Partial<FilterOptions> = {}): ReturnType<typeof particleFilter> =>
  particleFilter({ model, observations, particles: 64, quasiRandom: true, ...more });

contract('particleFilter({ quasiRandom: true })', filter, {
  bad: {
    'a resampling scheme': () => filter({ scheme: 'multinomial' }),
    'a threshold below 1': () => filter({ threshold: 0.5 }),
    'a measure': () => filter({ measure: 'perplexity' }),
    'no flag': () => filter({ quasiRandom: 'yes' as unknown as boolean }),
    'too many dimensions': () => filter({ model: { ...wide(), dimension: 63 } }),
  },
});

/** A model of any dimension that does nothing. */
function wide(): StateSpaceModel {
  return { dimension: 1, initial() {}, transition() {}, logObservation: (_, __, ___, out) => out.fill(0) };
}

test('quasiRandom: one run has no standard error and says so; the evidence is unbiased', async () => {
  const { logNormalizer, runs, diagnostics, meanError } = await run(filter({ standardErrors: true }), {
    seed: SEED,
  });
  expect(logNormalizer.method).toBe('none');
  expect(logNormalizer.unbiased).toBe(true);
  expect(logNormalizer.standardError).toBeNaN();
  expect(runs.standardError[0]).toBeNaN();
  expect(meanError.every(Number.isNaN)).toBe(true);
  expect(diagnostics.warnings.map(({ code }) => code)).toEqual(['one-replicate']);
  const odd = await run(filter({ particles: 100, runs: 2 }), { seed: SEED });
  expect(odd.diagnostics.warnings).toMatchObject([{ code: 'points-not-power-of-two', value: 100 }]);
});

test('quasiRandom: several runs give the error, far below that of random filters of the same size', async () => {
  const size = { particles: 512, runs: 12 };
  const quasi = await run(filter(size), { seed: SEED });
  const random = await run(particleFilter({ model, observations, ...size }), { seed: SEED });
  expect(quasi.logNormalizer.method).toBe('replicates');
  expect(quasi.logNormalizer.standardError).toBeLessThan(random.logNormalizer.standardError / 3);
  expect(Math.abs(quasi.logNormalizer.value - exact)).toBeLessThan(6 * quasi.logNormalizer.standardError);
});

test('quasiRandom: guided and fully adapted filters too, the lookahead being part of the selection', async () => {
  const guided = { proposal: optimalProposal(model) };
  const adapted = { ...guided, lookahead: optimalLookahead(model) };
  const errors: number[] = [];
  for (const more of [{}, guided, adapted]) {
    const { logNormalizer } = await run(filter({ ...more, particles: 128, runs: 12 }), { seed: SEED });
    expect(Math.abs(logNormalizer.value - exact)).toBeLessThan(6 * logNormalizer.standardError);
    errors.push(logNormalizer.standardError);
  }
  expect(errors[1]).toBeLessThan(errors[0]!);
});

test('quasiRandom: missing observations, and resampling at every step', async () => {
  const gaps = observations.map((y, t) => (t === 3 ? null : y));
  const answer = await run(filter({ observations: gaps }), { seed: SEED, backend: jsBackend() });
  expect(answer.increments[3]).toBe(0);
  expect([...answer.resampled]).toEqual([0, 1, 1, 1, 1, 1, 1, 1]);
  expect(() => filter({ model: { ...wide(), dimension: 63 } })).toThrow(OptionError);
});
