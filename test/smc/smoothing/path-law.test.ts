import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import type { Frame } from '../../../engine/particles/history.ts';
import { run } from '../../../engine/run.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import { particleSmoother } from '../../../estimators/smc/smoothing/particle-smoother.ts';
import type { RunFrame } from '../../../estimators/smc/smoothing/run-frame.ts';
import type { SmootherOptions, SmootherResult } from '../../../estimators/smc/smoothing/smoother-types.ts';
import { expectCounts, expectRejected } from '../../support/law.ts';
import { backwardLaw, metropolisLaw, SMALL_STEPS, smallModel, smallObservations } from './small-model.ts';

/*
 * Smoothing given the particles of a filter: a tiny one, so that the law of a whole path, the product of the backward laws,
 * can be written down by going through all N^T paths, and compared with thousands of paths drawn.
 */
const SEED = 71_993;
const N = 4;
const RUNS = 2;
const PATHS = 8000;
const FILTER = {
  model: smallModel,
  observations: smallObservations,
  particles: N,
  runs: RUNS,
  scheme: 'multinomial',
} as const;

/** The particles that every smoother with this seed has. */
async function frames(threshold = 0.5): Promise<readonly Frame[]> {
  const method = particleFilter({ ...FILTER, threshold, history: { kind: 'full' } });
  return (await run(method, { seed: SEED, backend: jsBackend() })).history.frames;
}

/** Particles of a run at a step, by cutting the flat arrays. */
function particlesOf(frame: Frame, index: number): RunFrame {
  const cut = <A extends Float64Array | Uint32Array>(all: A): A => all.slice(index * N, (index + 1) * N) as A;
  const parents = frame.ancestor && cut(frame.ancestor);
  return {
    x: cut(frame.fields.x as Float64Array),
    logWeight: cut(frame.logWeight),
    parentOf: (slot) => (parents === undefined ? slot : parents[slot]! % N),
  };
}

function smooth(options: Partial<SmootherOptions>): Promise<SmootherResult> {
  return run(particleSmoother({ ...FILTER, ...options }), { seed: SEED, backend: jsBackend() });
}

type Backward = (step: number, of: (t: number) => RunFrame, from: number) => readonly number[];

/** The law of the states along a path, by their base-3 digits, when B_t follows `backward` given B_{t+1}. */
function pathLaw(all: readonly Frame[], index: number, backward: Backward): number[] {
  const of = (t: number): RunFrame => particlesOf(all[t]!, index);
  const law = new Array<number>(3 ** SMALL_STEPS).fill(0);
  const visit = (t: number, slot: number, chance: number, digits: number): void => {
    const next = digits + of(t).x[slot]! * 3 ** (SMALL_STEPS - 1 - t);
    if (t === 0) {
      law[next]! += chance;
      return;
    }
    for (const [i, p] of backward(t - 1, of, slot).entries()) if (p > 0) visit(t - 1, i, chance * p, next);
  };
  const last = of(SMALL_STEPS - 1);
  const weight = Array.from(last.logWeight, Math.exp);
  const total = weight.reduce((sum, w) => sum + w, 0);
  for (const [slot, w] of weight.entries()) visit(SMALL_STEPS - 1, slot, w / total, 0);
  return law;
}

const exactly: Backward = (t, of, from) => backwardLaw(t, of(t), of(t + 1).x[from]!);
const byMoves =
  (moves: number): Backward =>
  (t, of, from) =>
    metropolisLaw(t, of(t), of(t + 1).x[from]!, of(t + 1).parentOf(from), moves);

/** Counts of the paths of a run, by the digits of their states. */
function pathCounts({ sample }: SmootherResult, index: number): number[] {
  const counts = new Array<number>(3 ** SMALL_STEPS).fill(0);
  for (let p = index * PATHS; p < (index + 1) * PATHS; p++) {
    let digits = 0;
    for (let t = 0; t < SMALL_STEPS; t++) digits = 3 * digits + sample.points[p * SMALL_STEPS + t]!;
    counts[digits]!++;
  }
  return counts;
}

/** Cells that expect fewer than five draws, as one. */
function merged(counts: readonly number[], law: readonly number[]): [number[], number[]] {
  const [few, fewLaw] = [counts, law].map((all) =>
    all.reduce((sum, value, c) => (law[c]! * PATHS < 5 ? sum + value : sum), 0),
  );
  const kept = law.flatMap((p, c) => (p * PATHS < 5 ? [] : [c]));
  const [rest, restLaw] = fewLaw! * PATHS < 5 ? [[], []] : [[few!], [fewLaw!]];
  return [
    [...kept.map((c) => counts[c]!), ...rest],
    [...kept.map((c) => law[c]!), ...restLaw],
  ];
}

function check(result: SmootherResult, all: readonly Frame[], backward: Backward): void {
  for (let index = 0; index < RUNS; index++) {
    const [counts, law] = merged(pathCounts(result, index), pathLaw(all, index, backward));
    // Cells left out hold less than five expected draws in all.
    const total = law.reduce((sum, p) => sum + p, 0);
    expectCounts(
      counts,
      law.map((p) => p / total),
      { falseAlarm: 1e-6 / RUNS, about: `run ${index}` },
    );
  }
}

describe('paths given the particles of a filter', () => {
  test("method 'exact' draws whole paths from the product of the backward laws", async () => {
    const all = await frames();
    const late: Backward = (t, of, from) => {
      const moved = { ...of(t), logWeight: of(t + 1).logWeight };
      return backwardLaw(t, moved, of(t + 1).x[from]!);
    };
    const early: Backward = (t, of, from) => backwardLaw(t + 1, of(t), of(t + 1).x[from]!);
    const result = await smooth({ method: 'exact', paths: PATHS });
    check(result, all, exactly);
    for (const broken of [late, early, byMoves(1)]) expectRejected(() => check(result, all, broken));
  });

  test("method 'rejection' draws from the same law, also when it runs out of trials", async () => {
    const all = await frames();
    check(await smooth({ method: 'rejection', paths: PATHS }), all, exactly);
    const guarded = await smooth({ method: 'rejection', paths: PATHS, maxTrials: 1 });
    check(guarded, all, exactly);
    expect(guarded.fallbackShare).toBeGreaterThan(0.1);
  });

  test("method 'mcmc' draws by Metropolis steps from the genealogy", async () => {
    const all = await frames();
    for (const moves of [1, 2]) {
      const result = await smooth({ method: 'mcmc', paths: PATHS, moves });
      check(result, all, byMoves(moves));
      expectRejected(() => check(result, all, byMoves(3 - moves)));
    }
  });

  test("method 'mcmc' is the default and with many moves draws exactly", async () => {
    const all = await frames();
    check(await smooth({ paths: PATHS, moves: 15 }), all, exactly);
  });

  test('means, variances and sums are those of the paths', async () => {
    const functional = { names: ['crossing'], initial: square, term: crossing };
    const { mean, variance, sample, functional: sums } = await smooth({ paths: 50, runs: 1, functional });
    for (let t = 0; t < SMALL_STEPS; t++) {
      const column = Array.from({ length: 50 }, (_, p) => sample.points[p * SMALL_STEPS + t]!);
      const average = column.reduce((sum, x) => sum + x, 0) / 50;
      expect(mean.value[t]).toBeCloseTo(average, 12);
      expect(variance.value[t]).toBeCloseTo(column.reduce((sum, x) => sum + (x - average) ** 2, 0) / 50, 12);
    }
    let total = 0;
    for (let p = 0; p < 50; p++) {
      const path = sample.points.subarray(p * SMALL_STEPS, (p + 1) * SMALL_STEPS);
      total += path[0]! ** 2;
      for (let t = 1; t < SMALL_STEPS; t++) total += t * path[t - 1]! * path[t]!;
    }
    expect(sums.value[0]).toBeCloseTo(total / 50, 12);
  });
});

function square(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = x[i]! ** 2;
}

/** t x_{t-1} x_t: a wrong step changes it. */
function crossing(step: number, parent: Float64Array, x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = step * parent[i]! * x[i]!;
}

describe('methods that only trace', () => {
  // Resampled at every step, and the second run, whose slots do not start at 0.
  const threshold = 1;
  const INDEX = 1;
  const functional = { names: ['crossing'], initial: square, term: crossing };
  /** Slots of a run's particles of step `end` at step t. */
  const ancestors = (all: readonly Frame[], index: number, end: number, t: number): number[] =>
    Array.from({ length: N }, (_, i) => {
      let slot = i;
      for (let s = end; s > t; s--) slot = particlesOf(all[s]!, index).parentOf(slot);
      return slot;
    });
  const weights = (all: readonly Frame[], end: number): number[] => {
    const weight = Array.from(particlesOf(all[end]!, INDEX).logWeight, Math.exp);
    const total = weight.reduce((sum, w) => sum + w, 0);
    return weight.map((w) => w / total);
  };

  test("method 'genealogy' weighs the paths of the last particles by their weights", async () => {
    const all = await frames(threshold);
    const { runs, sample } = await smooth({ method: 'genealogy', threshold });
    const weight = weights(all, SMALL_STEPS - 1);
    expect(sample.shape).toEqual([RUNS * N, SMALL_STEPS]);
    for (let t = 0; t < SMALL_STEPS; t++) {
      const slots = ancestors(all, INDEX, SMALL_STEPS - 1, t);
      const x = slots.map((slot) => particlesOf(all[t]!, INDEX).x[slot]!);
      expect(Array.from({ length: N }, (_, i) => sample.points[(INDEX * N + i) * SMALL_STEPS + t])).toEqual(
        x,
      );
      expect(runs.mean[INDEX * SMALL_STEPS + t]).toBeCloseTo(
        x.reduce((sum, value, i) => sum + weight[i]! * value, 0),
        12,
      );
    }
    const own = sample.logWeight.subarray(INDEX * N);
    const share = own.map((lw) => Math.exp(lw - own[0]!));
    for (let i = 0; i < N; i++) expect(share[i]).toBeCloseTo(weight[i]! / weight[0]!, 12);
  });

  test("method 'fixed-lag' weighs x_t by the weights of its descendants `lag` steps later", async () => {
    const all = await frames(threshold);
    for (const lag of [1, 2, 10]) {
      const { runs } = await smooth({ method: 'fixed-lag', lag, threshold, functional });
      let total = 0;
      for (let t = 0; t < SMALL_STEPS; t++) {
        const end = Math.min(SMALL_STEPS - 1, t + lag);
        const weight = weights(all, end);
        const slots = ancestors(all, INDEX, end, t);
        const x = slots.map((slot) => particlesOf(all[t]!, INDEX).x[slot]!);
        expect(runs.mean[INDEX * SMALL_STEPS + t]).toBeCloseTo(
          x.reduce((sum, value, i) => sum + weight[i]! * value, 0),
          12,
        );
        if (t === 0) total += x.reduce((sum, value, i) => sum + weight[i]! * value ** 2, 0);
        if (t === SMALL_STEPS - 1) continue;
        const after = ancestors(all, INDEX, end, t + 1).map(
          (slot) => particlesOf(all[t + 1]!, INDEX).x[slot]!,
        );
        total += x.reduce((sum, value, i) => sum + weight[i]! * (t + 1) * value * after[i]!, 0);
      }
      expect(runs.functional[INDEX]).toBeCloseTo(total, 12);
    }
  });
});
