import { describe, expect, test } from 'vitest';
import { hostBackend } from '../../../engine/backend/host.ts';
import {
  logMeanOf,
  makeSmc,
  normal,
  randomWalk,
  rngFromSeed,
  run,
  type SchemeName,
  smcSampler,
  TAG,
} from '../../../estimators/index.ts';
import type { Course } from '../../../estimators/smc/samplers/moving.ts';
import { movingModel, NO_MOVES } from '../../../estimators/smc/samplers/moving.ts';
import { openPrior } from '../../../estimators/smc/samplers/prior.ts';
import { temperingCourse } from '../../../estimators/smc/samplers/tempering.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';

// Its arenas give memory back at once; the bits are those of plain JavaScript.
const backend = await hostBackend({ threads: 1 });
const SEED = 5_120_347;
const RUNS = 1000;

/** x ~ N(0, 1), y = 2 ~ N(x, 1/4): log Z of y ~ N(0, 5/4), up to the constant of the likelihood. */
const prior = { x: normal(0, 1) };
const EXACT = 0.5 * Math.log(0.25 / 1.25) - 4 / 2.5;
function logLikelihood(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = -2 * (x[i]! - 2) ** 2;
}

const fixed = {
  prior,
  logLikelihood,
  inverseTemperatures: [0.05, 0.25, 1],
  moves: randomWalk({ scale: 1 }),
  tune: false,
  moveCount: 2,
};

function ratios(logs: Float64Array): Replicates {
  return { runs: logs.length, width: 1, values: logs.map((l) => Math.exp(l - EXACT)) };
}

describe('exp log Z has the evidence for its mean, in 1000 runs', () => {
  // A bias of 0.23 sd of one run is caught with 99 % probability.
  const schemes: readonly SchemeName[] = [
    'systematic',
    'multinomial',
    'stratified',
    'residual',
    'ssp',
    'killing',
  ];
  test.each(schemes)('fixed temperatures and moves, %s resampling', async (scheme) => {
    for (const threshold of scheme === 'systematic' ? [0, 0.6, 1] : [1]) {
      const method = smcSampler({ ...fixed, scheme, threshold, particles: 20, runs: RUNS });
      const { runs, logNormalizer } = await run(method, { seed: SEED, backend });
      expect(logNormalizer.unbiased).toBe(true);
      expectMeans(ratios(runs.logNormalizer), 1, { about: `threshold ${threshold}` });
    }
  });

  test('a frozen schedule of adaptive choices', async () => {
    const pilot = await run(smcSampler({ prior, logLikelihood, particles: 500 }), {
      seed: SEED,
      backend,
    });
    const method = smcSampler({
      prior,
      logLikelihood,
      schedule: pilot.schedule,
      particles: 8,
      runs: 2 * RUNS,
    });
    const { runs, logNormalizer } = await run(method, { seed: SEED, backend });
    expect(logNormalizer.unbiased).toBe(true);
    expectMeans(ratios(runs.logNormalizer), 1);
    // The broken twin averages logarithms: low by half their variance, 13 of its standard errors at a spread of 0.6.
    const logs = runs.logNormalizer.map((l) => 1 + l - EXACT);
    expectRejected(() => expectMeans({ runs: 2 * RUNS, width: 1, values: logs }, 1));
  });

  test('waste-free chains', async () => {
    const { moveCount: _, ...rest } = fixed;
    const method = smcSampler({ ...rest, particles: 40, chains: 5, runs: RUNS });
    const { runs, logNormalizer } = await run(method, { seed: SEED, backend });
    expect(logNormalizer.unbiased).toBe(true);
    expectMeans(ratios(runs.logNormalizer), 1);
  });
});

describe('broken twins of the same loop', () => {
  const path = [0.05, 0.25, 1];

  /** Runs of the sampler with another course, and log Z by another book. */
  async function twin(
    change: (course: Course) => Course,
    options: { readonly threshold: number; readonly withoutBase?: boolean },
  ): Promise<Replicates> {
    const opened = openPrior('twin', prior);
    const likelihood = (x: Float64Array, n: number, out: Float64Array): void =>
      logLikelihood(x.subarray(0, n), out.subarray(0, n));
    const context = {
      where: 'twin',
      backend,
      signal: new AbortController().signal,
      dimension: 1,
      gradient: false,
    };
    const model = Array.from({ length: RUNS }, () =>
      movingModel({
        prior: opened.law,
        priorRows: opened.rows,
        course: change(temperingCourse({ where: 'twin', likelihood, essFraction: 0.5, fixed: path })),
        kernel: fixed.moves.open(context),
        particles: 20,
        chains: 20,
        moveCount: { until: 'count', most: 2 },
        tune: false,
        finalMoves: 0,
        frozen: undefined,
        report: { moved: NO_MOVES, last: NO_MOVES, tuning: {}, variance: Number.NaN, memory: Number.NaN },
      }),
    );
    const root = rngFromSeed(SEED);
    const rngs = model.map((_, r) => root.child(TAG.replicate, r));
    const smc = makeSmc({ where: 'twin', backend, model, rngs, particles: 20, threshold: options.threshold });
    const wrong = new Float64Array(RUNS);
    while (!smc.finished) {
      await smc.advance();
      for (let r = 0; r < RUNS; r++) wrong[r]! += logMeanOf(smc.summary(r), 20);
    }
    const logs = Float64Array.from(smc.runs, ({ logNormalizer }) => logNormalizer);
    smc.release();
    return ratios(options.withoutBase === true ? wrong : logs);
  }

  test('the twin without a change is the sampler', async () => {
    expectMeans(await twin((course) => course, { threshold: 0.6 }), 1);
  });

  test('a minus sign in delta log L', async () => {
    const minus = (course: Course): Course =>
      changed(course, {
        async aim(step, population, increment) {
          await course.aim(step, population, increment);
          for (let i = 0; i < increment.length; i++) increment[i] = -increment[i]!;
        },
      });
    const { values, ...shape } = await twin(minus, { threshold: 1 });
    // Its mean is infinite, and so is its standard error: cut off what is far too large.
    const cut = { ...shape, values: values.map((ratio) => Math.min(ratio, 10)) };
    expectRejected(() => expectMeans(cut, 1));
  });

  test('weights of the point after the move that keeps the next target', async () => {
    const ahead = (course: Course): Course =>
      changed(course, {
        factor() {
          const next = path[path.indexOf(course.at) + 1] ?? 1;
          return { factor: (logLikelihood) => next * logLikelihood, slope: next };
        },
      });
    const broken = await twin(ahead, { threshold: 1 });
    expectRejected(() => expectMeans(broken, 1));
  });

  test('evidence booked without the base of weights that were not resampled', async () => {
    const broken = await twin((course) => course, { threshold: 0.6, withoutBase: true });
    expectRejected(() => expectMeans(broken, 1));
  });
});

/** A course with another function, whose getters stay live. */
function changed(course: Course, change: Partial<Course>): Course {
  return Object.defineProperties(
    { ...course, ...change },
    { at: { get: () => course.at }, over: { get: () => course.over } },
  );
}
