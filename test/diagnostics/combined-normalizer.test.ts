import { expect, test } from 'vitest';
import { combinedLogNormalizer } from '../../engine/diagnostics/combined-normalizer.ts';

test('combinedLogNormalizer(): log of the mean, sd / (mean sqrt R); equal runs leave no error', () => {
  const logZ = Float64Array.from([2, 3, 7], (z) => Math.log(z) - 800);
  const { value, standardError } = combinedLogNormalizer(logZ);
  expect(value).toBeCloseTo(Math.log(4) - 800, 10);
  expect(standardError).toBeCloseTo(Math.sqrt(7) / (4 * Math.sqrt(3)), 10);
  expect(combinedLogNormalizer(new Float64Array(3)).standardError).toBeNaN();
  expect(combinedLogNormalizer(Float64Array.of(-Infinity, -Infinity)).value).toBe(-Infinity);
});
