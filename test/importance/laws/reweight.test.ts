import { expect, test } from 'vitest';
import { normalCdf } from '../../../engine/math/erfc.ts';
import {
  discreteUniform,
  expectations,
  gaussianCopula,
  type Law,
  mixture,
  monteCarlo,
  normal,
  OptionError,
  pointwise,
  reweight,
  run,
  tailMoments,
  uniform,
} from '../../../estimators/index.ts';

// Y = 2 a - b + 3, a ~ N(1, 1), b ~ N(0, 2^2): Y ~ N(5, 8), and again normal under other normal laws.
const inputs = { a: normal(1, 1), b: normal(0, 2) };
const model = pointwise(([a, b]) => 2 * a! - b! + 3);
const laws = {
  shifted: { inputs: { a: normal(1.5, 1) } },
  narrow: { inputs: { a: normal(0.8, 0.8), b: normal(0.5, 1.5) } },
};
const exact = { shifted: [6, Math.sqrt(8)], narrow: [4.1, Math.sqrt(4 * 0.64 + 2.25)] } as const;
const wanted = { probabilities: { high: { above: 9 } }, quantiles: [0.1, 0.9] };

test('reweight: means, probabilities and quantiles under other laws, from the scrambles of one run', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 4096 }), { seed: 1 });
  const found = reweight({ result, inputs, laws, ...wanted });
  expect(found.warnings).toEqual([]);
  for (const { name, estimate, near, status, mass, ess } of found.laws) {
    const [mean, sd] = exact[name as keyof typeof exact];
    const truth = [
      mean,
      normalCdf((mean - 9) / sd),
      mean - 1.2815515655446004 * sd,
      mean + 1.2815515655446004 * sd,
    ];
    truth.forEach((value, i) => {
      const off = Math.abs(estimate.value[i]! - value) / estimate.standardError[i]!;
      expect(off, `${name} ${estimate.names[i]}`).toBeLessThan(6); // Student, 7 degrees
      expect(estimate.low[i]!).toBeLessThan(estimate.value[i]!);
      expect(estimate.high[i]!).toBeGreaterThan(estimate.value[i]!);
    });
    expect(estimate.names).toEqual(['y', 'high', 'y 10 %', 'y 90 %']);
    expect([near, mass, status]).toEqual([true, expect.closeTo(1, 2), status.map(() => 'estimated')]);
    expect(ess).toBeGreaterThan(1000);
    expect(ess).toBeLessThan(4096);
  }
});

test('reweight: the law that was run gives the numbers of the run', async () => {
  const method = monteCarlo({ model, inputs, points: 1024, design: 'iid', quantiles: [0.3] });
  const result = await run(method, { seed: 2 });
  const { laws: found } = reweight({ result, inputs, laws: { same: {} }, quantiles: [0.3] });
  expect(found[0]!.mean.value[0]).toBeCloseTo(result.mean.value[0]!, 12);
  expect(found[0]!.mean.standardError[0]).toBeCloseTo(result.mean.standardError[0]!, 12);
  expect(found[0]!.quantiles.value[0]).toBeCloseTo(result.quantiles.value[0]!, 12);
  expect(found[0]!.quantiles.standardError[0]! / result.quantiles.standardError[0]!).toBeCloseTo(1, 1);
  expect(found[0]!.ess).toBeCloseTo(1024, 9);
});

test('reweight: a law that is too far has values without intervals, and is named', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 4096 }), { seed: 3 });
  const far = { far: { inputs: { a: normal(4, 1.5) } }, ...laws };
  const found = reweight({ result, inputs, laws: far, ...wanted });
  expect(found.laws.map(({ near }) => near)).toEqual([false, true, true]);
  expect(found.laws[0]!.paretoShape).toBeGreaterThan(0.7);
  expect(found.laws[0]!.estimate.low.every(Number.isNaN)).toBe(true);
  expect(found.laws[0]!.estimate.standardError.every(Number.isNaN)).toBe(true);
  expect(found.warnings.map(({ code }) => code)).toEqual(['pareto-k']);
  expect(found.warnings[0]!.message).toContain('far: ');
});

test('reweight: no replicates and no independent points, no interval', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 1024, replicates: 1 }), { seed: 4 });
  const found = reweight({ result, inputs, laws, ...wanted });
  expect(found.laws[0]!.estimate.standardError.every(Number.isNaN)).toBe(true);
  expect(found.laws[0]!.estimate.value.every(Number.isFinite)).toBe(true);
  const { design, ...unsaid } = result;
  expect(design.independent).toBe(false);
  const codes = reweight({ result: unsaid, inputs, laws }).warnings.map(({ code }) => code);
  expect(codes).toEqual(['design-unknown']);
});

test('reweight: another dependence, with the marginals as they are', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 8192 }), { seed: 5 });
  const dependence = gaussianCopula([
    [1, 0.4],
    [0.4, 1],
  ]);
  const { laws: found } = reweight({ result, inputs, laws: { tied: { dependence } }, quantiles: [0.9] });
  const sd = Math.sqrt(8 - 2 * 2 * 2 * 0.4);
  const { value, standardError } = found[0]!.estimate;
  expect(Math.abs(value[0]! - 5) / standardError[0]!).toBeLessThan(6);
  expect(Math.abs(value[1]! - (5 + 1.2815515655446004 * sd)) / standardError[1]!).toBeLessThan(6);
});

test('reweight: an interrupted run counts its whole replicates', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 1024, replicates: 4 }), { seed: 6 });
  const cut = {
    sample: {
      points: result.sample.points.slice(0, 2 * 600),
      shape: [600, 2] as const,
      logWeight: new Float64Array(600),
    },
    outputs: { names: ['y'], values: result.outputs.values.slice(0, 600) },
    design: result.design,
  };
  const whole = {
    ...cut,
    sample: {
      points: result.sample.points.slice(0, 2 * 512),
      shape: [512, 2] as const,
      logWeight: new Float64Array(512),
    },
    outputs: { names: ['y'], values: result.outputs.values.slice(0, 512) },
  };
  const [a, b] = [cut, whole].map((each) => reweight({ result: each, inputs, laws }).laws[0]!.mean);
  expect(a).toEqual(b);
  expect(a!.standardError[0]!).toBeGreaterThan(0);
});

test('reweight: dropped rows make weights self-normalised', async () => {
  const failing = pointwise(([a, b]) => (a! > 2.5 ? Number.NaN : 2 * a! - b! + 3));
  const result = await run(monteCarlo({ model: failing, inputs, points: 4096, missing: 'drop-row' }), {
    seed: 7,
  });
  const { laws: found } = reweight({ result, inputs, laws: { b: { inputs: { b: normal(1, 2) } } } });
  const density = Math.exp(-1.125) / Math.sqrt(2 * Math.PI);
  const truth = 2 * (1 - density / normalCdf(1.5)) - 1 + 3;
  expect(found[0]!.mean.value[0]).toBeCloseTo(truth, 1);
});

test('reweight: what cannot be answered is refused', async () => {
  const result = await run(monteCarlo({ model, inputs, points: 64 }), { seed: 8 });
  const ask =
    (more: object): (() => unknown) =>
    () =>
      reweight({ result, inputs, laws, ...more } as never);
  expect(ask({ laws: {} })).toThrow(OptionError);
  expect(ask({ laws: { x: { inputs: { c: normal(0, 1) } } } })).toThrow(OptionError);
  expect(ask({ inputs: { a: normal(1, 1) } })).toThrow(OptionError);
  expect(ask({ result: {} })).toThrow(OptionError);
  expect(ask({ estimator: 'plane' })).toThrow(OptionError);
  expect(ask({ quantiles: [1.2] })).toThrow(OptionError);
  expect(ask({ probabilities: { high: {} } })).toThrow(OptionError);
  expect(ask({ means: ['z'] })).toThrow(OptionError);
  expect(ask({ laws: { x: { inputs: { a: discreteUniform(0, 3) } } } })).toThrow(OptionError);
  const bounded = { a: uniform(0, 1) as Law, b: normal(0, 2) };
  const small = await run(monteCarlo({ model, inputs: bounded, points: 64 }), { seed: 8 });
  const wider = { wider: { inputs: { a: uniform(0, 1.1) } } };
  expect(() => reweight({ result: small, inputs: bounded, laws: wider })).toThrow(/1\.1/);
});

test('reweight, tailMoments: the points of expectations answer what was not asked of them', async () => {
  // One expectation under another law and one rare event: P(Y > 17) = Phi(-4.24).
  const method = expectations({
    model,
    inputs,
    laws: { moved: { inputs: { a: normal(2, 1) } } },
    expectations: { mean: {}, moved: { under: 'moved' }, rare: { event: { above: 17 } } },
    points: 8192,
  });
  const result = await run(method, { seed: 9 });
  const { laws: found } = reweight({ result, inputs, laws, probabilities: { usual: { above: 5 } } });
  const usual = (mean: number, sd: number): number => normalCdf((mean - 5) / sd);
  for (const { name, estimate, near } of found) {
    const [mean, sd] = exact[name as keyof typeof exact];
    expect(near).toBe(true);
    expect(Math.abs(estimate.value[0]! - mean) / estimate.standardError[0]!, name).toBeLessThan(6);
    expect(Math.abs(estimate.value[1]! - usual(mean, sd)) / estimate.standardError[1]!, name).toBeLessThan(6);
  }
  const tail = tailMoments({ result, threshold: 17 }).estimate;
  const z = 12 / Math.sqrt(8);
  const p = normalCdf(-z);
  const beyond = 5 + (Math.sqrt(8) * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI) / p;
  expect(Math.abs(tail.value[1]! - p) / tail.standardError[1]!).toBeLessThan(6);
  expect(tail.standardError[1]!).toBeLessThan(0.1 * p);
  expect(Math.abs(tail.value[2]! - beyond) / tail.standardError[2]!).toBeLessThan(6);
});

test('reweight: a law far from the points, or with a part that they miss, has no numbers', async () => {
  const one = { x: normal(0, 1) };
  const result = await run(
    monteCarlo({ model: pointwise(([x]) => x!), inputs: one, points: 1024, design: 'iid' }),
    { seed: 5 },
  );
  const apart = mixture([normal(0, 0.5), normal(12, 0.5)], [0.5, 0.5]);
  const others = {
    far: { inputs: { x: normal(6, 1) } },
    beyond: { inputs: { x: normal(50, 1) } },
    thin: { inputs: { x: normal(0, 1e-4) } },
    apart: { inputs: { x: apart } },
  };
  const options = { result, inputs: one, probabilities: { p: { above: -1 } }, quantiles: [0.5] };
  for (const estimator of ['plain', 'self-normalised'] as const) {
    const found = reweight({ ...options, laws: others, estimator });
    // Half of the last law weighs evenly: only the mean weight of 1/2 tells.
    for (const law of found.laws) {
      expect([law.told, law.near], law.name).toEqual([false, false]);
      expect([...law.estimate.value, ...law.estimate.low], law.name).toEqual(Array(6).fill(Number.NaN));
    }
    expect(found.warnings.map(({ code }) => code)).toEqual(Array(4).fill('pareto-k'));
  }
  // A quantile beyond all points is no largest point.
  const high = reweight({ ...options, laws: { near: { inputs: { x: normal(1, 1) } } }, quantiles: [0.9999] });
  expect(high.laws[0]!.quantiles.value[0]).toBeNaN();
});
