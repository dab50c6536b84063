import { expect, test } from 'vitest';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { normalise } from '../../engine/diffusion/analytic/row-mixture.ts';
import { veLinear } from '../../engine/diffusion/schedules.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import type { BatchFn } from '../../engine/types.ts';
import { autocorrelation, driftOf, levelTest, roundTrips } from '../../estimators/denoising/diagnostics.ts';
import { levelCalibration } from '../../estimators/denoising/level-calibration.ts';
import { levelLaw } from '../../estimators/denoising/level-law.ts';
import { modesOf } from '../../estimators/denoising/modes.ts';

test('levelTest(): chi-square over blocks of equal probability, in effective numbers', () => {
  const prior = Float64Array.of(0.25, 0.25, 0.25, 0.25);
  const found = levelTest(Float64Array.of(0.3, 0.2, 0.25, 0.25), prior, 100);
  expect(found.degrees).toBe(3);
  expect(found.statistic).toBeCloseTo(100 * (2 * 0.05 ** 2 * 4), 12);
  // Of the law of chi-square with 3 degrees above 2.
  expect(found.probability).toBeCloseTo(0.572406704470879, 12);
  expect(levelTest(prior, prior, 11)).toEqual({ statistic: 0, degrees: 1, probability: 1 });
  expect(levelTest(prior, prior, 9).probability).toBeNaN();
});

test('roundTrips(): from the lowest tenth to the highest and back counts one', () => {
  const prior = new Float64Array(10).fill(0.1);
  const up = [0, 5, 9, 5, 0, 9, 3, 0, 9];
  const down = [9, 0, 8, 1, 0, 9, 1, 1, 1];
  const history = Uint32Array.from(up.flatMap((level, t) => [level, down[t]!]));
  expect([...roundTrips(prior, history, 2)]).toEqual([2, 0]);
});

test('driftOf(): slopes of lines and their spread', () => {
  const lines = [0.1, 0.3].map((slope) => Float64Array.from({ length: 20 }, (_, t) => 2 + slope * t));
  const { slope, standardError } = driftOf(lines);
  expect(slope).toBeCloseTo(0.2, 12);
  expect(standardError).toBeCloseTo(0.1, 12);
});

test('autocorrelation(): 1 at lag 0, and that of an autoregression at lag 1', () => {
  const draws = rngFromSeed(4).stream({ purpose: 32 });
  const chains = Array.from({ length: 4 }, () => {
    let x = 0;
    return Float64Array.from({ length: 4000 }, () => {
      x = 0.6 * x + draws.normal();
      return x;
    });
  });
  const [zero, one] = autocorrelation(chains);
  expect(zero).toBe(1);
  // Standard error sqrt((1 - 0.36) / 16000) = 0.0063.
  expect(Math.abs(one! - 0.6)).toBeLessThan(4.892 * 0.0063);
});

const covariances = [1, 2].map(() => [
  [0.25, 0],
  [0, 0.25],
]);
const mixture = { weights: [0.25, 0.75], means: [[-1], [1]].map(([a]) => [a!, 0]), covariances };
const denoiser = mixtureDenoiser(mixture, veLinear());

test('modesOf(): posterior weights, switches and occupancy, by hand', () => {
  // Chain 0: -1, 1, 1; chain 1: 1, 1, 1. log(r_1 / r_0) = log 3 + 2 x / 0.25.
  const points = Float64Array.of(-1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0);
  const { weight, share, occupancy, switches, standardError } = modesOf(denoiser, points, 2, 5)!;
  const of = (x: number) => 1 / (1 + 3 * Math.exp(8 * x));
  expect(weight[0]).toBeCloseTo(0.25, 14);
  expect(occupancy[0]).toBeCloseTo((of(-1) + 2 * of(1)) / 3, 12);
  expect(share[0]).toBeCloseTo((of(-1) + 5 * of(1)) / 6, 12);
  expect(standardError[0]).toBeCloseTo(Math.abs(of(-1) - of(1)) / 6, 12);
  expect([...switches]).toEqual([1, 0]);
});

const levels = Float64Array.from({ length: 16 }, (_, g) => 0.1 * 1.4 ** g);
const law = levelLaw(denoiser, levels)!;
/** A power of the law of the level: 1 is right, others too bold or too shy. */
const classifier =
  (power: number): BatchFn =>
  (x, out) => {
    for (let i = 0; i < out.length / 16; i++) {
      const row = out.subarray(16 * i, 16 * (i + 1));
      law.logDensities(x, 2 * i, row, 0);
      for (let g = 0; g < 16; g++) row[g]! *= power;
      normalise(row);
      for (let g = 0; g < 16; g++) row[g] = Math.log(row[g]!);
    }
  };

test('levelCalibration(): the law of the level is calibrated; bolder and shyer ones, and rows off 1, are told', async () => {
  const draws = rngFromSeed(9).stream({ purpose: 32 });
  const points = Float64Array.from({ length: 2 * 6000 }, (_, at) => {
    const side = at % 2 === 1 ? 0 : draws.uniform() < 0.25 ? -1 : 1;
    return side + 0.5 * draws.normal();
  });
  const setting = { levels, points, dimension: 2, seed: 1 };
  const right = await levelCalibration({ ...setting, levelLaw: classifier(1) });
  expect(right.probability).toBeGreaterThan(1e-6);
  const { found, expected, standardError } = right.sharpness;
  expect(Math.abs(found - expected)).toBeLessThan(4.892 * standardError);
  right.reliability.counts.forEach((count, bin) => {
    const p = right.reliability.given[bin]!;
    if (count * p > 100)
      expect(Math.abs(right.reliability.found[bin]! - p)).toBeLessThan(4.892 * Math.sqrt(p / count));
  });
  for (const power of [0.6, 1.6]) {
    const off = await levelCalibration({ ...setting, levelLaw: classifier(power) });
    expect(off.probability).toBeLessThan(1e-6);
    expect(Math.abs(off.sharpness.found - off.sharpness.expected)).toBeGreaterThan(
      4.892 * off.sharpness.standardError,
    );
  }
  const rows = levelCalibration({ ...setting, levelLaw: (_, out) => void out.fill(-1) });
  await expect(rows).rejects.toThrow(
    'levelCalibration: the probabilities that `levelLaw` gives in row 0 sum to 5.886',
  );
});
