import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import { jsBackend } from '../../../engine/backend/js.ts';
import { OptionError, ShapeError, ValueError } from '../../../engine/errors.ts';
import { logMeanExp } from '../../../engine/particles/log-weight.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import { filterBatch } from '../../../estimators/smc/filter/filter-batch.ts';
import type { FilterOptions, FilterResult } from '../../../estimators/smc/filter/filter-types.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import type { Lookahead, Proposal, StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { contract } from '../../contract/sampler.ts';
import { splitBackend } from '../../support/split-backend.ts';
import { AUTOREGRESSION, exactLogNormalizer, FORESIGHT, HALFWAY } from './models.ts';

const SEED = 20_260_201;
const Y: readonly (number | null)[] = [0.3, -1.2, null, 1.9, 2.4, 0.1, -0.7];
const BASE = { model: AUTOREGRESSION, observations: Y, particles: 200 } as const;

const square = (x: Float64Array, out: Float64Array): void => {
  for (let i = 0; i < out.length; i++) out[i] = x[i]! ** 2;
};

function filtered(options: Partial<FilterOptions> = {}, seed = SEED): Promise<FilterResult> {
  return run(particleFilter({ ...BASE, ...options }), { seed, backend: jsBackend() });
}

const bad: Readonly<Record<string, Partial<Record<keyof FilterOptions, unknown>> & object>> = {
  'no model': { model: undefined },
  'a model without transition': { model: { ...AUTOREGRESSION, transition: undefined } },
  'dimension 0': { model: { ...AUTOREGRESSION, dimension: 0 } },
  'observations that are no array': { observations: 3 },
  'particles 0': { particles: 0 },
  'particles 2.5': { particles: 2.5 },
  'runs 0': { runs: 0 },
  'an unknown scheme': { scheme: 'sistematic' },
  'threshold 2': { threshold: 2 },
  'an unknown measure': { measure: 'kish' },
  'unknown moments': { moments: 'median' },
  'an unknown history': { history: { kind: 'all' } },
  'a window of no steps': { history: { kind: 'window', steps: 0 } },
  'nan ignored': { nan: 'ignore' },
  'a floor that is NaN': { floor: Number.NaN },
  'an expectation that is no function': { expectations: { level: 3 } },
  'standardErrors as a string': { standardErrors: 'yes' },
  'a proposal without logTransition of the model': {
    model: { ...AUTOREGRESSION, logTransition: undefined },
    proposal: HALFWAY,
  },
  'memory over the limit': { particles: 1e8 },
  'a history over the limit': { particles: 1e7, history: { kind: 'full' }, observations: Array(100).fill(0) },
};

contract(
  'particleFilter, bootstrap with everything asked',
  () => {
    const more = { moments: 'covariance', expectations: { square }, standardErrors: true } as const;
    return particleFilter({ ...BASE, ...more, history: { kind: 'full' } });
  },
  {
    bad: Object.fromEntries(
      Object.entries(bad).map(([what, wrong]) => [
        what,
        () => particleFilter({ ...BASE, ...wrong } as unknown as FilterOptions),
      ]),
    ),
    backends: {
      wasm: () => hostBackend({ threads: 1 }),
      'two threads': () => hostBackend({ threads: 2 }),
      'three parts, last first': async () => splitBackend(3),
    },
  },
);

for (const [name, more] of Object.entries({
  'guided, paths remembered': { proposal: HALFWAY, history: { kind: 'paths' } },
  'auxiliary, in three runs': { proposal: HALFWAY, lookahead: FORESIGHT, runs: 3, expectations: { square } },
  'bootstrap with lookahead, a window remembered': {
    lookahead: FORESIGHT,
    history: { kind: 'window', steps: 3 },
  },
} satisfies Record<string, Partial<FilterOptions>>)) {
  contract(`particleFilter, ${name}`, () => particleFilter({ ...BASE, ...more }), {
    bad: {},
    backends: { wasm: () => hostBackend({ threads: 1 }), 'two threads': () => hostBackend({ threads: 2 }) },
  });
}

describe('particleFilter()', () => {
  test('sees the exact evidence and means, by every filter, within five standard errors', async () => {
    const exact = exactLogNormalizer(Y);
    for (const more of [{}, { proposal: HALFWAY }, { lookahead: FORESIGHT, proposal: HALFWAY }]) {
      const { logNormalizer, estimate } = await filtered({ particles: 2000, runs: 8, ...more });
      expect(logNormalizer.method).toBe('replicates');
      expect(Math.abs(logNormalizer.value - exact)).toBeLessThan(5 * logNormalizer.standardError);
      expect(logNormalizer.standardError).toBeLessThan(0.03);
      expect(estimate.value[0]).toBe(logNormalizer.value);
    }
  });

  test('without data there is no call of the model, log Z is 0 and the sample is empty', async () => {
    const never = (): never => {
      throw new Error('called');
    };
    const model: StateSpaceModel = { dimension: 2, initial: never, transition: never, logObservation: never };
    const { logNormalizer, sample, mean, outcome, diagnostics } = await filtered({ model, observations: [] });
    expect(logNormalizer).toEqual({ value: 0, standardError: Number.NaN, method: 'none', unbiased: true });
    expect(sample).toEqual({ points: new Float64Array(0), shape: [0, 2], logWeight: new Float64Array(0) });
    expect([mean.length, outcome.kind, diagnostics.evaluations]).toEqual([0, 'converged', 0]);
  });

  test('one particle is legal, and has no error', async () => {
    const { logNormalizer, meanError, ess } = await filtered({ particles: 1, standardErrors: true });
    expect(logNormalizer.value).toBeLessThan(0);
    expect(logNormalizer).toMatchObject({ standardError: Number.NaN, method: 'none' });
    expect(meanError.every(Number.isNaN)).toBe(true);
    expect(Array.from(ess)).toEqual(Y.map(() => 1));
  });

  test('a missing observation moves the particles and weighs nothing', async () => {
    for (const more of [{}, { proposal: HALFWAY }, { proposal: HALFWAY, lookahead: FORESIGHT }]) {
      const { increments } = await filtered(more);
      expect(Math.abs(increments[2]!)).toBeLessThan(1e-12);
      expect(increments.filter((x) => Math.abs(x) < 1e-12)).toHaveLength(1);
    }
    const { increments, mean } = await filtered({ observations: [null, null] });
    expect(Array.from(increments)).toEqual([0, 0]);
    expect(mean[0]).not.toBe(mean[1]);
  });

  test('log-weights of the sample have log Z for log-mean-exp, and give the last mean', async () => {
    const { sample, logNormalizer, mean } = await filtered({ runs: 3, threshold: 0.8 });
    expect(sample.shape).toEqual([600, 1]);
    expect(logMeanExp(sample.logWeight)).toBeCloseTo(logNormalizer.value, 12);
    const weight = sample.logWeight.map((l) => Math.exp(l - logNormalizer.value) / 600);
    const last = weight.reduce((sum, w, i) => sum + w * sample.points[i]!, 0);
    expect(last).toBeCloseTo(mean.at(-1)!, 12);
  });

  test('the first of several runs has the bits of the only one, and increments add up to log Z', async () => {
    const one = await filtered();
    const three = await filtered({ runs: 3 });
    expect(three.runs.logNormalizer[0]).toBe(one.logNormalizer.value);
    for (const { increments, logNormalizer } of [one, three])
      expect(increments.reduce((sum, x) => sum + x, 0)).toBeCloseTo(logNormalizer.value, 12);
    expect(three.logNormalizer.value).toBeCloseTo(logMeanExp(three.runs.logNormalizer), 12);
  });

  test('covariance is E[x^2] - E[x]^2, within and between runs', async () => {
    for (const runs of [1, 3]) {
      const { mean, covariance, expectations } = await filtered({
        ...{ runs, moments: 'covariance', expectations: { square } },
      });
      for (let t = 0; t < Y.length; t++)
        expect(covariance[t]).toBeCloseTo(expectations.value[t]! - mean[t]! ** 2, 10);
    }
  });

  test('the error of a mean over runs is the jackknife over them', async () => {
    const { runs, mean, meanError } = await filtered({ runs: 4, observations: Y.slice(0, 1) });
    const models = [0, 1, 2, 3].map(() => AUTOREGRESSION);
    const options = { models, observations: Y.slice(0, 1), particles: BASE.particles };
    const own = (await run(filterBatch(options), { seed: SEED, backend: jsBackend() })).mean;
    const z = runs.logNormalizer.map(Math.exp);
    const without = (out: number): number => {
      const kept = z.map((w, r) => (r === out ? 0 : w));
      const total = kept.reduce((sum, w) => sum + w, 0);
      return kept.reduce((sum, w, r) => sum + (w / total) * own[r]!, 0);
    };
    expect(mean[0]).toBeCloseTo(without(-1), 12);
    const squares = [0, 1, 2, 3].reduce((sum, r) => sum + (without(r) - mean[0]!) ** 2, 0);
    expect(meanError[0]).toBeCloseTo(Math.sqrt((squares * 3) / 4), 12);
  });

  test('paths end in the sample, start in what full and path histories agree on, and outlive the run', async () => {
    const full = await filtered({ history: { kind: 'full' } });
    const paths = await filtered({ history: { kind: 'paths' } });
    for (const slot of [0, 77, 199]) {
      const path = full.history.path(slot).x!;
      expect(path).toHaveLength(Y.length);
      expect(path.at(-1)).toBe(full.sample.points[slot]);
      expect(paths.history.path(slot).x).toEqual(path);
    }
    expect(full.history.frames).toHaveLength(Y.length);
    expect((await filtered()).history.frames).toEqual([]);
  });

  test('a resumed filter has the history of the uninterrupted one', async () => {
    const make = () => particleFilter({ ...BASE, history: { kind: 'paths' }, standardErrors: true });
    const whole = await run(make(), { seed: SEED, backend: jsBackend() });
    let bytes = new Uint8Array(0);
    for await (const at of iterate(make(), { seed: SEED, backend: jsBackend() })) {
      bytes = new Uint8Array(await at.snapshot());
      if (at.step === 4) break;
    }
    const resumed = await resume(make(), bytes, { seed: SEED, backend: jsBackend() });
    for (let slot = 0; slot < 200; slot += 13)
      expect(resumed.history.path(slot)).toEqual(whole.history.path(slot));
    const other = particleFilter({
      ...BASE,
      observations: [...Y.slice(0, -1), 9],
      history: { kind: 'paths' },
    });
    await expect(resume(other, bytes, { seed: SEED, backend: jsBackend() })).rejects.toThrow(
      'belongs to a run with other options or observations',
    );
    await expect(resume(make(), bytes, { seed: 1, backend: jsBackend() })).rejects.toThrow('another seed');
  });

  test('a filter is not resumed with another model, proposal or lookahead', async () => {
    const options = { ...BASE, proposal: HALFWAY, lookahead: FORESIGHT };
    let bytes = new Uint8Array(0);
    for await (const at of iterate(particleFilter(options), { seed: SEED, backend: jsBackend() })) {
      bytes = new Uint8Array(await at.snapshot());
      if (at.step === 3) break;
    }
    const going = (other: Partial<FilterOptions>) =>
      resume(particleFilter({ ...options, ...other }), bytes, { seed: SEED, backend: jsBackend() });
    const halved: Lookahead = (step, next, x, out) => {
      FORESIGHT(step, next, x, out);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! / 2;
    };
    const wider: Proposal = {
      ...HALFWAY,
      transition: (step, y, parent, z, x) =>
        HALFWAY.transition(
          step,
          y,
          parent,
          z.map((u) => 1.01 * u),
          x,
        ),
    };
    const noisier: StateSpaceModel = {
      ...AUTOREGRESSION,
      transition: (_, parent, z, x) => x.set(parent.map((p, i) => 0.89 * p + z[i]!)),
    };
    const { lookahead: _, ...without } = options;
    for (const other of [{ lookahead: halved }, { proposal: wider }, { model: noisier }])
      await expect(going(other)).rejects.toThrow('belongs to a run with other options');
    await expect(
      resume(particleFilter(without), bytes, { seed: SEED, backend: jsBackend() }),
    ).rejects.toThrow('other options');
    // Functions that are others and do the same are taken.
    const same: Lookahead = (step, next, x, out) => FORESIGHT(step, next, x, out);
    await expect(going({ lookahead: same })).resolves.toBeDefined();
  });

  test('observations of the wrong length or not finite are ShapeErrors with their step', () => {
    const make =
      (observations: unknown): (() => unknown) =>
      () =>
        particleFilter({ ...BASE, observations } as unknown as FilterOptions);
    expect(make([1, [2, 3]])).toThrow(
      'particleFilter: observation 1 has 2 numbers; expected 1 finite number, or null where it is missing.',
    );
    expect(make([1, 2, Number.NaN])).toThrow('number 0 of observation 2 is NaN');
    expect(make([1, undefined])).toThrow('observation 1 is undefined');
    for (const y of [[1, [2, 3]], [Number.NaN], [{}]]) expect(make(y)).toThrow(ShapeError);
  });

  test('a proposal for a model without density says what to add', () => {
    const { logInitial: _, ...model } = AUTOREGRESSION;
    const make = (): unknown => particleFilter({ ...BASE, model, proposal: HALFWAY });
    expect(make).toThrow(OptionError);
    expect(make).toThrow('Add logInitial(x, out) to the model, or filter without a proposal.');
  });

  test('a misspelt option is refused, with the near one', () => {
    const options = { ...BASE, treshold: 1 } as FilterOptions;
    expect(() => particleFilter(options)).toThrow('Did you mean threshold?');
  });

  test('a NaN density is a ValueError with step and particle; an expectation that is NaN one with its name', async () => {
    const model: StateSpaceModel = {
      ...AUTOREGRESSION,
      logObservation(t, y, x, out) {
        AUTOREGRESSION.logObservation(t, y, x, out);
        if (t === 3) out[17] = Number.NaN;
      },
    };
    await expect(filtered({ model })).rejects.toThrow('the log potential is NaN at step 3, particle 17;');
    await expect(filtered({ model })).rejects.toBeInstanceOf(ValueError);
    const { diagnostics } = await filtered({ model, nan: 'dead' });
    expect(diagnostics.warnings).toMatchObject([{ code: 'nan-potentials', value: 1 }]);
    const expectations = { level: (_: Float64Array, out: Float64Array) => void out.fill(Number.NaN) };
    await expect(filtered({ expectations })).rejects.toThrow('the expectation `level` is NaN at step 0');
  });

  test('error and label of log Z follow scheme and runs; what is biased says so', async () => {
    const label = async (more: Partial<FilterOptions>) => (await filtered(more)).logNormalizer;
    expect(await label({ scheme: 'multinomial' })).toMatchObject({ method: 'lee-whiteley', unbiased: true });
    expect(await label({})).toMatchObject({ method: 'heuristic', unbiased: true });
    expect(await label({ threshold: 0 })).toMatchObject({ method: 'lee-whiteley' });
    expect(await label({ runs: 2 })).toMatchObject({ method: 'replicates' });
    expect(await label({ scheme: 'metropolis' })).toMatchObject({ unbiased: false });
  });
});

describe('particleFilter() in trouble', () => {
  const dies: StateSpaceModel = {
    ...AUTOREGRESSION,
    logObservation(t, y, x, out) {
      if (t === 3) out.fill(-Infinity);
      else AUTOREGRESSION.logObservation(t, y, x, out);
    },
  };

  test('all particles dead: log Z = -Infinity, no NaN weight, outcome and warning with the step', async () => {
    const { logNormalizer, collapsedAt, sample, outcome, diagnostics, increments, runs } = await filtered({
      model: dies,
    });
    expect(logNormalizer).toMatchObject({ value: -Infinity, standardError: Number.NaN, method: 'none' });
    expect(collapsedAt).toBe(3);
    expect(Array.from(runs.collapsedAt)).toEqual([3]);
    expect(sample.logWeight.every((l) => l === -Infinity)).toBe(true);
    expect(increments).toHaveLength(4);
    const message =
      'At step 3 none of 200 particles could explain the observation, so log Z is -Infinity. Look at that observation; then more particles or a guided proposal.';
    expect(outcome).toEqual({ kind: 'degenerate', ess: 0, message });
    expect(diagnostics.warnings).toMatchObject([{ code: 'collapse', message }]);
  });

  test('a floor goes on after a collapse, and the evidence is labelled biased', async () => {
    const { logNormalizer, increments, collapsedAt, diagnostics } = await filtered({
      model: dies,
      floor: -20,
    });
    expect(increments[3]).toBe(-20);
    expect(increments).toHaveLength(Y.length);
    expect([logNormalizer.unbiased, collapsedAt]).toEqual([false, undefined]);
    expect(diagnostics.warnings).toMatchObject([{ code: 'floored-likelihood', value: 1 }]);
  });

  test('thin weights and one weight are warned of with their numbers, worst step first named', async () => {
    const { diagnostics, outcome } = await filtered({ observations: [0, 9, 0, 0, 30], threshold: 0.5 });
    const codes = diagnostics.warnings.map(({ code }) => code);
    expect(codes).toContain('thin-weights');
    expect(codes).toContain('one-weight');
    const thin = diagnostics.warnings.find(({ code }) => code === 'thin-weights')!;
    expect(thin.message).toMatch(/^At step 4 only 1 of 200 particles counted \(0\.\d+ %, warned below 5 %\)/);
    expect(outcome.kind).toBe('degenerate');
    for (const { message } of diagnostics.warnings) expect(message.length).toBeLessThanOrEqual(240);
  });

  test('few ancestors are warned of only where paths are remembered', async () => {
    const observations = Array.from({ length: 100 }, (_, t) => 6 * Math.sin(t));
    const codes = async (more: Partial<FilterOptions>): Promise<string[]> =>
      (await filtered({ observations, particles: 1000, ...more })).diagnostics.warnings.map(
        ({ code }) => code,
      );
    expect(await codes({ history: { kind: 'paths' } })).toContain('few-ancestors');
    expect(await codes({})).not.toContain('few-ancestors');
  });
});
