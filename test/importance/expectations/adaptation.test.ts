import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { componentDensities } from '../../../estimators/importance/expectations/component-densities.ts';
import {
  controlSums,
  diagonalControl,
  ratiosOf,
} from '../../../estimators/importance/expectations/controls.ts';
import { wholeNumbers } from '../../../estimators/importance/expectations/draw.ts';
import { fitComponents } from '../../../estimators/importance/expectations/fit.ts';
import { nextRung } from '../../../estimators/importance/expectations/ladder.ts';
import { leastSquares } from '../../../estimators/importance/expectations/least-squares.ts';
import { optimalShares } from '../../../estimators/importance/expectations/mixture-weights.ts';
import { assemble, type Proposal } from '../../../estimators/importance/expectations/proposal.ts';
import { summandsOf, termsOf } from '../../../estimators/importance/expectations/summands.ts';
import { adaptedRun, ofOneNormal, settingsOf } from '../../support/integrands.ts';

const SEED = 568;
const backend = jsBackend();
const draws = (n: number): Float64Array => {
  const stream = rngFromSeed(SEED).stream({ purpose: 32 });
  return Float64Array.from({ length: n }, () => stream.normal());
};

test('optimalShares(): the loss never increases, and the certificate bounds its distance from the minimum', async () => {
  const x = draws(400);
  const centres = [-2, -1, 0, 1.5, 3];
  const ratio = Float64Array.from({ length: 400 * 5 }, (_, at) =>
    Math.exp(centres[at % 5]! * x[Math.floor(at / 5)]! - 0.5 * centres[at % 5]! ** 2),
  );
  const roughness = x.map((value) => value ** 4);
  for (const floor of [0, 0.02]) {
    const least = new Float64Array(5).fill(floor);
    const problem = { roughness, ratio, least, open: centres.map(() => true) };
    const solve = (steps: number) =>
      optimalShares(backend, backend.arena(), problem, new Float64Array(5).fill(1), { steps, tolerance: 0 });
    const best = (await solve(2000)).value;
    let before = Infinity;
    for (let steps = 0; steps < 25; steps++) {
      const { share, value, certificate } = await solve(steps);
      expect(value).toBeLessThanOrEqual(before);
      expect(value - best).toBeLessThanOrEqual(certificate + 1e-12 * value);
      expect(Math.min(...share)).toBeGreaterThanOrEqual(floor);
      expect(share.reduce((sum, own) => sum + own, 0)).toBeCloseTo(1, 12);
      before = value;
    }
    // Every other point of the simplex is worse.
    const corner = await optimalShares(backend, backend.arena(), problem, new Float64Array([1, 0, 0, 0, 0]), {
      steps: 0,
      tolerance: 0,
    });
    expect(corner.value).toBeGreaterThan(best);
  }
});

/** g_j = N(a_j, 1), which is the optimal density of exp(a_j x) under N(0, 1). */
function exact(slopes: readonly number[], share: readonly number[]): Proposal {
  const parts = slopes.map((a) => [{ share: 1, mean: Float64Array.of(a), factor: Float64Array.of(1) }]);
  return assemble(1, parts, Float64Array.from(share));
}

test('exact components and beta_j = I_j: no summand varies, whatever the shares; and sum_k alpha_k R_ik = 1', async () => {
  const slopes = [-1, 0.5, 2];
  const integrands = ofOneNormal(slopes.map((a) => (x: number) => Math.exp(a * x)));
  const truth = Float64Array.from(slopes, (a) => Math.exp(0.5 * a * a));
  const x = draws(200).map((value) => 2 * value);
  const evaluated = await integrands.evaluate(x, 200);
  for (const share of [
    [0.2, 0.3, 0.4, 0.1],
    [0.9, 0.05, 0.05, 0],
    [0.01, 0.01, 0.97, 0.01],
  ]) {
    const densities = await componentDensities(backend, exact(slopes, share), x, evaluated.logBase);
    const found = termsOf(integrands, evaluated, densities);
    for (let i = 0; i < 200; i++) {
      const sum = share.reduce((total, alpha, k) => total + alpha * ratiosOf(densities)[i * 4 + k]!, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-12);
    }
    const control = diagonalControl(truth);
    const constant = controlSums(control, 3);
    summandsOf(found, control, 3).forEach((value, at) => {
      const off = value + constant[at % 3]! - truth[at % 3]!;
      const size = found.terms[at]! + truth[at % 3]!;
      expect(Math.abs(off)).toBeLessThan(1e-12 * size);
    });
  }
});

test('fitComponents(): moments of the weighted points, in any units; none where all weights are 0', async () => {
  const z = draws(600);
  for (const unit of [1, 1e-9, 1e9]) {
    const x = Float64Array.from(
      { length: 600 },
      (_, at) => unit * (at % 2 === 0 ? z[at]! : z[at]! + z[at - 1]!),
    );
    const weight = Float64Array.from({ length: 600 }, (_, at) => (at % 2 === 0 ? 1 : 0));
    const [all, none] = await fitComponents(backend, x, 2, weight, 2, {
      kind: 'normal',
      absoluteRidge: false,
      start: () => 0.3,
    });
    expect(none).toBeUndefined();
    const { factor, mean } = all![0]!;
    expect(Math.abs(mean[1]! / unit)).toBeLessThan(0.4);
    const slope = factor[2]! / factor[0]!;
    expect(slope).toBeGreaterThan(0.8);
    expect(slope).toBeLessThan(1.2);
  }
});

test("fitComponents(): 'mixture' finds both humps of a function", async () => {
  const x = draws(2000).map((value, i) => 0.5 * value + (i % 4 === 0 ? 3 : -3));
  const [parts] = await fitComponents(backend, x, 1, new Float64Array(2000).fill(1), 1, {
    kind: 'mixture',
    absoluteRidge: false,
    start: () => 0,
  });
  const found = [...parts!].sort((a, b) => a.mean[0]! - b.mean[0]!);
  expect(found.map(({ mean }) => Math.round(mean[0]!))).toEqual([-3, 3]);
  expect(found[1]!.share).toBeCloseTo(0.25, 2);
  expect(found[0]!.factor[0]!).toBeCloseTo(0.5, 1);
});

test('leastSquares(): exact coefficients, with constant, equal and collinear columns among the table', () => {
  const n = 60;
  const z = draws(2 * n);
  const rows = Array.from({ length: n }, (_, i) => [
    z[2 * i]!,
    1e6 * z[2 * i + 1]!,
    7,
    z[2 * i]!,
    z[2 * i]! - 1e6 * z[2 * i + 1]!,
  ]);
  const responses = Float64Array.from(rows.flatMap(([a, b]) => [3 * a! - 2e-6 * b! + 5, a!]));
  const found = leastSquares(Float64Array.from(rows.flat()), 5, responses, 2);
  rows.forEach((row, i) => {
    const fitted = (j: number) =>
      row.reduce((sum, value, k) => sum + (value - rows[0]![k]!) * found[j * 5 + k]!, 0);
    expect(fitted(0)).toBeCloseTo(responses[2 * i]! - responses[0]!, 9);
    expect(fitted(1)).toBeCloseTo(responses[2 * i + 1]! - responses[1]!, 9);
  });
});

test('wholeNumbers(): sum to n, stay within one of n times the share, and leave out only shares of 0', () => {
  const share = Float64Array.of(0.5, 0.251, 0, 0.239, 0.01);
  expect([...wholeNumbers(share, 1000)!]).toEqual([500, 251, 0, 239, 10]);
  for (const n of [8, 10, 97, 5003]) {
    const counts = wholeNumbers(share, n)!;
    expect(counts.reduce((a, b) => a + b, 0)).toBe(n);
    expect([...counts].map((count) => count > 0)).toEqual([...share].map((value) => value > 0));
    if (n > 100)
      expect(Math.max(...counts.map((count, k) => Math.abs(count - n * share[k]!)))).toBeLessThan(1);
  }
  expect(wholeNumbers(share, 7)).toBeUndefined();
});

test('nextRung(): a tenth of a stage is above it, until enough points are inside', () => {
  const scores = Float64Array.from({ length: 1000 }, (_, i) => i - 989.5);
  const rung = nextRung(scores, 1, 0, 1000, 200);
  expect(scores.filter((score) => score > rung).length).toBe(20);
  expect(
    nextRung(
      scores.map((score) => score + 30),
      1,
      0,
      1000,
      200,
    ),
  ).toBe(0);
  expect(nextRung(new Float64Array(50).fill(-1), 1, 0, 50, 50)).toBe(-1);
});

test('where the laws are already the best density, the first two stages end the search', async () => {
  for (const floor of [0.05, 0]) {
    const { state, value } = await adaptedRun(
      ofOneNormal([() => 3]),
      settingsOf(4000, { floor, design: 'iid', replicates: 1 }),
      SEED,
    );
    expect(state.stages.length).toBeLessThanOrEqual(2);
    expect(state.points.n).toBeGreaterThanOrEqual(0.7 * 4000);
    expect(value[0]).toBeCloseTo(3, 12);
  }
});

test('1019 points: four stages after the first, 514 points left', async () => {
  const settings = settingsOf(1019, { design: 'iid', replicates: 1, keep: 'newest' });
  const { state } = await adaptedRun(ofOneNormal([(x) => x ** 8, (x) => x ** 8]), settings, 3);
  expect(settings.perStage).toBe(101);
  expect(state.stages.length).toBe(5);
  expect(state.points.n).toBe(514);
});

test('a function that is 0 on the whole first stage keeps the laws as its density, and disturbs no other', async () => {
  const far = (x: number): number => (x > 12 ? 1 : 0);
  const { state, value } = await adaptedRun(ofOneNormal([far, (x) => x * x]), settingsOf(4000), SEED);
  expect([...state.adaptingHits]).toEqual([0, expect.any(Number)]);
  expect([...state.adapted.proposal.first].slice(0, 2)).toEqual([0, 0]);
  expect(value[0]).toBe(0);
  expect(Math.abs(value[1]! - 1)).toBeLessThan(0.05);
});

test("controls: 'all' bears equal functions, and more functions than points of a stage are adapted", async () => {
  const equal = await adaptedRun(
    ofOneNormal([(x) => x * x, (x) => x * x, (x) => 2 * x * x]),
    settingsOf(2000, { controls: 'all' }),
    SEED,
  );
  expect(equal.value[2]! / equal.value[0]!).toBeCloseTo(2, 10);
  expect(Math.abs(equal.value[0]! - 1)).toBeLessThan(0.05);
  const many = Array.from({ length: 130 }, (_, j) => (x: number) => Math.exp((0.5 * j * x) / 130));
  const { value, state } = await adaptedRun(ofOneNormal(many), settingsOf(1000), SEED);
  expect(state.stages[0]!.points).toBe(100);
  const off = value.map((own, j) => Math.abs(own / Math.exp(0.125 * (j / 130) ** 2) - 1));
  expect(Math.max(...off)).toBeLessThan(0.05);
});
