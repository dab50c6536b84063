import { expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { ModelError } from '../../engine/errors.ts';
import { ESTIMATORS } from '../../engine/math/sobol-estimators.ts';
import { recentred, TERM } from '../../engine/math/sobol-terms.ts';
import { openEvaluator } from '../../engine/model/evaluator.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { resume } from '../../engine/run.ts';
import { fillTerm } from '../../engine/wasm/twins/index-sums.ts';
import type { Keeper } from '../../estimators/sensitivity/keeper.ts';
import { openKeeper } from '../../estimators/sensitivity/open-keeper.ts';
import { planAnalysis, planDesign, planGrowth } from '../../estimators/sensitivity/plan.ts';
import { quantitiesOf } from '../../estimators/sensitivity/quantities.ts';
import { resultOf } from '../../estimators/sensitivity/result.ts';
import {
  type Blueprint,
  evaluateChunk,
  findingOf,
  growWhenWide,
  openState,
  releaseState,
} from '../../estimators/sensitivity/run-state.ts';
import { writeSnapshot } from '../../estimators/sensitivity/snapshot.ts';
import { sobolIndices } from '../../estimators/sensitivity/sobol-indices.ts';
import type { SobolOptions, SobolResult } from '../../estimators/sensitivity/types.ts';
import { numbers } from '../contract/sampler.ts';
import { ishigami, ishigamiAt } from '../support/functions.ts';

const SEED = 20_261_125;

test('recentred(): every term about another centre is what its columns give there', () => {
  const n = 200;
  const y = Float64Array.from({ length: 4 * n }, (_, i) => Math.sin(7 * i) * 3 + 2);
  const out = new Float64Array(n);
  const sumOf = (program: Uint32Array, centre: number): number => {
    fillTerm(program, 0, y, 0, n, centre, 0, n, out, 0);
    return out.reduce((sum, value) => sum + value, 0);
  };
  for (const operation of Object.values(TERM)) {
    const program = Uint32Array.of(operation, 0, 1, 2, 3);
    const columns = [0, 1, 2, 3].map((c) => sumOf(Uint32Array.of(TERM.value, c, 0, 0, 0), 1.5));
    const [i, j, k, l] = columns as [number, number, number, number];
    const moved = recentred(operation, sumOf(program, 1.5), [i, j, k, l], 1.5 - 2.25, n);
    expect(Math.abs(moved - sumOf(program, 2.25)), `operation ${operation}`).toBeLessThan(1e-9);
  }
});

function blueprintOf(options: SobolOptions): Blueprint {
  const design = planDesign('test', options);
  const plan = planAnalysis(design, options);
  const quantities = quantitiesOf(design.layout, design.estimator);
  const short = quantitiesOf(design.layout, design.estimator, true);
  return { design, plan, growth: planGrowth(design, plan, options), quantities, short };
}

interface Ran {
  readonly result: SobolResult;
  readonly snapshot: Uint8Array;
}

/** A run that keeps columns or sums, whatever the model; `chunks` undefined: to its end. */
async function ran(
  kind: Keeper['kind'],
  options: SobolOptions,
  chunks = Infinity,
  backend: Backend = jsBackend(),
): Promise<Ran> {
  const blueprint = blueprintOf(options);
  const ctx = { rng: rngFromSeed(SEED), backend, signal: new AbortController().signal };
  const { model, inputs, outputs = ['y'] } = options;
  const names = Object.keys(inputs);
  const evaluator = await openEvaluator({ where: 'test', model, names, outputs, planned: 1, ...ctx });
  const keeper = openKeeper(kind, blueprint, evaluator, ctx, blueprint.design.points.perReplicate);
  const state = openState(evaluator, keeper, ctx, blueprint);
  try {
    for (let chunk = 0; chunk < chunks && !state.finished; chunk++) {
      await evaluateChunk(state, blueprint);
      await growWhenWide(state, blueprint);
    }
    const provenance = {
      seed: SEED,
      backend: 'js',
      adapter: '',
      precision: 'float64',
      version: '',
      notes: [],
    } as const;
    const result = await resultOf(findingOf(state, blueprint), {
      outcome: { kind: 'converged' },
      provenance,
    });
    return { result, snapshot: writeSnapshot(state, blueprint) };
  } finally {
    releaseState(state);
  }
}

/** Largest difference between the numbers of two results. */
function apart(one: SobolResult, two: SobolResult): number {
  let largest = 0;
  const compare = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
    expect(a.length).toBe(b.length);
    for (let i = 0; i < a.length; i++) {
      if (Number.isNaN(a[i]!) && Number.isNaN(b[i]!)) continue;
      const off = Math.abs(a[i]! - b[i]!);
      largest = Number.isNaN(off) ? Infinity : Math.max(largest, off);
    }
  };
  one.outputs.forEach((output, s) => {
    const other = two.outputs[s]!;
    for (const part of [
      'firstOrder',
      'totalOrder',
      'secondOrder',
      'superset',
      'closed',
      'closedTotal',
      'meanDimension',
      'interaction',
    ] as const) {
      for (const field of ['value', 'low', 'high'] as const)
        compare(output[part]?.[field] ?? [], other[part]?.[field] ?? []);
    }
    compare(
      [output.mean, output.variance, output.largestShare],
      [other.mean, other.variance, other.largestShare],
    );
    expect(output.constant).toBe(other.constant);
  });
  compare(one.estimate.value, two.estimate.value);
  return largest;
}

test.each(ESTIMATORS)('%s: sums by blocks give the indices that columns give', async (estimator) => {
  const { inputs, model } = ishigami();
  const more = estimator === 'owen' ? {} : { secondOrder: true, superset: true as const };
  const options = {
    inputs,
    model,
    points: 4096,
    replicates: 2,
    estimator,
    closed: [['x1', 'x3']],
    ...more,
    ...(estimator === 'oracle' ? { means: [3.5] } : {}),
  };
  const columns = await ran('columns', options);
  const sums = await ran('sums', options);
  expect(apart(sums.result, columns.result)).toBeLessThan(1e-12);
  expect(sums.result.diagnostics.evaluations).toBe(columns.result.diagnostics.evaluations);
  expect(sums.result.base).toEqual(columns.result.base);
});

/** Ishigami's function far from 0, a product, and an output that never changes. */
const three: SobolOptions = {
  inputs: ishigami().inputs,
  model: (x, out) => {
    for (let i = 0; i < out.length / 3; i++) {
      const point = x.subarray(3 * i, 3 * i + 3);
      out.set([1000 + ishigamiAt(point), point[0]! * point[1]!, 7], 3 * i);
    }
  },
  outputs: ['far', 'product', 'constant'],
  points: 8192,
  replicates: 4,
};

test('sums of several outputs: aggregate, range, constant output and largest share are those of columns', async () => {
  const columns = await ran('columns', three);
  const sums = await ran('sums', three);
  // Squares about a mean of 1000 are known to 1000^2 times the rounding of float64.
  expect(apart(sums.result, columns.result)).toBeLessThan(1e-9);
  expect(sums.result.outputs[2]!.constant).toBe(true);
  expect(sums.result.diagnostics.warnings).toEqual(columns.result.diagnostics.warnings);
});

test('sums have the history of columns down to a block a replicate', async () => {
  const columns = await ran('columns', three);
  const sums = await ran('sums', three);
  expect(sums.result.history.map(({ points }) => points)).toEqual([4096, 8192]);
  for (const entry of sums.result.history) {
    const same = columns.result.history.find(({ points }) => points === entry.points)!;
    entry.totalOrder.value.forEach((value, i) => {
      expect(Math.abs(value - same.totalOrder.value[i]!)).toBeLessThan(1e-9);
    });
  }
});

test('sums double until the interval is narrow enough, as columns do', async () => {
  const { inputs, model } = ishigami();
  const options = { inputs, model, points: 8192, replicates: 8, until: 1e-3 };
  const columns = await ran('columns', options);
  const sums = await ran('sums', options);
  expect(columns.result.design.points).toBeGreaterThan(8192);
  expect(sums.result.design.points).toBe(columns.result.design.points);
  expect(apart(sums.result, columns.result)).toBeLessThan(1e-12);
});

test('a run that kept sums goes on from its snapshot, bit for bit, and before any replicate is whole it has no interval', async () => {
  const whole = await ran('sums', three);
  const part = await ran('sums', three, 3);
  expect(part.result.diagnostics.done).toBe(3 * 1024 * 5);
  expect(part.result.design.completeReplicates).toBe(1);
  const on = { seed: SEED, backend: jsBackend() };
  const resumed = await resume(sobolIndices(three), part.snapshot, on);
  expect(numbers(resumed)).toEqual(numbers(whole.result));
  const first = await ran('sums', three, 1);
  expect(first.result.design.completeReplicates).toBe(0);
  expect(first.result.firstOrder.low.every(Number.isNaN)).toBe(true);
  expect(first.result.firstOrder.value.every(Number.isFinite)).toBe(true);
});

test('a snapshot of sums goes on with more points, and is refused where sums are not enough', async () => {
  const part = await ran('sums', three, 2);
  const on = { seed: SEED, backend: jsBackend() };
  const more = await resume(sobolIndices({ ...three, points: 16_384 }), part.snapshot, on);
  const whole = await ran('sums', { ...three, points: 16_384 });
  expect(numbers(more)).toEqual(numbers(whole.result));
  const refused = (options: Partial<SobolOptions>): Promise<unknown> =>
    resume(sobolIndices({ ...three, ...options }), part.snapshot, on);
  await expect(refused({ interval: 'bootstrap' })).rejects.toThrow(
    'sums alone, which have no bootstrap interval',
  );
  await expect(refused({ points: 10_000 })).rejects.toThrow('needs points in multiples of 4096');
  await expect(refused({ estimator: 'jansen' })).rejects.toThrow('the sums of another estimator');
});

test('a failed point under sums fails the run with its inputs, as under columns', async () => {
  const { inputs } = ishigami();
  const options: SobolOptions = {
    inputs,
    model: (x, out) => {
      for (let i = 0; i < out.length; i++)
        out[i] = x[3 * i]! > 3.1 ? Number.NaN : ishigamiAt(x.subarray(3 * i, 3 * i + 3));
    },
    points: 8192,
  };
  const error = await ran('sums', options).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ModelError);
  const { failures, message } = error as ModelError;
  expect(message).toContain('the model returned NaN at');
  expect(failures.length).toBeGreaterThan(0);
  for (const { input } of failures) expect(input[0]).toBeGreaterThan(3.1);
});
