import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import { logNormal } from '../../../engine/distribution/log-normal.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { ModelError, OptionError, ValueError } from '../../../engine/errors.ts';
import { named } from '../../../engine/model/model.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { Evaluated, Integrands } from '../../../estimators/importance/expectations/integrands.ts';
import { checkPlan } from '../../../estimators/importance/expectations/plan.ts';
import { openProblem } from '../../../estimators/importance/expectations/problem.ts';
import type { ExpectationsOptions } from '../../../estimators/importance/expectations/types.ts';

const ctx: Context = { rng: rngFromSeed(5), backend: jsBackend(), signal: new AbortController().signal };
const inputs = { a: logNormal(0, 0.5), b: uniform(-1, 2) };
const laws = {
  narrow: { inputs: { b: uniform(0, 1) } },
  tied: {
    inputs: { a: logNormal(0.2, 0.4) },
    dependence: gaussianCopula([
      [1, 0.5],
      [0.5, 1],
    ]),
  },
};

/** The same functions of the same model, under each law. */
const expectations = {
  m: { of: 'y' },
  narrow: { of: 'y', under: 'narrow' },
  square: { of: (outputs: Float64Array, at: Float64Array) => outputs[0]! * at[0]! },
  large: { event: { output: 'y', above: 2 }, under: 'tied' },
  between: { event: { above: 0, below: 1 } },
};
const options = {
  model: named(({ a, b }) => a! * b!),
  inputs,
  outputs: ['y'],
  laws,
  expectations,
} satisfies ExpectationsOptions;

const open = (more: Partial<ExpectationsOptions> = {}): Promise<Integrands> =>
  openProblem(checkPlan('expectations', { ...options, ...more }), ctx);

/** sum_i h_i f(z_i) over a square grid of the working space. */
function integral(
  { laws: L, count: J, lawOf }: Integrands,
  { phi, law, top }: Evaluated,
  cell: number,
  j: number,
): number {
  let total = 0;
  for (let i = 0; i < top.length; i++)
    total += cell * phi[i * J + j]! * law[i * L + lawOf[j]!]! * Math.exp(top[i]!);
  return total;
}

function grid(
  n: number,
  [low, high]: readonly [number, number],
  [left, right]: readonly [number, number],
): Float64Array {
  const x = new Float64Array(2 * n * n);
  for (let i = 0; i < n * n; i++) {
    x[2 * i] = low + ((high - low) * (Math.floor(i / n) + 0.5)) / n;
    x[2 * i + 1] = left + ((right - left) * ((i % n) + 0.5)) / n;
  }
  return x;
}

/** E[a] E[b], E[a] E[b | narrow], E[a^2] E[b]. */
const EXACT = [Math.exp(0.125) * 0.5, Math.exp(0.125) * 0.5, Math.exp(0.5) * 0.5];

test('openProblem(): functions and densities integrate to the same expectations in both spaces', async () => {
  const n = 252;
  // The ends of the narrow law, at the terciles of b, lie between cells: 9 of them from 0.
  const edge = (0.4307272992954576 * 126) / 9;
  const spaces = [
    { space: 'normals', points: grid(n, [-6, 6], [-edge, edge]), cell: (12 / n) * ((2 * edge) / n) },
    { space: 'inputs', points: grid(n, [0, 12], [-1, 2]), cell: (12 / n) * (3 / n) },
  ] as const;
  const found: number[][] = [];
  for (const { space, points, cell } of spaces) {
    const problem = await open({ space });
    const evaluated = await problem.evaluate(points, n * n);
    found.push(Array.from({ length: 5 }, (_, j) => integral(problem, evaluated, cell, j)));
    problem.dispose();
  }
  for (const each of found) {
    EXACT.forEach((exact, j) => void expect(each[j]).toBeCloseTo(exact, 2));
    // P(0 < a b < 1) from one of the spaces is that of the other; edges of events cost digits on a grid.
    expect(each[3]).toBeCloseTo(found[0]![3]!, 2);
    expect(each[4]).toBeCloseTo(found[0]![4]!, 2);
  }
  expect(found[0]![3]).toBeGreaterThan(0.05);
});

test('openProblem(): points drawn from a law have its expectations, and its density', async () => {
  for (const space of ['normals', 'inputs'] as const) {
    const problem = await open({ space });
    const n = 64 * 64;
    for (const [j, law] of [
      [0, 0],
      [1, 1],
      [3, 2],
    ] as const) {
      const u = grid(64, [0, 1], [0, 1]);
      problem.transport(law, u, u);
      const { phi, law: laws } = await problem.evaluate(u, n);
      let [mean, mass] = [0, 0];
      for (let i = 0; i < n; i++) {
        mean += phi[i * 5 + j]! / n;
        // E_l[f_0 / f_l] is the mass of law 0 where law l has any.
        mass += laws[i * 3]! / laws[i * 3 + law]! / n;
      }
      if (j < 2) expect(mean).toBeCloseTo(EXACT[j]!, 2);
      if (law === 0) expect(mass).toBe(1);
      if (law === 1) expect(mass).toBeCloseTo(1 / 3, 10);
    }
    problem.dispose();
  }
});

test('openProblem(): events are 1 exactly where their score is above 0, and a score is the distance to the bound', async () => {
  const problem = await open();
  expect(problem.events).toEqual([3, 4]);
  const z = grid(20, [-3, 3], [-3, 3]);
  const { phi, scores, outputs, law } = await problem.evaluate(z, 400);
  for (let i = 0; i < 400; i++) {
    const y = outputs[i]!;
    expect(scores[2 * i]).toBe(y - 2);
    expect(scores[2 * i + 1]).toBe(Math.min(y, 1 - y));
    expect(phi[5 * i + 3]).toBe(y > 2 ? 1 : 0);
    expect(phi[5 * i + 4]).toBe(y > 0 && y < 1 ? 1 : 0);
    // Where its law has no mass a function is 0, whatever it would be.
    expect(phi[5 * i + 1]).toBe(law[3 * i + 1] === 0 ? 0 : y);
  }
  problem.dispose();
});

test('openProblem(): in the space of inputs the model is not run where no law has mass', async () => {
  let runs = 0;
  const seen: number[] = [];
  const problem = await open({
    space: 'inputs',
    model: named(({ a, b }) => {
      runs++;
      seen.push(a!);
      return a! * b!;
    }),
  });
  const points = Float64Array.of(1, 0.5, -1, 0.5, 1, 3, 2, -0.5, Number.NaN, 0);
  const { phi, law, top, outputs, scores } = await problem.evaluate(points, 5);
  expect(runs).toBe(2);
  expect(seen).toEqual([1, 2]);
  expect(problem.evaluations).toBe(2);
  expect([...outputs]).toEqual([0.5, Number.NaN, Number.NaN, -1, Number.NaN]);
  for (const i of [1, 2, 4]) {
    expect([...phi.subarray(5 * i, 5 * i + 5)]).toEqual([0, 0, 0, 0, 0]);
    expect([...law.subarray(3 * i, 3 * i + 3), top[i]]).toEqual([0, 0, 0, -Infinity]);
    expect([...scores.subarray(2 * i, 2 * i + 2)]).toEqual([-Infinity, -Infinity]);
  }
  // b = -0.5 is outside the narrow law only.
  expect(law[3 * 3 + 1]).toBe(0);
  expect(phi[5 * 3 + 1]).toBe(0);
  expect(phi[5 * 3]).toBe(-1);
  problem.dispose();
});

test('openProblem(): a batch without a point in any support is all zeros', async () => {
  const problem = await open({ space: 'inputs', model: named(() => 1) });
  const { phi, failures } = await problem.evaluate(Float64Array.of(-1, 0, -2, 0), 2);
  expect([...phi]).toEqual(new Array(10).fill(0));
  expect(failures).toEqual([]);
  expect(problem.evaluations).toBe(0);
  problem.dispose();
});

test('openProblem(): a bound is outside its event, and a failed row is the one that failed', async () => {
  const problem = await open({ space: 'inputs', expectations: { p: { event: { above: 0 } } } });
  const edge = await problem.evaluate(Float64Array.of(1, 0, 1, 1e-300), 2);
  expect([...edge.scores]).toEqual([0, 1e-300]);
  expect([...edge.phi]).toEqual([0, 1]);
  problem.dispose();
  const model = named(({ b }) => (b! > 1 ? Number.NaN : b!));
  const lenient = await open({ space: 'inputs', model, expectations: { m: {} }, missing: 7 });
  const { phi, outputs } = await lenient.evaluate(Float64Array.of(-1, 0, 1, 0.5, 1, 1.5, 1, 0.25), 4);
  expect([...phi]).toEqual([0, 0.5, 7, 0.25]);
  expect([...outputs]).toEqual([Number.NaN, 0.5, 7, 0.25]);
  lenient.dispose();
});

test('openProblem(): one function under many laws is asked once a point', async () => {
  let calls = 0;
  const of = (outputs: Float64Array): number => {
    calls++;
    return outputs[0]!;
  };
  const problem = await open({
    expectations: { a: { of }, b: { of, under: 'narrow' }, c: { of, under: 'tied' } },
  });
  await problem.evaluate(new Float64Array(20), 10);
  expect(calls).toBe(10);
  problem.dispose();
});

test('openProblem(): a function that is NaN at a point is a ValueError naming the expectation and the point', async () => {
  const problem = await open({
    expectations: { good: {}, root: { of: (outputs) => Math.sqrt(outputs[0]!) } },
  });
  await problem.evaluate(Float64Array.of(0, 1), 1);
  const error = await problem.evaluate(Float64Array.of(0, 1, 0, -1), 2).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ValueError);
  expect(String(error)).toMatch(
    /expectation `root` is NaN at point 2, a = 1, b = -0\.52\d+; expected a finite number/,
  );
  expect((error as ValueError).point).toHaveLength(2);
  expect((error as ValueError).index).toBe(2);
  problem.dispose();
});

test('openProblem(): a model that fails is an error, or stands for the number that was given', async () => {
  const model = named(({ b }) => (b! > 1 ? Number.NaN : b!));
  const z = Float64Array.of(0, 0, 0, 2, 0, -1);
  const strict = await open({ model, expectations: { m: {} } });
  const error = await strict.evaluate(z, 3).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ModelError);
  expect(String(error)).toMatch(/NaN at 1 of 3 points.*missing: 0/);
  expect(String(error)).not.toMatch(/drop-row/);
  strict.dispose();
  const lenient = await open({ model, expectations: { m: {} }, missing: 7 });
  const { phi, outputs, failures } = await lenient.evaluate(z, 3);
  expect(phi[1]).toBe(7);
  expect(outputs[1]).toBe(7);
  expect(failures.map(({ index }) => index)).toEqual([1]);
  lenient.dispose();
});

test('openProblem(): outputs that nobody named are learnt at the medians, and their means are the expectations', async () => {
  const bare = { model: named(({ a, b }) => [a!, b!, a! + b!]), inputs };
  const problem = await openProblem(checkPlan('expectations', { ...bare, weights: [1, 2, 3] }), ctx);
  expect(problem.names).toEqual(['y1', 'y2', 'y3']);
  expect(problem.evaluations).toBe(1);
  const { phi } = await problem.evaluate(Float64Array.of(0, 0), 1);
  expect([...phi]).toEqual([1, 0.5, 1.5]);
  problem.dispose();
  await expect(openProblem(checkPlan('expectations', { ...bare, weights: [1] }), ctx)).rejects.toThrow(
    OptionError,
  );
  await expect(
    openProblem(checkPlan('expectations', { model: named(() => Number.NaN), inputs }), ctx),
  ).rejects.toThrow(ModelError);
  const resumed = await openProblem(checkPlan('expectations', bare), ctx, {
    evaluations: 40,
    adapter: undefined,
    outputs: ['y1', 'y2', 'y3'],
  });
  expect(resumed.evaluations).toBe(40);
  expect(resumed.count).toBe(3);
  resumed.dispose();
});

test('openProblem(): an output that the model turns out not to have is refused', async () => {
  const problem = await openProblem(
    checkPlan('expectations', { model: named(() => [1, 2]), inputs, expectations: { m: { of: 'y3' } } }),
    ctx,
  );
  await expect(problem.evaluate(Float64Array.of(0, 0), 1)).rejects.toThrow(
    /expectations\.m\.of.*one of y1, y2/,
  );
  problem.dispose();
});
