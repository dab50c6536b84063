import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { batch, pointwise } from '../../engine/model/model.ts';
import { run } from '../../engine/run.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { contract } from '../contract/sampler.ts';
import {
  batchOf,
  gFunction,
  inputsOf,
  ishigami,
  ishigamiAt,
  linear,
  type TestFunction,
  wingWeight,
} from '../support/functions.ts';

const SEED = 11;
const unit = uniform(0, 1);

function sobol(f: TestFunction, options: Partial<SobolOptions> = {}, seed = SEED): Promise<SobolResult> {
  const method = sobolIndices({ model: f.model, inputs: f.inputs, ...options });
  return run(method, { seed, backend: jsBackend() });
}

const small = (): ReturnType<typeof sobolIndices> => {
  const { model, inputs } = ishigami();
  return sobolIndices({
    model,
    inputs,
    points: 1024,
    secondOrder: true,
    closed: [['x1', 'x3']],
    superset: true,
  });
};

const threads = (count: number) => () => hostBackend({ threads: count });
const f = ishigami();
const bad = (options: Partial<SobolOptions>) => () =>
  sobolIndices({ model: f.model, inputs: f.inputs, ...options });

contract('sobolIndices', small, {
  bad: {
    'no inputs': bad({ inputs: {} }),
    'one input': bad({ inputs: { x: unit } }),
    'one group': bad({ groups: { all: ['x1', 'x2', 'x3'] } }),
    'an unknown input in a group': bad({ groups: { g: ['x1', 'x9'] } }),
    'an input in two groups': bad({ groups: { g: ['x1', 'x2'], h: ['x2', 'x3'] } }),
    'points 0': bad({ points: 0 }),
    'points -1': bad({ points: -1 }),
    'points 2.5': bad({ points: 2.5 }),
    'points NaN': bad({ points: Number.NaN }),
    'points 1e12': bad({ points: 1e12 }),
    'replicates 0': bad({ replicates: 0 }),
    'more replicates than points': bad({ points: 8, replicates: 8 }),
    'a misspelt estimator': bad({ estimator: 'jannsen' as 'jansen' }),
    'an unknown design': bad({ design: 'halton' as 'sobol' }),
    'an unknown interval': bad({ interval: 'fisher' as 'none' }),
    'level 95': bad({ level: 95 }),
    'one resample': bad({ resamples: 1 }),
    'missing drop': bad({ missing: 'drop' as 'drop-row' }),
    'an empty closed set': bad({ closed: [[]] }),
    'an unknown name in a closed set': bad({ closed: [['x1', 'y']] }),
    'a superset pair of one input': bad({ superset: [['x1', 'x1']] }),
    'owen with pairs': bad({ estimator: 'owen', secondOrder: true }),
    'oracle without means': bad({ estimator: 'oracle' }),
    'until on one replicate': bad({ until: 0.01, replicates: 1 }),
    'until on one replicate that is to have replicate intervals': bad({
      until: 0.01,
      replicates: 1,
      interval: 'replicates',
    }),
    'until on a Latin hypercube': bad({ until: 0.01, design: 'lhs' }),
    'outputs with the same name twice': bad({ outputs: ['y', 'y'] }),
    "10 601 inputs on Sobol' points": bad({ inputs: inputsOf(10_601, unit) }),
  },
  backends: {
    'WASM, one thread': threads(1),
    'WASM, two threads': threads(2),
    'WASM, three threads': threads(3),
    'WASM, eight threads': threads(8),
  },
});

describe('bad input is explained', () => {
  const messageOf = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };

  test('a misspelt estimator gets the nearest name', () => {
    expect(messageOf(bad({ estimator: 'jannsen' as 'jansen' }))).toMatch(/Did you mean jansen\?/);
  });

  test('1e12 points are refused with the memory they would need', () => {
    expect(messageOf(bad({ points: 1e12 }))).toMatch(
      /1 000 000 000 000 points need 59 600 GiB .*Try points: \d+/,
    );
  });

  test('10 601 inputs are refused with the design that takes them', () => {
    const message = messageOf(bad({ inputs: inputsOf(10_601, unit) }));
    expect(message).toMatch(/at most 10600 inputs .*design: 'lhs'/);
    expect(() =>
      sobolIndices({ model: f.model, inputs: inputsOf(10_601, unit), points: 64, design: 'lhs' }),
    ).not.toThrow();
  });

  test('one input says that one input explains everything', () => {
    expect(messageOf(bad({ inputs: { x: unit } }))).toMatch(
      /`x` is the only input.*explains all of the variance/,
    );
  });
});

describe('sobolIndices on functions with known indices', () => {
  for (const g of [ishigami(), gFunction('sobol_g_6'), linear(), wingWeight()]) {
    test(`${g.id}: every index is within 0.01 of the truth`, async () => {
      const { firstOrder, totalOrder, secondOrder, outputs } = await sobol(g, {
        points: 8192,
        secondOrder: true,
      });
      const check = (
        found: { value: Float64Array; standardError: Float64Array },
        truth: readonly number[],
      ): void => {
        truth.forEach((t, i) => {
          expect(Math.abs(found.value[i]! - t)).toBeLessThan(0.01);
        });
      };
      check(firstOrder, g.first);
      check(totalOrder, g.total);
      check(secondOrder!, g.pairs!);
      expect(Math.abs(outputs[0]!.mean - g.mean) / Math.sqrt(g.variance)).toBeLessThan(0.01);
      expect(Math.abs(outputs[0]!.variance / g.variance - 1)).toBeLessThan(0.03);
    });
  }

  test('a closed set has its closed index, its total index, and equals its group', async () => {
    const closed = [['x1', 'x3'], ['x2'], ['x1', 'x2', 'x3']];
    const { outputs } = await sobol(f, { points: 16_384, closed });
    const found = outputs[0]!.closed!;
    expect(found.names).toEqual(['x1+x3', 'x2', 'x1+x2+x3']);
    const truth = [f.closed['1,3']!, f.closed['2']!, 1];
    truth.forEach((t, i) => {
      expect(Math.abs(found.value[i]! - t)).toBeLessThan(0.01);
    });
    expect(Math.abs(outputs[0]!.closedTotal!.value[0]! - (1 - f.closed['2']!))).toBeLessThan(0.01);
    const grouped = await sobol(f, { points: 16_384, groups: { odd: ['x1', 'x3'] } });
    expect(grouped.firstOrder.names).toEqual(['odd', 'x2']);
    expect(Math.abs(grouped.firstOrder.value[0]! - f.closed['1,3']!)).toBeLessThan(0.01);
    // Same scrambles, same rows: the group and the closed set are the same numbers.
    expect(grouped.firstOrder.value[0]).toBe(found.value[0]);
  });

  test('total index of a set, mean dimension and interaction have their exact values, each unlike its neighbours', async () => {
    const { outputs } = await sobol(f, { points: 16_384, closed: [['x1'], ['x3'], ['x2', 'x3']] });
    const { closed, closedTotal, meanDimension, interaction } = outputs[0]!;
    const near = (found: ArrayLike<number>, truth: readonly number[]): void => {
      truth.forEach((t, i) => {
        expect(Math.abs(found[i]! - t)).toBeLessThan(0.01);
      });
    };
    near(closed!.value, [f.first[0]!, f.first[2]!, f.closed['2,3']!]);
    near(closedTotal!.value, [f.total[0]!, f.total[2]!, 1 - f.first[0]!]);
    near(meanDimension.value, [f.total.reduce((sum, t) => sum + t, 0)]);
    near(interaction.value, [1 - f.first.reduce((sum, s) => sum + s, 0)]);
  });

  test('superset importance is the sum of all indices that hold the pair', async () => {
    const { outputs } = await sobol(gFunction('sobol_g_6'), { points: 16_384, superset: [['x1', 'x2']] });
    const { value, names, pairs } = outputs[0]!.superset!;
    // Product function: (V_1 V_2 / V) prod over others of (1 + V_k), V_k = 1 / (3 (1 + a_k)^2).
    const a = [0, 0.5, 3, 9, 99, 99].map((x) => 1 / (3 * (1 + x) ** 2));
    const whole = a.reduce((p, v) => p * (1 + v), 1) - 1;
    const exact = (a[0]! * a[1]! * a.slice(2).reduce((p, v) => p * (1 + v), 1)) / whole;
    expect([names, pairs]).toEqual([['x1 x x2'], [[0, 1]]]);
    expect(Math.abs(value[0]! - exact)).toBeLessThan(0.003);
  });

  test('two inputs need no further runs for their interaction: S12 = ST1 - S1', async () => {
    const model = batchOf((x) => x[0]! * x[1]! + x[0]!, 2);
    const options = { model, inputs: inputsOf(2, unit), points: 4096 };
    const result = await run(sobolIndices({ ...options, secondOrder: true }), {
      seed: 3,
      backend: jsBackend(),
    });
    const { firstOrder, totalOrder, secondOrder, design } = result;
    expect(design.rowsPerPoint).toBe(4);
    expect(secondOrder!.value[0]).toBeCloseTo(totalOrder.value[0]! - firstOrder.value[0]!, 12);
    // V_1 = (3/2)^2/12, V_2 = (1/2)^2/12, V_12 = 1/144.
    expect(Math.abs(secondOrder!.value[0]! - 1 / 144 / (2.25 / 12 + 0.25 / 12 + 1 / 144))).toBeLessThan(
      0.002,
    );
  });

  for (const estimator of [
    'homma-saltelli',
    'saltelli2002',
    'mauntz',
    'jansen',
    'janon',
    'martinez',
    'owen',
    'oracle',
    'jansen-sym',
    'martinez-sym',
  ] as const) {
    test(`estimator ${estimator} agrees with the truth`, async () => {
      const { firstOrder, totalOrder } = await sobol(f, { points: 16_384, estimator, means: [3.5] });
      for (let i = 0; i < 3; i++) {
        expect(Math.abs(firstOrder.value[i]! - f.first[i]!)).toBeLessThan(0.02);
        expect(Math.abs(totalOrder.value[i]! - f.total[i]!)).toBeLessThan(0.02);
      }
    });
  }
});

describe('known means', () => {
  test("are read by 'oracle' only: any other estimator centres by the outputs", async () => {
    const options = { points: 1024, estimator: 'homma-saltelli' } as const;
    const plain = await sobol(f, options);
    const told = await sobol(f, { ...options, means: [3.5] });
    expect([...told.estimate.value]).toEqual([...plain.estimate.value]);
  });

  test('one mean for a model that turns out to have two outputs is refused', async () => {
    const model = pointwise((x) => [ishigamiAt(x), x[0]!]);
    const options = { points: 64, estimator: 'oracle', means: [3.5] } as const;
    await expect(sobol({ ...f, model: model as never }, options)).rejects.toThrow(/2 known means/);
  });
});

describe('invariances', () => {
  test('shift and scale of the output leave every index; scale by -4 to the last digits', async () => {
    const plain = await sobol(f, { points: 1024, secondOrder: true });
    const moved = await sobol(
      { ...f, model: batchOf((x) => 1e6 - 4 * ishigamiAt(x), 3) },
      { points: 1024, secondOrder: true },
    );
    const scaled = await sobol(
      { ...f, model: batchOf((x) => -4 * ishigamiAt(x), 3) },
      { points: 1024, secondOrder: true },
    );
    plain.estimate.value.forEach((s, i) => {
      expect(Math.abs(moved.estimate.value[i]! - s)).toBeLessThan(1e-8);
      expect(scaled.estimate.value[i]).toBeCloseTo(s, 12);
    });
  });

  test('a dummy input has indices of exactly 0 (Azzini) or 0 inside the interval', async () => {
    const inputs = { ...f.inputs, dummy: unit };
    const model = batchOf((x) => ishigamiAt(x), 4);
    const { firstOrder, totalOrder } = await sobol(
      { ...f, model, inputs },
      { points: 4096, secondOrder: true },
    );
    expect(totalOrder.value[3]).toBe(0);
    expect(firstOrder.value[3]).toBe(0);
    const other = await sobol({ ...f, model, inputs }, { points: 4096, estimator: 'saltelli' });
    expect(other.firstOrder.value[3]).toBe(0);
  });

  test('a duplicated output has the same indices, and so has the aggregate', async () => {
    const model = pointwise((x) => [ishigamiAt(x), ishigamiAt(x)]);
    const twice = await sobol({ ...f, model: model as never }, { points: 1024, outputs: ['p', 'q'] });
    const once = await sobol(f, { points: 1024 });
    expect([...twice.outputs[0]!.totalOrder.value]).toEqual([...once.totalOrder.value]);
    expect([...twice.outputs[1]!.totalOrder.value]).toEqual([...once.totalOrder.value]);
    twice.totalOrder.value.forEach((s, i) => {
      expect(s).toBeCloseTo(once.totalOrder.value[i]!, 13);
    });
  });
});

describe('several outputs', () => {
  test('indices of each output and the aggregate, in one pass', async () => {
    const model = batch((x, out) => {
      for (let i = 0; i < out.length / 2; i++) {
        const at = x.subarray(3 * i, 3 * i + 3);
        out[2 * i] = ishigamiAt(at);
        out[2 * i + 1] = at[0]! + 2 * at[1]!;
      }
    });
    const result = await sobol({ ...f, model: model as never }, { points: 16_384, outputs: ['a', 'b'] });
    const aggregated = [0.2520556596040608, 0.6365787938421537, 0];
    const aggregatedTotal = [0.3634212061578464, 0.6365787938421537, 0.1113655465537857];
    expect(result.design.evaluations).toBe(16_384 * 5);
    expect(result.aggregated!.firstOrder.value).toBe(result.firstOrder.value);
    for (let i = 0; i < 3; i++) {
      expect(Math.abs(result.firstOrder.value[i]! - aggregated[i]!)).toBeLessThan(0.01);
      expect(Math.abs(result.totalOrder.value[i]! - aggregatedTotal[i]!)).toBeLessThan(0.01);
    }
    expect(Math.abs(result.outputs[1]!.firstOrder.value[1]! - 0.8)).toBeLessThan(0.01);
  });
});

describe('dependent inputs', () => {
  // x1 and x2 share a uniform: the pair is one group, independent of x3.
  const dependence = {
    dimension: 3,
    transport(u: Float64Array, v: Float64Array, n: number): void {
      for (let i = 0; i < n; i++) {
        v[3 * i + 1] = (u[3 * i]! + u[3 * i + 1]!) % 1;
        v[3 * i] = u[3 * i]!;
        v[3 * i + 2] = u[3 * i + 2]!;
      }
    },
    linked: (i: number, j: number) => i < 2 && j < 2,
  };
  const inputs = inputsOf(3, unit);
  const model = batchOf((x) => x[0]! + x[1]! + 2 * x[2]!, 3);

  test('inside a group they are sampled jointly, and the indices add up', async () => {
    const method = sobolIndices({ inputs, model, dependence, groups: { both: ['x1', 'x2'] }, points: 8192 });
    const { firstOrder, totalOrder } = await run(method, { seed: 2, backend: jsBackend() });
    // Var(x1 + x2) = 2/12 + 2 Cov, Cov of u and (u + w mod 1) = 0 for independent w: 1/6 against 4/12.
    expect(firstOrder.names).toEqual(['both', 'x3']);
    for (const [i, exact] of [1 / 3, 2 / 3].entries()) {
      expect(Math.abs(firstOrder.value[i]! - exact)).toBeLessThan(0.01);
      expect(Math.abs(totalOrder.value[i]! - exact)).toBeLessThan(0.01);
    }
  });

  test('across groups, or cut by a set, they are refused', () => {
    expect(() => sobolIndices({ inputs, model, dependence })).toThrow(/`x1` and `x2` depend on each other/);
    const groups = { both: ['x1', 'x2'] };
    const closed = [['x1', 'x3']];
    expect(() => sobolIndices({ inputs, model, dependence, groups, closed })).toThrow(
      /has `x1` but not `x2`/,
    );
  });
});
