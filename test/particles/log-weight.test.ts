import { expect, test } from 'vitest';
import { ShapeError, ValueError } from '../../engine/errors.ts';
import {
  conditionalEss,
  ess,
  largestWeight,
  logMeanExp,
  logSumExp,
  normalizedWeight,
  perplexity,
} from '../../engine/particles/log-weight.ts';
import { weightedMean, weightedMoments } from '../../engine/particles/moments.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { sum } from '../../engine/wasm/twins/sums.ts';
import reference from '../reference/weights-and-resampling.json' with { type: 'json' };

const number = (x: number | string): number => (x === '-inf' ? -Infinity : Number(x));
const all = (xs: readonly (number | string)[]): Float64Array => Float64Array.from(xs, number);
const close = (found: number, wanted: number, relative = 4e-16): void => {
  if (Number.isFinite(wanted))
    expect(Math.abs(found - wanted)).toBeLessThanOrEqual(relative * Math.abs(wanted));
  else expect(found).toBe(wanted);
};

test.each(reference.log_weight_cases)(
  'logSumExp(), logMeanExp(), ess(): the reference values of $log_weights',
  (c) => {
    const l = all(c.log_weights);
    close(logSumExp(l), number(c.logsumexp));
    // One case has a mean of exactly 1, where the logarithm is 0 and an absolute error is what counts.
    expect(Math.abs(logMeanExp(l) - number(c.log_mean_exp)) < 4e-16 * Math.abs(logSumExp(l)) + 1e-15).toBe(
      number(c.log_mean_exp) !== -Infinity,
    );
    close(ess(l), c.ess);
  },
);

test('all dead: log sums are -Infinity, sizes and weights are 0, nothing is NaN', () => {
  const dead = all(['-inf', '-inf', '-inf']);
  expect([logSumExp(dead), logMeanExp(dead)]).toEqual([-Infinity, -Infinity]);
  expect([ess(dead), perplexity(dead), largestWeight(dead), conditionalEss(dead, dead)]).toEqual([
    0, 0, 0, 0,
  ]);
  expect(normalizedWeight(dead)).toEqual(new Float64Array(3));
});

test('NaN and +Infinity throw ValueError with the particle', () => {
  for (const bad of [Number.NaN, Infinity]) {
    const l = new Float64Array(3000);
    l[2500] = bad;
    for (const f of [logSumExp, logMeanExp, ess, perplexity, largestWeight, normalizedWeight]) {
      expect(() => f(l)).toThrow(ValueError);
      expect(() => f(l)).toThrow(`logWeight is ${bad} at particle 2500`);
    }
  }
});

test('sizes: equal weights give n, one live particle gives 1, and offsets change nothing', () => {
  for (const n of [1, 7, 1024, 3001]) {
    const equal = new Float64Array(n).fill(-745);
    expect(ess(equal)).toBe(n);
    close(perplexity(equal), n, 1e-14);
    close(largestWeight(equal), 1 / n);
    const one = new Float64Array(n).fill(-Infinity);
    one[n >> 1] = 710;
    expect([ess(one), perplexity(one), largestWeight(one)]).toEqual([1, 1, 1]);
  }
  const l = Float64Array.from({ length: 2000 }, (_, i) => -((i * 7) % 512));
  for (const offset of [-(2 ** 40), 2 ** 40]) {
    const moved = l.map((x) => x + offset);
    expect(ess(moved)).toBe(ess(l));
    expect(normalizedWeight(moved)).toEqual(normalizedWeight(l));
  }
});

test('weights spread over 700 nats: sums stay finite and the light end is kept', () => {
  const l = Float64Array.from({ length: 701 }, (_, i) => -i);
  close(logSumExp(l), Math.log(1 / (1 - Math.exp(-1))), 1e-15);
  expect(normalizedWeight(l)[700]).toBeGreaterThan(0);
});

test('perplexity(): weights 1/2, 1/4, 1/4 give 2^1.5', () => {
  close(perplexity(all([0, -Math.LN2, -Math.LN2, '-inf'])), 2 ** 1.5, 1e-15);
});

test('conditionalEss(): equals ess of the increment under uniform weights, and n under a constant increment', () => {
  const stream = rngFromSeed(3).stream({ purpose: 32 });
  const l = Float64Array.from({ length: 1500 }, () => 3 * stream.normal());
  const w = Float64Array.from({ length: 1500 }, () => 3 * stream.normal());
  close(conditionalEss(new Float64Array(1500).fill(5), l), ess(l), 1e-13);
  close(conditionalEss(l, new Float64Array(1500).fill(-900)), 1500, 1e-13);
  // By the definition, left to right.
  const W = normalizedWeight(w);
  let first = 0;
  let second = 0;
  W.forEach((p, i) => {
    first += p * Math.exp(l[i]!);
    second += p * Math.exp(2 * l[i]!);
  });
  close(conditionalEss(w, l), (1500 * first * first) / second, 1e-12);
});

test('conditionalEss(): increments of dead particles do not count, whatever they are', () => {
  const before = all([0, '-inf', 0]);
  close(conditionalEss(before, all([-800, 800, -800])), 3, 1e-15);
  expect(() => conditionalEss(before, all([1, 2]))).toThrow(ShapeError);
});

test('sum(): the reference value of the fixed tree, to the last bit', () => {
  const x = Float64Array.from({ length: 10000 }, (_, i) => 1 / (i + 1));
  expect(sum(x)).toBe(reference.fixed_tree_sum.value);
  expect(x.reduce((a, b) => a + b, 0)).not.toBe(reference.fixed_tree_sum.value);
});

test('weightedMoments(): mean and covariance of a hand-made case; a dead row may hold NaN', () => {
  // Weights 1/4, 3/4 on (0, 10) and (4, 2): mean (3, 4), covariance 3/16 (4, -8)'(4, -8).
  const x = Float64Array.of(0, 10, Number.NaN, Infinity, 4, 2);
  const { mean, covariance } = weightedMoments(x, all([100, '-inf', 100 + Math.log(3)]));
  [3, 4].forEach((m, c) => {
    close(mean[c]!, m, 1e-14);
  });
  [3, -6, -6, 12].forEach((s, c) => {
    close(covariance[c]!, s, 1e-13);
  });
});

test('weightedMean(): of many rows agrees with the plain sum, one column at a time', () => {
  const stream = rngFromSeed(5).stream({ purpose: 32 });
  const x = Float64Array.from({ length: 2500 * 3 }, () => stream.normal());
  const l = Float64Array.from({ length: 2500 }, () => stream.normal());
  const W = normalizedWeight(l);
  const plain = [0, 1, 2].map((c) => W.reduce((total, p, i) => total + p * x[3 * i + c]!, 0));
  weightedMean(x, l).forEach((m, c) => {
    expect(m).toBeCloseTo(plain[c]!, 13);
  });
  expect(() => weightedMean(x.subarray(1), l)).toThrow(ShapeError);
});
