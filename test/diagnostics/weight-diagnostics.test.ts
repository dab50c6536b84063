import { expect, test } from 'vitest';
import { weightDiagnostics } from '../../engine/diagnostics/weight-diagnostics.ts';
import { ValueError } from '../../engine/errors.ts';
import reference from '../reference/pareto.json' with { type: 'json' };

test.each(reference.cases)(
  'weightDiagnostics(): reference weights, n = $S, k = $k_true, as weights or as |w h|',
  (c) => {
    const own = Float64Array.from({ length: c.S }, (_, i) => -c.k_true * Math.log(1 - (i + 0.5) / c.S));
    // The same summands from equal weights and a function of either sign.
    const values = own.map((l, i) => (i % 2 === 0 ? 1 : -1) * Math.exp(l));
    for (const found of [weightDiagnostics(own), weightDiagnostics(new Float64Array(c.S), values)]) {
      expect(found.tail!.shape / c.k_hat).toBeCloseTo(1, 9);
      expect(found.ess / c.ess_raw).toBeCloseTo(1, 9);
      const total = own.reduce((sum, l) => sum + Math.exp(l), 0);
      expect(found.largestShare).toBeCloseTo(Math.exp(own.at(-1)!) / total, 12);
      expect(found.perplexity).toBeGreaterThan(found.ess);
    }
  },
);

test('weightDiagnostics(): equal weights count in full; a function that is 0 everywhere leaves nothing', () => {
  const equal = weightDiagnostics(new Float64Array(50).fill(-700));
  expect(equal.ess).toBeCloseTo(50, 10);
  expect(equal.perplexity).toBeCloseTo(50, 10);
  expect(equal.tail!.shape).toBe(-Infinity);
  const none = weightDiagnostics(new Float64Array(50), new Float64Array(50));
  expect(none).toEqual({ ess: 0, perplexity: 0, largestShare: Number.NaN, tail: undefined });
  expect(() => weightDiagnostics(Float64Array.of(0, Number.NaN))).toThrow(ValueError);
});
