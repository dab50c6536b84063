import { expect, test } from 'vitest';
import { type IslandsResult, islands, moduleModel, pointwise, rngFromSeed } from '../../estimators/index.ts';
import { type NextRound, nextRound } from '../../estimators/islands/exchange.ts';
import { type IslandRows, UNBIASED } from '../../estimators/islands/island.ts';
import { islandsAnswer, mergeIslands } from '../../estimators/islands/merge.ts';
import { contract } from '../contract/sampler.ts';
import { expectCoverage, expectMeans, expectRejected } from '../support/law.ts';
import { filterOf } from './model.ts';

const SEED = 20_261_126;

/** Islands of one mean each, as their method may have left them. */
function rowsOf(
  logNormalizer: readonly number[],
  mean: readonly number[],
  { base = logNormalizer.map(() => 0), booked = 0, exchanges = 0, moved = 0, ended = true } = {},
): IslandRows {
  const R = logNormalizer.length;
  return {
    logNormalizer: Float64Array.from(logNormalizer),
    base: Float64Array.from(base),
    mean: Float64Array.from(mean),
    points: Float64Array.from(mean),
    counts: Float64Array.from({ length: 3 * R }, (_, at) => [100, 7, 2][at % 3]!),
    flags: new Uint8Array(R).fill(UNBIASED + (ended ? 2 : 0)),
    states: Uint8Array.from({ length: 2 * R }, (_, at) => at),
    kept: new Uint8Array(0),
    shared: new TextEncoder().encode(
      JSON.stringify({ names: ['x1'], dimension: 1, booked, exchanges, moved }),
    ),
  };
}

const ENDING = {
  outcome: { kind: 'converged' } as const,
  provenance: { seed: 1, backend: 'js', adapter: '', precision: 'float64' as const, version: '', notes: [] },
};

function answer(rows: IslandRows, weights: 'evidence' | 'uniform' = 'evidence'): IslandsResult {
  return islandsAnswer(rows, weights, ENDING, { done: 0, total: undefined });
}

const codes = ({ diagnostics }: IslandsResult): string[] => diagnostics.warnings.map(({ code }) => code);

test('islands: log Z is the log of the mean of Z_k, means are weighted by Z_k, with their standard errors', () => {
  const z = [1, 2, 3, 4, 2];
  const m = [10, 20, 30, 40, 50];
  const found = answer(rowsOf(z.map(Math.log), m));
  const total = z.reduce((sum, x) => sum + x);
  const mean = z.reduce((sum, x, k) => sum + (x / total) * m[k]!, 0);
  const spread = Math.sqrt(z.reduce((sum, x) => sum + (x - total / 5) ** 2, 0) / 4);
  expect(found.logNormalizer.value).toBeCloseTo(Math.log(total / 5), 14);
  expect(found.logNormalizer.standardError).toBeCloseTo(spread / ((total / 5) * Math.sqrt(5)), 14);
  expect(found.mean.value[0]).toBeCloseTo(mean, 12);
  const squares = z.reduce((sum, x, k) => sum + ((x / total) * (m[k]! - mean)) ** 2, 0);
  expect(found.mean.standardError[0]).toBeCloseTo(Math.sqrt((5 / 4) * squares), 12);
  expect(found.islands.ess).toBeCloseTo(total ** 2 / z.reduce((sum, x) => sum + x * x, 0), 12);
  expect(found.logNormalizer.unbiased).toBe(true);
  expect(found.diagnostics.evaluations).toBe(35);
  expect(codes(found)).toEqual([]);
});

test('islands: scales beyond exp, islands without mass and all of them without', () => {
  const far = answer(rowsOf([-2000, -2000, -Infinity, -2000, -2000, -2000], [1, 2, Number.NaN, 3, 4, 5]));
  expect(far.logNormalizer.value).toBeCloseTo(-2000 + Math.log(5 / 6), 10);
  expect(far.mean.value[0]).toBeCloseTo(3, 12);
  expect(far.mean.standardError[0]).toBeGreaterThan(0);
  const none = answer(rowsOf([-Infinity, -Infinity], [Number.NaN, Number.NaN]));
  expect(none.logNormalizer.value).toBe(-Infinity);
  expect(none.outcome.kind).toBe('degenerate');
  expect([none.mean.value[0], none.estimate.value[1]]).toEqual([Number.NaN, Number.NaN]);
  expect(answer(rowsOf([-Infinity, -Infinity], [0, 0]), 'uniform').mean.value[0]).toBeNaN();
});

test('islands: below R/2 effective ones there is a warning, below 4 and after exchanges no standard error', () => {
  const few = answer(rowsOf([0, 0, 0, -9, -9, -9, -9], [1, 2, 3, 4, 5, 6, 7]));
  expect(codes(few)).toEqual(['island-degeneracy']);
  expect(few.logNormalizer.standardError).toBeNaN();
  expect(few.mean.standardError[0]).toBeNaN();
  const base = [1, 1, 2, 2, 2];
  const after = answer(rowsOf([1, 2, 3, 3, 3], [1, 2, 3, 4, 5], { base, booked: 7, exchanges: 1 }));
  expect(after.logNormalizer.value).toBeCloseTo(7 + Math.log((1 + 4 * Math.E) / 5), 12);
  expect(after.logNormalizer.standardError).toBeNaN();
  expect(after.mean.standardError[0]).toBeNaN();
});

test("islands: 'uniform' takes the plain mean and warns", () => {
  const found = answer(rowsOf([0, 1, 0, 1, 0], [1, 2, 3, 4, 5]), 'uniform');
  expect(found.mean.value[0]).toBe(3);
  expect(found.mean.standardError[0]).toBeCloseTo(Math.sqrt(2.5 / 5), 12);
  expect(found.logNormalizer.value).toBeCloseTo(Math.log((3 + 2 * Math.E) / 5), 12);
  expect(codes(found)).toEqual(['uniform-islands']);
});

test('islands: summaries merge in the order of islands, whatever the pairs', () => {
  const rows = [0, 1, 2, 3, 4].map((k) => rowsOf([k], [10 * k]));
  const [a, b, c, d, e] = rows as [IslandRows, IslandRows, IslandRows, IslandRows, IslandRows];
  const left = rows.reduce(mergeIslands);
  const tree = mergeIslands(mergeIslands(mergeIslands(a, b), mergeIslands(c, d)), e);
  expect(tree).toEqual(left);
  expect([...left.logNormalizer]).toEqual([0, 1, 2, 3, 4]);
});

test('islands: an exchange books log mean Z, and takes an island within one of R v_k times, with its base', () => {
  const logs = [0, 3, 0, 2];
  const rows = rowsOf(logs, [1, 2, 3, 4], { ended: false, booked: 1 });
  const rule = { threshold: 0.5, scheme: 'systematic', stages: 0 } as const;
  const next = nextRound(rows, rule, 3, rngFromSeed(5))!;
  const total = logs.reduce((sum, l) => sum + Math.exp(l), 0);
  expect(next.booked).toBeCloseTo(1 + Math.log(total / 4), 12);
  expect(next.exchanges).toBe(1);
  expect(next.moved).toBe(next.ancestors.filter((ancestor, k) => ancestor !== k).length);
  expect(next.base).toEqual(next.ancestors.map((k) => logs[k]));
  logs.forEach((l, k) => {
    const copies = next.ancestors.filter((ancestor) => ancestor === k).length;
    expect(Math.abs(copies - (4 * Math.exp(l)) / total)).toBeLessThan(1);
  });
  expect([...next.state(3)]).toEqual([2 * next.ancestors[3]!, 2 * next.ancestors[3]! + 1]);
  const rested = nextRound(rows, { ...rule, threshold: 0.1 }, 3, rngFromSeed(5))!;
  expect(rested.ancestors).toEqual([0, 1, 2, 3]);
  expect(rested).toMatchObject({ booked: 1, exchanges: 0, base: [0, 0, 0, 0] });
  expect(nextRound(rowsOf(logs, [1, 2, 3, 4]), rule, 3, rngFromSeed(5))).toBeUndefined();
});

const pairs = { threshold: 1, scheme: 'butterfly', stages: 3 } as const;

/** L_k = log Z from the beginning less the base. */
function carried({ ancestors, base }: NextRound, logNormalizer: readonly number[]): number[] {
  return ancestors.map((a, k) => logNormalizer[a]! - base[k]!);
}

test('islands: a butterfly leaves sum Z as it is, and after log2 R stages all Z are equal', () => {
  const logs = [0, 3, -Infinity, 2, -1, 0.5, -Infinity, -4];
  const total = logs.reduce((sum, l) => sum + Math.exp(l), 0);
  const rows = rowsOf(logs, logs, { ended: false, booked: 1, base: logs.map(() => 0) });
  for (const stages of [1, 2, 3, 9]) {
    const next = nextRound(rows, { ...pairs, stages }, 3, rngFromSeed(5))!;
    const after = carried(next, logs).map(Math.exp);
    expect(after.reduce((sum, z) => sum + z)).toBeCloseTo(total, 10);
    expect(next).toMatchObject({ booked: 1, exchanges: Math.min(3, stages) });
    if (stages === 1) for (let k = 0; k < 8; k++) expect([k, k ^ 1]).toContain(next.ancestors[k]);
    if (stages > 2) for (const z of after) expect(z).toBeCloseTo(total / 8, 10);
    for (const a of next.ancestors) if (stages > 2) expect(logs[a]).toBeGreaterThan(-Infinity);
  }
  const rested = nextRound(rows, { ...pairs, threshold: 0.1 }, 3, rngFromSeed(5))!;
  expect(rested).toMatchObject({ exchanges: 0, moved: 0, ancestors: [0, 1, 2, 3, 4, 5, 6, 7] });
  // The stage after the third pairs neighbours again, the second one those two apart.
  const second = rowsOf(logs, logs, { ended: false, exchanges: 4 });
  const apart = nextRound(second, { ...pairs, stages: 1 }, 3, rngFromSeed(5))!;
  for (let k = 0; k < 8; k++) expect([k, k ^ 2]).toContain(apart.ancestors[k]);
});

test('islands: a butterfly keeps sum Z f in the mean for any f; without sharing the Z of a pair it does not', () => {
  // 2000 exchanges of 4 islands, two stages; a bias of 0.16 sd of one is caught with 99 % probability
  const logs = [0, 1.5, -1, 0.5];
  const rows = rowsOf(logs, logs, { ended: false });
  const total = logs.reduce((sum, l) => sum + Math.exp(l), 0);
  const truth = logs.map((l) => Math.exp(l) / total);
  const shared = new Float64Array(2000 * 4);
  const own = new Float64Array(2000 * 4);
  for (let run = 0; run < 2000; run++) {
    const next = nextRound(rows, { ...pairs, stages: 2 }, run, rngFromSeed(SEED))!;
    const after = carried(next, logs);
    next.ancestors.forEach((a, k) => {
      shared[4 * run + a]! += Math.exp(after[k]!) / total;
      own[4 * run + a]! += Math.exp(logs[a]!) / total;
    });
  }
  expectMeans({ runs: 2000, width: 4, values: shared }, truth);
  expectRejected(() => expectMeans({ runs: 2000, width: 4, values: own }, truth));
});

test('islands: one that lost all mass and stopped goes on from another; one that ended alone is told', () => {
  const rows = rowsOf([1, -Infinity, 0, 2], [1, 2, 3, 4], { ended: false });
  rows.flags[1]! += 2;
  const next = nextRound(rows, pairs, 0, rngFromSeed(5))!;
  expect(next.ancestors[1]).not.toBe(1);
  rows.flags[0]! += 2;
  expect(() => nextRound(rows, pairs, 0, rngFromSeed(5))).toThrow('islands do not end at the same step');
  rows.flags[2]! += 2;
  rows.flags[3]! += 2;
  expect(nextRound(rows, pairs, 0, rngFromSeed(5))).toBeUndefined();
});

test('islands: intervals of log Z and of the mean hold the truth as often as they say', () => {
  // Z_k log normal of mean 1 with variance 0.3 of its log, E[Z m] = 2: 1000 answers of 32 islands, Student with 31 degrees
  const rng = rngFromSeed(SEED);
  const hits = { logNormalizer: 0, mean: 0, halved: 0 };
  for (let run = 0; run < 1000; run++) {
    const stream = rng.stream({ purpose: 40, particle: run });
    const normals = Array.from({ length: 64 }, () => stream.normal());
    const logs = normals.slice(0, 32).map((x) => Math.sqrt(0.3) * x - 0.15);
    const means = normals.slice(32).map((x) => 2 + 0.1 * x);
    const { logNormalizer, mean } = answer(rowsOf(logs, means));
    const holds = (off: number, error: number): number => (Math.abs(off) <= 2.0395 * error ? 1 : 0);
    hits.logNormalizer += holds(logNormalizer.value, logNormalizer.standardError);
    hits.mean += holds(mean.value[0]! - 2, mean.standardError[0]!);
    hits.halved += holds(mean.value[0]! - 2, mean.standardError[0]! / 2);
  }
  expectCoverage(hits.logNormalizer, 1000);
  expectCoverage(hits.mean, 1000);
  expectRejected(() => expectCoverage(hits.halved, 1000));
});

const bad = {
  'no islands': () => islands({ method: filterOf(4), islands: 0 }),
  'no method': () => islands({ method: pointwise(() => 1) as never, islands: 2 }),
  'unknown weights': () => islands({ method: filterOf(4), islands: 2, weights: 'same' as never }),
  'uniform after exchanges': () =>
    islands({ method: filterOf(4), islands: 2, weights: 'uniform', exchange: { every: 2 } }),
  'no steps between exchanges': () => islands({ method: filterOf(4), islands: 2, exchange: { every: 0 } }),
  'a threshold above 1': () =>
    islands({ method: filterOf(4), islands: 2, exchange: { every: 1, threshold: 2 } }),
  'a butterfly of six': () =>
    islands({ method: filterOf(4), islands: 6, exchange: { every: 1, scheme: 'butterfly' } }),
  'stages of no butterfly': () =>
    islands({ method: filterOf(4), islands: 4, exchange: { every: 1, stages: 2 } }),
  'an unknown option': () => islands({ method: moduleModel('file:///a.ts'), islands: 2, runs: 2 } as never),
};
contract('islands', () => islands({ method: filterOf(4), islands: 4, draws: 8 }), { bad });
contract(
  'islands that exchange',
  () => islands({ method: filterOf(4), islands: 3, exchange: { every: 4 } }),
  {
    bad: {},
  },
);
