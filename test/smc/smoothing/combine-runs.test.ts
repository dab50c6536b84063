import { expect, test } from 'vitest';
import { combineMeans, combineMoments } from '../../../estimators/smc/smoothing/combine-runs.ts';

const mean = Float64Array.of(1, 10, 4, 12, 2, 9);
const variance = Float64Array.of(0.5, 2, 0.7, 1, 0.2, 3);
const logWeight = Float64Array.of(-700, -701, -699.5);

/** Weighted means and variances over the runs that are kept, column by column. */
function pooled(keep: readonly number[], column: number): { m: number; v: number } {
  const weight = keep.map((r) => Math.exp(logWeight[r]! + 700));
  const total = weight.reduce((sum, w) => sum + w, 0);
  const m = keep.reduce((sum, r, i) => sum + (weight[i]! / total) * mean[2 * r + column]!, 0);
  const second = keep.reduce((sum, r, i) => {
    const at = 2 * r + column;
    return sum + (weight[i]! / total) * (variance[at]! + (mean[at]! - m) ** 2);
  }, 0);
  return { m, v: second };
}

test('combineMoments(): mixture moments, with the jackknife by leaving out each run', () => {
  const found = combineMoments(mean, variance, logWeight);
  for (const c of [0, 1]) {
    const all = pooled([0, 1, 2], c);
    const without = [pooled([1, 2], c), pooled([0, 2], c), pooled([0, 1], c)];
    const error = (off: readonly number[]): number =>
      Math.sqrt((2 / 3) * off.reduce((sum, x) => sum + x * x, 0));
    expect(found.mean.value[c]).toBeCloseTo(all.m, 12);
    expect(found.variance.value[c]).toBeCloseTo(all.v, 12);
    expect(found.mean.standardError[c]).toBeCloseTo(error(without.map(({ m }) => m - all.m)), 12);
    expect(found.variance.standardError[c]).toBeCloseTo(error(without.map(({ v }) => v - all.v)), 12);
  }
});

test('combineMeans(): with equal weights the error is sd / sqrt R', () => {
  const { value, standardError } = combineMeans(Float64Array.of(1, 2, 6), new Float64Array(3));
  expect(value[0]).toBeCloseTo(3, 14);
  expect(standardError[0]).toBeCloseTo(Math.sqrt(7 / 3), 14);
});

test('combineMeans(): a run that outweighs the others does not make the error small', () => {
  const { standardError } = combineMeans(Float64Array.of(1, 2, 6), Float64Array.of(0, -20, -20));
  // Without the heavy run the estimate would be 4, not 1.
  expect(standardError[0]).toBeCloseTo(Math.sqrt((2 / 3) * 9), 6);
});

test('runs without weight may hold NaN; where fewer than two count there is no error', () => {
  const values = Float64Array.of(Number.NaN, 2, 6);
  const two = combineMeans(values, Float64Array.of(-Infinity, 0, 0));
  expect(two.value[0]).toBe(4);
  expect(two.standardError[0]).toBeGreaterThan(0);
  const one = combineMeans(values, Float64Array.of(-Infinity, 0, -Infinity));
  expect([one.value[0], one.standardError[0]]).toEqual([2, Number.NaN]);
  const none = combineMeans(values, new Float64Array(3).fill(-Infinity));
  expect([none.value[0], none.standardError[0]]).toEqual([Number.NaN, Number.NaN]);
});
