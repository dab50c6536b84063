import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { normalCdf } from '../../engine/math/erfc.ts';
import {
  drawLaw,
  expectations,
  importanceSobol,
  lawImpact,
  logNormalFromMean,
  normal,
  type OtherLaw,
  type Rng,
  reweight,
  run,
  sobolAnalyze,
  sobolDesign,
  uniform,
  type WeightedResult,
} from '../../estimators/index.ts';
import beam from '../reference/sobol-functions.json' with { type: 'json' };
import { expectCoverage, expectMeans, expectRejected, replicate } from '../support/law.ts';

const inputs = { a: normal(1, 1), b: normal(0, 2) };

/** Independent points of Y = 2 a - b + 3. */
function drawn(rng: Rng, n: number): WeightedResult {
  const a = drawLaw(inputs.a, rng, n, { sub: 0 });
  const b = drawLaw(inputs.b, rng, n, { sub: 1 });
  const points = Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? a[i >> 1]! : b[i >> 1]!));
  const values = a.map((x, i) => 2 * x - b[i]! + 3);
  return {
    sample: { points, shape: [n, 2], logWeight: new Float64Array(n) },
    outputs: { names: ['y'], values },
    design: { perReplicate: n, independent: true },
  };
}

test('reweight: plain means are unbiased, and 95 % intervals of independent points cover', () => {
  const laws = { shifted: { inputs: { a: normal(1.5, 1) } } };
  const truth = 6 + 0.8416212335729143 * Math.sqrt(8);
  let hits = 0;
  let wrong = 0;
  const means = replicate(1000, 1, (rng) => {
    const result = drawn(rng, 150);
    const { estimate } = reweight({ result, inputs, laws, quantiles: [0.8] }).laws[0]!;
    if (estimate.low[1]! < truth && truth < estimate.high[1]!) hits++;
    if (estimate.low[1]! < truth - 1 && truth - 1 < estimate.high[1]!) wrong++;
    return estimate.value[0]!;
  });
  expectMeans(means, 6);
  // The mean under the law that was run is no answer.
  expectRejected(() => expectMeans(means, 5));
  expectCoverage(hits);
  expectRejected(() => expectCoverage(wrong));
});

test('lawImpact: 95 % intervals of indices cover, of a probability that grows and of a quantile', async () => {
  // Y = 2 a - b + 3: P(Y > 9) under a ~ N(1.5, 1) and N(1, 1), and its 0.8 quantile.
  const model = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = 2 * x[2 * i]! - x[2 * i + 1]! + 3;
  };
  const shifted = {
    model,
    inputs,
    perturbations: { a: { means: [1.5] } },
    points: 300,
    design: 'iid',
  } as const;
  const above = (mean: number): number => normalCdf((mean - 9) / Math.sqrt(8));
  const up = 0.8416212335729143 * Math.sqrt(8);
  const truth = [above(6) / above(5) - 1, (6 + up) / (5 + up) - 1];
  const methods = [{ event: { above: 9 } }, { quantile: 0.8 }].map((quantity) =>
    lawImpact({ ...shifted, quantity }),
  );
  const backend = jsBackend();
  const hits = [0, 0];
  const given = [0, 0];
  let wrong = 0;
  for (let seed = 0; seed < 1000; seed++) {
    for (const [k, method] of methods.entries()) {
      const { estimate } = await run(method, { seed, backend });
      const [low, high] = [estimate.low[0]!, estimate.high[0]!];
      if (low < truth[k]! && truth[k]! < high) hits[k]!++;
      if (!Number.isNaN(low)) given[k]!++;
      if (k === 0 && low < truth[0]! - 0.35 && truth[0]! - 0.35 < high) wrong++;
    }
  }
  for (const k of [0, 1]) {
    expect(given[k]!).toBeGreaterThan(990);
    expectCoverage(hits[k]!, given[k]!);
  }
  expectRejected(() => expectCoverage(wrong, given[0]!));
}, 60_000);

/** Deflection of the cantilever beam. */
function deflection(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const [FX, FY, E, w, t, L] = x.subarray(6 * i, 6 * i + 6) as unknown as [number, ...number[]];
    const load = Math.sqrt((FX / w! ** 2) ** 2 + (FY! / t! ** 2) ** 2);
    out[i] = ((4 * L! ** 3) / (1e9 * E! * w! * t!)) * load;
  }
}

test('importanceSobol: the beam within four errors of the exact indices, and as near as was measured', async () => {
  const { S1, ST } = beam.functions.find(({ id }) => id === 'cantilever_beam') as unknown as {
    readonly S1: readonly number[];
    readonly ST: readonly number[];
  };
  const laws = {
    FX: logNormalFromMean(556.8, 0.08),
    FY: logNormalFromMean(453.6, 0.08),
    E: logNormalFromMean(200, 0.06),
    w: normal(0.062, 0.0062),
    t: normal(0.0987, 0.00987),
    L: normal(4.29, 0.429),
  };
  // Sum of mean squared errors of the first-order indices: the bars of the specification.
  const bars = [
    ['difference', 'sobol', 1e-4],
    ['difference', 'iid', 1.6e-4],
    ['product', 'sobol', 1e-4],
    ['product', 'iid', 4e-4],
  ] as const;
  for (const [form, design, bar] of bars) {
    let square = 0;
    for (const seed of [1, 2]) {
      const method = importanceSobol({ model: deflection, inputs: laws, points: 20_000, form, design });
      const { firstOrder, totalOrder } = await run(method, { seed });
      for (let i = 0; i < 6; i++) {
        square += (firstOrder.value[i]! - S1[i]!) ** 2 / 2;
        const off = Math.abs(firstOrder.value[i]! - S1[i]!) / firstOrder.standardError[i]!;
        expect(off, `${form} ${design} S1 ${i}`).toBeLessThan(design === 'iid' ? 4.9 : 6);
        expect(Math.abs(totalOrder.value[i]! - ST[i]!) / totalOrder.standardError[i]!).toBeLessThan(6);
      }
    }
    expect(square, `${form} ${design}`).toBeLessThan(bar);
  }
}, 60_000);

test('expectations and sobolAnalyze: indices of the parameters of a law, all from one sample', async () => {
  // X ~ N(m, s^2) with m and s uncertain, and E X^2 = m^2 + s^2 for each of 64 laws.
  const parameters = { m: uniform(-1, 1), s: uniform(0.8, 1.2) };
  const asked = { inputs: parameters, points: 16, replicates: 1 };
  const { x, rows } = await sobolDesign(asked, { seed: 1 });
  const laws: Record<string, OtherLaw> = {};
  for (let r = 0; r < rows; r++) laws[`law ${r}`] = { inputs: { x: normal(x[2 * r]!, x[2 * r + 1]!) } };
  const method = expectations({
    model: (at, out) => {
      for (let i = 0; i < out.length; i++) out[i] = at[i]! ** 2;
    },
    inputs: { x: normal(0, 1.5) },
    laws,
    expectations: Object.fromEntries(Object.keys(laws).map((name) => [name, { under: name }])),
    points: 8192,
  });
  const { estimate } = await run(method, { seed: 2 });
  const exact = estimate.value.map((_, r) => x[2 * r]! ** 2 + x[2 * r + 1]! ** 2);
  exact.forEach((value, r) => {
    expect(estimate.value[r]! / value).toBeCloseTo(1, 1);
  });
  const found = await sobolAnalyze(asked, estimate.value, { seed: 1 });
  const truth = await sobolAnalyze(asked, exact, { seed: 1 });
  for (const i of [0, 1]) {
    expect(Math.abs(found.firstOrder.value[i]! - truth.firstOrder.value[i]!)).toBeLessThan(0.02);
    expect(Math.abs(found.totalOrder.value[i]! - truth.totalOrder.value[i]!)).toBeLessThan(0.02);
  }
}, 60_000);
