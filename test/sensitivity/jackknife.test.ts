import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { sobolDesign } from '../../estimators/sensitivity/ask-tell.ts';
import { type Estimates, estimate } from '../../estimators/sensitivity/estimates.ts';
import { influence } from '../../estimators/sensitivity/influence.ts';
import { bootstrapIntervals } from '../../estimators/sensitivity/intervals.ts';
import { planDesign } from '../../estimators/sensitivity/plan.ts';
import { centreProgram, quantitiesOf } from '../../estimators/sensitivity/quantities.ts';
import type { EstimatorName } from '../../estimators/sensitivity/types.ts';
import { ishigami, ishigamiAt } from '../support/functions.ts';

test('BCa corrects for a value off the median of its resamples, by twice the bias where there is no acceleration', () => {
  const n = 4999;
  const resampled = Float64Array.from({ length: n }, (_, i) => Math.exp(normalQuantile((i + 1) / (n + 1))));
  for (const z0 of [-0.3, 0.2]) {
    const value = Float64Array.of(Math.exp(z0));
    const { low, high } = bootstrapIntervals('bca', value, resampled, n, 0.9, Float64Array.of(0));
    expect(Math.abs(Math.log(low[0]!) - 2 * z0 + normalQuantile(0.95))).toBeLessThan(0.01);
    expect(Math.abs(Math.log(high[0]!) - 2 * z0 - normalQuantile(0.95))).toBeLessThan(0.01);
  }
});

const N = 240;

/** Outputs [2, rows, N] of a design of independent points, skewed so that accelerations are not small. */
async function skewed(estimator: EstimatorName) {
  const sets = { closed: [['x1', 'x3']], superset: true, secondOrder: true } as const;
  const options = { inputs: ishigami().inputs, points: N, design: 'iid', estimator, ...sets } as const;
  const { layout } = planDesign('test', options);
  const { x, rows } = await sobolDesign(options, { seed: 3, backend: jsBackend() });
  const y = new Float64Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const point = x.subarray(3 * row, 3 * row + 3);
    const at = (row % layout.rows) * N + Math.floor(row / layout.rows);
    y[at] = Math.exp(ishigamiAt(point) / 8);
    y[rows + at] = Math.exp(point[0]! / 2) + point[1]!;
  }
  return { layout, y };
}

for (const estimator of ['saltelli', 'janon', 'martinez', 'azzini'] as const) {
  // The delete-one jackknife agrees to O(1/N): differences at N = 120 and 480 were up to 16/N and 1.6/N.
  test(`${estimator}: standard error and acceleration are the jackknife's, for two outputs and their aggregate`, async () => {
    const { layout, y } = await skewed(estimator);
    const quantities = quantitiesOf(layout, estimator);
    const words = centreProgram(layout);
    const columnsOf = (kept: readonly number[]) => ({
      outputs: 2,
      rows: layout.rows,
      stride: kept.length,
      y: Float64Array.from({ length: 2 * layout.rows * kept.length }, (_, i) => {
        return y[Math.floor(i / kept.length) * N + kept[i % kept.length]!]!;
      }),
    });
    const estimateOf = (kept: readonly number[]): Promise<Estimates> =>
      estimate(jsBackend(), columnsOf(kept), { from: 0, n: kept.length }, quantities, words, undefined);
    const all = Array.from({ length: N }, (_, p) => p);
    const found = influence(columnsOf(all), 0, await estimateOf(all), quantities);
    const without: Float64Array[] = [];
    for (const p of all) without.push((await estimateOf(all.filter((row) => row !== p))).values);
    let largest = 0;
    found.standardError.forEach((se, q) => {
      if (se < 1e-3) return; // an input that does nothing
      const mean = without.reduce((sum, v) => sum + v[q]! / N, 0);
      const power = (k: number): number => without.reduce((sum, v) => sum + (mean - v[q]!) ** k, 0);
      expect(Math.abs(se / Math.sqrt(((N - 1) / N) * power(2)) - 1)).toBeLessThan(25 / N);
      const acceleration = power(3) / (6 * power(2) ** 1.5);
      expect(Math.abs(found.acceleration[q]! - acceleration)).toBeLessThan(3 / N);
      largest = Math.max(largest, Math.abs(acceleration));
    });
    // A twin with the other sign, or three times the size, would be off by twice this.
    expect(largest).toBeGreaterThan(0.03);
  });
}
