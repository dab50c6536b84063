import { describe, expect, test } from 'vitest';
import {
  type Families,
  relativeVariance,
  standardErrorOfMean,
  varianceOfLogNormalizer,
} from '../../engine/diagnostics/genealogy-variance.ts';
import { ShapeError } from '../../engine/errors.ts';

const families = (family: readonly number[], resamplings: number): Families => ({
  family: Uint32Array.from(family),
  resamplings,
});
const each = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('relativeVariance()', () => {
  test('at step 0 it is the sample variance of the weights over N, relative to their mean squared', () => {
    const weight = Float64Array.of(1, 2, 4, 5);
    const variance = (4 + 1 + 1 + 4) / 3;
    expect(relativeVariance(weight, families([0, 1, 2, 3], 0))).toBeCloseTo(variance / 4 / 9, 14);
  });

  test('by hand: shares 1/2, 1/3, 1/6 of four particles after two resamplings', () => {
    const weight = Float64Array.of(2, 1, 2, 1);
    const squares = 1 / 4 + 1 / 9 + 1 / 36;
    const wanted = 1 - (4 / 3) ** 3 * (1 - squares);
    expect(relativeVariance(weight, families([7, 4, 5, 7], 2))).toBeCloseTo(wanted, 14);
  });

  test('Z^2 V(1) is exactly unbiased for Var(Z): all paths of small particle systems, with every trigger', () => {
    for (const [n, steps, threshold] of [
      [2, 1, 2],
      [2, 3, 2],
      [3, 2, 2],
      [2, 3, 0],
      [2, 3, 0.9],
      [3, 2, 0.8],
    ] as const) {
      const { variance, estimate, shorter } = enumerate(n, steps, threshold);
      expect(estimate / variance, `N = ${n}, T = ${steps}`).toBeCloseTo(1, 11);
      // The exponent r instead of r + 1: the broken twin.
      expect(Math.abs(shorter / variance - 1)).toBeGreaterThan(0.1);
    }
  });
});

/**
 * Every outcome of a particle filter on two states with multinomial resampling when the effective size is below
 * `threshold` n (2: at each step, 0: never): Var(Z), E[Z^2 V(1)], and the same with one power of the factor missing.
 */
function enumerate(
  n: number,
  steps: number,
  threshold: number,
): { variance: number; estimate: number; shorter: number } {
  const initial = [0.3, 0.7];
  const move = [
    [0.8, 0.2],
    [0.4, 0.6],
  ];
  const potential = [
    [1, 3],
    [2, 0.5],
    [0.25, 1.5],
  ];
  const total = { z: 0, square: 0, estimate: 0, shorter: 0 };
  const finish = (p: number, z: number, { weight, eve, r }: Lineage): void => {
    const v = relativeVariance(Float64Array.from(weight), families(eve, r));
    total.z += p * z;
    total.square += p * z * z;
    total.estimate += p * z * z * v;
    total.shorter += p * z * z * (1 - ((1 - v) * (n - 1)) / n);
  };
  const visit = (t: number, p: number, z: number, parent: Lineage): void => {
    for (const moved of tuples(2, n)) {
      const law = (i: number): number => (t === 0 ? initial : move[parent.x[i]!]!)[moved[i]!]!;
      const chance = each(n).reduce((q, i) => q * law(i), p);
      const weight = each(n).map((i) => parent.weight[i]! * potential[t]![moved[i]!]!);
      const level = (z * sumOf(weight)) / sumOf(parent.weight);
      const now = { ...parent, x: moved, weight };
      const ess = sumOf(weight) ** 2 / sumOf(weight.map((w) => w * w));
      if (t + 1 === steps) finish(chance, level, now);
      else if (ess < threshold * n) select(t, chance, level, now);
      else visit(t + 1, chance, level, now);
    }
  };
  const select = (t: number, p: number, z: number, { x, weight, eve, r }: Lineage): void => {
    for (const a of tuples(n, n)) {
      const chance = a.reduce((q, i) => (q * weight[i]!) / sumOf(weight), p);
      const at = {
        x: a.map((i) => x[i]!),
        eve: a.map((i) => eve[i]!),
        weight: each(n).map(() => 1),
        r: r + 1,
      };
      visit(t + 1, chance, z, at);
    }
  };
  visit(0, 1, 1, { x: each(n), weight: each(n).map(() => 1), eve: each(n), r: 0 });
  const { z, square, estimate, shorter } = total;
  return { variance: square - z * z, estimate, shorter };
}

interface Lineage {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly eve: readonly number[];
  readonly r: number;
}

function sumOf(x: readonly number[]): number {
  return x.reduce((a, b) => a + b, 0);
}

/** All vectors of `length` numbers below `base`. */
function tuples(base: number, length: number): number[][] {
  return Array.from({ length: base ** length }, (_, code) =>
    each(length).map((i) => Math.floor(code / base ** i) % base),
  );
}

describe('varianceOfLogNormalizer()', () => {
  const weight = Float64Array.of(1, 3, 2, 2);
  const eves = families([0, 1, 2, 0], 5);

  test('V(1) under multinomial resampling, else the uncorrected sum, labelled', () => {
    const squares = (9 + 9 + 4) / 64;
    const exact = varianceOfLogNormalizer(weight, eves, 'multinomial');
    expect(exact.method).toBe('lee-whiteley');
    expect(exact.variance).toBeCloseTo(1 - (4 / 3) ** 6 * (1 - squares), 14);
    const other = varianceOfLogNormalizer(weight, eves, 'systematic');
    expect(other.method).toBe('heuristic');
    expect(other.variance).toBeCloseTo(squares, 15);
    expect(other.standardError).toBeCloseTo(Math.sqrt(squares), 15);
  });

  test('before the first resampling V(1) holds whatever the scheme', () => {
    const fresh = families([0, 1, 2, 3], 0);
    const { method, variance } = varianceOfLogNormalizer(weight, fresh, 'systematic');
    expect(method).toBe('lee-whiteley');
    expect(variance).toBe(relativeVariance(weight, fresh));
    expect(varianceOfLogNormalizer(new Float64Array(4).fill(3), fresh, 'systematic').variance).toBeCloseTo(0);
  });

  test('a negative estimate is told as such', () => {
    const { variance, negative, standardError } = varianceOfLogNormalizer(
      new Float64Array(4).fill(1),
      families([0, 1, 2, 3], 3),
      'multinomial',
    );
    expect(variance).toBeCloseTo(1 - (4 / 3) ** 4 * (3 / 4), 14);
    expect(negative).toBe(true);
    expect(standardError).toBeNaN();
  });

  test('nothing where there is nothing to tell: one particle, one family, no scheme, all dead', () => {
    const one = varianceOfLogNormalizer(Float64Array.of(1), families([0], 3), 'multinomial');
    const alone = varianceOfLogNormalizer(weight, families([2, 2, 2, 2], 3), 'multinomial');
    const alive = varianceOfLogNormalizer(Float64Array.of(0, 0, 1, 1), families([0, 1, 2, 2], 3), 'residual');
    const dependent = varianceOfLogNormalizer(weight, eves, undefined);
    const dead = varianceOfLogNormalizer(new Float64Array(4), eves, 'multinomial');
    for (const { variance, standardError, method, negative } of [one, alone, alive, dependent, dead]) {
      expect(variance).toBeNaN();
      expect(standardError).toBeNaN();
      expect(method).toBe('none');
      expect(negative).toBe(false);
    }
  });

  test('families are counted among the living, and few of them are warned about', () => {
    // First and last alike: comparing the two would call this one family.
    expect(varianceOfLogNormalizer(weight, eves, 'multinomial').families).toBe(3);
    expect(varianceOfLogNormalizer(Float64Array.of(1, 0, 2, 2), eves, 'multinomial').families).toBe(2);
    const many = (distinct: number): Families =>
      families(
        each(60).map((i) => i % distinct),
        2,
      );
    const equal = new Float64Array(60).fill(1);
    expect(varianceOfLogNormalizer(equal, many(20), 'multinomial').warnings).toEqual([]);
    const [warning] = varianceOfLogNormalizer(equal, many(19), 'multinomial').warnings;
    expect(warning).toMatchObject({ code: 'variance-from-few-families', value: 19, threshold: 20 });
    expect(warning!.message.length).toBeLessThan(240);
  });

  test('labels may start anywhere, as those of one of several runs do', () => {
    const moved = { family: eves.family.map((k) => k + 4_000_000_000), resamplings: 5 };
    expect(varianceOfLogNormalizer(weight, moved, 'multinomial')).toEqual(
      varianceOfLogNormalizer(weight, eves, 'multinomial'),
    );
  });

  test('families of another length are a ShapeError', () => {
    expect(() => varianceOfLogNormalizer(weight, families([0, 1], 0), 'multinomial')).toThrow(ShapeError);
  });
});

describe('standardErrorOfMean()', () => {
  test('by hand on E = (0, 1, 2, 0), which is not one family', () => {
    const weight = Float64Array.of(1, 3, 2, 2);
    const {
      value,
      standardError,
      families: count,
    } = standardErrorOfMean(weight, Float64Array.of(1, 2, 4, 6), families([0, 1, 2, 0], 1));
    // Mean 27/8; families sum to (-19 + 42) / 64, -33 / 64 and 10 / 64.
    expect(value[0]).toBe(27 / 8);
    expect(count).toBe(3);
    const squares = (23 ** 2 + 33 ** 2 + 10 ** 2) / 64 ** 2;
    expect(standardError[0]).toBeCloseTo(Math.sqrt((4 / 3) ** 2 * squares), 14);
  });

  test('without resampling it is the standard error of independent draws', () => {
    const x = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const mean = x.reduce((a, b) => a + b, 0) / 50;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / 49;
    const { standardError, method } = standardErrorOfMean(
      new Float64Array(50).fill(2),
      x,
      families(each(50), 0),
    );
    expect(method).toBe('genealogy');
    expect(standardError[0]).toBeCloseTo(Math.sqrt(variance / 50), 14);
  });

  test('columns stand for themselves, and dead rows are not read', () => {
    const weight = Float64Array.of(1, 0, 2, 2);
    const eves = families([0, 1, 2, 0], 1);
    const single = (x: readonly number[]): ReturnType<typeof standardErrorOfMean> =>
      standardErrorOfMean(weight, Float64Array.from(x), eves);
    const both = standardErrorOfMean(weight, Float64Array.of(1, 5, Number.NaN, 7, 4, 0, 6, 2), eves);
    const first = single([1, Number.NaN, 4, 6]);
    const second = single([5, Number.NaN, 0, 2]);
    expect([...both.standardError]).toEqual([first.standardError[0], second.standardError[0]]);
    expect([...both.value]).toEqual([first.value[0], second.value[0]]);
  });

  const equal = new Float64Array(200).fill(1);
  const values = Float64Array.from({ length: 200 }, (_, i) => Math.cos(i));
  const distinct = (count: number, resamplings: number): Families =>
    families(
      each(200).map((i) => i % count),
      resamplings,
    );
  const lagged =
    (counts: Readonly<Record<number, number>>) =>
    (lag: number): Families | undefined =>
      counts[lag] === undefined ? undefined : distinct(counts[lag], lag);

  test('20 families: the genealogy; fewer: the longest lag with 50 distinct ancestors, and a warning', () => {
    const full = standardErrorOfMean(equal, values, distinct(20, 90), lagged({ 20: 40, 10: 70, 5: 100 }));
    expect([full.method, full.lag, full.families, full.warnings.length]).toEqual([
      'genealogy',
      Number.NaN,
      20,
      0,
    ]);
    const few = standardErrorOfMean(equal, values, distinct(19, 90), lagged({ 20: 40, 10: 70, 5: 100 }));
    expect([few.method, few.lag, few.families]).toEqual(['lag', 10, 70]);
    expect(few.warnings).toMatchObject([{ code: 'variance-from-few-families', value: 19, threshold: 20 }]);
    expect(few.lags.map((at) => [at.lag, at.families])).toEqual([
      [20, 40],
      [10, 70],
      [5, 100],
    ]);
    // Advice that can be followed: a window only where there may be one.
    const forgotten = standardErrorOfMean(equal, values, distinct(19, 90), lagged({})).warnings[0]!;
    expect(forgotten.message).toContain('window of 20 steps');
    const alone = standardErrorOfMean(equal, values, distinct(19, 90)).warnings[0]!;
    expect(alone.message).toMatch(/Use more particles, or runs side by side\.$/);
    const at10 = standardErrorOfMean(equal, values, distinct(70, 10)).standardError[0];
    expect(few.standardError[0]).toBe(at10);
  });

  test('no lag with 50 distinct ancestors: the shortest; none remembered: the genealogy as it is', () => {
    const shortest = standardErrorOfMean(equal, values, distinct(3, 90), lagged({ 20: 5, 10: 20, 5: 30 }));
    expect([shortest.method, shortest.lag]).toEqual(['lag', 5]);
    const alone = standardErrorOfMean(equal, values, distinct(3, 90));
    expect([alone.method, alone.families, alone.warnings.length]).toEqual(['genealogy', 3, 1]);
  });

  test('one family everywhere is NaN, never 0', () => {
    const { standardError, method } = standardErrorOfMean(
      equal,
      values,
      distinct(1, 90),
      lagged({ 20: 1, 10: 1, 5: 1 }),
    );
    expect(method).toBe('none');
    expect(standardError[0]).toBeNaN();
    const single = standardErrorOfMean(Float64Array.of(1), Float64Array.of(3), families([0], 0));
    expect([single.value[0], single.standardError[0], single.method]).toEqual([3, Number.NaN, 'none']);
  });
});
