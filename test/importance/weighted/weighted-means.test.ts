import { expect, test } from 'vitest';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import {
  logNormalizerOf,
  type WeightedPoints,
  weightedMeanOf,
} from '../../../estimators/importance/weighted/weighted-means.ts';
import { expectCoverage, expectMeans, expectRejected, replicate } from '../../support/law.ts';

const SEED = 20_261_127;
const logs = (weights: readonly number[]): Float64Array => Float64Array.from(weights, Math.log);
const iid = (weights: readonly number[]): WeightedPoints => ({
  logWeight: logs(weights),
  replicates: 1,
  independent: true,
});

test('weightedMeanOf(): by hand, plain and self-normalised', () => {
  const times = <T>(x: readonly T[]): T[] => Array.from({ length: 16 }, (_, i) => x[i % 4]!);
  const w = times([1, 2, 0, 1]);
  const h = Float64Array.from(times([3, 1, Number.NaN, -2]));
  const plain = weightedMeanOf(iid(w), h, 'plain', 0.95);
  expect(plain.value).toBeCloseTo(3 / 4, 14);
  expect(plain.ess).toBeCloseTo((4 * 7 ** 2) / 17, 12);
  const ratio = weightedMeanOf(iid(w), h, 'self-normalised', 0.95);
  expect(ratio.value).toBeCloseTo(3 / 4, 14);
  // Sixteen points are too few to tell a tail, so there is no interval.
  expect([plain.status, ratio.status]).toEqual(['heavy', 'heavy']);
  expect(plain.standardError).toBeNaN();
});

test('weightedMeanOf(): the error of a ratio is sd(w (h - m)) / mean(w) / sqrt n, at any scale of the weights', () => {
  const n = 200;
  const stream = rngFromSeed(SEED).stream({ purpose: 0 });
  const w = Array.from({ length: n }, () => 0.5 + stream.uniform());
  const h = Float64Array.from({ length: n }, () => stream.normal());
  const total = w.reduce((a, b) => a + b);
  const m = w.reduce((s, x, i) => s + x * h[i]!, 0) / total;
  const squares = w.reduce((s, x, i) => s + ((x * (h[i]! - m) * n) / total) ** 2, 0);
  const found = weightedMeanOf(iid(w), h, 'self-normalised', 0.95);
  expect(found.value).toBeCloseTo(m, 13);
  expect(found.standardError).toBeCloseTo(Math.sqrt(squares / (n - 1) / n), 13);
  const shifted = { ...iid(w), logWeight: logs(w).map((l) => l + 900) };
  expect(weightedMeanOf(shifted, h, 'self-normalised', 0.95).standardError).toBeCloseTo(
    found.standardError,
    12,
  );
  const spread = Math.sqrt(w.reduce((s, x) => s + (x - total / n) ** 2, 0) / (n - 1) / n);
  const normalizer = logNormalizerOf(shifted, 0.95);
  expect(normalizer.value).toBeCloseTo(900 + Math.log(total / n), 11);
  expect(normalizer.standardError).toBeCloseTo((spread * n) / total, 12);
});

test('weightedMeanOf(): replicates give Student errors from their means', () => {
  const w = Array.from({ length: 40 }, (_, i) => 1 + (i % 3) / 4);
  const h = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i));
  const found = weightedMeanOf({ logWeight: logs(w), replicates: 4, independent: false }, h, 'plain', 0.95);
  const means = [0, 1, 2, 3].map((r) => {
    let s = 0;
    for (let i = 10 * r; i < 10 * r + 10; i++) s += w[i]! * h[i]!;
    return s / 10;
  });
  const mean = means.reduce((a, b) => a + b) / 4;
  const se = Math.sqrt(means.reduce((s, x) => s + (x - mean) ** 2, 0) / 3 / 4);
  expect(found.standardError).toBeCloseTo(se, 13);
  // t quantile of 3 degrees at 97.5 %.
  expect(found.high - found.value).toBeCloseTo(3.182446305284263 * se, 10);
  const one = { logWeight: logs(w), replicates: 1, independent: false };
  expect(weightedMeanOf(one, h, 'plain', 0.95).standardError).toBeNaN();
});

test('weightedMeanOf(): nothing seen is NaN, a constant has no error, heavy summands no interval', () => {
  const w = Array.from({ length: 50 }, (_, i) => 0.1 * (1 + (i % 7)));
  const none = weightedMeanOf(iid(w), new Float64Array(50), 'plain', 0.95);
  expect([none.status, none.value, none.standardError]).toEqual(['unseen', Number.NaN, Number.NaN]);
  const constant = weightedMeanOf(iid(w), new Float64Array(50).fill(0.3), 'self-normalised', 0.95);
  expect(constant.value).toBeCloseTo(0.3, 14);
  expect(constant.standardError).toBeNaN();
  // Weights u^-1.2: the tail has index 1.2, no mean.
  const heavy = Array.from({ length: 2000 }, (_, i) => ((i + 0.5) / 2000) ** -1.2);
  const found = weightedMeanOf(iid(heavy), new Float64Array(2000).fill(1), 'plain', 0.95);
  expect(found.status).toBe('heavy');
  expect(found.paretoShape).toBeGreaterThan(0.9);
  expect([found.standardError, found.low, found.high]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(logNormalizerOf(iid(heavy), 0.95).standardError).toBeNaN();
});

/** f = N(0, 1) and q = N(0, 1.5^2), 200 points. */
function normalRun(rng: ReturnType<typeof rngFromSeed>): { logWeight: Float64Array; x: Float64Array } {
  const stream = rng.stream({ purpose: 9 });
  const x = Float64Array.from({ length: 200 }, () => 1.5 * stream.normal());
  return { logWeight: x.map((v) => Math.log(1.5) - 0.5 * v * v * (1 - 1 / 2.25)), x };
}

test('weightedMeanOf(): 95 % intervals cover, with plain and self-normalised weights; too short ones are rejected', () => {
  const hits = { plain: 0, ratio: 0, log: 0, short: 0 };
  const means = replicate(1000, SEED, (rng) => {
    const { logWeight, x } = normalRun(rng);
    const points = { logWeight, replicates: 1, independent: true };
    const unknown = { ...points, logWeight: logWeight.map((l) => l + 3) };
    const h = x.map((v) => (v - 1) ** 2);
    const plain = weightedMeanOf(points, h, 'plain', 0.95);
    const ratio = weightedMeanOf(unknown, h, 'self-normalised', 0.95);
    const normalizer = logNormalizerOf(unknown, 0.95);
    if (plain.low <= 2 && 2 <= plain.high) hits.plain++;
    if (ratio.low <= 2 && 2 <= ratio.high) hits.ratio++;
    if (normalizer.low <= 3 && 3 <= normalizer.high) hits.log++;
    if (Math.abs(plain.value - 2) <= 1.5 * plain.standardError) hits.short++;
    return [plain.value, Math.exp(normalizer.value - 3)];
  });
  expectCoverage(hits.plain);
  expectCoverage(hits.ratio);
  expectCoverage(hits.log);
  expectRejected(() => expectCoverage(hits.short));
  // A bias of 0.25 sd of one run is caught 99 % of the time.
  expectMeans(means, [2, 1]);
  // Weights taken for normalised that lack the constant of a density, here 1.5.
  const forgotten = { ...means, values: means.values.map((v) => v / 1.5) };
  expectRejected(() => expectMeans(forgotten, [2, 1]));
});

test('weightedMeanOf(): what rests on next to no weight has no value, and a signed mean needs weights everywhere', () => {
  // f = N(0, 1) at the middles of 400 equal parts of q = N(mu, 1).
  const at = (mu: number): { points: WeightedPoints; x: Float64Array } => {
    const x = Float64Array.from({ length: 400 }, (_, i) => mu + normalQuantile((i + 0.5) / 400));
    return {
      points: { logWeight: x.map((v) => mu * (mu / 2 - v)), replicates: 1, independent: true },
      x,
    };
  };
  const far = at(5);
  for (const kind of ['plain', 'self-normalised', 'smoothed'] as const)
    expect(weightedMeanOf(far.points, far.x, kind, 0.95)).toMatchObject({
      value: Number.NaN,
      status: 'heavy',
    });
  // An event that all points are in: a ratio would be 1, whatever the weights.
  const near = at(0.2);
  const smoothed = weightedMeanOf(near.points, near.x, 'smoothed', 0.95);
  expect([smoothed.status, smoothed.value > -0.1, smoothed.low]).toEqual(['estimated', true, Number.NaN]);
  const sure = weightedMeanOf(
    far.points,
    far.x.map(() => 1),
    'self-normalised',
    0.95,
    true,
  );
  expect([sure.value, sure.status]).toEqual([Number.NaN, 'heavy']);
  // The event x > 2 from N(2, 1): its own weights tell it, but 1 + x needs the other side as well.
  const { points, x } = at(2);
  const event = weightedMeanOf(
    points,
    x.map((v) => (v > 2 ? 1 : 0)),
    'plain',
    0.95,
    true,
  );
  expect(event.value).toBeCloseTo(0.02275, 4);
  expect([event.status, weightedMeanOf(points, x, 'plain', 0.95).status]).toEqual(['estimated', 'heavy']);
  // Six hits of one weight are a count, and stand.
  const few = x.map((_, i) => (i < 6 ? 1 : 0));
  expect(weightedMeanOf(iid(Array(400).fill(1)), few, 'plain', 0.95, true).value).toBeCloseTo(6 / 400, 14);
});

test('weightedMeanOf(): the two levels of an event are no heavy tail of a ratio', () => {
  const stream = rngFromSeed(SEED).stream({ purpose: 1 });
  const x = Float64Array.from({ length: 1000 }, () => 1.2 * stream.normal());
  const points = { logWeight: x.map((v) => -0.5 * v * v * (1 - 1 / 1.44)), replicates: 1, independent: true };
  const found = weightedMeanOf(
    points,
    x.map((v) => (v > 1.5 ? 1 : 0)),
    'self-normalised',
    0.95,
    true,
  );
  expect(found.status).toBe('estimated');
  expect(Math.abs(found.value - 0.0668072) / found.standardError).toBeLessThan(4.9);
});
