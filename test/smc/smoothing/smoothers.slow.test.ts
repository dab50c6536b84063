import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { OptionError, ValueError } from '../../../engine/errors.ts';
import { run } from '../../../engine/run.ts';
import type { Result } from '../../../engine/sampler.ts';
import { linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import type { AdditiveOptions } from '../../../estimators/smc/smoothing/additive-plan.ts';
import { additiveSmoother } from '../../../estimators/smc/smoothing/additive-smoother.ts';
import { particleSmoother } from '../../../estimators/smc/smoothing/particle-smoother.ts';
import type { SmootherOptions, SmootherResult } from '../../../estimators/smc/smoothing/smoother-types.ts';
import type { TwoFilterOptions } from '../../../estimators/smc/smoothing/two-filter-plan.ts';
import { twoFilterSmoother } from '../../../estimators/smc/smoothing/two-filter-smoother.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { contract } from '../../contract/sampler.ts';
import { splitBackend } from '../../support/split-backend.ts';

const SEED = 8_114;
const model = linearGaussian({
  transition: [
    [0.9, 0.2],
    [0, 0.7],
  ],
  transitionCovariance: [
    [0.5, 0.1],
    [0.1, 0.8],
  ],
  observation: [[1, 0.5]],
  observationCovariance: 0.4,
  initialCovariance: [
    [1, 0],
    [0, 1],
  ],
});
const observations = [0.3, -1.2, null, 1.9, 2.4];
const functional = {
  names: ['energy', 'drift'],
  initial: (x: Float64Array, out: Float64Array) => {
    for (let i = 0; i < out.length / 2; i++) [out[2 * i], out[2 * i + 1]] = [x[2 * i]! ** 2, 0];
  },
  term: (step: number, parent: Float64Array, x: Float64Array, out: Float64Array) => {
    for (let i = 0; i < out.length / 2; i++) {
      out[2 * i] = x[2 * i]! ** 2;
      out[2 * i + 1] = step * (x[2 * i + 1]! - parent[2 * i + 1]!);
    }
  },
};
const base = { model, observations, particles: 60, runs: 3 } as const;
const reversed: TwoFilterOptions['reversed'] = {
  logPrior(_, x, out) {
    for (let i = 0; i < out.length; i++) out[i] = (-0.5 * (x[2 * i]! ** 2 + x[2 * i + 1]! ** 2)) / 4;
  },
  initial(z, x) {
    for (let i = 0; i < x.length; i++) x[i] = 2 * z[i]!;
  },
  transition(_, next, z, x) {
    for (let i = 0; i < x.length; i++) x[i] = 0.7 * next[i]! + 1.4 * z[i]!;
  },
  logTransition(_, next, x, out) {
    for (let i = 0; i < out.length; i++) {
      const [a, b] = [x[2 * i]! - 0.7 * next[2 * i]!, x[2 * i + 1]! - 0.7 * next[2 * i + 1]!];
      out[i] = (-0.5 * (a * a + b * b)) / 1.96;
    }
  },
};
/** A model without its densities. */
const opaque: StateSpaceModel = {
  dimension: 2,
  noise: model.noise,
  initial: model.initial,
  transition: model.transition,
  logObservation: model.logObservation,
};
const { logTransitionBound: _, ...unbounded } = model;

const backends = {
  WASM: () => hostBackend({ threads: 1 }),
  'two threads': () => hostBackend({ threads: 2 }),
  'three pieces': async () => splitBackend(3),
};
const anyOf = <T>(options: Record<string, unknown>): T => ({ ...base, ...options }) as unknown as T;
const smoother = (options: Record<string, unknown>) => (): unknown =>
  particleSmoother(anyOf<SmootherOptions>(options));
const additive = (options: Record<string, unknown>) => (): unknown =>
  additiveSmoother(anyOf<AdditiveOptions>({ functional, ...options }));
const two = (options: Record<string, unknown>) => (): unknown =>
  twoFilterSmoother(anyOf<TwoFilterOptions>({ reversed, ...options }));
const badFilter = (
  make: (options: Record<string, unknown>) => () => unknown,
): Record<string, () => unknown> => ({
  'no model': make({ model: undefined }),
  'no observations': make({ observations: undefined }),
  'particles 0': make({ particles: 0 }),
  'runs 0': make({ runs: 0 }),
  'an unknown scheme': make({ scheme: 'sistematic' }),
  'threshold 2': make({ threshold: 2 }),
  'a misspelt option': make({ particle: 10 }),
  'a model without logTransition': make({ model: opaque }),
});

contract('particleSmoother, by Metropolis steps', () => particleSmoother({ ...base, functional }), {
  backends,
  bad: {
    ...badFilter(smoother),
    'an unknown method': smoother({ method: 'ffbs' }),
    'paths 0': smoother({ paths: 0 }),
    'moves 0': smoother({ moves: 0 }),
    'moves for a method without': smoother({ method: 'exact', moves: 2 }),
    'paths for the genealogy': smoother({ method: 'genealogy', paths: 10 }),
    'a lag for whole paths': smoother({ lag: 3 }),
    'lag 0': smoother({ method: 'fixed-lag', lag: 0 }),
    'maxTrials 0': smoother({ method: 'rejection', maxTrials: 0 }),
    'rejection without a bound': smoother({ method: 'rejection', model: unbounded }),
    'a functional without terms': smoother({ functional: { names: ['a'] } }),
    'a functional without names': smoother({ functional: { names: [], term: functional.term } }),
    'a functional with a misspelt first term': smoother({ functional: { ...functional, inital: () => {} } }),
    'a history over the limit': smoother({ particles: 1e6, observations: new Array(500).fill(0) }),
  },
});
for (const method of ['exact', 'rejection', 'genealogy', 'fixed-lag'] as const)
  contract(`particleSmoother, method ${method}`, () => particleSmoother({ ...base, functional, method }), {
    backends: { 'two threads': backends['two threads'] },
    bad: {},
  });
contract('additiveSmoother, PaRIS', () => additiveSmoother({ ...base, functional }), {
  backends,
  bad: {
    ...badFilter(additive),
    'one draw': additive({ draws: 1 }),
    'more draws than there are addresses': additive({ draws: 2 ** 40 }),
    'a first term that is no function': additive({ functional: { ...functional, initial: 3 as never } }),
    'a model without a bound': additive({ model: unbounded }),
    'no functional': additive({ functional: undefined }),
    'an unknown method': additive({ method: 'parisian' }),
    'memory over the limit': additive({ particles: 1e8 }),
  },
});
contract(
  'additiveSmoother, forward-only',
  () => additiveSmoother({ ...base, functional, method: 'forward-only' }),
  { backends: { 'two threads': backends['two threads'] }, bad: {} },
);
contract('twoFilterSmoother, drawn pairs', () => twoFilterSmoother({ ...base, functional, reversed }), {
  backends,
  bad: {
    ...badFilter(two),
    'pairs 0': two({ pairs: 0 }),
    'more pairs than memory': two({ pairs: 1e9 }),
    'no reversed model': two({ reversed: undefined }),
    'a reversed model without its prior': two({ reversed: { ...reversed, logPrior: undefined } }),
    'a reversed model with a misspelt density': two({ reversed: { ...reversed, logTranstion: () => {} } }),
    'a reversed density that is no function': two({ reversed: { ...reversed, logInitial: 3 } }),
    'a reversed model without noise': two({ reversed: { ...reversed, noise: 0 } }),
    'a history over the limit': two({ particles: 1e6, observations: new Array(500).fill(0) }),
  },
});
contract(
  'twoFilterSmoother, all pairs',
  () => twoFilterSmoother({ ...base, functional, reversed, pairs: 'all' }),
  { backends: { 'two threads': backends['two threads'] }, bad: {} },
);

function smooth(options: Partial<SmootherOptions>): Promise<SmootherResult> {
  return run(particleSmoother({ ...base, ...options }), { seed: SEED, backend: jsBackend() });
}

describe('what smoothers say of themselves', () => {
  test('errors of options say what to add', () => {
    expect(smoother({ model: opaque })).toThrow(
      /no `logTransition`.*Add logTransition\(step, parent, x, out\)/,
    );
    expect(smoother({ model: opaque })).toThrow(/'genealogy' or 'fixed-lag'/);
    expect(additive({ draws: 1 })).toThrow(/at least 2.*merge as the genealogy/);
    expect(smoother({ particles: 1e6, observations: new Array(500).fill(0) })).toThrow(
      /500 steps of 1 000 000 particles in 3 runs.* GiB; expected at most 3.5 GiB/,
    );
    expect(smoother({ model: opaque, method: 'genealogy' })).not.toThrow();
  });

  test('one run has no standard errors; several have', async () => {
    const one = await smooth({ runs: 1, functional });
    for (const curve of [one.mean, one.variance]) expect(curve.standardError.every(Number.isNaN)).toBe(true);
    expect(one.estimate.standardError.every(Number.isNaN)).toBe(true);
    const several = await smooth({ functional });
    for (const curve of [several.mean, several.variance])
      expect(curve.standardError.every((se) => se > 0)).toBe(true);
    expect(several.estimate.names).toEqual(['logNormalizer', 'energy', 'drift']);
    expect(several.functional.standardError.every((se) => se > 0)).toBe(true);
  });

  test('steps that the way back has not reached are NaN, and the sample holds the filter until it is over', async () => {
    const method = particleSmoother({ ...base });
    const half = await run(method, { seed: SEED, backend: jsBackend(), budget: { steps: 7 } });
    expect(Array.from(half.mean.value, Number.isNaN)).toEqual([
      ...Array(6).fill(true),
      ...Array(4).fill(false),
    ]);
    expect(half.sample.shape).toEqual([180, 2]);
    expect((await smooth({})).sample.shape).toEqual([180, 10]);
  });

  test('no observations: nothing, and no call of the model', async () => {
    const silent = { ...model, initial: () => expect.unreachable() };
    const result = await smooth({ model: silent, observations: [] });
    expect(result.mean.value.length).toBe(0);
    expect(result.outcome.kind).toBe('converged');
    expect(result.estimate.value[0]).toBe(0);
  });

  test('one particle is legal, and its path is smoothed', async () => {
    for (const method of ['mcmc', 'exact', 'rejection', 'genealogy', 'fixed-lag'] as const) {
      const result = await smooth({ particles: 1, runs: 1, method });
      expect(result.mean.value.every(Number.isFinite)).toBe(true);
      expect(result.variance.value.every((v) => v === 0)).toBe(true);
    }
  });

  test('runs that collapse count for nothing; when all do the outcome says so', async () => {
    const bounded = (edge: number): StateSpaceModel => ({
      ...opaque,
      logTransition: model.logTransition!,
      logObservation: (step, _, x, out) => {
        for (let i = 0; i < out.length; i++) out[i] = step === 2 && x[2 * i]! < edge ? -Infinity : 0;
      },
    });
    const some = await smooth({ model: bounded(1.3), observations: [0, 0, 0, 0, 0], particles: 3, runs: 12 });
    const dead = some.runs.logNormalizer.filter((logZ) => logZ === -Infinity).length;
    expect(dead).toBeGreaterThan(0);
    expect(dead).toBeLessThan(12);
    expect(some.mean.value.every(Number.isFinite)).toBe(true);
    expect(some.outcome.kind).toBe('converged');
    const none = await smooth({ model: bounded(1e9), observations: [0, 0, 0, 0, 0] });
    expect(none.outcome).toMatchObject({ kind: 'degenerate', message: expect.stringContaining('at step 2') });
    expect(none.mean.value.every(Number.isNaN)).toBe(true);
  });

  test('a functional that is not finite is an error that names the step', async () => {
    const broken = {
      names: ['a'],
      term: (_: number, __: Float64Array, ___: Float64Array, out: Float64Array) => void out.fill(Number.NaN),
    };
    await expect(smooth({ functional: broken })).rejects.toThrow(/the functional is NaN at step 4/);
    await expect(smooth({ functional: broken })).rejects.toBeInstanceOf(ValueError);
  });

  test('a guided filter is smoothed like any other', async () => {
    const proposal = {
      initial: (_: Float64Array, z: Float64Array, x: Float64Array) => model.initial(z, x),
      logInitial: (_: Float64Array, x: Float64Array, out: Float64Array) => model.logInitial!(x, out),
      transition: (t: number, _: Float64Array, p: Float64Array, z: Float64Array, x: Float64Array) =>
        model.transition(t, p, z, x),
      logTransition: (t: number, _: Float64Array, p: Float64Array, x: Float64Array, out: Float64Array) =>
        model.logTransition!(t, p, x, out),
    };
    const guided = await smooth({ proposal });
    const plain = await smooth({});
    for (let i = 0; i < 10; i++) expect(guided.mean.value[i]).toBeCloseTo(plain.mean.value[i]!, 9);
    expect(smoother({ proposal, model: { ...model, logInitial: undefined } })).toThrow(OptionError);
  });
});

describe('warnings', () => {
  const codes = (result: Result): string[] => {
    for (const { message } of result.diagnostics.warnings) expect(message.length).toBeLessThanOrEqual(240);
    return result.diagnostics.warnings.map(({ code }) => code);
  };
  const many = Array.from({ length: 40 }, (_, t) => Math.sin(t));
  /** Steps so small that hardly any other parent is possible. */
  const sharp = linearGaussian({
    ...{ transition: 0.5, transitionCovariance: 1e-8, initialCovariance: 1, observationCovariance: 1 },
  });

  test('good news is not printed', async () => {
    expect(codes(await smooth({ particles: 400, runs: 1 }))).toEqual([]);
  });

  test('paths-coalesce: the genealogy over many steps', async () => {
    const result = await smooth({ observations: many, method: 'genealogy', runs: 1, particles: 200 });
    expect(codes(result)).toEqual(['paths-coalesce']);
    expect(result.diagnostics.warnings[0]!.value).toBe(result.pathEss);
    expect(codes(await smooth({ observations: many, runs: 1, particles: 400 }))).toEqual([]);
  });

  test('backward-moves-rejected: transitions much sharper than the spread of the particles', async () => {
    const result = await smooth({ model: sharp, observations: [0, 0.1, 0.2], runs: 1, particles: 400 });
    expect(codes(result)).toContain('backward-moves-rejected');
    expect(result.acceptance).toBeLessThan(0.05);
  });

  test('backward-fallbacks: few trials for a low acceptance', async () => {
    const result = await smooth({ method: 'rejection', maxTrials: 2, runs: 1, particles: 400 });
    expect(codes(result)).toEqual(['backward-fallbacks']);
    expect(result.fallbackShare).toBeGreaterThan(0.1);
    const paris = additiveSmoother({ ...base, runs: 1, functional, maxTrials: 2 });
    expect(codes(await run(paris, { seed: SEED, backend: jsBackend() }))).toEqual(['backward-fallbacks']);
  });

  test('transition-without-support: a density that is not that of the transition', async () => {
    const wrong = {
      ...model,
      logTransition: (_: number, __: Float64Array, ___: Float64Array, out: Float64Array) =>
        void out.fill(-Infinity),
    };
    expect(codes(await smooth({ model: wrong, method: 'exact', particles: 400, runs: 1 }))).toEqual([
      'transition-without-support',
    ]);
  });

  test('runs-uneven: a few particles for many steps', async () => {
    expect(codes(await smooth({ observations: many, particles: 12, runs: 12 }))).toContain('runs-uneven');
  });

  test('few-pairs: an artificial prior far from the smoothed states', async () => {
    const far: TwoFilterOptions['reversed'] = {
      ...reversed,
      initial: (z, x) => {
        for (let i = 0; i < x.length; i++) x[i] = 5 + z[i]!;
      },
      transition: (_, __, z, x) => {
        for (let i = 0; i < x.length; i++) x[i] = 5 + z[i]!;
      },
    };
    const method = twoFilterSmoother({ ...base, particles: 200, reversed: far });
    expect(codes(await run(method, { seed: SEED, backend: jsBackend() }))).toEqual(['few-pairs']);
  });
});
