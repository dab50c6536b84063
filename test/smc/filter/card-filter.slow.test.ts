import { afterAll, expect, test } from 'vitest';
import type { Backend } from '../../../engine/backend/backend.ts';
import { gpuBackend } from '../../../engine/backend/gpu.ts';
import { hostBackend } from '../../../engine/backend/host.ts';
import { ValueError } from '../../../engine/errors.ts';
import type { HistoryOptions } from '../../../engine/particles/history.ts';
import { iterate, resume, run } from '../../../engine/run.ts';
import type { FilterOptions, FilterResult } from '../../../estimators/smc/filter/filter-types.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { kalmanFilter } from '../../../estimators/smc/models/kalman.ts';
import { linearGaussian } from '../../../estimators/smc/models/linear-gaussian.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';
import { describeGpu, hasCard } from '../../support/gpu.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';
import { CLIFF, LINEAR, MODELS } from './card-models.ts';

const SEED = 20261126;
const Y = [0.4, -1.2, null, 2.5, 0, 0.8, -0.3, 1.6];

const host = await hostBackend({ threads: 1 });
const card: Backend | undefined = hasCard ? await gpuBackend({ allowSoftware: true, threads: 1 }) : undefined;
afterAll(() => card?.dispose());

/** Bytes on the card. */
async function used(): Promise<number> {
  return (await card!.card(1)).gpu!.used;
}

/** A filter on the card and on the host. */
async function both(options: FilterOptions): Promise<readonly [FilterResult, FilterResult]> {
  const method = particleFilter(options);
  const onHost = await run(method, { seed: SEED, backend: host });
  return [await run(method, { seed: SEED, backend: card! }), onHost];
}

/** Within the tolerance, relative above 1; NaN and infinities alike. */
function expectNear(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number): void {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(b[i]!));
    if (!Object.is(a[i], b[i])) expect(Math.abs(a[i]! - b[i]!)).toBeLessThanOrEqual(allowed);
  }
}

describeGpu('particleFilter() on a card', () => {
  test('agrees with the host, step by step, for builders and kernels, and tells where it ran', async () => {
    const history = { kind: 'full' } as const;
    const settings = {
      particles: 512,
      runs: 2,
      moments: 'covariance',
      scheme: 'stratified',
      history,
    } as const;
    const expectations = { sine };
    for (const [model, near] of MODELS) {
      const [a, b] = await both({ model, observations: Y, ...settings, expectations });
      const { steps, flips } = agreement(a, b);
      // Rounding may turn an ancestor over; from there on the two are two runs.
      expect(flips).toBeLessThanOrEqual(3);
      expect(steps).toBeGreaterThanOrEqual(4);
      const first = (of: Float64Array): Float64Array => of.subarray(0, (steps * of.length) / Y.length);
      expectNear(first(a.increments), first(b.increments), near);
      expectNear(first(a.mean), first(b.mean), near);
      expectNear(first(a.covariance), first(b.covariance), near);
      expectNear(first(a.expectations.value), first(b.expectations.value), near);
      expectNear(first(a.ess), first(b.ess), 10 * near);
      expect([...a.families.subarray(0, steps)]).toEqual([...b.families.subarray(0, steps)]);
      expect([...a.resampled.subarray(0, steps)]).toEqual([...b.resampled.subarray(0, steps)]);
      expect(b.resampled.subarray(0, steps).some((runs) => runs > 0)).toBe(true);
      expect([a.logNormalizer.method, a.sample.shape]).toEqual(['replicates', b.sample.shape]);
      expect(a.sample.points.every((x) => x === Math.fround(x))).toBe(true);
      expect(a.provenance).toMatchObject({ backend: 'webgpu', precision: 'float32', adapter: card!.adapter });
      expect(a.provenance.notes[0]).toBe("Ran on the GPU: backend 'webgpu' was asked for.");
    }
    expect(await used()).toBe(0);
  });

  test('is unbiased for the evidence and the last mean of a Kalman filter', async () => {
    const observations = [1.5, -0.5, null];
    const settings = { particles: 96, runs: 100, threshold: 0.9, observations };
    const model = linearGaussian({
      ...{ transition: 0.9, transitionCovariance: 0.49, observationCovariance: 0.25, initialCovariance: 1 },
      ...{ observation: 1.2, observationShift: -0.1, transitionShift: 0.2, initialMean: 0.3 },
    });
    const { logNormalizer, filtered } = exact(model, observations);
    const estimates = async (tried: StateSpaceModel): Promise<Replicates> => {
      const method = particleFilter({ ...settings, model: tried });
      const { sample, runs } = await run(method, { seed: SEED, backend: card! });
      const values = new Float64Array(2 * settings.runs);
      for (let r = 0; r < settings.runs; r++) {
        let moment = 0;
        for (let i = r * settings.particles; i < (r + 1) * settings.particles; i++)
          moment += Math.exp(sample.logWeight[i]! - logNormalizer) * sample.points[i]!;
        values[2 * r] = Math.exp(runs.logNormalizer[r]! - logNormalizer);
        values[2 * r + 1] = moment / settings.particles;
      }
      return { runs: settings.runs, width: 2, values };
    };
    // Relative spread of the evidence 0.2: a bias of 14 % is caught 99 times in 100.
    expectMeans(await estimates(model), [1, filtered]);
    // The noise of the card's transition is that of another model.
    const louder = linearGaussian({
      ...{ transition: 0.9, transitionCovariance: 1.2, observationCovariance: 0.25, initialCovariance: 1 },
      ...{ observation: 1.2, observationShift: -0.1, transitionShift: 0.2, initialMean: 0.3 },
    });
    const broken = { ...model, card: { ...model.card, transition: louder.card.transition } };
    const twin = await estimates(broken);
    expectRejected(() => expectMeans(twin, [1, filtered]));
  });

  test('dead particles, a collapse, a floor and NaN are told as on the host', async () => {
    const cliff = { model: CLIFF, particles: 64 };
    const [dead, same] = await both({ ...cliff, observations: [0, null, 0] });
    expectNear(dead.increments, same.increments, 1e-5);
    expect(dead.sample.logWeight.filter((l) => l === -Infinity).length).toBeGreaterThan(10);
    const [collapsed, ended] = await both({ ...cliff, runs: 2, observations: [0, 0, 2, 0] });
    expect([collapsed.collapsedAt, collapsed.logNormalizer.value]).toEqual([2, -Infinity]);
    expect(collapsed.outcome).toEqual(ended.outcome);
    expect(collapsed.diagnostics.warnings).toEqual(ended.diagnostics.warnings);
    expect(collapsed.increments).toHaveLength(ended.increments.length);
    const [floored, low] = await both({ ...cliff, observations: [0, 2, 0], floor: -50 });
    expectNear(floored.increments, low.increments, 1e-5);
    expect([floored.logNormalizer.unbiased, floored.increments[1]]).toEqual([false, -50]);
    const [buried, lost] = await both({ ...cliff, observations: [0, 1, 0], nan: 'dead' });
    expectNear(buried.increments, lost.increments, 1e-5);
    expect(buried.diagnostics.warnings).toEqual(lost.diagnostics.warnings);
    expect(buried.diagnostics.warnings[0]?.code).toBe('nan-potentials');
    const method = particleFilter({ ...cliff, threshold: 1, observations: [null, null, 1] });
    const told = await Promise.all(
      [card!, host].map((backend) => run(method, { seed: SEED, backend }).catch((error: unknown) => error)),
    );
    const [here, there] = told;
    if (!(here instanceof ValueError && there instanceof ValueError)) throw here;
    expect(here.message).toBe(there.message);
    expect(here.message).toMatch(/the log potential is NaN at step 2, particle \d+; /);
    expectNear(here.point!, there.point!, 1e-5);
    expect(await used()).toBe(0);
  });

  test('a resumed run is the uninterrupted one bit for bit, and the host goes on from a card', async () => {
    const options = { model: LINEAR, particles: 200, runs: 2, observations: Y };
    const method = particleFilter({ ...options, history: { kind: 'paths' } });
    const whole = await run(method, { seed: SEED, backend: card! });
    let bytes = new Uint8Array();
    for await (const at of iterate(method, { seed: SEED, backend: card! }))
      if (at.step === 4) {
        bytes = new Uint8Array(await at.snapshot());
        break;
      }
    expect(await used()).toBe(0);
    const rest = await resume(method, bytes, { seed: SEED, backend: card! });
    const { history: path, ...answer } = rest;
    const { history: wholePath, ...wholeAnswer } = whole;
    expect(answer).toEqual(wholeAnswer);
    expect(path.path(7)).toEqual(wholePath.path(7));
    expect([...path.path(7).x!.slice(-2)]).toEqual([...whole.sample.points.slice(14, 16)]);
    const onHost = await resume(method, bytes, { seed: SEED, backend: host });
    expectNear(onHost.increments, whole.increments, 1e-3);
    expect(onHost.provenance.precision).toBe('float32');
    expect(onHost.provenance.notes).toEqual([
      `The points before it was resumed were evaluated on ${card!.adapter}, in float32.`,
    ]);
  });

  test('errors by the genealogy and every kind of history are those of the host', async () => {
    const options = { model: LINEAR, particles: 300, observations: Y, standardErrors: true } as const;
    for (const history of HISTORIES) {
      const [a, b] = await both({ ...options, history });
      expectNear(a.meanError, b.meanError, 1e-4);
      expect(a.logNormalizer.standardError).toBeCloseTo(b.logNormalizer.standardError, 4);
      const frames = b.history.frames.map(({ step }) => step);
      expect(a.history.frames.map(({ step }) => step)).toEqual(frames);
      for (const [i, { fields, ancestor, logWeight }] of a.history.frames.entries()) {
        const there = b.history.frames[i]!;
        expectNear(fields.x!, there.fields.x!, 1e-5);
        expectNear(logWeight, there.logWeight, 1e-4);
        expect(ancestor).toEqual(there.ancestor);
      }
    }
  });
});

const HISTORIES: readonly HistoryOptions[] = [
  { kind: 'full' },
  { kind: 'window', steps: 3 },
  { kind: 'selected', steps: [5] },
];

/** sin of the first number of a state. */
function sine(x: Float64Array, out: Float64Array): void {
  const d = x.length / out.length;
  for (let i = 0; i < out.length; i++) out[i] = Math.sin(x[i * d]!);
}

/** Steps until the ancestors of two runs differ, and in how many places they then do. */
function agreement(a: FilterResult, b: FilterResult): { readonly steps: number; readonly flips: number } {
  for (const [t, { ancestor }] of a.history.frames.entries()) {
    const other = b.history.frames[t]!.ancestor;
    const flips = ancestor?.filter((slot, i) => slot !== other?.[i]).length ?? 0;
    if (flips > 0) return { steps: t, flips };
  }
  return { steps: a.history.frames.length, flips: 0 };
}

/** log p(y), and the mean of the last state given all y. */
function exact(
  model: ReturnType<typeof linearGaussian>,
  observations: readonly (number | null)[],
): { readonly logNormalizer: number; readonly filtered: number } {
  const { logNormalizer, mean } = kalmanFilter(model, observations);
  return { logNormalizer, filtered: mean[observations.length - 1]! };
}
