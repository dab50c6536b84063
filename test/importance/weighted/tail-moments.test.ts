import { expect, test } from 'vitest';
import { normalCdf } from '../../../engine/math/erfc.ts';
import {
  drawLaw,
  monteCarlo,
  normal,
  OptionError,
  pointwise,
  rngFromSeed,
  run,
  tailMoments,
  type WeightedResult,
  weightedQuantile,
} from '../../../estimators/index.ts';

const model = pointwise(([a, b]) => 2 * a! - b! + 3);
const inputs = { a: normal(1, 1), b: normal(0, 2) };
const [mean, sd] = [5, Math.sqrt(8)];
const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** Threshold, probability, mean beyond and excess of N(5, 8) beyond score z. */
function exact(z: number): number[] {
  const p = normalCdf(-z);
  const beyond = mean + (sd * density(z)) / p;
  return [mean + z * sd, p, beyond, p * (beyond - mean - z * sd)];
}

function expectNear(
  estimate: { value: Float64Array; standardError: Float64Array },
  truth: number[],
  skip: number,
): void {
  truth.forEach((value, i) => {
    if (i === skip) expect(estimate.value[i]).toBeCloseTo(value, 12);
    else expect(Math.abs(estimate.value[i]! - value) / estimate.standardError[i]!, `${i}`).toBeLessThan(6);
  });
}

test('tailMoments: beyond a threshold and beyond a quantile, in both tails', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 8192 }), { seed: 1 });
  const z = 1.6448536269514722;
  const truth = exact(z);
  expectNear(tailMoments({ result, threshold: truth[0]! }).estimate, truth, 0);
  expectNear(tailMoments({ result, probability: 0.05 }).estimate, truth, 1);
  const [threshold, p, beyond, excess] = truth as [number, number, number, number];
  const mirrored = [2 * mean - threshold, p, 2 * mean - beyond, excess];
  expectNear(tailMoments({ result, threshold: mirrored[0]!, side: 'lower' }).estimate, mirrored, 0);
  const low = tailMoments({ result, probability: 0.05, side: 'lower' }).estimate;
  expectNear(low, mirrored, 1);
  expect(low.low[2]! < low.value[2]! && low.value[2]! < low.high[2]!).toBe(true);
  const q = weightedQuantile({ result, p: 0.95 });
  expect(q.value).toBe(tailMoments({ result, probability: 0.05 }).estimate.value[0]);
});

test('tailMoments: points that cover one tail alone, far out', () => {
  // Y ~ N(0, 1), points from N(4.5, 1): independent, normalised weights.
  const n = 4000;
  const values = drawLaw(normal(4.5, 1), rngFromSeed(3), n);
  const logWeight = values.map((y) => 4.5 * 4.5 * 0.5 - 4.5 * y);
  const result: WeightedResult = {
    sample: { points: values, shape: [n, 1], logWeight },
    outputs: { names: ['y'], values },
    design: { perReplicate: n, independent: true },
  };
  const z = 4.753424308822899;
  const p = 1e-6;
  const beyond = density(z) / p;
  const found = tailMoments({ result, probability: p });
  expectNear(found.estimate, [z, p, beyond, p * (beyond - z)], 1);
  expect(found.estimate.standardError[0]!).toBeLessThan(0.02);
  // Whoever divides by the sum of these weights divides by what the points do not cover.
  const wrong = tailMoments({ result, probability: p, estimator: 'self-normalised' });
  expect(wrong.estimate.low[0]).toBeNaN();
});

test('tailMoments: a tail that is too heavy has no interval, one without points no value', () => {
  const n = 2000;
  const values = drawLaw(normal(0, 1), rngFromSeed(4), n).map((z) => Math.exp(4 * z));
  const result: WeightedResult = {
    sample: { points: values, shape: [n, 1], logWeight: new Float64Array(n) },
    outputs: { names: ['y'], values },
    design: { perReplicate: n, independent: true },
  };
  const found = tailMoments({ result, threshold: 10 });
  expect(found.status).toEqual(['estimated', 'estimated', 'heavy', 'heavy']);
  expect(found.estimate.low[2]).toBeNaN();
  expect(found.estimate.low[1]!).toBeGreaterThan(0);
  const none = tailMoments({ result, threshold: 1e30 });
  expect([...none.estimate.value.slice(1)].every(Number.isNaN)).toBe(true);
  expect(none.status[1]).toBe('unseen');
});

test('tailMoments, weightedQuantile: bad options are refused', () => {
  const result = {
    sample: { points: new Float64Array(2), shape: [2, 1] as const, logWeight: new Float64Array(2) },
    outputs: { names: ['y'], values: new Float64Array(2) },
  };
  expect(() => tailMoments({ result })).toThrow(OptionError);
  expect(() => tailMoments({ result, threshold: 1, probability: 0.1 })).toThrow(OptionError);
  expect(() => tailMoments({ result, probability: 0.7 })).toThrow(OptionError);
  expect(() => tailMoments({ result, threshold: 1, side: 'left' } as never)).toThrow(OptionError);
  expect(() => tailMoments({ result, threshold: 1, output: 'z' })).toThrow(OptionError);
  expect(() => weightedQuantile({ result, p: 1 })).toThrow(OptionError);
});
