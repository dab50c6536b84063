import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { TAG } from '../../../engine/random/purpose.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import { makeTurn } from '../../../engine/turn.ts';
import { linearGaussian, makeSmc, particleFilter } from '../../../estimators/index.ts';
import { kalmanFilter } from '../../../estimators/smc/models/kalman.ts';
import { allPairs, drawnPairs, type PairStep } from '../../../estimators/smc/smoothing/pair-sums.ts';
import { informationFilter, type ReversedModel } from '../../../estimators/smc/smoothing/reversed-model.ts';
import type { DensityModel } from '../../../estimators/smc/smoothing/transition-tile.ts';
import { twoFilterSmoother } from '../../../estimators/smc/smoothing/two-filter-smoother.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';
import { smallModel, stepProbability } from './small-model.ts';

const SEED = 90_017;
const signal = new AbortController().signal;
const functional = {
  names: ['s'],
  initial: (x: Float64Array, out: Float64Array) => out.set(x),
  term: (step: number, parent: Float64Array, x: Float64Array, out: Float64Array) => {
    for (let i = 0; i < out.length; i++) out[i] = step + parent[i]! * (x[i]! + 1);
  },
};

describe('pairs of particles of two filters', () => {
  const N = 4;
  const parents = {
    x: Float64Array.of(0, 2, 1, 2),
    logWeight: Float64Array.from([0.5, 1, 0, 0.7], Math.log),
  };
  const children = {
    x: Float64Array.of(1, 0, 2, 1),
    logWeight: Float64Array.from([0.8, 0.1, 0.6, 0], Math.log),
    logPrior: Float64Array.from([0.3, 0.9, 0.2, 0.3], Math.log),
  };
  const step = (t: number, seed = SEED): PairStep => ({
    ...{ step: t, rng: rngFromSeed(seed), parents, children, center: Float64Array.of(0.7) },
  });
  const kit = () => {
    const backend = jsBackend();
    return { where: 'test', backend, arena: backend.arena(), model: smallModel, n: N, functional };
  };
  /** Weight and values of every pair, by the definition. */
  const pairs = (t: number) =>
    Array.from(parents.x).flatMap((from, i) =>
      Array.from(children.x, (to, j) => {
        const [w, wt] = [Math.exp(parents.logWeight[i]!), Math.exp(children.logWeight[j]!)];
        const ratio = stepProbability(t + 1, from, to) / Math.exp(children.logPrior[j]!);
        const values = [from - 0.7, (from - 0.7) ** 2, t + 1 + from * (to + 1), ...(t === 0 ? [from] : [])];
        return { chance: w * wt, ratio, values };
      }),
    );
  const exactMean = (t: number): number[] => {
    const all = pairs(t);
    const mass = all.reduce((sum, { chance, ratio }) => sum + chance * ratio, 0);
    return all[0]!.values.map((_, c) =>
      all.reduce((sum, p) => sum + (p.chance * p.ratio * p.values[c]!) / mass, 0),
    );
  };

  test('allPairs() is the weighted mean over N^2 pairs, at the first step with s_0', async () => {
    const sums = allPairs(kit(), makeTurn(), signal);
    for (const t of [0, 1, 2]) {
      const { mean } = await sums(step(t));
      expect(mean.length).toBe(t === 0 ? 4 : 3);
      for (const [c, value] of exactMean(t).entries()) expect(mean[c]).toBeCloseTo(value, 12);
    }
  });

  test('drawnPairs() has the same mean, to its known error', async () => {
    const count = 20_000;
    const { mean } = await drawnPairs(kit(), count)(step(0));
    const all = pairs(0);
    const total = all.reduce((sum, { chance }) => sum + chance, 0);
    const mass = all.reduce((sum, { chance, ratio }) => sum + (chance / total) * ratio, 0);
    for (const [c, value] of exactMean(0).entries()) {
      // Delta method for a ratio of means of independent pairs.
      const variance = all.reduce(
        (sum, p) => sum + (p.chance / total) * ((p.ratio / mass) * (p.values[c]! - value)) ** 2,
        0,
      );
      // Four numbers at 1e-6 in all: |z| < 5.16.
      expect(Math.abs(mean[c]! - value)).toBeLessThan(5.16 * Math.sqrt(variance / count));
      // A twin that forgets the artificial prior is farther off.
      const unpriced = (by: (p: (typeof all)[number], j: number) => number): number =>
        all.reduce((sum, p, at) => sum + p.chance * by(p, at % N), 0);
      const prior = (j: number): number => Math.exp(children.logPrior[j]!);
      const wrong =
        unpriced((p, j) => p.ratio * prior(j) * p.values[c]!) / unpriced((p, j) => p.ratio * prior(j));
      if (c === 2) expect(Math.abs(mean[c]! - wrong)).toBeGreaterThan(5.16 * Math.sqrt(variance / count));
    }
  });

  test('filters that cannot meet are an error, and so is a prior that is not finite', async () => {
    const never: DensityModel = {
      ...smallModel,
      logTransition: (_, __, ___, out) => void out.fill(-Infinity),
    };
    const apart = { ...kit(), model: never };
    await expect(allPairs(apart, makeTurn(), signal)(step(1))).rejects.toThrow(
      /no pair of particles of steps 1 and 2/,
    );
    await expect(drawnPairs(apart, 10)(step(1))).rejects.toThrow(/no pair/);
    const flat = { ...step(1), children: { ...children, logPrior: new Float64Array(4).fill(Number.NaN) } };
    await expect(drawnPairs(kit(), 10)(flat)).rejects.toThrow(/reversed.logPrior is NaN at step 2/);
  });
});

describe('informationFilter()', () => {
  const rho = 0.8;
  const model = linearGaussian({
    ...{
      transition: rho,
      transitionCovariance: 1 - rho * rho,
      initialCovariance: 1,
      observationCovariance: 0.5,
    },
  }) as DensityModel & ReturnType<typeof linearGaussian>;
  const observations = [0.4, null, -1.1, 0.9].map((y) => (y === null ? null : Float64Array.of(y)));
  const exact = kalmanFilter(model, [0.4, null, -1.1, 0.9]).logNormalizer;
  const normal = (x: number, mean: number, variance: number): number =>
    -0.5 * Math.log(2 * Math.PI * variance) - (0.5 * (x - mean) ** 2) / variance;
  const each = (x: Float64Array, out: Float64Array, f: (i: number) => number): void => {
    for (let i = 0; i < x.length; i++) out[i] = f(i);
  };
  const reversible: ReversedModel = {
    logPrior: (_, x, out) => model.logInitial!(x, out),
    initial: (z, x) => model.initial(z, x),
    transition: (step, next, z, x) => model.transition(step, next, z, x),
  };
  /** The same prior with proposals of other widths, whose densities make up for it. */
  const roundabout: ReversedModel = {
    logPrior: reversible.logPrior,
    initial: (z, x) => each(x, x, (i) => 0.2 + 1.3 * z[i]!),
    logInitial: (x, out) => each(x, out, (i) => normal(x[i]!, 0.2, 1.69)),
    transition: (_, next, z, x) => each(x, x, (i) => 0.5 * next[i]! + 0.8 * z[i]!),
    logTransition: (_, next, x, out) => each(x, out, (i) => normal(x[i]!, 0.5 * next[i]!, 0.64)),
  };
  const runs = 400;
  /** Z of many small information filters over the exact value: gamma_0 is the prior, so Z is p(y). */
  const ratios = async (reversed: ReversedModel): Promise<Replicates> => {
    const backend = jsBackend();
    const rngs = Array.from({ length: runs }, (_, r) => rngFromSeed(SEED).child(0, r));
    const fk = informationFilter(model, observations, reversed);
    const smc = makeSmc({ where: 'test', backend, rngs, model: fk, particles: 40 });
    while (!smc.finished) await smc.advance();
    const values = Float64Array.from(smc.runs, ({ logNormalizer }) => Math.exp(logNormalizer - exact));
    smc.release();
    return { runs, width: 1, values };
  };

  // 400 filters, sd some 0.2: a bias of 7 % is caught with 99 % probability.
  test('its normalizing constant is unbiased, by exact reversals and by any other proposal', async () => {
    expectMeans(await ratios(reversible), 1);
    expectMeans(await ratios(roundabout), 1);
    const { logTransition: _, ...forgetful } = roundabout;
    const careless = await ratios(forgetful);
    expectRejected(() => expectMeans(careless, 1));
    const { logInitial: __, ...other } = roundabout;
    const unstarted = await ratios(other);
    expectRejected(() => expectMeans(unstarted, 1));
  });

  test('twoFilterSmoother(): means, variances and sums over all pairs of the two filters', async () => {
    const [N, y] = [6, [0.4, null, -1.1, 0.9]];
    const history = { kind: 'full' } as const;
    // A run alone, whose variance is the answer, and the second of two, whose slots do not start at 0.
    for (const [count, index] of [
      [1, 0],
      [2, 1],
    ] as const) {
      const base = { model, observations: y, particles: N, runs: count } as const;
      const forward = (await run(particleFilter({ ...base, history }), { seed: SEED, backend: jsBackend() }))
        .history;
      const rng = rngFromSeed(SEED).child(TAG.replicate, index).child(TAG.innerFilter, 0);
      const fk = informationFilter(model, observations, roundabout);
      const smc = makeSmc({
        where: 'test',
        backend: jsBackend(),
        rngs: [rng],
        model: fk,
        particles: N,
        history,
      });
      while (!smc.finished) await smc.advance();
      const options = { ...base, reversed: roundabout, pairs: 'all', functional } as const;
      const found = await run(twoFilterSmoother(options), { seed: SEED, backend: jsBackend() });
      let total = 0;
      for (let t = 0; t < 3; t++) {
        const own = forward.frames[t]!;
        const x = own.fields.x!.slice(index * N, (index + 1) * N);
        const logWeight = own.logWeight.slice(index * N, (index + 1) * N);
        const next = smc.history.frames[2 - t]!;
        const after = next.fields.x!;
        let [mass, first, second, sum] = [0, 0, 0, 0];
        for (let i = 0; i < N; i++) {
          for (let j = 0; j < N; j++) {
            const f = normal(after[j]!, rho * x[i]!, 1 - rho * rho);
            const w = Math.exp(logWeight[i]! + next.logWeight[j]! + f - normal(after[j]!, 0, 1));
            mass += w;
            first += w * x[i]!;
            second += w * x[i]! ** 2;
            sum += w * (t + 1 + x[i]! * (after[j]! + 1) + (t === 0 ? x[i]! : 0));
          }
        }
        const mean = first / mass;
        expect(found.runs.mean[index * 4 + t]).toBeCloseTo(mean, 11);
        if (count === 1) expect(found.variance.value[t]).toBeCloseTo(second / mass - mean ** 2, 11);
        total += sum / mass;
      }
      expect(found.runs.functional[index]).toBeCloseTo(total, 11);
    }
  });

  test('twoFilterSmoother(): a single step is the filter, none is nothing', async () => {
    const base = { model, reversed: reversible, particles: 50, functional } as const;
    const one = await run(twoFilterSmoother({ ...base, observations: [0.4] }), {
      seed: 1,
      backend: jsBackend(),
    });
    expect(one.functional.value[0]).toBeCloseTo(one.mean.value[0]!, 12);
    const none = await run(twoFilterSmoother({ ...base, observations: [] }), {
      seed: 1,
      backend: jsBackend(),
    });
    expect(none.mean.value.length).toBe(0);
    expect(none.estimate.value[0]).toBe(0);
  });
});
