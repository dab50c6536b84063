import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exactTarget } from '../../engine/diffusion/analytic-target.ts';

test('exactTarget(): the 40-component mixture cubed, 11480 products, to the twelve digits printed', () => {
  const path = new URL('../reference/tilted-mixtures.json', import.meta.url);
  const { gmm40 } = JSON.parse(readFileSync(path, 'utf8')) as {
    gmm40: {
      means: number[][];
      componentStd: number;
      exact: { logZ_originalUnits: number; mean: number[]; cov: number[][] };
    };
  };
  const { means, componentStd, exact } = gmm40;
  const variance = componentStd ** 2;
  const covariances = means.map(() => [
    [variance, 0],
    [0, variance],
  ]);
  const found = exactTarget({ experts: [{ means, covariances }], exponents: [3] });
  expect(found.logNormalizer).toBeCloseTo(exact.logZ_originalUnits, 9);
  found.mean.forEach((m, c) => void expect(m).toBeCloseTo(exact.mean[c]!, 8));
  found.covariance.forEach((v, at) => void expect(v).toBeCloseTo(exact.cov.flat()[at]!, 6));
});
