import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { logNormal } from '../../../engine/distribution/log-normal.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { normalCdf } from '../../../engine/math/erfc.ts';
import { named } from '../../../engine/model/model.ts';
import { run } from '../../../engine/run.ts';
import { expectations } from '../../../estimators/importance/expectations/expectations.ts';
import type {
  ExpectationsOptions,
  ExpectationsResult,
} from '../../../estimators/importance/expectations/types.ts';

const SEED = 2212;
const identity = named(({ x }) => x!);
const estimate = (options: ExpectationsOptions, seed = SEED): Promise<ExpectationsResult> =>
  run(expectations(options), { seed, backend: jsBackend() });
const codes = (result: ExpectationsResult): readonly string[] =>
  result.diagnostics.warnings.map(({ code }) => code);

test('expectations(): an event that no law reaches is unseen and NaN, never 0 with an error of 0; the rest stands', async () => {
  const result = await estimate({
    model: identity,
    inputs: { x: uniform(0, 1) },
    points: 4096,
    expectations: { never: { event: { above: 2 } }, mean: {} },
    functionals: { double: { value: ([, m]) => 2 * m! }, odds: { value: ([p]) => p! / (1 - p!) } },
  });
  expect(result.diagnosticsOf.map(({ status }) => status)).toEqual(['unseen', 'estimated']);
  expect(result.estimate.value[0]).toBeNaN();
  expect(result.estimate.standardError[0]).toBeNaN();
  const [error, twice] = [result.estimate.standardError[1]!, result.functionals.standardError[0]!];
  expect(Math.abs(result.estimate.value[1]! - 0.5)).toBeLessThan(8 * error);
  expect(Math.abs(result.functionals.value[0]! - 1)).toBeLessThan(8 * twice);
  expect(twice).toBeCloseTo(2 * error, 8);
  expect(result.functionals.value[1]).toBeNaN();
  expect(result.outcome.kind).toBe('degenerate');
  expect(codes(result)).toEqual(['event-unseen', 'functional-undefined']);
  for (const { message } of result.diagnostics.warnings) expect(message.length).toBeLessThanOrEqual(240);
});

test('expectations(): a rare event that the first stage does not see is found, or said to be unseen', async () => {
  // P(Z > 4.5) = 3.4e-6: none of 1638 first points is there, with probability 0.994.
  const exact = normalCdf(-4.5);
  const options: ExpectationsOptions = {
    model: identity,
    inputs: { x: normal(0, 1) },
    expectations: { far: { event: { above: 4.5 } } },
  };
  let covered = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const { estimate: p, diagnosticsOf } = await estimate(options, seed);
    expect(diagnosticsOf[0]!.status).toBe('estimated');
    expect(diagnosticsOf[0]!.varianceRatio).toBeLessThan(1e-4);
    // A standard error near 0.2 %, where plain Monte Carlo would have 425 %.
    expect(Math.abs(p.value[0]! / exact - 1)).toBeLessThan(0.02);
    if (p.low[0]! <= exact && exact <= p.high[0]!) covered++;
  }
  // Fewer than 7 of 10 intervals of 95 %: probability 1e-3. A fit without its wide part covers none.
  expect(covered).toBeGreaterThanOrEqual(7);
  // Without the ladder the published algorithm sees nothing, and says so.
  const published = await estimate({ ...options, preset: 'published' });
  expect(published.diagnosticsOf[0]!.status).toBe('unseen');
  expect(published.estimate.value[0]).toBeNaN();
});

/** E[X^3] of log X ~ N(0, 1.2^2), mostly from points 3.6 standard deviations out. */
const heavy: ExpectationsOptions = {
  model: named(({ x }) => x! ** 3),
  inputs: { x: logNormal(0, 1.2) },
  expectations: { third: {} },
  points: 4096,
  space: 'inputs',
  design: 'iid',
};
const THIRD = Math.exp(0.5 * (3 * 1.2) ** 2);

test('expectations(): a normal proposal for a log-normal tail is heavy and has no interval, never a small one', async () => {
  let [told, wrong] = [0, 0];
  for (let seed = 1; seed <= 20; seed++) {
    const { estimate: found, diagnosticsOf } = await estimate({ ...heavy, defensive: 0 }, seed);
    if (diagnosticsOf[0]!.status === 'heavy') {
      told++;
      expect(found.low[0]).toBeNaN();
      expect(found.value[0]).toBeGreaterThan(0);
    } else if (!(found.low[0]! <= THIRD && THIRD <= found.high[0]!)) wrong++;
  }
  expect(told).toBeGreaterThanOrEqual(15);
  expect(wrong).toBeLessThanOrEqual(2);
});

test('expectations(): the same in the space of normals needs no excuse', async () => {
  const { space, ...normals } = heavy;
  for (let seed = 1; seed <= 5; seed++) {
    const { estimate: found, diagnosticsOf } = await estimate(normals, seed);
    expect(space).toBe('inputs');
    expect(diagnosticsOf[0]!.status).toBe('estimated');
    expect(Math.abs(found.value[0]! / THIRD - 1)).toBeLessThan(6 * (found.standardError[0]! / THIRD));
  }
});

test('expectations(): identical functions, and one function alone, are estimated as one', async () => {
  const inputs = { x: normal(1, 1) };
  const square = named(({ x }) => x! * x!);
  for (const controls of ['own', 'all'] as const) {
    const twins = await estimate({
      model: square,
      inputs,
      controls,
      points: 4096,
      expectations: { a: {}, b: {}, c: { of: (y) => 2 * y[0]! } },
    });
    const [a, b, c] = twins.estimate.value;
    expect(a).toBe(b);
    expect(c).toBeCloseTo(2 * a!, 9);
    expect(twins.covariance[1]).toBeCloseTo(twins.covariance[0]!, 12);
    expect(twins.estimate.low[0]).toBeLessThan(2);
    expect(twins.estimate.high[0]).toBeGreaterThan(2);
    expect(twins.outcome.kind).toBe('converged');
  }
  const alone = await estimate({ model: square, inputs, points: 4096 });
  expect(alone.estimate.names).toEqual(['y']);
  expect(Math.abs(alone.estimate.value[0]! - 2)).toBeLessThan(6 * alone.estimate.standardError[0]!);
});

test('expectations(): more expectations than points of a stage are estimated, and told', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 60 }, (_, j) => [
      `above ${j}`,
      { of: ([y]: Float64Array) => Math.exp(0.02 * j * y!) },
    ]),
  );
  const result = await estimate({
    model: identity,
    inputs: { x: normal(0, 1) },
    points: 500,
    design: 'iid',
    expectations: many,
  });
  expect(codes(result)).toContain('many-expectations');
  result.estimate.value.forEach((value, j) => {
    const exact = Math.exp(0.5 * (0.02 * j) ** 2);
    const error = result.estimate.standardError[j]!;
    if (result.diagnosticsOf[j]!.status === 'heavy') expect(error).toBeNaN();
    else expect(Math.abs(value - exact)).toBeLessThan(6 * error);
  });
});

test('expectations(): one scramble gives an estimate without error, and says what to do', async () => {
  const result = await estimate({
    model: identity,
    inputs: { x: normal(1, 1) },
    points: 2048,
    replicates: 1,
  });
  expect(result.estimate.value[0]).toBeCloseTo(1, 2);
  expect(result.estimate.standardError[0]).toBeNaN();
  expect(result.covariance[0]).toBeNaN();
  expect(codes(result)).toEqual(['one-replicate']);
});
