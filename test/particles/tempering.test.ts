import { expect, test } from 'vitest';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { conditionalEss, ess } from '../../engine/particles/log-weight.ts';
import { type TemperingOptions, temperingStep } from '../../engine/particles/tempering.ts';
import reference from '../reference/tempering.json' with { type: 'json' };

const { loglik, cases } = reference.temperingStep;
const logLikelihood = Float64Array.from(loglik);
const n = logLikelihood.length;

function weights(kind: string): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => (kind === 'uniform' ? 0 : -i / 10));
}

function optionsOf(at: (typeof cases)[number]): TemperingOptions {
  return {
    logWeight: weights(at.weights),
    logLikelihood,
    remaining: 1 - at.lambda0,
    essFraction: at.target_fraction,
    criterion: at.criterion === 'ESS' ? 'ess' : 'cess',
  };
}

test.each(cases)('temperingStep(): $criterion at $target_fraction from weights $weights', (at) => {
  const { delta, kind } = temperingStep(optionsOf(at));
  expect(Math.abs(delta - at.delta)).toBeLessThan(1e-10);
  expect(kind).toBe(at.delta === 1 - at.lambda0 ? 'last' : 'step');
});

test('temperingStep(): the fixture tells a minus sign from a plus', () => {
  const flipped = { ...optionsOf(cases[0]!), logLikelihood: logLikelihood.map((l) => -l) };
  expect(Math.abs(temperingStep(flipped).delta - cases[0]!.delta)).toBeGreaterThan(1e-3);
});

test('temperingStep(): the effective size is reached from above, to rounding', () => {
  for (const essFraction of [0.3, 0.5, 0.9, 0.99]) {
    for (const kind of ['uniform', 'falling']) {
      const logWeight = weights(kind);
      const { delta, size } = temperingStep({ logWeight, logLikelihood, remaining: 1, essFraction });
      const increment = logLikelihood.map((l) => delta * l);
      expect(size).toBeGreaterThanOrEqual(essFraction * n);
      expect(size).toBeCloseTo(essFraction * n, 7);
      expect(conditionalEss(logWeight, increment)).toBeCloseTo(size, 9);
      if (kind === 'uniform') expect(ess(increment)).toBeCloseTo(size, 9);
    }
  }
});

test('temperingStep(): log likelihoods spread over 1e9 and shifted by 1e12 make no difference to its accuracy', () => {
  const wide = logLikelihood.map((l) => 1e6 * l + 1e12);
  const { delta } = temperingStep({
    logWeight: weights('uniform'),
    logLikelihood: wide,
    remaining: 1,
    essFraction: 0.5,
  });
  expect(Math.abs(1e6 * delta - cases[0]!.delta)).toBeLessThan(1e-9);
});

test('temperingStep(): with too many likelihoods of 0 the others are to be selected first', () => {
  const some = logLikelihood.map((l, i) => (i % 4 === 0 ? l : -Infinity));
  const options = { logWeight: weights('uniform'), logLikelihood: some, remaining: 1, essFraction: 0.5 };
  expect(temperingStep(options)).toEqual({ kind: 'selection', delta: 0, size: n / 4 });
  const fewer = temperingStep({ ...options, essFraction: 0.2 });
  expect(fewer.kind).toBe('step');
  expect(fewer.size).toBeCloseTo(0.2 * n, 7);
});

test('temperingStep(): likelihoods of 0 among the dead do not count, nor do the largest ones there', () => {
  const logWeight = weights('uniform').map((l, i) => (i % 2 === 0 ? l : -Infinity));
  const bad = logLikelihood.map((l, i) => (i % 4 === 1 ? -Infinity : i % 4 === 3 ? 1e300 : l));
  const { kind, size } = temperingStep({ logWeight, logLikelihood: bad, remaining: 1, essFraction: 0.5 });
  expect(kind).toBe('step');
  expect(size).toBeCloseTo(n / 2, 7);
});

test('temperingStep(): weights that count for less than alpha N leave the ESS criterion without an answer', () => {
  const logWeight = weights('uniform').map((_, i) => -i);
  expect(
    temperingStep({ logWeight, logLikelihood, remaining: 1, essFraction: 0.5, criterion: 'ess' }).kind,
  ).toBe('none');
  expect(temperingStep({ logWeight, logLikelihood, remaining: 1, essFraction: 0.5 }).kind).toBe('step');
});

test('temperingStep(): nothing alive is a selection of none; one particle takes the whole way', () => {
  const none = logLikelihood.map(() => -Infinity);
  const logWeight = weights('uniform');
  expect(temperingStep({ logWeight, logLikelihood: none, remaining: 1, essFraction: 0.5 })).toEqual({
    kind: 'selection',
    delta: 0,
    size: 0,
  });
  const one = { logWeight: Float64Array.of(0), logLikelihood: Float64Array.of(-1e5) };
  expect(temperingStep({ ...one, remaining: 0.25, essFraction: 0.5 })).toEqual({
    kind: 'last',
    delta: 0.25,
    size: 1,
  });
});

test('temperingStep(): arrays of different lengths and unknown criteria are refused', () => {
  const logWeight = weights('uniform');
  const short = { logWeight, logLikelihood: logLikelihood.subarray(1), remaining: 1, essFraction: 0.5 };
  expect(() => temperingStep(short)).toThrow(ShapeError);
  // @ts-expect-error: not a criterion
  expect(() => temperingStep({ ...short, logLikelihood, criterion: 'cees' })).toThrow(OptionError);
});
